#ifndef FAAS_EXECUTOR_SNAPSHOT_REMOVE_H
#define FAAS_EXECUTOR_SNAPSHOT_REMOVE_H

/*
 * Snapshots that go
 * =================
 *
 * Nothing that is needed goes: a snapshot on which another stands, at which a branch
 * begins or is, which a run begins with, or which is being read. Newest first, so that a
 * line of them goes whole; all in one transaction, the folders after it.
 */

#include "lib/executor/snapshot.h"

struct doom;

/* Everything as it is now. Free it. */
int doom_begin(struct executor *x, struct doom **ret, struct error *err) _must_check_;
void doom_free(struct doom *d);
DEFINE_CLEANUP(struct doom *, doom_free);

/* This one is to go, by its exact id; false when there is none that is ready. */
bool doom_mark(struct doom *d, const char *id);
/* And all that stand on those. */
void doom_mark_descendants(struct doom *d);
/* Leaves those that are needed: *ret_kept, borrowed, lists them and says by what. */
void doom_spare(struct doom *d, const json_t **ret_kept);
/* How many are left to go. Their rows, newest first, and the bytes of their own layers. */
json_t *doom_report(const struct doom *d);
/* Deletes them. */
int doom_carry_out(struct executor *x, struct doom *d, struct error *err) _must_check_;

/* ---- which ---- */

struct snapshot_filter {
	const json_t *labels;		/* "key=value", all of them, or NULL */
	const char *environment;
	const char *name;		/* a pattern as of glob(7) */
	int64_t since_ms, before_ms;	/* created in [since, before); 0: any */
};

/* From the fields of an operation. */
int snapshot_filter_read(const json_t *params, struct snapshot_filter *ret, struct error *err)
	_must_check_;
bool snapshot_filter_has(const struct snapshot_filter *f, const struct snapshot *s);

#endif
