#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/executor/layer.h"
#include "lib/executor/snapshot.h"
#include "lib/executor/work.h"

/*
 * A snapshot as one file. What is in it is in its manifest, made here; a helper writes it
 * to the client's descriptor, and nobody deletes what it reads.
 */

enum { LEVEL_DEFAULT = 3, LEVEL_MAX = 19, EXPORT_LAYERS_MAX = 1000 };

static const char *text_of(const json_t *params, const char *key)
{
	return json_string_value(json_object_get(params, key));
}

struct exporting {
	char id[STORE_ID];
};

static int exported(struct executor *x, void *data, json_t *result, json_t **answer,
		    struct error *err)
{
	cleanup_free struct exporting *e = data;

	(void)x;
	if (result)
		*answer = json_pack("{s:s,s:O,s:O}", "id", e->id, "bytes",
				    json_object_get(result, "bytes"), "content",
				    json_object_get(result, "content"));
	else
		(void)err_wrap(err, "export snapshot '%s'", e->id);
	return result ? 0 : -1;
}

static json_t *nullable(const char *s)
{
	return s && *s ? json_string(s) : json_null();
}

/* What is known of a layer: that of the snapshot whose own it is, as far as there is one. */
static json_t *describe(struct executor *x, const struct snapshot *s, const char *layer, bool top)
{
	cleanup_snapshot struct snapshot of = { .id = "" };
	struct error err;
	bool known = store_snapshot_find(x->store, layer, &of, &err) > 0;
	const struct snapshot *named = top ? s : &of;
	json_t *labels = known || top ? json_loads(named->labels ? named->labels : "{}", 0, NULL) : NULL;
	json_t *j = json_pack("{s:o,s:o,s:o,s:I,s:o}", "id", nullable(named->id), "name",
			      nullable(named->name), "comment", nullable(named->comment),
			      "created_ms", (json_int_t)named->created_ms, "labels",
			      labels ? labels : json_object());

	if (known && of.digest)
		json_object_set_new(j, "digest", json_string(of.digest));
	return j;
}

/* How many of the layers, from the lowest, the other side has. */
static int known_layers(struct executor *x, const struct snapshot *s, const json_t *layers,
			const char *since, json_t *manifest, size_t *ret, struct error *err)
{
	cleanup_snapshot struct snapshot base = { .id = "" };
	cleanup_json json_t *below = NULL;
	size_t n = json_array_size(layers), k;

	*ret = 0;
	if (!since)
		return 0;
	if (store_snapshot_get(x->store, since, &base, err) < 0)
		return -1;
	below = json_loads(base.layers, 0, NULL);
	k = json_array_size(below);
	for (size_t i = 0; i < k; i++)
		if (i >= n || !json_equal(json_array_get(layers, n - 1 - i),
					  json_array_get(below, k - 1 - i)))
			return err_set(err, ERR_CONFLICT, "snapshot '%s' does not stand on '%s'",
				       s->id, base.id);
	if (k == n)
		return err_set(err, ERR_CONFLICT, "snapshot '%s' has nothing that '%s' has not",
			       s->id, base.id);
	if (!base.checksum) {
		(void)err_set(err, ERR_CONFLICT, "the checksum of snapshot '%s' is not known yet",
			      base.id);
		return err_hint(err, "it is computed a moment after it was made: try again");
	}
	json_object_set_new(manifest, "base", json_pack("{s:s,s:o,s:s}", "id", base.id, "name",
							nullable(base.name), "checksum",
							base.checksum));
	*ret = k;
	return 0;
}

static int make_manifest(struct executor *x, const struct snapshot *s, const char *since,
			 json_t *ask, struct error *err)
{
	cleanup_environment struct environment e = { .name = "" };
	cleanup_json json_t *layers = json_loads(s->layers ? s->layers : "[]", 0, NULL);
	json_t *list = json_array(), *names = json_array();
	json_t *manifest = json_pack("{s:s,s:n,s:o}", "format", "faas.snapshot.v1", "base",
				     "layers", list);
	size_t known, n = json_array_size(layers);

	json_object_set_new(ask, "manifest", manifest);
	json_object_set_new(ask, "names", names);
	if (strcmp(s->environment, "host") &&
	    store_environment_get(x->store, s->environment, &e, err) < 0)
		return -1;
	json_object_set_new(manifest, "environment", json_pack("{s:s,s:o}", "name", s->environment,
							       "checksum", nullable(e.checksum)));
	if (!n || n > EXPORT_LAYERS_MAX)
		return err_set(err, ERR_LIMIT, "snapshot '%s' has %zu layers", s->id, n);
	if (known_layers(x, s, layers, since, manifest, &known, err) < 0)
		return -1;
	for (size_t i = n - known; i-- > 0;) {
		const char *name = json_string_value(json_array_get(layers, i));

		if (!name)
			return err_set(err, ERR_CORRUPT, "snapshot '%s' has a layer that is no "
				       "name", s->id);
		json_array_append_new(names, json_string(name));
		json_array_append_new(list, describe(x, s, name, !i));
	}
	return 0;
}

int snapshot_export(struct session *s, json_int_t id, const json_t *params, struct error *err)
{
	const json_t *level = json_object_get(params, "level");
	json_int_t n = level ? json_integer_value(level) : LEVEL_DEFAULT;
	bool sign = json_is_true(json_object_get(params, "sign")), rootless = s->x->spawner.rootless;
	cleanup_json json_t *ask = json_pack("{s:s,s:I,s:b,s:I,s:b}", "do", "export", "level", n,
					     "sign", sign, "shift",
					     (json_int_t)(rootless ? 0 : UID_BASE), "rootless",
					     rootless);
	cleanup_close int layers = layer_folder(s->x, err), to = wire_take_fd(&s->wire);
	cleanup_close int key = sign ? wire_take_fd(&s->wire) : -1;
	cleanup_snapshot struct snapshot got = { .id = "" };
	cleanup_free struct exporting *e = NULL;
	cleanup_json json_t *held = NULL;
	struct work_request req = {
		.helper = { .program = "faas-state", .ask = ask, .fds = { layers, to, key },
			    .n_fds = sign ? 3 : 2 },
		.done = exported, .for_session = true,
	};

	if (layers < 0)
		return -1;
	if (to < 0 || (sign && key < 0))
		return err_set(err, ERR_PROTOCOL, "a descriptor for the export is missing");
	if (n < 1 || n > LEVEL_MAX)
		return err_set(err, ERR_USAGE, "a level of compression is 1 to %d", LEVEL_MAX);
	if (run_flush(s->x, err) < 0 ||
	    store_snapshot_get(s->x->store, text_of(params, "id"), &got, err) < 0 ||
	    make_manifest(s->x, &got, text_of(params, "since"), ask, err) < 0)
		return -1;
	e = calloc(1, sizeof(*e));
	if (!e)
		return err_sys(err, ENOMEM, "export a snapshot");
	(void)snprintf(e->id, sizeof(e->id), "%s", got.id);
	/* and with it those that it stands on, which have the other layers */
	held = json_pack("[s]", got.id);
	req.snapshots = held;
	req.data = e;
	if (work_start(s->x, &req, s, id, err) < 0)
		return -1;
	(void)TAKE_PTR(e);
	return 0;
}
