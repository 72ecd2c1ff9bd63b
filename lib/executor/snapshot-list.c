#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/executor/result.h"
#include "lib/executor/snapshot-remove.h"

/*
 * Which snapshots there are, and which of them go: list, delete and prune.
 */

enum { LABELS_MAX = 64, IDS_MAX = 10000 };

static const char *text_of(const json_t *params, const char *key)
{
	return json_string_value(json_object_get(params, key));
}

int snapshot_filter_read(const json_t *params, struct snapshot_filter *ret, struct error *err)
{
	const json_t *older = json_object_get(params, "older_than_ms");
	json_int_t now = (json_int_t)clock_unix_ms(), ms = json_integer_value(older);
	json_t *label;
	size_t i;

	*ret = (struct snapshot_filter){
		.labels = json_object_get(params, "labels"),
		.environment = text_of(params, "environment"),
		.name = text_of(params, "name"),
		.since_ms = json_integer_value(json_object_get(params, "since_ms")),
		/* 1: nothing is that old */
		.before_ms = !older ? 0 : ms < now ? now - ms : 1,
	};
	if (json_array_size(ret->labels) > LABELS_MAX)
		return err_set(err, ERR_USAGE, "more than %d labels", LABELS_MAX);
	json_array_foreach((json_t *)(uintptr_t)ret->labels, i, label)
		if (!json_is_string(label) || !strchr(json_string_value(label), '='))
			return err_set(err, ERR_USAGE, "a label to look for is KEY=value");
	return 0;
}

static bool has_labels(const json_t *wanted, const char *labels)
{
	cleanup_json json_t *own = json_loads(labels ? labels : "{}", 0, NULL);
	json_t *label;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)wanted, i, label) {
		const char *text = json_string_value(label), *eq = strchr(text, '=');
		const char *value = json_string_value(json_object_getn(own, text,
								       (size_t)(eq - text)));

		if (!value || strcmp(value, eq + 1))
			return false;
	}
	return true;
}

bool snapshot_filter_has(const struct snapshot_filter *f, const struct snapshot *s)
{
	return (!f->environment || !strcmp(f->environment, s->environment)) &&
		(!f->name || !fnmatch(f->name, s->name, 0)) &&
		s->created_ms >= f->since_ms && (!f->before_ms || s->created_ms < f->before_ms) &&
		has_labels(f->labels, s->labels);
}

/* ---- list ---- */

struct listing {
	struct snapshot_filter filter;
	json_t *list;
	json_int_t after;
	size_t limit;
};

static int list_one(void *arg, const struct snapshot *s)
{
	struct listing *l = arg;

	if (s->seq > l->after && !strcmp(s->state, "ready") && snapshot_filter_has(&l->filter, s))
		json_array_append_new(l->list, report_snapshot(s));
	return l->limit && json_array_size(l->list) >= l->limit;
}

int snapshot_list(struct session *s, json_int_t id, const json_t *params, struct error *err)
{
	cleanup_json json_t *list = json_array();
	struct listing l = {
		.list = list,
		.after = json_integer_value(json_object_get(params, "after")),
		.limit = (size_t)json_integer_value(json_object_get(params, "limit")),
	};

	if (snapshot_filter_read(params, &l.filter, err) < 0 || run_flush(s->x, err) < 0 ||
	    store_snapshot_list(s->x->store, list_one, &l, err) < 0)
		return -1;
	session_result(s, id, json_incref(list), NULL, 0);
	return 0;
}

/* ---- delete ---- */

/* What was asked for cannot be done, as nothing of it is then. */
static int needed(const json_t *kept, struct error *err)
{
	const json_t *first = json_array_get(kept, 0);
	size_t n = json_array_size(kept);

	(void)err_set(err, ERR_BUSY, "snapshot '%s' is needed: %s%s", text_of(first, "id"),
		      text_of(first, "why"), n > 1 ? "; and so are others" : "");
	return err_hint(err, strstr(text_of(first, "why"), "stands on it")
			? "delete that first, or --recursive; see 'faas snapshot tree'"
			: strstr(text_of(first, "why"), "branch")
			? "delete the branch first; see 'faas branch list'"
			: "'faas execution cancel' ends an execution");
}

static int mark_one(struct executor *x, struct doom *d, const char *what, struct error *err)
{
	cleanup_snapshot struct snapshot got = { 0 };

	if (!what)
		return err_set(err, ERR_USAGE, "the id of a snapshot is text");
	if (store_snapshot_get(x->store, what, &got, err) < 0)
		return -1;
	return doom_mark(d, got.id) ? 0 : err_set(err, ERR_NOT_FOUND, "no snapshot '%s'", what);
}

/* Results of steps that stand on it are of no use without it. */
static void yield_one(struct executor *x, const char *what)
{
	cleanup_snapshot struct snapshot got = { 0 };
	struct error err;

	if (what && !store_snapshot_get(x->store, what, &got, &err))
		result_yield(x, got.id, NULL);
}

int snapshot_delete(struct session *s, json_int_t id, const json_t *params, struct error *err)
{
	bool dry = json_is_true(json_object_get(params, "dry_run"));
	const json_t *others = json_object_get(params, "others"), *kept;
	CLEANUP(doom_free) struct doom *d = NULL;
	json_t *other;
	size_t i;

	if (json_array_size(others) > IDS_MAX)
		return err_set(err, ERR_USAGE, "more than %d snapshots at once", IDS_MAX);
	if (!dry)
		yield_one(s->x, text_of(params, "id"));
	json_array_foreach((json_t *)(uintptr_t)others, i, other)
		if (!dry)
			yield_one(s->x, json_string_value(other));
	if (doom_begin(s->x, &d, err) < 0 || mark_one(s->x, d, text_of(params, "id"), err) < 0)
		return -1;
	json_array_foreach((json_t *)(uintptr_t)others, i, other)
		if (mark_one(s->x, d, json_string_value(other), err) < 0)
			return -1;
	if (json_is_true(json_object_get(params, "recursive")))
		doom_mark_descendants(d);
	doom_spare(d, &kept);
	if (json_array_size(kept))
		return needed(kept, err);
	if (!dry && doom_carry_out(s->x, d, err) < 0)
		return -1;
	session_result(s, id, json_pack("{s:b,s:o}", "dry_run", dry, "deleted", doom_report(d)),
		       NULL, 0);
	return 0;
}

/* ---- prune ---- */

struct pruning {
	struct snapshot_filter filter;
	struct doom *d;
	char (*ids)[STORE_ID];		/* that fit, oldest first */
	size_t n, size;
	bool named, full;
};

static int prune_one(void *arg, const struct snapshot *s)
{
	struct pruning *p = arg;

	if (strcmp(s->state, "ready") || (s->name[0] && !p->named) ||
	    !snapshot_filter_has(&p->filter, s))
		return 0;
	if (p->n == p->size) {
		size_t size = p->size ? p->size * 2 : 64;
		void *more = reallocarray(p->ids, size, sizeof(*p->ids));

		p->full = !more;
		if (!more)
			return 1;
		p->ids = more;
		p->size = size;
	}
	(void)snprintf(p->ids[p->n++], STORE_ID, "%s", s->id);
	return 0;
}

/* The newest of those that fit stay; of age, only what is left is looked at. */
static int choose(struct executor *x, const json_t *params, struct pruning *p, struct error *err)
{
	uint64_t keep = (uint64_t)json_integer_value(json_object_get(params, "keep_last"));
	int64_t before_ms;

	if (snapshot_filter_read(params, &p->filter, err) < 0)
		return -1;
	before_ms = p->filter.before_ms;
	p->filter.before_ms = 0;
	if (store_snapshot_list(x->store, prune_one, p, err) < 0)
		return -1;
	if (p->full)
		return err_sys(err, ENOMEM, "prune snapshots");
	for (size_t i = 0; i + keep < p->n && keep < p->n; i++) {
		cleanup_snapshot struct snapshot s = { 0 };

		if (before_ms && store_snapshot_find(x->store, p->ids[i], &s, err) < 0)
			return -1;
		if (!before_ms || s.created_ms < before_ms)
			(void)doom_mark(p->d, p->ids[i]);
	}
	return 0;
}

int snapshot_prune(struct session *s, json_int_t id, const json_t *params, struct error *err)
{
	bool dry = json_is_true(json_object_get(params, "dry_run"));
	struct pruning p = { .named = json_is_true(json_object_get(params, "named")) };
	CLEANUP(doom_free) struct doom *d = NULL;
	json_int_t bytes = 0;
	const json_t *kept;
	json_t *list, *one;
	size_t i;
	int r;

	if (doom_begin(s->x, &d, err) < 0)
		return -1;
	p.d = d;
	r = choose(s->x, params, &p, err);
	free(p.ids);
	if (r < 0)
		return -1;
	doom_spare(d, &kept);
	list = doom_report(d);
	if (!dry && doom_carry_out(s->x, d, err) < 0) {
		json_decref(list);
		return -1;
	}
	json_array_foreach(list, i, one)
		bytes += json_integer_value(json_object_get(one, "bytes"));
	session_result(s, id, json_pack("{s:b,s:I,s:o,s:O}", "dry_run", dry, "bytes", bytes,
					"deleted", list, "kept", kept), NULL, 0);
	return 0;
}
