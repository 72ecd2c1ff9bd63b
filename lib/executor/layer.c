#include "lib/executor/layer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fault.h"
#include "lib/environment/unpack.h"
#include "lib/executor/work.h"

enum { SWEEP_US = 1000000 };

int layer_folder(struct executor *x, struct error *err)
{
	int fd = openat(x->state_dir, "layers", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? err_sys(err, errno, "open '%s/layers'", x->state_path) : fd;
}

/*
 * The helper takes its time, and a client whose executor died asks for the same id
 * again: what is to go has another name first.
 */
static int discard(int layers, const char *name, struct error *err)
{
	char gone[NAME_MAX + 1];

	if (*name == '.')
		return unpack_remove(layers, name, err);
	(void)snprintf(gone, sizeof(gone), ".%.32s.%" PRIx64, name, clock_us());
	if (renameat(layers, name, layers, gone) < 0)
		return errno == ENOENT ? 0 : err_sys(err, errno, "remove layer '%s'", name);
	return unpack_remove(layers, gone, err);
}

/* What cannot be removed now is later, by layer_tend(). */
void layer_remove(struct executor *x, const char *id)
{
	struct error err;
	cleanup_close int fd = layer_folder(x, &err);

	if (fd < 0 || discard(fd, id, &err) < 0)
		x->layers_left = true;
}

int layer_make(struct executor *x, const char *id, struct error *err)
{
	cleanup_close int fd = layer_folder(x, err);
	int r = fault("snapshot.mkdir");

	if (fd < 0)
		return -1;
	if (!r && mkdirat(fd, id, 0711) < 0)
		r = errno;
	return r ? err_sys(err, r, "create '%s/layers/%s'", x->state_path, id) : 0;
}

int layer_open(int layers, const char *id, struct error *err)
{
	int fd = openat(layers, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? err_sys(err, errno, "open layer '%s'", id) : fd;
}

/* ---- at start ---- */

struct sweep {
	struct executor *x;
	json_t *rows, *dead;
};

static int sort_row(void *arg, const struct snapshot *s)
{
	struct sweep *w = arg;
	bool alive = !strcmp(s->state, "ready") || work_holds(w->x, s->id);

	for (struct run *run = w->x->runs; run && !alive; run = run->next)
		alive = !run->finished && run->rec.snapshot && !strcmp(run->rec.snapshot, s->id);
	json_object_set_new(alive ? w->rows : w->dead, s->id, json_true());
	return 0;
}

int layer_sweep(struct executor *x, struct error *err)
{
	cleanup_json json_t *rows = json_object();
	cleanup_json json_t *dead = json_object();
	struct sweep w = { x, rows, dead };
	struct dirent *e;
	const char *id;
	json_t *value;
	int fd;
	DIR *d;

	if (store_snapshot_list(x->store, sort_row, &w, err) < 0)
		return -1;
	json_object_foreach(dead, id, value)
		if (store_snapshot_delete(x->store, id, err) < 0)
			return -1;
	fd = openat(x->state_dir, "layers", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = fd < 0 ? NULL : fdopendir(fd);
	/* there may be more of them than helpers at a time */
	x->layers_left = false;
	while (d && (e = readdir(d)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..") &&
		    !json_object_get(rows, e->d_name) && discard(fd, e->d_name, err) < 0)
			x->layers_left = true;
	if (d)
		(void)closedir(d);
	else if (fd >= 0)
		(void)close(fd);
	return 0;
}

void layer_tend(struct executor *x)
{
	uint64_t now = clock_us();
	struct error err;

	/* of a run that has ended and is not recorded yet the row says nothing */
	if (!x->layers_left || x->n_dirty || now - x->swept_us < SWEEP_US)
		return;
	x->swept_us = now;
	if (layer_sweep(x, &err) < 0)
		x->layers_left = true;
}
