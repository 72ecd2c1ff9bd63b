#ifndef FAAS_CLIENT_BATCH_H
#define FAAS_CLIENT_BATCH_H

/*
 * One line of a batch
 * ===================
 *
 * A JSON object that says what to run. Exactly one of
 *
 *	code		text, in "language" or for the shell
 *	file		path of a program here
 *	argv		array: a command of the environment and its arguments
 *
 * and, as they are wanted,
 *
 *	id		text or number; comes back in the result
 *	args		array: arguments of the code or file
 *	language environment mode workdir user name network
 *			text ("lang" and "env" are the same as the first two)
 *	env_vars labels	object, text to text
 *	files		array of SRC or SRC:DST
 *	stdin		text, or {"base64": "..."}
 *	timeout grace	"30s", or a number of milliseconds
 *	memory disk io	"64M", or a number of bytes
 *	cpus		number, such as 0.5
 *	pids		number
 *	allow_degraded	true or false
 *
 * Any other field is refused by its name.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/cleanup.h"
#include "lib/base/error.h"

/* Strings that live as long as the request; v is NULL-ended. */
struct batch_texts {
	const char **v;
	int n;
	bool made;		/* the strings are ours, not the document's */
};

struct batch_request {
	json_t *doc;
	const json_t *id;	/* or NULL */
	enum batch_kind { BATCH_CODE, BATCH_FILE, BATCH_ARGV } kind;
	struct batch_texts words;	/* the code, file or program first */
	const char *language, *environment, *mode, *workdir, *user, *name, *network;
	struct batch_texts variables, labels;	/* "NAME=value" */
	struct batch_texts files;
	uint64_t timeout_ms, grace_ms, memory, disk, io, cpus, pids;	/* 0: not given */
	bool allow_degraded;
	char *input;		/* of its stdin, or NULL */
	size_t input_len;
};

/*
 * *ret is to be released either way; after an error, its id is there if the line
 * had one that could be read.
 */
int batch_parse(const char *line, size_t len, struct batch_request *ret, struct error *err)
	_must_check_;
void batch_release(struct batch_request *r);

#endif
