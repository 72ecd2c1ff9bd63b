#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/memory.h"
#include "lib/executor/instance.h"
#include "lib/executor/layer.h"

/*
 * After a death the rows say what was to be, and the runs that recover.c found say what
 * is: each instance is linked to its program, or what happened to that is made up for.
 */

static struct run *unfinished(struct executor *x, const char *id)
{
	for (struct run *run = x->runs; id && run; run = run->next)
		if (!run->finished && !strcmp(run->rec.id, id))
			return run;
	return NULL;
}

static void copy_row(struct instance *to, const struct instance *from)
{
	char **texts[] = {
		&to->environment, &to->base, &to->layer, &to->execution, &to->request, &to->labels,
		&to->ports, &to->reason, &to->boot,
	};

	*to = *from;
	for (size_t n = 0; n < ARRAY_SIZE(texts); n++)
		*texts[n] = *texts[n] ? memory_copy(*texts[n]) : NULL;
}

static int load_one(void *arg, const struct instance *rec)
{
	struct executor *x = arg;
	struct live_instance *i;

	if (!strcmp(rec->state, "terminated"))
		return 0;
	i = instance_add(x);
	copy_row(&i->rec, rec);
	i->noted = true;
	return 0;
}

static void link_guests(struct live_instance *i)
{
	for (struct run *run = i->x->runs; run; run = run->next) {
		if (run->finished || run->instance || !run->rec.instance ||
		    strcmp(run->rec.instance, i->rec.id))
			continue;
		run->guest_of = i;
		i->n_guests++;
	}
}

/* Nothing of it runs: what it came to is in the record, if there is one. */
static void make_up(struct live_instance *i)
{
	cleanup_execution struct execution e = { .exit_code = -1 };
	enum instance_state state = instance_state(i);
	struct error err;
	bool known;

	known = i->rec.execution && !store_execution_get(i->x->store, i->rec.execution, &e, &err);
	/* it was to be started, and whether it had been is not worth an answer */
	if (state == INSTANCE_PENDING && !strcmp(i->rec.wanted, "running")) {
		i->restart_at = boot_ms();
		return;
	}
	if (!known) {
		e.error_code = memory_copy("system");
		e.error_message = memory_copy("nobody knows how its program ended");
	}
	instance_ended(i, &e);
}

static void reconcile(struct live_instance *i)
{
	struct run *run = unfinished(i->x, i->rec.execution);
	enum instance_state state = instance_state(i);

	instance_rebase(&i->rec);
	if (run && state != INSTANCE_STOPPED) {
		run->instance = i;
		i->run = run;
		i->x->n_kept += run->sent;
		/* not known until its monitor answers */
		i->freezing = true;
	}
	link_guests(i);
	if (i->run)
		return;
	if (!strcmp(i->rec.wanted, "terminated"))
		instance_finish_terminate(i, i->rec.reason);
	else if (state != INSTANCE_STOPPED)
		make_up(i);
	else if (!strcmp(i->rec.wanted, "running"))
		/* it waited for its next start */
		i->restart_at = boot_ms();
}

int instances_recover(struct executor *x, struct error *err)
{
	if (store_instance_list(x->store, load_one, x, err) < 0)
		return -1;
	x->pause_sweeps = PAUSE_SWEEPS;
	for (struct live_instance *i = x->instances; i; i = i->next)
		reconcile(i);
	return 0;
}

void instance_adopted(struct live_instance *i)
{
	enum instance_state state = instance_state(i);
	struct error err;

	/* what the row says is what it is made to be */
	if (!pause_set(i->x, i->run->rec.pid, i->run->rec.id, state == INSTANCE_PAUSED, &err))
		i->freezing = state == INSTANCE_PAUSED;
	if (strcmp(i->rec.wanted, "running")) {
		instance_cancel(i, i->run->msg.grace_ms);
		return;
	}
	if (state != INSTANCE_PENDING)
		return;
	/* it was started, and nobody could be told; or it was to be restarted */
	if (i->run->rec.started_ms && i->rec.started_ms < i->run->rec.started_ms) {
		instance_program_started(i->run);
	} else {
		i->again = true;
		instance_cancel(i, i->run->msg.grace_ms);
	}
}
