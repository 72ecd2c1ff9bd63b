#include <stddef.h>

#include "lib/base/fault.h"
#include "lib/executor/executor.h"
#include "lib/executor/snapshot.h"

/* What changed of runs, into the database: many in one transaction, a moment later. */

static int write_dirty(struct executor *x, struct error *err)
{
	if (store_begin(x->store, err) < 0)
		return -1;
	/* oldest first, so that the database numbers them in order */
	struct run *last = x->runs;

	while (last && last->next)
		last = last->next;
	for (struct run *run = last; run;) {
		if (run->dirty && (snapshot_finish(x, run, err) < 0 ||
				   store_execution_put(x->store, &run->rec, err) < 0)) {
			store_rollback(x->store);
			return -1;
		}
		run = run->prev == &x->runs ? NULL
			: (struct run *)((char *)run->prev - offsetof(struct run, next));
	}
	(void)fault("run.commit");
	if (store_commit(x->store, err) < 0)
		return -1;
	(void)fault("run.committed");
	for (struct run *run = x->runs, *next; run; run = next) {
		next = run->next;
		run->dirty = false;
		snapshot_finished(x, run);
		if (run->finished && !run->waiters)
			run_free(run);
	}
	x->n_dirty = 0;
	journal_tidy(x);
	return 0;
}

void run_note_all(struct executor *x)
{
	for (struct run *run = x->runs; run; run = run->next) {
		if (run->finished || !run->sent || run->noted)
			continue;
		run->noted = true;
		run_mark(run);
	}
}

int run_flush(struct executor *x, struct error *err)
{
	int r;

	if (!x->n_dirty)
		return 0;
	r = write_dirty(x, err);
	/* what is recorded may be what lets somebody make room */
	if (r < 0 && err->code == ERR_LIMIT && reserve_release(x))
		r = write_dirty(x, err);
	/* whoever it was that asked for this: nothing is left that was not recorded */
	if (!r)
		x->store_failed = false;
	return r;
}
