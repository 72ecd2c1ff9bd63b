#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/fault.h"
#include "lib/base/memory.h"
#include "lib/executor/instance.h"
#include "lib/executor/layer.h"

enum { GRACE_MAX_MS = 86400000 };	/* a day */

static struct live_instance *of_params(struct session *s, const json_t *params,
				       enum instance_verb verb, struct error *err)
{
	struct live_instance *i = instance_find(s->x,
				       json_string_value(json_object_get(params, "id")), err);

	return i && !instance_check(i, verb, err) ? i : NULL;
}

static uint64_t grace_of(const struct live_instance *i, const json_t *params)
{
	const json_t *grace = json_object_get(params, "grace_ms");
	json_int_t ms = json_integer_value(grace);

	if (!grace)
		return i->run ? i->run->msg.grace_ms : 0;
	return ms > GRACE_MAX_MS ? GRACE_MAX_MS : (uint64_t)ms;
}

/* ---- freeze ---- */

/* Whatever the row says: what is frozen can neither end nor be told to. */
void instance_thaw(struct live_instance *i)
{
	struct error err;

	if (!i->freezing || !i->run)
		return;
	if (!pause_set(i->x, i->run->rec.pid, i->run->rec.id, false, &err))
		i->freezing = false;
}

static int freeze(struct live_instance *i, bool frozen, struct error *err)
{
	if (!i->run || !i->run->sandbox || !i->run->rec.pid)
		return err_set(err, ERR_BUSY, "instance '%s' is not reached yet",
			       instance_name(i));
	if (pause_set(i->x, i->run->rec.pid, i->run->rec.id, frozen, err) < 0)
		return err_wrap(err, "instance '%s'", instance_name(i));
	i->freezing = frozen;
	return 0;
}

/* The row first: what a death leaves is made to be what the row says. */
static int set_frozen(struct live_instance *i, bool frozen, struct error *err)
{
	enum instance_state before = instance_state(i);
	struct error why;

	instance_set_state(i, frozen ? INSTANCE_PAUSED : INSTANCE_RUNNING);
	if (!frozen)
		instance_used(&i->rec);
	if (instance_note(i, frozen ? "paused" : "running", NULL, err) < 0) {
		instance_set_state(i, before);
		return -1;
	}
	(void)fault(frozen ? "instance.pausing" : "instance.resuming");
	if (freeze(i, frozen, &why) < 0) {
		instance_set_state(i, before);
		instance_note_later(i, instance_state_name(before), NULL);
		*err = why;
		return -1;
	}
	(void)fault(frozen ? "instance.paused" : "instance.resumed");
	return 0;
}

int instance_pause(struct session *s, json_int_t id, const json_t *params, struct error *err)
{
	struct live_instance *i = of_params(s, params, VERB_PAUSE, err);

	if (!i || set_frozen(i, true, err) < 0)
		return -1;
	session_result(s, id, instance_report(i), NULL, 0);
	instance_answer(i);
	return 0;
}

int instance_resume(struct session *s, json_int_t id, const json_t *params, struct error *err)
{
	struct live_instance *i = of_params(s, params, VERB_RESUME, err);

	if (!i || set_frozen(i, false, err) < 0)
		return -1;
	session_result(s, id, instance_report(i), NULL, 0);
	instance_answer(i);
	return 0;
}

/* ---- stop ---- */

void instance_cancel(struct live_instance *i, uint64_t grace_ms)
{
	if (i->run)
		run_cancel(i->run, grace_ms);
}

static void set_reason(struct live_instance *i, const char *reason)
{
	free(i->rec.reason);
	i->rec.reason = memory_copy(reason);
}

int instance_stop_now(struct live_instance *i, const char *reason, uint64_t grace_ms,
		      struct error *err)
{
	i->again = false;
	i->restart_at = 0;
	(void)snprintf(i->rec.wanted, sizeof(i->rec.wanted), "stopped");
	set_reason(i, reason);
	if (instance_note(i, "stopping", json_pack("{s:s}", "reason", reason), err) < 0)
		return -1;
	(void)fault("instance.stopping");
	/* between two starts of it nothing runs */
	if (!i->run) {
		instance_set_state(i, INSTANCE_STOPPED);
		instance_note_later(i, "stopped", NULL);
		instance_answer(i);
		return 0;
	}
	instance_cancel(i, grace_ms);
	return 0;
}

int instance_stop(struct session *s, json_int_t id, const json_t *params, struct error *err)
{
	struct live_instance *i = instance_find(s->x,
				       json_string_value(json_object_get(params, "id")), err);
	bool waits = i && i->restart_at;

	/* one that is to be restarted has stopped, and can be told to stay so */
	if (!i || (!waits && instance_check(i, VERB_STOP, err) < 0))
		return -1;
	if (instance_wait_for(i, s, id, 1u << INSTANCE_STOPPED | 1u << INSTANCE_TERMINATED, false,
			      err) < 0)
		return -1;
	if (!instance_stop_now(i, "somebody stopped it", grace_of(i, params), err))
		return 0;
	instance_unwait(i, s, id);
	return -1;
}

/* ---- terminate ---- */

void instance_finish_terminate(struct live_instance *i, const char *reason)
{
	char *kept = memory_copy(reason);

	free(i->rec.reason);
	i->rec.reason = kept;
	free(i->rec.base);
	i->rec.base = NULL;
	instance_set_state(i, INSTANCE_TERMINATED);
	(void)snprintf(i->rec.wanted, sizeof(i->rec.wanted), "terminated");
	i->again = false;
	i->restart_at = 0;
	if (i->noted)
		instance_note_later(i, "terminated",
				    kept ? json_pack("{s:s}", "reason", kept) : NULL);
	(void)fault("instance.terminated");
	/* of a row that could not be written the layer is needed until it can be */
	if (!i->stale)
		layer_remove(i->x, i->rec.layer);
	instance_answer(i);
}

int instance_terminate_now(struct live_instance *i, const char *reason, uint64_t grace_ms,
			   struct error *err)
{
	i->again = false;
	i->restart_at = 0;
	(void)snprintf(i->rec.wanted, sizeof(i->rec.wanted), "terminated");
	set_reason(i, reason);
	if (instance_note(i, "terminating", json_pack("{s:s}", "reason", reason), err) < 0)
		return -1;
	(void)fault("instance.terminating");
	if (!i->run)
		instance_finish_terminate(i, reason);
	else
		instance_cancel(i, grace_ms);
	return 0;
}

int instance_terminate(struct session *s, json_int_t id, const json_t *params,
		       struct error *err)
{
	struct live_instance *i = of_params(s, params, VERB_TERMINATE, err);

	if (!i || instance_wait_for(i, s, id, 1u << INSTANCE_TERMINATED, false, err) < 0)
		return -1;
	if (!instance_terminate_now(i, "somebody terminated it", grace_of(i, params), err))
		return 0;
	instance_unwait(i, s, id);
	return -1;
}
