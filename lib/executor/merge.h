#ifndef FAAS_EXECUTOR_MERGE_H
#define FAAS_EXECUTOR_MERGE_H

/*
 * Merges of branches and snapshots. faas-state reads and writes the files; the rows of
 * what is made say `making` until, in one transaction, they are ready and the branch
 * is there. Until then the branch is nobody else's to move.
 */

#include "lib/executor/executor.h"

int branch_merge(struct session *s, json_int_t id, const json_t *params, struct error *err);

/* Is a merge on its way that is to move the branch? */
bool merge_moves(const struct executor *x, const char *branch);

/* ---- history.c ---- */

/*
 * The newest snapshot that both come from, or are; ret->id is "" when they share no
 * more than their environment. ERR_CONFLICT when not even that.
 */
int history_base(struct executor *x, const struct snapshot *a, const struct snapshot *b,
		 struct snapshot *ret, struct error *err);

#endif
