#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/executor/layer.h"
#include "lib/executor/snapshot-remove.h"

/*
 * Rows and folders of snapshots that do not fit together: somebody else has been there, or
 * the disk has lost something. Folders that no row knows go; so do snapshots that stand on
 * a folder that is gone, as far as nothing needs them. Nothing else is touched.
 */

struct looking {
	int layers;			/* their folder */
	json_t *rows;			/* every id, every layer that one has, and what is in use */
	json_t *broken;			/* id to the layer that is missing */
	json_t *problems;		/* the answer */
};

static bool exists(int layers, const char *name)
{
	struct stat st;

	return *name && *name != '.' && !strchr(name, '/') &&
		!fstatat(layers, name, &st, AT_SYMLINK_NOFOLLOW) && S_ISDIR(st.st_mode);
}

static int look_at_row(void *arg, const struct snapshot *s)
{
	cleanup_json json_t *layers = json_loads(s->layers ? s->layers : "[]", 0, NULL);
	struct looking *l = arg;
	json_t *layer;
	size_t i;

	json_object_set_new(l->rows, s->id, json_true());
	json_array_foreach(layers, i, layer) {
		const char *name = json_string_value(layer);

		if (name)
			json_object_set_new(l->rows, name, json_true());
		if (!strcmp(s->state, "ready") && (!name || !exists(l->layers, name)))
			json_object_set_new(l->broken, s->id, json_string(name ? name : ""));
	}
	return 0;
}

static void add_problem(struct looking *l, const char *id, const char *name, const char *problem,
			bool removed, const char *why)
{
	json_array_append_new(l->problems, json_pack("{s:s,s:o,s:s,s:b,s:o}", "id", id, "name",
		name ? json_string(name) : json_null(), "problem", problem, "removed", removed,
		"why", why ? json_string(why) : json_null()));
}

/* A layer of what is being imported has a name that is hidden. */
static int look_at_folders(struct executor *x, struct looking *l, bool dry, struct error *err)
{
	int fd = layer_folder(x, err);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	layer_note_used(x, l->rows);
	if (!d) {
		if (fd >= 0)
			(void)close(fd);
		return -1;
	}
	while ((e = readdir(d))) {
		cleanup_json json_t *name = wire_text(e->d_name);

		if (e->d_name[0] == '.' || layer_is_needed(x, l->rows, e->d_name))
			continue;
		add_problem(l, json_is_string(name) ? e->d_name : "?", NULL,
			    "a layer of no snapshot", !dry, NULL);
		if (!dry)
			layer_remove(x, e->d_name);
	}
	(void)closedir(d);
	return 0;
}

static int mend_rows(struct executor *x, struct looking *l, bool dry, struct error *err)
{
	CLEANUP(doom_free) struct doom *d = NULL;
	cleanup_json json_t *gone = NULL;
	const json_t *kept;
	const char *id;
	json_t *layer, *s;
	char text[128];
	size_t i;

	if (!json_object_size(l->broken))
		return 0;
	if (doom_begin(x, &d, err) < 0)
		return -1;
	json_object_foreach(l->broken, id, layer)
		(void)doom_mark(d, id);
	doom_spare(d, &kept);
	gone = doom_report(d);
	if (!dry && doom_carry_out(x, d, err) < 0)
		return -1;
	json_array_foreach(gone, i, s) {
		id = json_string_value(json_object_get(s, "id"));
		(void)snprintf(text, sizeof(text), "its layer '%.40s' is missing",
			       json_string_value(json_object_get(l->broken, id)));
		add_problem(l, id, json_string_value(json_object_get(s, "name")), text, !dry, NULL);
	}
	json_array_foreach((json_t *)(uintptr_t)kept, i, s) {
		id = json_string_value(json_object_get(s, "id"));
		(void)snprintf(text, sizeof(text), "its layer '%.40s' is missing",
			       json_string_value(json_object_get(l->broken, id)));
		add_problem(l, id, json_string_value(json_object_get(s, "name")), text, false,
			    json_string_value(json_object_get(s, "why")));
	}
	return 0;
}

int snapshot_repair(struct session *s, json_int_t id, const json_t *params, struct error *err)
{
	bool dry = json_is_true(json_object_get(params, "dry_run"));
	cleanup_close int layers = layer_folder(s->x, err);
	cleanup_json json_t *rows = json_object();
	cleanup_json json_t *broken = json_object();
	cleanup_json json_t *problems = json_array();
	struct looking l = { layers, rows, broken, problems };

	if (layers < 0 || run_flush(s->x, err) < 0 ||
	    store_snapshot_list(s->x->store, look_at_row, &l, err) < 0 ||
	    mend_rows(s->x, &l, dry, err) < 0 || look_at_folders(s->x, &l, dry, err) < 0)
		return -1;
	session_result(s, id, json_pack("{s:b,s:O}", "dry_run", dry, "problems", problems), NULL, 0);
	return 0;
}
