#ifndef FAAS_CLIENT_CODE_H
#define FAAS_CLIENT_CODE_H

/*
 * From code, a file or a command to the steps of execution.create, in a language or
 * none. What a person typed is told apart by guess; a program says which it is.
 */

#include <jansson.h>

#include "lib/client/execution.h"
#include "lib/lang/lang.h"

enum code_kind {
	CODE_GUESS,			/* a file if there is one of that name; "-": stdin */
	CODE_TEXT,			/* words[0] is code, whatever it looks like */
	CODE_FILE,			/* words[0] is a path */
};

struct code_request {
	enum code_kind kind;
	const char *environment;
	const char *language;		/* or NULL */
	const char *workdir;		/* absolute, or NULL for /work */
	char *const *words;		/* NULL-ended */
	int n_words;
	bool literal;			/* the words are argv, exactly */
};

struct code_plan {
	json_t *steps;			/* for execution.create */
	bool shell;			/* the first word is the shell, whichever that is */
	json_t *variables;		/* defaults of the language, or NULL */
	const char *language;		/* canonical name, or NULL */
	char sha256[65];		/* of the code, or "" */
	struct execution_file file;	/* the program's text; n_files of them */
	int n_files;
	int fd;				/* owned: what file is copied from, or -1 */
	char source[256];
};

int code_plan(struct client *client, const struct code_request *request,
	      struct code_plan *ret, struct error *err) _must_check_;
void code_plan_release(struct code_plan *plan);
/* Is a word that a person typed a file, and not code? */
bool code_is_file(const char *word);

#endif
