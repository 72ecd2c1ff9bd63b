#ifndef FAAS_CMD_COMMAND_H
#define FAAS_CMD_COMMAND_H

/*
 * Commands
 * ========
 *
 * To add `faas frob`:
 *
 * 1. write cmd/frob.c: an args struct, an option table, a run function and
 *    one `const struct cmd cmd_frob` at the end;
 * 2. add X(frob) to COMMANDS below, where it belongs in `faas help`;
 * 3. write man/faas-frob.1.in (prose; the rest comes from the table) and
 *    tests/cli/NN-frob.bats;
 * 4. make generate.
 *
 * Nothing else: the Makefile takes every C file in cmd/, and `make check` fails if
 * one of the three is missing.
 *
 * A run function returns the exit status, or -1 with *err set. It prints
 * results through cmd/output.h only; it reads no environment and no
 * configuration but through its option table (.config, .env); it never exits.
 */

#include <stdio.h>

#include "lib/base/error.h"
#include "lib/cli/opt.h"

/* In the order `faas help` shows them. */
#define COMMANDS(X)	\
	X(execute)	\
	X(execution)	\
	X(batch)	\
	X(env)		\
	X(snapshot)	\
	X(branch)	\
	X(instance)	\
	X(chain)	\
	X(try)		\
	X(race)		\
	X(map)		\
	X(compare)	\
	X(merge)	\
	X(diff)		\
	X(language)	\
	X(executor)	\
	X(doctor)	\
	X(completion)	\
	X(config)	\
	X(version)	\
	X(help)		\
	X(__names)

enum cmd_flags {
	CMD_PASSES_STATUS	= 1 << 0,	/* exits as what it ran did; own failures 125 */
	CMD_HIDDEN		= 1 << 1,	/* neither in help nor completed */
	CMD_NO_CONFIG		= 1 << 2,	/* runs even if the config files are broken */
	CMD_HERE		= 1 << 3,	/* asks no executor: any context will do */
};

enum color_mode { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

struct config;

/* What a command is given from the global options; it reads no others. */
struct ctx {
	FILE *out;		/* results only; messages go to stderr */
	const char *context;	/* --context, FAAS_CONTEXT, config, or "local" */
	bool json;		/* --json: JSON on stdout, errors too */
	bool quiet;		/* -q: ids only, no chatter */
	bool verbose;		/* -v */
	bool no_input;		/* --no-input: never prompt */
	bool color;		/* resolved: may ctx->out be coloured? */
	const char *command;	/* full name, "execution list" */
	bool out_tty;		/* is ctx->out a terminal? */
	bool err_tty;
	bool no_pager;
	const struct config *config;	/* NULL for CMD_NO_CONFIG */
};

struct cmd {
	const char *name;
	const char *summary;	/* one line: lower case, imperative, no stop */
	const char *const *aliases;	/* other names ("run"), NULL-ended, or NULL */
	unsigned int flags;
	size_t args_size;
	const struct opt *opts;
	const struct cmd *const *subs;	/* NULL-ended; opts and run, if any, are for */
					/* words that name none: faas branch SNAP */
	/* Returns the exit status, or -1 with *err set. */
	int (*run)(struct ctx *ctx, const void *args, struct error *err);
	const char *const *examples;	/* "faas run 'echo hi'", NULL-ended, or NULL */
};

#define X(name) extern const struct cmd cmd_##name;
COMMANDS(X)
#undef X

extern const struct cmd *const commands[];	/* NULL-ended */

/* A command of the list by its name or an alias, or NULL. */
const struct cmd *cmd_find(const struct cmd *const *list, const char *name);

/*
 * Walks words ("snapshot", "create") down from commands as far as they name
 * commands; the number walked is in *ret_n. NULL when the first does not.
 */
const struct cmd *cmd_walk(char *const *words, int n, int *ret_n);

/* The visible name nearest to word, or NULL; for "did you mean". */
const char *cmd_nearest(const struct cmd *const *list, const char *word);

#endif
