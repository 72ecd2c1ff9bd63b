#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/executor/layer.h"
#include "lib/executor/snapshot.h"
#include "lib/executor/work.h"

/*
 * What snapshots hold on the disk: each has what its run changed, and stands on the
 * others for the rest.
 */

static int add_one(void *arg, const struct snapshot *s)
{
	json_t *j;

	if (strcmp(s->state, "ready"))
		return 0;
	j = report_snapshot(s);
	json_array_append_new(arg, j);
	return 0;
}

static void set_size(json_t *snapshot, const char *key, const json_t *layer, const char *of)
{
	const json_t *n = json_object_get(layer, of);

	json_object_set_new(snapshot, key, json_integer(json_integer_value(n)));
}

/* Of the layer that is its own; of several with the same, once. */
static int measured(struct executor *x, void *data, json_t *result, json_t **answer,
		    struct error *err)
{
	cleanup_json json_t *list = data;
	const json_t *layers = json_object_get(result, "layers");
	json_int_t entries = 0, bytes = 0;
	const char *name;
	json_t *s, *layer;
	size_t i;

	(void)x;
	if (!result)
		return err_wrap(err, "measure snapshots");
	json_array_foreach(list, i, s) {
		layer = json_array_get(json_object_get(s, "layers"), 0);
		layer = json_object_get(layers, json_string_value(layer));
		set_size(s, "entries", layer, "entries");
		set_size(s, "bytes", layer, "bytes");
	}
	json_object_foreach((json_t *)(uintptr_t)layers, name, layer) {
		entries += json_integer_value(json_object_get(layer, "entries"));
		bytes += json_integer_value(json_object_get(layer, "bytes"));
	}
	*answer = json_pack("{s:O,s:I,s:I}", "snapshots", list, "entries", entries, "bytes", bytes);
	return 0;
}

int snapshot_usage(struct session *s, json_int_t id, const json_t *params, struct error *err)
{
	cleanup_json json_t *ask = json_pack("{s:s,s:[]}", "do", "measure", "layers");
	json_t *list = json_array(), *one;
	cleanup_close int fd = layer_folder(s->x, err);
	struct work_request req = {
		.helper = { .program = "faas-state", .ask = ask, .fds = { fd }, .n_fds = 1 },
		.done = measured, .data = list, .for_session = true,
	};
	size_t i;

	(void)params;
	if (fd < 0 || run_flush(s->x, err) < 0 ||
	    store_snapshot_list(s->x->store, add_one, list, err) < 0) {
		json_decref(list);
		return -1;
	}
	json_array_foreach(list, i, one)
		json_array_append(json_object_get(ask, "layers"),
				  json_array_get(json_object_get(one, "layers"), 0));
	if (work_start(s->x, &req, s, id, err) < 0) {
		json_decref(list);
		return -1;
	}
	return 0;
}
