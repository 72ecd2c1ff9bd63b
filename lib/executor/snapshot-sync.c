#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fault.h"
#include "lib/base/memory.h"
#include "lib/executor/layer.h"
#include "lib/executor/snapshot.h"
#include "lib/executor/work.h"

/*
 * After a snapshot is there: a helper makes it safe against a loss of power, measures it
 * and computes its checksum, a moment later and many at once, so that making one costs
 * nothing of that. And those whose time has come are deleted.
 */

enum { BATCH = 256, PATIENCE_US = 2000000, QUIET_US = 100000, EXPIRE_US = 1000000,
       EXPIRE_BATCH = 256 };

void snapshot_noted(struct executor *x, const struct snapshot *s)
{
	if (!s->synced_ms && !x->unsynced) {
		x->unsynced = true;
		x->noted_us = clock_us();
	}
	if (s->expires_ms && (!x->expire_ms || s->expires_ms < x->expire_ms))
		x->expire_ms = s->expires_ms;
}

bool snapshot_hungry(const struct executor *x)
{
	return x->unsynced && !x->syncing;
}

/* ---- safe, measured, and with a checksum ---- */

struct gathering {
	struct executor *x;
	json_t *list;			/* of what the helper is asked */
	const char *only;		/* this one, or NULL for all */
	struct error err;
};

/* What its checksum begins with, when nothing of the same request is below it. */
static json_t *below(struct executor *x, const struct snapshot *s)
{
	cleanup_environment struct environment e = { .name = "" };
	cleanup_snapshot struct snapshot parent = { .id = "" };
	struct error err;
	char text[512];

	if (s->parent)
		return store_snapshot_find(x->store, s->parent, &parent, &err) > 0 &&
			parent.checksum ? json_string(parent.checksum) : json_null();
	if (strcmp(s->environment, "host") && store_environment_get(x->store, s->environment, &e, &err) < 0)
		return json_null();
	(void)snprintf(text, sizeof(text), "environment %s %.200s", s->environment,
		       e.checksum ? e.checksum : "");
	return json_string(text);
}

static json_t *question(struct executor *x, const struct snapshot *s)
{
	cleanup_json json_t *layers = json_loads(s->layers ? s->layers : "[]", 0, NULL);
	const char *layer = json_string_value(json_array_get(layers, 0));

	return json_pack("{s:s,s:s,s:b,s:o,s:o}", "id", s->id, "layer", layer ? layer : "",
			 "shared", s->parent && layer && strcmp(layer, s->id), "parent",
			 s->parent ? json_string(s->parent) : json_null(), "below", below(x, s));
}

static int gather(void *arg, const struct snapshot *s)
{
	struct gathering *g = arg;

	json_array_append_new(g->list, question(g->x, s));
	return 0;
}

static bool stands_on_unsafe(struct executor *x, const struct snapshot *s)
{
	cleanup_snapshot struct snapshot parent = { .id = "" };
	struct error err;

	return s->parent && store_snapshot_find(x->store, s->parent, &parent, &err) > 0 &&
		parent.synced_ms == SNAPSHOT_UNSAFE;
}

/* got: what is known of it; NULL when its files may not be on the disk. */
static int note(struct executor *x, const char *id, const json_t *got, struct error *err)
{
	const char *digest = json_string_value(json_object_get(got, "digest"));
	const char *checksum = json_string_value(json_object_get(got, "checksum"));
	cleanup_snapshot struct snapshot s = { .id = "" };
	int r = store_snapshot_find(x->store, id, &s, err);

	/* 0: it was deleted meanwhile */
	if (r <= 0)
		return r;
	s.synced_ms = got && !stands_on_unsafe(x, &s) ? (int64_t)clock_unix_ms()
						       : SNAPSHOT_UNSAFE;
	s.entries = json_integer_value(json_object_get(got, "entries"));
	s.bytes = json_integer_value(json_object_get(got, "bytes"));
	free(s.digest);
	free(s.checksum);
	s.digest = memory_copy(digest);
	s.checksum = memory_copy(checksum);
	return store_snapshot_put(x->store, &s, err);
}

/*
 * After fsync(2) failed the kernel takes what it could not write for written, and the next
 * fsync(2) succeeds: those that were asked for then are never known to be safe.
 */
static int note_all(struct executor *x, const json_t *asked, json_t *result, struct error *err)
{
	const json_t *all = json_object_get(result, "snapshots"), *one;
	const char *unsafe = json_string_value(json_object_get(result, "unsafe"));
	size_t i;

	if (store_begin(x->store, err) < 0)
		return -1;
	json_array_foreach(asked, i, one) {
		const char *id = json_string_value(json_object_get(one, "id"));
		const json_t *got = json_object_get(all, id);

		if ((got || unsafe) && note(x, id, unsafe ? NULL : got, err) < 0) {
			store_rollback(x->store);
			return -1;
		}
	}
	(void)fault("snapshot.synced");
	if (store_commit(x->store, err) < 0)
		return -1;
	return unsafe ? err_set(err, ERR_CORRUPT, "%s", unsafe) : 0;
}

struct awaited {
	char id[STORE_ID];		/* "": nobody waits, it is the batch of the loop */
	json_int_t paused_us;
	json_t *asked;
};

static void awaited_free(struct awaited *a)
{
	if (a)
		json_decref(a->asked);
	free(a);
}

DEFINE_CLEANUP(struct awaited *, awaited_free);

static int unsafe(const char *id, struct error *err)
{
	(void)err_set(err, ERR_CORRUPT, "the disk failed, or the machine, when snapshot '%s' was written", id);
	return err_hint(err, "see to the disk, and make it again; 'faas snapshot check' says "
			"whether its files can be read");
}

static int settled(struct executor *x, void *data, json_t *result, json_t **answer,
		   struct error *err)
{
	cleanup_snapshot struct snapshot s = { .id = "" };
	CLEANUP(awaited_free) struct awaited *a = data;
	int r = result ? note_all(x, a->asked, result, err) : -1;

	if (!*a->id) {
		/* what did not work will not, until something is new; a full batch had more */
		x->syncing = false;
		x->unsynced |= !r && json_array_size(a->asked) == BATCH;
		return 0;
	}
	if (r < 0 && json_object_get(result, "unsafe"))
		return unsafe(a->id, err);
	if (r < 0)
		return err_wrap(err, "write snapshot '%s' to the disk", a->id);
	r = store_snapshot_find(x->store, a->id, &s, err);
	if (r <= 0)
		return r < 0 ? -1 : err_set(err, ERR_NOT_FOUND, "snapshot '%s' was deleted "
					    "meanwhile", a->id);
	*answer = report_snapshot(&s);
	if (a->paused_us >= 0)
		json_object_set_new(*answer, "paused_us", json_integer(a->paused_us));
	return 0;
}

static int ask_helper(struct executor *x, json_t *list, struct session *s, json_int_t request,
		      struct awaited *a, struct error *err)
{
	bool rootless = x->spawner.rootless;
	cleanup_json json_t *ask = json_pack("{s:s,s:O,s:I,s:b}", "do", "settle", "snapshots",
					     list, "shift", (json_int_t)(rootless ? 0 : UID_BASE),
					     "rootless", rootless);
	cleanup_close int fd = layer_folder(x, err);
	struct work_request req = {
		.helper = { .program = "faas-state", .ask = ask, .fds = { fd }, .n_fds = 1 },
		.done = settled, .data = a,
	};

	a->asked = json_incref(list);
	return fd < 0 ? -1 : work_start(x, &req, s, request, err);
}

/* And those below it of which nothing is known yet, first. */
static int gather_line(struct executor *x, const char *id, json_t *list, struct error *err)
{
	char at[STORE_ID];
	bool more = true;

	(void)snprintf(at, sizeof(at), "%s", id);
	while (more) {
		cleanup_snapshot struct snapshot s = { .id = "" };
		int r = store_snapshot_find(x->store, at, &s, err);

		if (r <= 0)
			return r < 0 ? -1 : err_set(err, ERR_NOT_FOUND, "no snapshot '%s'", at);
		if (s.synced_ms == SNAPSHOT_UNSAFE)
			return unsafe(s.id, err);
		more = s.parent && !s.synced_ms;
		if (!s.synced_ms || !json_array_size(list))
			json_array_insert_new(list, 0, question(x, &s));
		if (more)
			(void)snprintf(at, sizeof(at), "%.*s", STORE_ID - 1, s.parent);
	}
	return 0;
}

int snapshot_sync(struct session *s, json_int_t id, const char *snapshot, json_int_t paused_us,
		  struct error *err)
{
	cleanup_json json_t *list = json_array();
	CLEANUP(awaited_free) struct awaited *own = memory_must(calloc(1, sizeof(*own)));

	(void)snprintf(own->id, sizeof(own->id), "%s", snapshot);
	own->paused_us = paused_us;
	if (gather_line(s->x, snapshot, list, err) < 0)
		return -1;
	if (ask_helper(s->x, list, s, id, own, err) < 0)
		return -1;
	(void)TAKE_PTR(own);
	return 0;
}

static void sync_some(struct executor *x, uint64_t now)
{
	cleanup_json json_t *list = json_array();
	CLEANUP(awaited_free) struct awaited *nobody = NULL;
	struct gathering g = { .x = x, .list = list };
	struct error err;

	if (x->stopping || x->n_dirty || x->store_failed ||
	    ((x->n_running || now - x->busy_us < QUIET_US) && now - x->noted_us < PATIENCE_US))
		return;
	x->unsynced = false;
	if (store_snapshot_unsynced(x->store, BATCH, gather, &g, &err) < 0 ||
	    !json_array_size(list))
		return;
	nobody = memory_must(calloc(1, sizeof(*nobody)));
	x->syncing = !ask_helper(x, list, NULL, 0, nobody, &err);
	if (x->syncing)
		(void)TAKE_PTR(nobody);
}

/* ---- over ---- */

static int gather_expired(void *arg, const struct snapshot *s)
{
	json_array_append_new(arg, json_string(s->id));
	return 0;
}

/* Newest first, so that a line of them goes at once; what is needed is asked again. */
static void expire(struct executor *x, uint64_t now)
{
	int64_t wall = clock_surely_ms();
	cleanup_json json_t *ids = json_array();
	size_t i, gone = 0;
	struct error err;
	json_t *id;

	if (!x->expire_ms || wall < x->expire_ms || now - x->expired_us < EXPIRE_US)
		return;
	x->expired_us = now;
	if (run_flush(x, &err) < 0 ||
	    store_snapshot_expired(x->store, wall, gather_expired, ids, &err) < 0)
		return;
	json_array_foreach(ids, i, id)
		gone += gone < EXPIRE_BATCH && !snapshot_remove(x, json_string_value(id), &err);
	if (gone == json_array_size(ids) &&
	    store_snapshot_next_expiry(x->store, wall, &x->expire_ms, &err) < 0)
		x->expire_ms = wall;
}

void snapshot_tend(struct executor *x)
{
	uint64_t now = clock_us();

	expire(x, now);
	if (snapshot_hungry(x))
		sync_some(x, now);
}
