#ifndef FAAS_CMD_GLOBAL_H
#define FAAS_CMD_GLOBAL_H

/*
 * The options that every command has, before or after its name. A command's own
 * option of the same letter or name wins, after its name.
 */

#include "cmd/command.h"

struct globals {
	const char *context;
	const char *dir;
	const char *color;
	bool json, quiet, verbose, no_input, no_pager, help, version;
};

extern const struct opt global_opts[];

/* Does cmd's own table hide this global option's name? */
bool global_is_hidden_by(const struct opt *global, const struct cmd *cmd);

/* Where an option's value comes from when it is not given. */
extern const struct opt_source global_source;

/*
 * Makes ctx from the options; reads the configuration unless cmd can do without.
 * The configuration is kept for the rest of the process.
 */
int global_apply(const struct globals *g, const struct cmd *cmd, struct ctx *ctx,
		 struct error *err) _must_check_;
/* The configuration, read at the first call; NULL with *err set when it is bad. */
const struct config *global_config(struct error *err);
/*
 * What the client and the executor take from the environment may also be configured:
 * sets these variables from the configuration, unless they are set.
 */
int global_export(struct error *err) _must_check_;

#endif
