#ifndef FAAS_EXECUTOR_WORK_H
#define FAAS_EXECUTOR_WORK_H

/*
 * What takes long is done by a helper (lib/helper) while requests go on: reading and
 * writing the files of snapshots is faas-state's work.
 */

#include "lib/executor/executor.h"
#include "lib/helper/task.h"

struct work;

/*
 * Called once, when the helper has ended: result is its last line, or NULL, and then
 * *err says why. Returns 0 and *answer, the caller's to give, or -1 and *err. Whoever
 * asked may be gone; what was begun is finished or undone all the same.
 */
typedef int work_done(struct executor *x, void *data, json_t *result, json_t **answer,
		      struct error *err);

struct work_request {
	struct task_request helper;	/* progress goes to the session as events */
	work_done *done;
	void *data;			/* done's; it is freed by done, not here */
	bool for_session;		/* ends with the session: nobody else wants it */
	const json_t *snapshots;	/* ids, or NULL: meanwhile they are not deleted */
};

/*
 * What done returns when it has started another work for the same request: that one
 * answers.
 */
enum { WORK_GOES_ON = 1 };

/* s may be NULL: nobody waits. On failure done has not been called. */
int work_start(struct executor *x, const struct work_request *req, struct session *s,
	       json_int_t id, struct error *err);
/* Does any need this snapshot, or make it? */
bool work_holds(const struct executor *x, const char *id);
/* Calls each for every id that one needs or makes. */
void work_each_held(const struct executor *x, void (*each)(void *arg, const char *id), void *arg);
/* Those that are on their way, for the status: pid, and for how long. */
json_t *work_report(const struct executor *x);
void work_session_gone(struct session *s);
/* Kills all that are on their way. */
void work_stop_all(struct executor *x);

#endif
