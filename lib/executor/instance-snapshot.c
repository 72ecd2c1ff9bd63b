#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fault.h"
#include "lib/base/id.h"
#include "lib/base/memory.h"
#include "lib/executor/instance.h"
#include "lib/executor/layer.h"

/*
 * The files of an instance that has stopped become a snapshot by name alone: its layer is
 * the snapshot's from then on, which nobody writes to again, and it goes on with a new one
 * over that.
 */

static int set_layers(struct live_instance *i, struct snapshot *made, struct error *err)
{
	cleanup_snapshot struct snapshot base = { .id = "" };
	cleanup_json json_t *layers = json_pack("[s]", i->rec.layer);
	cleanup_json json_t *below = NULL;

	if (i->rec.base && store_snapshot_get(i->x->store, i->rec.base, &base, err) < 0)
		return -1;
	below = base.layers ? json_loads(base.layers, 0, NULL) : json_array();
	if (!below || json_array_extend(layers, below) < 0)
		return err_set(err, ERR_CORRUPT, "the layers of snapshot '%s' are no list",
			       i->rec.base);
	made->layers = json_dumps(layers, JSON_COMPACT);
	return made->layers ? 0 : err_set(err, ERR_LIMIT, "no memory");
}

static int has_files(struct live_instance *i, struct error *err)
{
	cleanup_close int all = layer_folder(i->x, err);
	char upper[STORE_ID + 4];

	if (all < 0)
		return -1;
	(void)snprintf(upper, sizeof(upper), "%.39s/u", i->rec.layer);
	if (!faccessat(all, upper, F_OK, AT_SYMLINK_NOFOLLOW))
		return 0;
	(void)err_set(err, ERR_CONFLICT, "instance '%s' has written nothing since its last "
		      "snapshot", instance_name(i));
	return err_hint(err, "'faas instance show %s' says which one that is", instance_name(i));
}

int instance_become_snapshot(struct live_instance *i, struct snapshot *made, struct error *err)
{
	char *base = i->rec.base, *layer = i->rec.layer, fresh[ID_SIZE];
	struct store *store = i->x->store;

	if (has_files(i, err) < 0 || set_layers(i, made, err) < 0)
		return -1;
	layer_trim(i->x, layer);
	(void)snprintf(made->id, sizeof(made->id), "%s", layer);
	(void)snprintf(made->state, sizeof(made->state), "ready");
	made->parent = memory_copy(base);
	made->environment = memory_copy(i->rec.environment);
	made->execution = memory_copy(i->rec.execution);
	id_make(fresh);
	if (store_begin(store, err) < 0)
		return -1;
	i->rec.base = memory_copy(made->id);
	i->rec.layer = memory_copy(fresh);
	i->rec.updated_ms = (int64_t)clock_unix_ms();
	if (store_snapshot_put(store, made, err) < 0 ||
	    store_instance_put(store, &i->rec, err) < 0) {
		store_rollback(store);
	} else if (!store_commit(store, err)) {
		(void)fault("instance.snapshot");
		free(base);
		free(layer);
		return 0;
	}
	free(i->rec.base);
	free(i->rec.layer);
	i->rec.base = base;
	i->rec.layer = layer;
	return -1;
}
