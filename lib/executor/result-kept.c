#include "lib/executor/result.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fault.h"
#include "lib/executor/snapshot.h"
#include "lib/store/step.h"

/*
 * The results that are kept: looked at, and let go.
 */

enum { UNCLAIMED_MS = 600000 };		/* a client has that long to say chain.keep */

static const char *text_of(const json_t *params, const char *key)
{
	return json_string_value(json_object_get(params, key));
}

bool result_made(const struct snapshot *s)
{
	cleanup_json json_t *labels = s->labels ? json_loads(s->labels, 0, NULL) : NULL;

	return json_object_get(labels, CHAIN_LABEL) != NULL;
}

unsigned int result_release(struct executor *x, const char *snapshot)
{
	char id[STORE_ID];
	unsigned int n = 0;
	struct error err;

	(void)snprintf(id, sizeof(id), "%s", snapshot);
	while (*id) {
		cleanup_snapshot struct snapshot s = { .id = "" };

		if (store_snapshot_get(x->store, id, &s, &err) < 0 || strcmp(s.id, id) ||
		    s.name[0] || !result_made(&s) ||
		    store_step_has_snapshot(x->store, id, &err) ||
		    /* refused while something stands on it */
		    snapshot_remove(x, id, &err) < 0)
			break;
		n++;
		(void)snprintf(id, sizeof(id), "%s", s.parent ? s.parent : "");
	}
	return n;
}

/* ---- for those who delete ---- */

struct standing {
	const char *environment;	/* those of it, or */
	json_t *on;			/* those that stand on one of these */
	json_t *ids;			/* parents before children */
	bool needed;			/* by more than results */
};

static int look(void *arg, const struct snapshot *s)
{
	struct standing *w = arg;

	if (w->environment ? strcmp(s->environment, w->environment) != 0
			   : !s->parent || !json_object_get(w->on, s->parent))
		return 0;
	json_object_set_new(w->on, s->id, json_true());
	json_array_append_new(w->ids, json_string(s->id));
	w->needed |= s->name[0] || strcmp(s->state, "ready") || !result_made(s);
	return w->needed;
}

void result_yield(struct executor *x, const char *snapshot, const char *environment)
{
	cleanup_json json_t *on = json_object();
	cleanup_json json_t *ids = json_array();
	struct standing w = { environment, on, ids, false };
	struct error err;

	if (snapshot)
		json_object_set_new(on, snapshot, json_true());
	if (run_flush(x, &err) < 0 || store_snapshot_list(x->store, look, &w, &err) < 0 ||
	    w.needed)
		return;
	/* what a branch, an environment or a run needs says so, and stays */
	for (size_t i = json_array_size(ids); i--;)
		if (snapshot_remove(x, json_string_value(json_array_get(ids, i)), &err) < 0)
			return;
}

static json_t *report(const struct cached_step *s)
{
	json_t *components = s->components ? json_loads(s->components, 0, NULL) : NULL;

	return json_pack("{s:s,s:s,s:s,s:i,s:s,s:o,s:b,s:I,s:I,s:I,s:I}", "key", s->key,
			 "snapshot", s->snapshot, "chain", s->chain, "number", s->number,
			 "command", s->command, "components",
			 components ? components : json_object(), "truncated", s->truncated,
			 "wall_us", (json_int_t)s->wall_us, "created_ms",
			 (json_int_t)s->created_ms, "used_ms", (json_int_t)s->used_ms, "hits",
			 (json_int_t)s->hits);
}

static int list_one(void *arg, const struct cached_step *s)
{
	json_t *j = report(s);

	/* of thousands, that would be more than a frame holds */
	json_object_del(j, "components");
	json_array_append_new(arg, j);
	return 0;
}

int result_list(struct session *s, json_int_t id, const json_t *params, struct error *err)
{
	cleanup_json json_t *list = json_array();

	(void)params;
	if (store_step_list(s->x->store, list_one, list, err) < 0)
		return -1;
	session_result(s, id, json_incref(list), NULL, 0);
	return 0;
}

int result_get(struct session *s, json_int_t id, const json_t *params, struct error *err)
{
	cleanup_cached_step struct cached_step got = { .key = "" };

	if (store_step_get(s->x->store, text_of(params, "key"), &got, err) < 0)
		return -1;
	session_result(s, id, report(&got), NULL, 0);
	return 0;
}

static int drop(struct executor *x, const char *key, const char *snapshot, unsigned int *n,
		struct error *err)
{
	int r = store_step_delete(x->store, key, err);

	if (r < 0 && err->code == ERR_LIMIT && reserve_release(x))
		r = store_step_delete(x->store, key, err);
	if (r < 0)
		return -1;
	(void)fault("chain.deleted");
	*n += result_release(x, snapshot);
	return 0;
}

int result_delete(struct session *s, json_int_t id, const json_t *params, struct error *err)
{
	cleanup_cached_step struct cached_step got = { .key = "" };
	unsigned int n = 0;

	if (run_flush(s->x, err) < 0 ||
	    store_step_get(s->x->store, text_of(params, "key"), &got, err) < 0 ||
	    drop(s->x, got.key, got.snapshot, &n, err) < 0)
		return -1;
	session_result(s, id, json_pack("{s:s,s:i}", "key", got.key, "snapshots", (int)n), NULL,
		       0);
	return 0;
}

/* ---- prune ---- */

struct pruning {
	int64_t before_ms;
	uint64_t keep, seen;
	json_t *going;			/* array of [key, snapshot], children before parents */
};

static int choose(void *arg, const struct cached_step *s)
{
	struct pruning *p = arg;

	if (p->seen++ >= p->keep && s->used_ms < p->before_ms)
		json_array_append_new(p->going, json_pack("[s,s]", s->key, s->snapshot));
	return 0;
}

struct unclaimed {
	struct executor *x;
	json_t *ids;
};

static int choose_unclaimed(void *arg, const struct snapshot *s)
{
	struct unclaimed *u = arg;

	if (!strcmp(s->state, "ready") && !s->name[0] && result_made(s))
		json_array_append_new(u->ids, json_string(s->id));
	return 0;
}

/* A client that lives would have said chain.keep by now. */
static bool is_old(struct executor *x, const char *id)
{
	cleanup_execution struct execution e = { .id = "" };
	struct error err;

	if (store_execution_get(x->store, id, &e, &err) < 0 || strcmp(e.id, id))
		return true;
	return clock_surely_ms() - e.ended_ms > UNCLAIMED_MS;
}

/* Newest first, so that what stands on another goes before that. */
static int drop_unclaimed(struct executor *x, unsigned int *n, struct error *err)
{
	cleanup_json json_t *ids = json_array();
	struct unclaimed u = { x, ids };

	if (store_snapshot_list(x->store, choose_unclaimed, &u, err) < 0)
		return -1;
	for (size_t i = json_array_size(ids); i--;) {
		const char *id = json_string_value(json_array_get(ids, i));
		int r = store_step_has_snapshot(x->store, id, err);

		if (r < 0)
			return -1;
		if (!r && is_old(x, id))
			*n += result_release(x, id);
	}
	return 0;
}

int result_prune(struct session *s, json_int_t id, const json_t *params, struct error *err)
{
	const json_t *older = json_object_get(params, "older_than_ms");
	int64_t now = (int64_t)clock_unix_ms(), ms = json_integer_value(older);
	bool dry_run = json_is_true(json_object_get(params, "dry_run"));
	cleanup_json json_t *going = json_array();
	struct pruning p = {
		.before_ms = !older ? INT64_MAX : ms < now ? now - ms : 0,
		.keep = (uint64_t)json_integer_value(json_object_get(params, "keep_last")),
		.going = going,
	};
	cleanup_json json_t *keys = json_array();
	struct executor *x = s->x;
	unsigned int n = 0;
	json_t *one;
	size_t i;

	if (run_flush(x, err) < 0 || store_step_list(x->store, choose, &p, err) < 0)
		return -1;
	json_array_foreach(going, i, one) {
		const char *key = json_string_value(json_array_get(one, 0));

		if (!dry_run && drop(x, key, json_string_value(json_array_get(one, 1)), &n,
				     err) < 0)
			return -1;
		json_array_append_new(keys, json_string(key));
	}
	if (!dry_run && (drop_unclaimed(x, &n, err) < 0 ||
			 (!p.keep && store_step_forget(x->store, p.before_ms, err) < 0)))
		return -1;
	session_result(s, id, json_pack("{s:I,s:I,s:b,s:O}", "count",
					(json_int_t)json_array_size(keys), "snapshots",
					(json_int_t)n, "dry_run", dry_run, "keys", keys), NULL, 0);
	return 0;
}
