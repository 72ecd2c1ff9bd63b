#ifndef FAAS_CMD_NAMES_H
#define FAAS_CMD_NAMES_H

/*
 * Live names for completion
 * =========================
 *
 * `faas __names environment` prints the names that a value with HINT_ENVIRONMENT
 * can have, one per line, each with a tab and a description if there is one. The
 * shells call it at every <tab>, so a source
 *
 * - answers in 50 ms or not at all;
 * - never prompts, never starts an executor, never waits for the network;
 * - prints nothing when it cannot know: an error of its own is dropped.
 *
 * To answer for another hint, write such a function in the file of its command and
 * add a line here.
 */

#include "cmd/command.h"

#define NAMES(X)							\
	X(SUBCOMMAND,	names_subcommands)				\
	X(EXECUTION,	names_executions)				\
	X(ENVIRONMENT,	names_environments)				\
	X(INSTANCE,	names_instances)				\
	X(SNAPSHOT,	names_snapshots)				\
	X(BRANCH,	names_branches)					\
	X(LANGUAGE,	names_languages)				\
	X(CONFIG,	names_config_keys)

#define X(hint, fn) int fn(struct ctx *ctx, struct error *err);
NAMES(X)
#undef X

#endif
