#ifndef FAAS_CMD_EXTEND_H
#define FAAS_CMD_EXTEND_H

/*
 * Commands that are not ours: alias.<name> of the configuration, then programs
 * named faas-<name> on PATH. Neither can take the name of a command.
 */

#include "cmd/global.h"

/*
 * When argv[1] is an alias: a new argv, argv[0] first, with its words in place of
 * it, in one block to be freed, and their number. 0 if it is not one, -1 with *err
 * set.
 */
int extend_alias(int argc, char **argv, char ***ret_words, struct error *err);

/*
 * Becomes faas-<argv[1]>, which gets the global options in front of its own words
 * and --context as FAAS_CONTEXT. Returns 0 if there is none, -1 if it cannot run.
 */
int extend_program(const struct globals *g, int argc, char **argv, struct error *err);

#endif
