#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/executor/layer.h"
#include "lib/executor/snapshot.h"
#include "lib/executor/work.h"

/* What one state of files has that another has not; faas-state looks. */

static const char *text_of(const json_t *params, const char *key)
{
	return json_string_value(json_object_get(params, key));
}

/* A snapshot, or a branch's head and, where asked for, its base. */
static int find(struct executor *x, const json_t *params, const char *what,
		struct snapshot *ret, struct snapshot *base, struct error *err)
{
	cleanup_branch struct branch b = { .name = "" };

	if (!json_is_true(json_object_get(params, "branches"))) {
		if (!store_snapshot_get(x->store, what, ret, err))
			return 0;
		if (err->code != ERR_NOT_FOUND)
			return -1;
	}
	if (store_branch_get(x->store, what, &b, err) < 0) {
		if (err->code != ERR_NOT_FOUND || json_object_get(params, "branches"))
			return -1;
		(void)err_set(err, ERR_NOT_FOUND, "no snapshot or branch '%s'", what);
		return err_hint(err, "see 'faas snapshot list' and 'faas branch list'");
	}
	if (store_snapshot_get(x->store, b.head, ret, err) < 0)
		return -1;
	return base ? store_snapshot_get(x->store, b.base, base, err) : 0;
}

/* The two that are compared: from is what came first. */
static int find_two(struct executor *x, const json_t *params, struct snapshot *from,
		    struct snapshot *to, struct error *err)
{
	const char *what = text_of(params, "id"), *other = text_of(params, "other");

	if (run_flush(x, err) < 0)
		return -1;
	if (other)
		return find(x, params, what, from, NULL, err) < 0 ? -1
			: find(x, params, other, to, NULL, err);
	if (find(x, params, what, to, from, err) < 0)
		return -1;
	/* a snapshot by itself: what its parent has not */
	if (!from->id[0] && to->parent)
		return store_snapshot_find(x->store, to->parent, from, err) < 0 ? -1 : 0;
	return 0;
}

static int set_side(json_t *ask, const char *name, const struct snapshot *s)
{
	return json_object_set_new(ask, name, s->id[0] ? json_loads(s->layers, 0, NULL)
				   : json_array());
}

struct compared {
	char from[STORE_ID], to[STORE_ID];
};

static int compared(struct executor *x, void *data, json_t *result, json_t **answer,
		    struct error *err)
{
	static const char *const told[] = { "differences", "next", "n", "digest" };
	cleanup_free struct compared *c = data;

	(void)x;
	if (!result)
		return err_wrap(err, "compare");
	*answer = json_pack("{s:o,s:s}", "from", c->from[0] ? json_string(c->from) : json_null(),
			    "to", c->to);
	for (size_t i = 0; i < ARRAY_SIZE(told); i++)
		if (json_object_get(result, told[i]))
			json_object_set(*answer, told[i], json_object_get(result, told[i]));
	return 0;
}

static int start(struct session *s, json_int_t id, const json_t *ask,
		 const struct snapshot *from, const struct snapshot *to, struct error *err)
{
	cleanup_close int layers = layer_folder(s->x, err);
	cleanup_json json_t *held = json_pack("[s,s]", from->id, to->id);
	cleanup_free struct compared *c = calloc(1, sizeof(*c));
	struct work_request req = {
		.helper = { .program = "faas-state", .ask = ask, .fds = { layers }, .n_fds = 1 },
		.done = compared, .data = c, .for_session = true, .snapshots = held,
	};

	if (layers < 0 || !c)
		return layers < 0 ? -1 : err_sys(err, ENOMEM, "compare");
	(void)snprintf(c->from, sizeof(c->from), "%s", from->id);
	(void)snprintf(c->to, sizeof(c->to), "%s", to->id);
	if (work_start(s->x, &req, s, id, err) < 0)
		return -1;
	(void)TAKE_PTR(c);
	return 0;
}

int snapshot_diff_files(struct session *s, json_int_t id, const json_t *params, struct error *err)
{
	cleanup_snapshot struct snapshot from = { .id = "" };
	cleanup_snapshot struct snapshot to = { .id = "" };
	cleanup_json json_t *ask = json_pack("{s:s,s:b,s:b}", "do", "diff", "lines",
					     json_is_true(json_object_get(params, "lines")), "patch",
					     json_is_true(json_object_get(params, "patch")));
	static const char *const passed[] = { "paths", "limit", "after", "summary" };
	json_t *paths = json_object_get(params, "paths"), *path;
	size_t i;

	json_array_foreach(paths, i, path)
		if (!json_is_string(path))
			return err_set(err, ERR_USAGE, "'paths' are text");
	for (i = 0; i < ARRAY_SIZE(passed); i++)
		if (json_object_get(params, passed[i]))
			json_object_set(ask, passed[i], json_object_get(params, passed[i]));
	if (find_two(s->x, params, &from, &to, err) < 0)
		return -1;
	if (from.environment && to.environment && strcmp(from.environment, to.environment))
		return err_set(err, ERR_CONFLICT, "one is of environment '%s', and the other of '%s'",
			       from.environment, to.environment);
	if (snapshot_sides(s->x, to.environment ? to.environment : "host", ask, err) < 0)
		return -1;
	if (set_side(ask, "from", &from) < 0 || set_side(ask, "to", &to) < 0)
		return err_set(err, ERR_CORRUPT, "a snapshot has no layers");
	return start(s, id, ask, &from, &to, err);
}
