#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/executor/layer.h"
#include "lib/executor/snapshot.h"
#include "lib/executor/work.h"

/*
 * Are the files of snapshots what they were? A helper reads every layer that they stand
 * on, once, and compares with what is recorded of it.
 */

struct checking {
	struct executor *x;
	json_t *snapshots;		/* reports of those that were asked for */
	json_t *digests;		/* layer to its digest, or null */
	json_t *unsafe;			/* layers that the disk may not have */
	json_t *ids;			/* of those: meanwhile they stay */
};

static void checking_free(struct checking *c)
{
	json_decref(c->snapshots);
	json_decref(c->digests);
	json_decref(c->unsafe);
	json_decref(c->ids);
	free(c);
}

static int add_known(void *arg, const struct snapshot *s)
{
	cleanup_json json_t *layers = json_loads(s->layers ? s->layers : "[]", 0, NULL);
	const char *own = json_string_value(json_array_get(layers, 0));
	struct checking *c = arg;

	if (own && !strcmp(own, s->id))
		json_object_set_new(c->digests, own, s->digest ? json_string(s->digest)
							       : json_null());
	if (own && s->synced_ms == SNAPSHOT_UNSAFE)
		json_object_set_new(c->unsafe, own, json_true());
	return 0;
}

static int add_wanted(void *arg, const struct snapshot *s)
{
	struct checking *c = arg;

	if (!strcmp(s->state, "ready")) {
		json_array_append_new(c->snapshots, report_snapshot(s));
		json_array_append_new(c->ids, json_string(s->id));
	}
	return 0;
}

/* Each layer that is needed, once. */
static json_t *layers_of(const struct checking *c)
{
	cleanup_json json_t *seen = json_object();
	json_t *list = json_array(), *s, *layer;
	size_t i, k;

	json_array_foreach(c->snapshots, i, s)
		json_array_foreach(json_object_get(s, "layers"), k, layer) {
			const char *name = json_string_value(layer);

			if (!name || json_object_get(seen, name))
				continue;
			json_object_set_new(seen, name, json_true());
			json_array_append_new(list, json_pack("{s:s,s:O?}", "name", name, "digest",
							      json_object_get(c->digests, name)));
		}
	return list;
}

/* The first thing that is wrong with it, or null. */
static json_t *problem(const struct checking *c, const json_t *s, const json_t *layers)
{
	const char *environment = json_string_value(json_object_get(s, "environment"));
	cleanup_environment struct environment e = { .name = "" };
	struct error err;
	json_t *layer;
	size_t i;

	json_array_foreach(json_object_get(s, "layers"), i, layer) {
		const char *name = json_string_value(layer);
		const char *why = json_string_value(json_object_get(json_object_get(layers, name),
								    "problem"));

		if (!why && json_object_get(c->unsafe, name))
			why = "the disk failed, or the machine, when it was written";
		if (why && !i)
			return json_string(why);
		if (why)
			return json_sprintf("of '%s', on which it stands: %s", name, why);
	}
	if (environment && strcmp(environment, "host") &&
	    (store_environment_get(c->x->store, environment, &e, &err) < 0 ||
	     access(e.path ? e.path : "", F_OK) < 0))
		return json_sprintf("its environment '%s' is missing", environment);
	return json_null();
}

static int checked(struct executor *x, void *data, json_t *result, json_t **answer,
		   struct error *err)
{
	const json_t *layers = json_object_get(result, "layers");
	struct checking *c = data;
	json_int_t bad = 0;
	json_t *s;
	size_t i;

	(void)x;
	if (!result) {
		checking_free(c);
		return err_wrap(err, "check snapshots");
	}
	json_array_foreach(c->snapshots, i, s) {
		json_t *why = problem(c, s, layers);

		bad += json_is_string(why);
		json_object_set_new(s, "problem", why);
	}
	*answer = json_pack("{s:I,s:O}", "damaged", bad, "snapshots", c->snapshots);
	checking_free(c);
	return 0;
}

static int gather(struct executor *x, const json_t *ids, struct checking *c, struct error *err)
{
	json_t *id;
	size_t i;

	if (run_flush(x, err) < 0 || store_snapshot_list(x->store, add_known, c, err) < 0)
		return -1;
	if (!ids)
		return store_snapshot_list(x->store, add_wanted, c, err);
	json_array_foreach((json_t *)(uintptr_t)ids, i, id) {
		cleanup_snapshot struct snapshot s = { .id = "" };

		if (!json_is_string(id))
			return err_set(err, ERR_USAGE, "the id of a snapshot is text");
		if (store_snapshot_get(x->store, json_string_value(id), &s, err) < 0)
			return -1;
		(void)add_wanted(c, &s);
	}
	return 0;
}

int snapshot_check(struct session *s, json_int_t id, const json_t *params, struct error *err)
{
	bool rootless = s->x->spawner.rootless;
	cleanup_json json_t *ask = json_pack("{s:s,s:I,s:b}", "do", "check", "shift",
					     (json_int_t)(rootless ? 0 : UID_BASE), "rootless",
					     rootless);
	cleanup_close int fd = layer_folder(s->x, err);
	struct checking *c = calloc(1, sizeof(*c));
	struct work_request req = {
		.helper = { .program = "faas-state", .ask = ask, .fds = { fd }, .n_fds = 1 },
		.done = checked, .data = c, .for_session = true,
	};

	if (!c)
		return err_sys(err, ENOMEM, "check snapshots");
	*c = (struct checking){ .x = s->x, .snapshots = json_array(), .digests = json_object(),
				.unsafe = json_object(), .ids = json_array() };
	if (fd < 0 || gather(s->x, json_object_get(params, "ids"), c, err) < 0) {
		checking_free(c);
		return -1;
	}
	json_object_set_new(ask, "layers", layers_of(c));
	req.snapshots = c->ids;
	if (work_start(s->x, &req, s, id, err) < 0) {
		checking_free(c);
		return -1;
	}
	return 0;
}
