#ifndef FAAS_EXECUTOR_SNAPSHOT_LIVE_H
#define FAAS_EXECUTOR_SNAPSHOT_LIVE_H

/*
 * A snapshot of a sandbox that goes on
 * ====================================
 *
 * Its monitor stops everything in it, a helper copies what it has written, and it goes
 * on: whatever becomes of the copy, of the helper, of the client, of this process. The
 * row says `making` until the copy is known to be whole.
 *
 *	request > row and folder > MSG_FREEZE > MSG_FROZEN > helper > MSG_THAW >
 *	MSG_THAWED > `ready` > answer
 */

#include "lib/executor/executor.h"

/*
 * The answer to the request, which comes later, is the snapshot's report with
 * "paused_us". made has all but id, state and layers, which are given here; it is
 * emptied when this succeeds. ERR_BUSY when nothing runs in the sandbox, or another copy
 * is being made of it.
 */
int live_snapshot(struct session *s, json_int_t id, struct sandbox *sandbox,
		  struct snapshot *made, bool sync, struct error *err);

/* Of the sandbox's messages; fd is taken. */
void live_frozen(struct sandbox *sandbox, const struct msg_status *st, int fd);
void live_thawed(struct sandbox *sandbox, const struct msg_thawed *m);
/* What ran in it has ended, or it has gone. */
void live_sandbox_gone(struct sandbox *sandbox);
/* Its monitor died, which would have thawed it. */
void live_monitor_died(struct sandbox *sandbox);
void live_session_gone(struct session *s);
/* Is it being made? */
bool live_holds(const struct executor *x, const char *id);

#endif
