#ifndef FAAS_CMD_EXECUTE_H
#define FAAS_CMD_EXECUTE_H

/* `faas execute`, and commands that are it with something already said. */

#include <jansson.h>

#include "cmd/command.h"
#include "cmd/run-options.h"

struct execute_args {
	struct run_options run;
	int tty;			/* OPT_TRI */
	bool detach, log, no_stdin, interactive;
	bool cached, explain;		/* of a command that has them; no option here */
	const char *id_file, *status_file;
	int status_fd;
	struct opt_rest words;
	bool whole_record;		/* of a command that needs it; no option */
};

#define EXECUTE_OPTIONS							\
	RUN_OPTIONS(struct execute_args, run),				\
	OPT_GROUP("Input and output"),					\
	OPT_TRI('t', 'T', "tty", struct execute_args, tty,		\
		"give the program a terminal (default: when stdin and stdout are one)"), \
	OPT_FLAG('i', "interactive", struct execute_args, interactive,	\
		 "pass stdin on, which is the default", .hidden = true), \
	OPT_FLAG('n', "no-stdin", struct execute_args, no_stdin,	\
		 "give the program an empty stdin"),			\
	OPT_FLAG('d', "detach", struct execute_args, detach,		\
		 "print the execution's id and leave it running"),	\
	OPT_FLAG(0, "log", struct execute_args, log,			\
		 "show the output and keep it, for 'faas execution logs'"),	\
	OPT_INT(0, "status-fd", "fd", struct execute_args, status_fd,	\
		"write the result as one line of JSON to descriptor <fd>"), \
	OPT_STR(0, "status-file", "file", struct execute_args, status_file, HINT_FILE, \
		"write the result as one line of JSON to <file>"),	\
	OPT_STR(0, "id-file", "file", struct execute_args, id_file, HINT_FILE, \
		"write the execution's id to <file> when it starts"),	\
	OPERAND_REST("code", struct execute_args, words,		\
		     "code, or a file and its arguments, or '--' and a command")

int execute_run(struct ctx *ctx, const void *args, struct error *err);
/* The same; *ret, the caller's, is the execution's record, or NULL if it has not ended. */
int execute_run_for(struct ctx *ctx, const struct execute_args *args, json_t **ret,
		    struct error *err);

#endif
