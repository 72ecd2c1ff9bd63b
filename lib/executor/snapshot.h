#ifndef FAAS_EXECUTOR_SNAPSHOT_H
#define FAAS_EXECUTOR_SNAPSHOT_H

/*
 * Snapshots of files. A run that is to become one writes to a folder of its own,
 * `layers/ID` in the state folder, instead of to memory; when it has ended the
 * folder is the snapshot, so making one costs the same whatever is in it. Its row
 * is there before the run and says `making`: what a death leaves is found by it.
 */

#include "lib/executor/executor.h"

/* ---- for runs ---- */

/*
 * The parent that the parameters name, if any: fills run->rec.parent and run->stack,
 * and sets *environment, which is the parent's. ERR_NOT_FOUND, ERR_USAGE.
 */
int snapshot_parent(struct executor *x, const json_t *params, struct run *run,
		    const char **environment, struct error *err);
/* The layers that the run begins with are those of the parent. */
int snapshot_stack(const struct snapshot *parent, struct run *run, struct error *err);
/* When the parameters ask to keep the files: makes row and folder. ERR_EXISTS. */
int snapshot_keep(struct executor *x, const json_t *params, struct run *run,
		  struct error *err);
/* The run came to nothing before it was in the journal. */
void snapshot_abandon(struct executor *x, struct run *run);
/* Inside of the transaction that records the run's end: ready, or gone. */
int snapshot_finish(struct executor *x, struct run *run, struct error *err);
/* After it: the folder of one that is gone, or the one that stays made small. */
void snapshot_finished(struct executor *x, struct run *run);

/* ---- what a client may say of one ---- */
int snapshot_check_name(const char *name, struct error *err) _must_check_;
int snapshot_check_comment(const char *comment, struct error *err) _must_check_;
int snapshot_set_labels(struct snapshot *s, const json_t *changes, struct error *err)
	_must_check_;
/* ttl_ms: an integer, 0 for never; NULL leaves it as it is */
int snapshot_set_ttl(struct snapshot *s, const json_t *ttl_ms, struct error *err) _must_check_;

/* ---- snapshot-sync.c: on the disk, measured, and over when their time has come ---- */

/* Its row is new, or its time another. */
void snapshot_noted(struct executor *x, const struct snapshot *s);
/* Of the loop: what is new is made safe, what is over is deleted. */
void snapshot_tend(struct executor *x);
/* Is there something that snapshot_tend() waits to do? */
bool snapshot_hungry(const struct executor *x);
/* Makes one safe now; the answer is its report, with "paused_us" if not negative. */
int snapshot_sync(struct session *s, json_int_t id, const char *snapshot, json_int_t paused_us,
		  struct error *err);

/* ERR_BUSY when a snapshot stands on the environment, whose files are the lower part of its. */
int snapshot_check_environment(struct executor *x, const char *name, struct error *err);

/* ---- handlers; see operation.c ---- */
int snapshot_list(struct session *s, json_int_t id, const json_t *params, struct error *err);
int snapshot_get(struct session *s, json_int_t id, const json_t *params, struct error *err);
int snapshot_update(struct session *s, json_int_t id, const json_t *params,
		    struct error *err);
int snapshot_delete(struct session *s, json_int_t id, const json_t *params,
		    struct error *err);

/* snapshot-list.c, -create.c, -sync.c, -archive.c */
int snapshot_create(struct session *s, json_int_t id, const json_t *params, struct error *err);
int snapshot_restore(struct session *s, json_int_t id, const json_t *params, struct error *err);
int snapshot_prune(struct session *s, json_int_t id, const json_t *params, struct error *err);
int snapshot_export(struct session *s, json_int_t id, const json_t *params, struct error *err);
int snapshot_import(struct session *s, json_int_t id, const json_t *params, struct error *err);
int snapshot_repair(struct session *s, json_int_t id, const json_t *params, struct error *err);
void snapshot_session_gone(struct session *s);
int snapshot_check(struct session *s, json_int_t id, const json_t *params, struct error *err);
/* snapshot-diff.c */
int snapshot_diff_files(struct session *s, json_int_t id, const json_t *params,
			struct error *err);

/* snapshot-usage.c */
int snapshot_usage(struct session *s, json_int_t id, const json_t *params, struct error *err);

/* For a helper: "root" and "shift" of what is below the layers of such snapshots. */
int snapshot_sides(struct executor *x, const char *environment, json_t *to, struct error *err);

/* branch.c */
int branch_create(struct session *s, json_int_t id, const json_t *params, struct error *err);
int branch_list(struct session *s, json_int_t id, const json_t *params, struct error *err);
int branch_get(struct session *s, json_int_t id, const json_t *params, struct error *err);
int branch_delete(struct session *s, json_int_t id, const json_t *params, struct error *err);
/* branch-advance.c */
int branch_advance_to(struct session *s, json_int_t id, const json_t *params, struct error *err);
/* The branch's head, for a run that is to move it on: ERR_BUSY while another one does. */
int branch_head(struct executor *x, const char *name, struct snapshot *ret, struct error *err);
int branch_check_name(const char *name, struct error *err) _must_check_;
/* ERR_BUSY while a run moves it on. */
int branch_check_idle(struct executor *x, const char *name, struct error *err) _must_check_;
/* A snapshot, or the head of a branch. */
int branch_find_start(struct executor *x, const char *from, struct snapshot *ret,
		      struct error *err);
/* Inside of the transaction that makes the run's snapshot ready. */
int branch_advance(struct executor *x, const char *name, const char *head, struct error *err);
/* Row and folder of a snapshot. ERR_BUSY while a run, a snapshot or a branch needs it. */
int snapshot_remove(struct executor *x, const char *id, struct error *err);

#endif
