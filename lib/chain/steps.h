#ifndef FAAS_CHAIN_STEPS_H
#define FAAS_CHAIN_STEPS_H

/*
 * The steps of a chain
 * ====================
 *
 * From a file in the form of a Dockerfile, of which it is a strict part:
 *
 *	# a comment
 *	FROM host			what it begins with, before all steps
 *	WORKDIR /app			is made, and is where the next steps are
 *	COPY requirements.txt .		SOURCE... DESTINATION, or ["SOURCE", "DESTINATION"]
 *	ENV DEBUG=1 NAME="two words"	for the next steps
 *	RUN pip install \		by the shell; or ["program", "argument"]
 *	    -r requirements.txt
 *
 * Nothing else is understood, and nothing is passed over: what has no meaning here
 * is an error with file and line. A '$' in COPY, ENV, WORKDIR and FROM would be a
 * variable in a Dockerfile; here it must be quoted, '$' or \$, and is itself.
 *
 *	CLEANUP_STEPS struct steps steps = { 0 };
 *
 *	if (steps_parse(text, size, "Chainfile", &steps, err) < 0)
 *		return -1;
 */

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/error.h"

enum { STEPS_MAX_COUNT = 256, STEPS_MAX_SIZE = 1 << 20 };

enum step_kind { STEP_RUN, STEP_COPY, STEP_ENV, STEP_WORKDIR };

struct step {
	enum step_kind kind;
	int line;		/* of the file where it begins; 0: of a command line */
	bool shell;		/* RUN: words[0] is for the shell */
	bool anywhere;		/* COPY: of the user's own, not of a file's author */
	char **words;		/* RUN: argv; COPY: sources, then the destination; ENV: */
	int n;			/* "NAME=value"; WORKDIR: an absolute path */
	char *text;		/* as it was written, on one line */
};

struct steps {
	struct step *v;
	int n;
	char *base;		/* of FROM, or NULL */
};

/* name: for messages. Whatever came before in *to stays; steps_release() either way. */
int steps_parse(const char *text, size_t size, const char *name, struct steps *to,
		struct error *err) _must_check_;
/*
 * An option's: "run" or "layer" CODE, "copy" SRC[:DST], "set" or "variable" NAME=value,
 * "workdir" DIR.
 */
int steps_add(struct steps *to, const char *option, const char *value, struct error *err)
	_must_check_;
/* "RUN", "COPY", ... */
const char *step_name(enum step_kind kind);
void steps_release(struct steps *steps);
#define CLEANUP_STEPS	__attribute__((cleanup(steps_release)))

#endif
