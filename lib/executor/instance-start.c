#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fault.h"
#include "lib/base/memory.h"
#include "lib/executor/instance.h"
#include "lib/executor/layer.h"

enum {
	RESTART_MS = 100,	/* before it is started again; twice that the next time, */
	RESTART_MAX_MS = 60000,	/* up to a minute */
};

static const char *text_of(const json_t *params, const char *key)
{
	return json_string_value(json_object_get(params, key));
}

/* ---- a start of its program ---- */

/* The steps that pid 1 is given, and does not begin, when there is no program. */
static json_t *idle_steps(void)
{
	return json_pack("[[[s]]]", "idle");
}

static json_t *start_params(const struct live_instance *i)
{
	json_t *params = json_loads(i->rec.request, 0, NULL);

	if (!params)
		return NULL;
	json_object_set_new(params, "detach", json_true());
	if (i->rec.base) {
		json_object_set_new(params, "parent", json_string(i->rec.base));
		json_object_del(params, "environment");
	}
	if (!json_object_get(params, "steps"))
		json_object_set_new(params, "steps", idle_steps());
	return params;
}

static void set_hostname(struct live_instance *i, struct run *run)
{
	char *to = run->build.hostname;

	(void)snprintf(to, sizeof(run->build.hostname), "%.63s", instance_name(i));
	/* of a name only what may be in that of a host */
	for (; *to; to++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ01234567"
			    "89-.",
			    *to))
			*to = '-';
}

static int open_layer(struct live_instance *i, struct run *run, struct error *err)
{
	cleanup_close int all = layer_folder(i->x, err);
	char upper[STORE_ID + 4];

	if (all < 0)
		return -1;
	(void)snprintf(run->build.keep, sizeof(run->build.keep), "%s", i->rec.layer);
	(void)snprintf(upper, sizeof(upper), "%.39s/u", i->rec.layer);
	run->build.again = !faccessat(all, upper, F_OK, AT_SYMLINK_NOFOLLOW);
	if (!faccessat(all, i->rec.layer, F_OK, AT_SYMLINK_NOFOLLOW))
		return 0;
	return layer_make(i->x, i->rec.layer, err);
}

static int begin(struct live_instance *i, struct run *run, struct error *err)
{
	cleanup_json json_t *params = start_params(i);
	bool cached, idle;
	struct slot *slot;

	if (!params)
		return err_set(err, ERR_CORRUPT, "the request of instance '%s' is not JSON",
			       instance_name(i));
	idle = !strstr(i->rec.request, "\"steps\"");
	if (request_read(i->x, params, run, &slot, &cached, err) < 0 ||
	    open_layer(i, run, err) < 0)
		return -1;
	if (idle) {
		free(run->rec.argv);
		run->rec.argv = memory_copy("[]");
		run->msg.flags |= RUN_IDLE;
	}
	run->rec.instance = memory_copy(i->rec.id);
	set_hostname(i, run);
	free(i->rec.execution);
	i->rec.execution = memory_copy(run->rec.id);
	/* first what is to be: whoever finds it without a run knows that there was none */
	if (instance_note(i, i->fresh ? "created" : "starting", NULL, err) < 0 ||
	    run_open_log(run, err) < 0 || journal_begin(i->x, &run->rec, err) < 0)
		return -1;
	i->x->n_runs++;
	if (slot->ready)
		return run_dispatch(run, slot, err);
	run->slot = slot;
	return 0;
}

/* It could not even begin. */
static void undo(struct live_instance *i, struct run *run, const struct error *why)
{
	struct sandbox *sandbox = run->sandbox;

	run->instance = NULL;
	i->run = NULL;
	if (run->sent) {
		i->x->n_running--;
		i->x->n_kept--;
	}
	run_free(run);
	if (sandbox)
		sandbox_free(sandbox);
	i->why = *why;
	if (i->fresh) {
		instance_finish_terminate(i, why->msg);
		return;
	}
	free(i->rec.reason);
	i->rec.reason = memory_copy(why->msg);
	instance_set_state(i, INSTANCE_STOPPED);
	(void)snprintf(i->rec.wanted, sizeof(i->rec.wanted), "stopped");
	i->rec.stopped_ms = (int64_t)clock_unix_ms();
	instance_note_later(i, "stopped", json_pack("{s:s}", "reason", why->msg));
}

int instance_launch(struct live_instance *i, struct error *err)
{
	struct run *run = run_new(i->x);

	run->instance = i;
	i->run = run;
	i->again = false;
	i->restart_at = 0;
	i->why.code = ERR_NONE;
	instance_set_state(i, INSTANCE_PENDING);
	(void)snprintf(i->rec.wanted, sizeof(i->rec.wanted), "running");
	i->rec.exit_code = -1;
	i->rec.signal = 0;
	free(i->rec.reason);
	i->rec.reason = NULL;
	if (!begin(i, run, err))
		return 0;
	undo(i, run, err);
	return -1;
}

void instance_program_started(struct run *run)
{
	struct live_instance *i = run->instance;

	if (instance_next(instance_state(i), VERB_STARTED) < 0)
		return;
	i->fresh = false;
	instance_set_state(i, INSTANCE_RUNNING);
	i->rec.started_ms = run->rec.started_ms;
	instance_used(&i->rec);
	(void)fault("instance.started");
	instance_note_later(i, "running", json_pack("{s:s}", "execution", run->rec.id));
	instance_answer(i);
}

/* ---- its end ---- */

/* Does its program start again by itself? */
static bool restarts(const struct live_instance *i, const struct execution *e)
{
	bool failed = e->exit_code != 0;

	if (i->x->stopping || strcmp(i->rec.wanted, "running") || e->cancelled)
		return false;
	if (!strcmp(i->rec.restart, "always"))
		return true;
	return !strcmp(i->rec.restart, "on-failure") && failed &&
		(!i->rec.restart_max || i->rec.restarts < i->rec.restart_max);
}

static char *end_reason(const struct live_instance *i, const struct execution *e)
{
	char text[600];

	if (i->rec.reason)
		return memory_copy(i->rec.reason);
	if (e->error_message)
		(void)snprintf(text, sizeof(text), "%s", e->error_message);
	else if (e->oom_killed)
		(void)snprintf(text, sizeof(text), "its program ran out of memory");
	else if (e->signal)
		(void)snprintf(text, sizeof(text), "its program died of signal %d", e->signal);
	else
		(void)snprintf(text, sizeof(text), "its program exited with %d", e->exit_code);
	return memory_copy(text);
}

static json_t *end_detail(const struct live_instance *i)
{
	return json_pack("{s:s,s:o,s:o}", "reason", i->rec.reason ? i->rec.reason : "",
			 "exit_code",
			 i->rec.exit_code >= 0 ? json_integer(i->rec.exit_code) : json_null(),
			 "signal", i->rec.signal ? json_integer(i->rec.signal) : json_null());
}

static void start_later(struct live_instance *i)
{
	int64_t wait = RESTART_MS;

	/* one that ran for a while has recovered */
	if (i->rec.started_ms && i->rec.stopped_ms - i->rec.started_ms > 10 * RESTART_MAX_MS)
		i->rec.restarts = 0;
	for (int n = 0; n < i->rec.restarts && wait < RESTART_MAX_MS; n++)
		wait *= 2;
	i->rec.restarts++;
	i->restart_at = boot_ms() + (wait < RESTART_MAX_MS ? wait : RESTART_MAX_MS);
	instance_note_later(i, "restarting", json_pack("{s:i}", "restarts", i->rec.restarts));
}

void instance_program_ended(struct run *run)
{
	struct live_instance *i = run->instance;

	/* an executor died before any monitor had it: it is to be started all the same */
	if (run->orphan_until_us && !run->sandbox && instance_state(i) == INSTANCE_PENDING)
		i->again = !strcmp(i->rec.wanted, "running");
	run->instance = NULL;
	i->run = NULL;
	i->freezing = false;
	i->x->pause_sweeps = PAUSE_SWEEPS;
	instance_guests_lost(i);
	instance_connects_lost(i, NULL);
	instance_ended(i, &run->rec);
}

void instance_ended(struct live_instance *i, const struct execution *e)
{
	bool again = restarts(i, e);
	char *reason = end_reason(i, e);

	free(i->rec.reason);
	i->rec.reason = reason;
	i->rec.exit_code = e->exit_code;
	i->rec.signal = e->signal;
	i->rec.stopped_ms = (int64_t)clock_unix_ms();
	if (e->error_code)
		(void)err_set(&i->why, err_by_name(e->error_code), "%s", e->error_message);
	(void)fault("instance.ended");
	if (!strcmp(i->rec.wanted, "terminated") || i->fresh || (i->rec.remove && !i->again)) {
		instance_finish_terminate(i, i->rec.reason);
		return;
	}
	layer_trim(i->x, i->rec.layer);
	instance_set_state(i, INSTANCE_STOPPED);
	if (!again && !i->again)
		(void)snprintf(i->rec.wanted, sizeof(i->rec.wanted), "stopped");
	instance_note_later(i, "stopped", end_detail(i));
	if (again)
		start_later(i);
	else if (i->again)
		i->restart_at = boot_ms();
	instance_answer(i);
}

static int start_again(struct live_instance *i, struct session *s, json_int_t id, struct error *err)
{
	i->rec.restarts = 0;
	if (instance_wait_for(i, s, id, 1u << INSTANCE_RUNNING, true, err) < 0)
		return -1;
	if (!instance_launch(i, err))
		return 0;
	instance_unwait(i, s, id);
	return -1;
}

int instance_start(struct session *s, json_int_t id, const json_t *params, struct error *err)
{
	struct live_instance *i = run_allowed(s->x, err) < 0 ? NULL
		: instance_find(s->x, text_of(params, "id"), err);

	if (!i || instance_check(i, VERB_START, err) < 0)
		return -1;
	return start_again(i, s, id, err);
}

int instance_restart(struct session *s, json_int_t id, const json_t *params, struct error *err)
{
	const json_t *grace = json_object_get(params, "grace_ms");
	struct live_instance *i = run_allowed(s->x, err) < 0 ? NULL
		: instance_find(s->x, text_of(params, "id"), err);
	enum instance_state before;

	if (!i || instance_check(i, VERB_RESTART, err) < 0)
		return -1;
	before = instance_state(i);
	if (before == INSTANCE_STOPPED)
		return start_again(i, s, id, err);
	i->again = true;
	i->rec.restarts = 0;
	if (instance_wait_for(i, s, id, 1u << INSTANCE_RUNNING, true, err) < 0)
		return -1;
	/* whoever finds it pending, and nothing that runs, starts it */
	instance_set_state(i, INSTANCE_PENDING);
	if (instance_note(i, "restarting", NULL, err) < 0) {
		instance_unwait(i, s, id);
		instance_set_state(i, before);
		i->again = false;
		return -1;
	}
	instance_cancel(i, grace ? (uint64_t)json_integer_value(grace) : i->run->msg.grace_ms);
	return 0;
}
