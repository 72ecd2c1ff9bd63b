#include "lib/executor/snapshot-live.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fault.h"
#include "lib/base/id.h"
#include "lib/executor/compact.h"
#include "lib/executor/layer.h"
#include "lib/executor/snapshot.h"
#include "lib/executor/work.h"

struct live {
	struct live *next;
	struct executor *x;
	struct session *session;	/* NULL when it has gone */
	json_int_t request;
	struct sandbox *sandbox;	/* NULL when it has ended */
	struct snapshot made;
	bool sync, torn;
	enum { LIVE_ASKED, LIVE_COPYING, LIVE_THAWING } phase;
};

static struct live *find(struct sandbox *sandbox)
{
	for (struct live *l = sandbox->x->lives; l; l = l->next)
		if (l->sandbox == sandbox)
			return l;
	return NULL;
}

static void live_free(struct live *l)
{
	for (struct live **at = &l->x->lives; *at; at = &(*at)->next)
		if (*at == l) {
			*at = l->next;
			break;
		}
	snapshot_release(&l->made);
	free(l);
}

static void undo(struct live *l)
{
	struct executor *x = l->x;
	struct error err;
	int r = store_snapshot_delete(x->store, l->made.id, &err);

	if (r < 0 && err.code == ERR_LIMIT && reserve_release(x))
		r = store_snapshot_delete(x->store, l->made.id, &err);
	/* else the next start finds a row that nobody makes */
	if (r >= 0 || err.code == ERR_NOT_FOUND)
		layer_remove(x, l->made.id);
}

static void thaw(struct live *l)
{
	struct msg_signal m = { .h.type = MSG_THAW };
	struct error err;

	/* a monitor that cannot be reached has nobody to wait for, and thaws by itself */
	if (l->sandbox)
		(void)sandbox_send(l->sandbox, &m, sizeof(m), NULL, 0, NULL, 0, &err);
}

/* Undone, and whoever asked is told. */
static void give_up(struct live *l, const struct error *err)
{
	undo(l);
	if (l->session)
		session_error(l->session, l->request, err);
	live_free(l);
}

static int torn(struct error *err)
{
	(void)err_set(err, ERR_CONFLICT, "the execution ended while its files were copied");
	return err_hint(err, "'faas execute --snapshot NAME' keeps what is there at the end");
}

/* ---- the request ---- */

static int set_layers(struct executor *x, struct snapshot *made, struct error *err)
{
	cleanup_json json_t *layers = json_pack("[s]", made->id);
	cleanup_snapshot struct snapshot parent = { .id = "" };
	cleanup_json json_t *below = NULL;

	if (made->parent) {
		if (store_snapshot_get(x->store, made->parent, &parent, err) < 0)
			return -1;
		below = json_loads(parent.layers, 0, NULL);
		json_array_extend(layers, below);
	}
	free(made->layers);
	made->layers = json_dumps(layers, JSON_COMPACT);
	return made->layers ? 0 : err_set(err, ERR_LIMIT, "no memory");
}

static int begin(struct live *l, struct error *err)
{
	struct msg_signal m = { .h.type = MSG_FREEZE };

	id_make(l->made.id);
	(void)snprintf(l->made.state, sizeof(l->made.state), "making");
	if (set_layers(l->x, &l->made, err) < 0 ||
	    store_snapshot_put(l->x->store, &l->made, err) < 0)
		return -1;
	(void)fault("live.noted");
	if (layer_make(l->x, l->made.id, err) < 0 ||
	    sandbox_send(l->sandbox, &m, sizeof(m), NULL, 0, NULL, 0, err) < 0) {
		undo(l);
		return -1;
	}
	return 0;
}

int live_snapshot(struct session *s, json_int_t id, struct sandbox *sandbox,
		  struct snapshot *made, bool sync, struct error *err)
{
	struct live *l;

	if (sandbox->state != SANDBOX_RUNNING)
		return err_set(err, ERR_BUSY, "nothing runs in the sandbox yet");
	if (find(sandbox)) {
		(void)err_set(err, ERR_BUSY, "its files are being copied already");
		return err_hint(err, "try again when that has ended");
	}
	l = calloc(1, sizeof(*l));
	if (!l)
		return err_sys(err, ENOMEM, "make a snapshot");
	*l = (struct live){
		.next = s->x->lives, .x = s->x, .session = s, .request = id, .sandbox = sandbox,
		.made = *made, .sync = sync,
	};
	s->x->lives = l;
	*made = (struct snapshot){ .id = "" };
	if (begin(l, err) < 0) {
		live_free(l);
		return -1;
	}
	return 0;
}

/* ---- everything stands ---- */

/* Whatever it came to, the sandbox goes on now. */
static int copied(struct executor *x, void *data, json_t *result, json_t **answer,
		  struct error *err)
{
	struct live *l = data;

	(void)x;
	(void)answer;
	(void)fault("live.copied");
	l->phase = LIVE_THAWING;
	thaw(l);
	if (result && !l->sandbox)
		(void)torn(err);
	if (!result || !l->sandbox)
		give_up(l, err);
	return WORK_GOES_ON;
}

static int start_copy(struct live *l, int fd, struct error *err)
{
	cleanup_json json_t *ask = json_pack("{s:s}", "do", "clone");
	cleanup_json json_t *held = json_pack("[s]", l->made.id);
	cleanup_close int layers = layer_folder(l->x, err);
	cleanup_close int own = layers < 0 ? -1 : layer_open(layers, l->made.id, err);
	struct work_request req = {
		.helper = { .program = "faas-state", .ask = ask, .fds = { fd, own }, .n_fds = 2 },
		.done = copied, .data = l, .for_session = true, .snapshots = held,
	};

	if (own < 0)
		return -1;
	if (l->made.parent)
		json_array_append_new(held, json_string(l->made.parent));
	if (work_start(l->x, &req, l->session, l->request, err) < 0)
		return -1;
	l->phase = LIVE_COPYING;
	return 0;
}

void live_frozen(struct sandbox *sandbox, const struct msg_status *st, int fd)
{
	cleanup_close int upper = fd;
	struct live *l = find(sandbox);
	struct error err = { 0 };

	(void)fault("live.frozen");
	if (l && st->errnum)
		(void)err_sys(&err, st->errnum, "%.199s", st->text);
	if (l && !st->errnum && l->session && !start_copy(l, upper, &err))
		return;
	if (l) {
		thaw(l);
		give_up(l, &err);
	}
}

/* ---- and goes on ---- */

static int publish(struct live *l, struct error *err)
{
	int r = fault("live.commit");

	if (r)
		return err_sys(err, r, "record a snapshot");
	/* what its parent is made of may have been made shorter meanwhile */
	if (run_flush(l->x, err) < 0 || set_layers(l->x, &l->made, err) < 0)
		return -1;
	(void)snprintf(l->made.state, sizeof(l->made.state), "ready");
	if (store_snapshot_put(l->x->store, &l->made, err) < 0)
		return -1;
	(void)fault("live.committed");
	layer_trim(l->x, l->made.id);
	snapshot_noted(l->x, &l->made);
	compact_note(l->x, l->made.id);
	return 0;
}

static int answer(struct live *l, uint64_t paused_us, struct error *err)
{
	cleanup_snapshot struct snapshot got = { .id = "" };
	json_t *report;

	if (l->sync)
		return snapshot_sync(l->session, l->request, l->made.id, (json_int_t)paused_us, err);
	if (store_snapshot_get(l->x->store, l->made.id, &got, err) < 0)
		return -1;
	report = report_snapshot(&got);
	json_object_set_new(report, "paused_us", json_integer((json_int_t)paused_us));
	session_result(l->session, l->request, report, NULL, 0);
	return 0;
}

void live_thawed(struct sandbox *sandbox, const struct msg_thawed *m)
{
	struct live *l = find(sandbox);
	struct error err = { 0 };

	/* or it is about one that was given up, while the next is only asked for */
	if (!l || l->phase != LIVE_THAWING)
		return;
	if (!m->still || l->torn || publish(l, &err) < 0) {
		if (!m->still || l->torn)
			(void)torn(&err);
		give_up(l, &err);
		return;
	}
	if (l->session && answer(l, m->paused_us, &err) < 0)
		session_error(l->session, l->request, &err);
	live_free(l);
}

/* ---- what else may come ---- */

void live_sandbox_gone(struct sandbox *sandbox)
{
	struct live *l = find(sandbox);
	struct error err;

	if (!l)
		return;
	l->sandbox = NULL;
	/* the helper ends by itself, and then nobody has a use for the copy */
	if (l->phase == LIVE_COPYING)
		return;
	(void)torn(&err);
	give_up(l, &err);
}

void live_monitor_died(struct sandbox *sandbox)
{
	struct executor *x = sandbox->x;

	if (!find(sandbox))
		return;
	/* which leaf was its own it did not say: so all go on, and other copies are torn */
	(void)cgroups_thaw(x->cgroups[CGROUP_FREEZER]);
	for (struct live *l = x->lives; l; l = l->next)
		l->torn = true;
}

/* Before work_session_gone(), which ends the helpers. */
void live_session_gone(struct session *s)
{
	for (struct live *l = s->x->lives; l; l = l->next)
		if (l->session == s)
			l->session = NULL;
}

bool live_holds(const struct executor *x, const char *id)
{
	for (const struct live *l = x->lives; l; l = l->next)
		if (!strcmp(l->made.id, id))
			return true;
	return false;
}
