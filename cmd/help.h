#ifndef FAAS_CMD_HELP_H
#define FAAS_CMD_HELP_H

/*
 * Everything that turns a table into text for people. `faas help`, the man
 * pages and the completions are all printed from here.
 */

#include <stdio.h>

#include "cmd/command.h"

enum { HELP_EXAMPLES = 3 };	/* in `faas` without arguments */

/* "--timeout=<time>", "--[no-]tty", "<function>", "<args>..." */
void help_word(FILE *out, const struct opt *o);
/* "-t, -T, --[no-]tty" */
void help_words(FILE *out, const struct opt *o);
/* " (default: 30s) [FAAS_TIMEOUT]", or nothing */
void help_remarks(FILE *out, const struct opt *o);
/* The variable that gives the option its value, or NULL. */
const char *help_variable(const struct opt *o);
/* start, then " [-k | --keep] <function>...", wrapped and aligned */
void help_synopsis(FILE *out, const char *start, const struct cmd *cmd);
/* What --help prints; path is "faas snapshot create". */
void help_command(FILE *out, const char *path, const struct cmd *cmd);
void help_overview(FILE *out);		/* `faas` alone */
void help_all(FILE *out);		/* every command with its summary */
void help_tree(FILE *out);
void help_exit_codes(FILE *out);
void help_tutorial(FILE *out);
void help_config_keys(FILE *out);

#endif
