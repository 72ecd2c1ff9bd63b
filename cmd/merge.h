#ifndef FAAS_CMD_MERGE_H
#define FAAS_CMD_MERGE_H

/* What the files of `faas merge` share. */

#include <jansson.h>

#include "cmd/output.h"

struct merge_args {
	struct out_opts out;
	const char *into, *strategy, *conflict, *name, *comment, *to, *path;
	bool dry_run;
	struct opt_strs theirs;
};

extern const struct cmd cmd_branch_merge;	/* faas branch merge */

/* faas merge BRANCH --to DIR */
int merge_to_folder(struct ctx *ctx, const struct merge_args *args, struct error *err);
/* The outcome, and the exit status that it has. */
int merge_show(struct ctx *ctx, const struct merge_args *args, const json_t *done,
	       struct error *err);

#endif
