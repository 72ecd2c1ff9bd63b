#ifndef FAAS_CMD_DIFF_H
#define FAAS_CMD_DIFF_H

/* What the files of `faas diff` share. */

#include <jansson.h>

#include "cmd/output.h"

extern const struct cmd snapshot_diff, branch_diff;

/* For people: as git writes them, so that patch(1) and git apply read them. */
void diff_print_patch(struct ctx *ctx, const json_t *difference);
/* Lines of each file, and of all. */
void diff_print_stat(struct ctx *ctx, const json_t *differences);

#endif
