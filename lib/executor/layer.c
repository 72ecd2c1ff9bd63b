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
#include "lib/executor/compact.h"
#include "lib/executor/instance.h"
#include "lib/executor/snapshot-live.h"
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

/* As it was made, for a part of which nothing is needed. */
static bool is_untouched(int fd, const char *name, const struct executor *x)
{
	uid_t owner = x->spawner.rootless ? geteuid() : UID_BASE;
	struct stat st;

	return !fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) && S_ISDIR(st.st_mode) &&
		(st.st_mode & 07777) == 0755 && st.st_uid == owner;
}

void layer_trim(struct executor *x, const char *id)
{
	struct error err;
	cleanup_close int layers = layer_folder(x, &err);
	int fd = layers < 0 ? -1 : openat(layers, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
					  O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		char work[NAME_MAX + 8];

		if (e->d_name[0] == 'w') {
			(void)snprintf(work, sizeof(work), "%s/work", e->d_name);
			(void)unlinkat(fd, work, AT_REMOVEDIR);
			(void)unlinkat(fd, e->d_name, AT_REMOVEDIR);
		} else if (!strncmp(e->d_name, "u.", 2) && is_untouched(fd, e->d_name, x)) {
			/* one that is not empty stays */
			(void)unlinkat(fd, e->d_name, AT_REMOVEDIR);
		}
	}
	if (d)
		(void)closedir(d);
	else if (fd >= 0)
		(void)close(fd);
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

/* Those that were made of several are nobody's own. */
static void note_stack(json_t *rows, const char *text)
{
	cleanup_json json_t *layers = json_loads(text, 0, NULL);
	json_t *layer;
	size_t i;

	json_array_foreach(layers, i, layer)
		if (json_is_string(layer))
			json_object_set_new(rows, json_string_value(layer), json_true());
}

static int sort_row(void *arg, const struct snapshot *s)
{
	struct sweep *w = arg;
	bool alive = !strcmp(s->state, "ready") || work_holds(w->x, s->id) ||
		live_holds(w->x, s->id);

	for (struct run *run = w->x->runs; run && !alive; run = run->next)
		alive = !run->finished && run->rec.snapshot && !strcmp(run->rec.snapshot, s->id);
	json_object_set_new(alive ? w->rows : w->dead, s->id, json_true());
	if (alive)
		note_stack(w->rows, s->layers);
	return 0;
}

/* Sandboxes have them mounted whose rows have others meanwhile. */
static void note_mounted(const struct executor *x, json_t *rows)
{
	for (const struct run *run = x->runs; run; run = run->next) {
		const char *name = run->stack;

		for (uint32_t i = 0; i < run->build.stack && !run->finished; i++) {
			json_object_set_new(rows, name, json_true());
			name += strlen(name) + 1;
		}
		/* of one that an earlier executor began, its stack is not known */
		if (!run->finished && run->rec.parent && !run->stack)
			json_object_set_new(rows, "*", json_true());
	}
}

void layer_note_used(struct executor *x, json_t *rows)
{
	note_mounted(x, rows);
	instance_note_layers(x, rows);
}

bool layer_is_needed(struct executor *x, const json_t *rows, const char *name)
{
	const char *making = compact_making(x);

	if (json_object_get(rows, name) || (making && !strcmp(making, name)))
		return true;
	/* a stack that is being read has it, or a sandbox of which that is not known */
	if (!strchr(name, '-') || (!x->works && !json_object_get(rows, "*")))
		return false;
	x->layers_left = true;
	return true;
}

/* Once, that no row needs it when the power goes, either: one that does may come back then. */
static int make_sure(struct executor *x, bool *safe, struct error *err)
{
	if (!*safe && store_sync(x->store, err) < 0)
		return -1;
	*safe = true;
	return 0;
}

int layer_sweep(struct executor *x, struct error *err)
{
	cleanup_json json_t *rows = json_object();
	cleanup_json json_t *dead = json_object();
	struct sweep w = { x, rows, dead };
	struct dirent *e;
	bool safe = false;
	const char *id;
	json_t *value;
	int fd;
	DIR *d;

	if (store_snapshot_list(x->store, sort_row, &w, err) < 0)
		return -1;
	json_object_foreach(dead, id, value)
		if (store_snapshot_delete(x->store, id, err) < 0)
			return -1;
	layer_note_used(x, rows);
	fd = openat(x->state_dir, "layers", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = fd < 0 ? NULL : fdopendir(fd);
	/* there may be more of them than helpers at a time */
	x->layers_left = false;
	while (d && (e = readdir(d)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..") &&
		    !layer_is_needed(x, rows, e->d_name) &&
		    (make_sure(x, &safe, err) < 0 || discard(fd, e->d_name, err) < 0))
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
	/* and what is being unpacked has no row either */
	if (!x->layers_left || x->n_dirty || x->imports || now - x->swept_us < SWEEP_US)
		return;
	x->swept_us = now;
	if (layer_sweep(x, &err) < 0)
		x->layers_left = true;
}
