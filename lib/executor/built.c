#include "lib/base/memory.h"
#include "lib/executor/result.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fault.h"
#include "lib/base/parse.h"
#include "lib/executor/environment.h"
#include "lib/executor/snapshot.h"
#include "lib/state/view.h"

/*
 * An environment that is built of steps has no folder of its own: a run in it begins
 * with the layers of its snapshot, over the root of what that stands on. Nothing is
 * copied, whatever the size of the base.
 */

enum { DEPTH_MAX = 128 };

static const char *text_of(const json_t *params, const char *key)
{
	return json_string_value(json_object_get(params, key));
}

int built_root(struct executor *x, struct environment *e, struct error *err)
{
	cleanup_free char *at = memory_copy(e->base);

	if (!e->snapshot)
		return 0;
	for (int i = 0; at && i < DEPTH_MAX; i++) {
		cleanup_environment struct environment below = { .name = "" };

		if (!strcmp(at, "host")) {
			free(e->path);
			e->path = NULL;
			return 0;
		}
		if (store_environment_get(x->store, at, &below, err) < 0)
			return err_wrap(err, "environment '%s'", e->name);
		free(at);
		at = memory_copy(below.base);
		if (!below.snapshot) {
			free(e->path);
			e->path = TAKE_PTR(below.path);
			return 0;
		}
	}
	return err_set(err, ERR_CORRUPT, "environment '%s' stands on nothing", e->name);
}

int built_stack(struct executor *x, const struct environment *e, struct run *run,
		struct error *err)
{
	cleanup_snapshot struct snapshot s = { .id = "" };

	if (!e->snapshot || run->rec.parent)
		return 0;
	if (store_snapshot_get(x->store, e->snapshot, &s, err) < 0 ||
	    snapshot_stack(&s, run, err) < 0)
		return err_wrap(err, "environment '%s'", e->name);
	/* so that it stays while this runs, whatever becomes of the environment */
	run->rec.parent = memory_copy(s.id);
	return 0;
}

static int open_view(struct executor *x, const struct environment *e, struct view *ret,
		     struct error *err)
{
	cleanup_snapshot struct snapshot s = { .id = "" };
	cleanup_close int fd = openat(x->state_dir, "layers", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_json json_t *layers = NULL;
	const char *names[STACK_MAX];
	int n = 0;
	json_t *layer;
	size_t i;

	if (store_snapshot_get(x->store, e->snapshot, &s, err) < 0)
		return -1;
	layers = json_loads(s.layers, 0, NULL);
	json_array_foreach(layers, i, layer)
		if (n < STACK_MAX && json_is_string(layer))
			names[n++] = json_string_value(layer);
	return view_open(fd, names, n, e->path ? e->path : "", 0, ret, err);
}

/* A link counts: where it leads to is not looked at. */
static bool has_file(const struct view *v, const char *path)
{
	struct view_entry entry;
	struct error err;
	bool found;

	if (view_lookup(v, path, &entry, &err) <= 0)
		return false;
	found = S_ISLNK(entry.st.st_mode) ||
		(S_ISREG(entry.st.st_mode) && (entry.st.st_mode & 0111));
	if (entry.fd >= 0)
		(void)close(entry.fd);
	return found;
}

bool built_has(struct executor *x, const struct environment *e, const char *program)
{
	static const char *const folders[] = {
		"usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin", "sbin", "bin"
	};
	struct view v;
	bool found = false;
	char path[256];
	struct error err;

	if (!*program || strlen(program) > 128 || strchr(program, '*') ||
	    open_view(x, e, &v, &err) < 0)
		return false;
	if (*program == '/')
		found = has_file(&v, program + 1);
	for (size_t i = 0; *program != '/' && !found && i < ARRAY_SIZE(folders); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", folders[i], program);
		found = has_file(&v, path);
	}
	view_close(&v);
	return found;
}

int snapshot_sides(struct executor *x, const char *environment, json_t *to, struct error *err)
{
	cleanup_environment struct environment e = { .name = "" };
	bool host = !strcmp(environment, "host");

	if (!host && (store_environment_get(x->store, environment, &e, err) < 0 ||
		      built_root(x, &e, err) < 0))
		return -1;
	/* built over it */
	host |= e.snapshot && !e.path;
	json_object_set_new(to, "root", wire_text(host ? "" : e.path));
	/* roots in our own store have shifted owners already, the machine's has not */
	json_object_set_new(to, "shift", json_integer(host && !x->spawner.rootless ? UID_BASE : 0));
	return 0;
}

int built_report_files(struct executor *x, const char *environment, json_t *to,
		       struct error *err)
{
	json_t *files = json_object();
	char path[4200];

	json_object_set_new(to, "files", files);
	(void)snprintf(path, sizeof(path), "%s/layers", x->state_path);
	json_object_set_new(files, "layers", wire_text(path));
	return snapshot_sides(x, environment, files, err);
}

int built_check(struct executor *x, const char *name, struct error *err)
{
	char user[STORE_NAME];
	int r = store_environment_of_base(x->store, name, user, err);

	if (r <= 0)
		return r;
	(void)err_set(err, ERR_BUSY, "environment '%s' is built on environment '%s'", user, name);
	return err_hint(err, "'faas env delete %s' first", user);
}

/* ---- build ---- */

/* What is below has it, unless something else is said. */
static char *merged(const char *below, const json_t *params, const char *key)
{
	cleanup_json json_t *j = below ? json_loads(below, 0, NULL) : NULL;
	json_t *given = json_object_get(params, key);

	if (!json_is_object(j)) {
		json_decref(j);
		j = json_object();
	}
	if (given)
		(void)json_object_update(j, given);
	return json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS);
}

/* An empty one is for none. */
static char *copy_or(const json_t *params, const char *key, const char *otherwise)
{
	const char *s = text_of(params, key);

	if (!s)
		s = otherwise;
	return s && *s ? memory_copy(s) : NULL;
}

static int check_name(struct executor *x, const json_t *params, struct environment *old,
		      struct error *err)
{
	const char *name = text_of(params, "name"), *cache = text_of(params, "cache");
	cleanup_environment struct environment described = { .name = "" };
	bool replace = json_is_true(json_object_get(params, "replace"));

	if (parse_name(name) < 0)
		return err_set(err, ERR_USAGE, "'%.128s' cannot be the name of an environment: use "
			       "letters, digits and '._:/-'", name);
	if (cache && strcmp(cache, "none") && strcmp(cache, "normal") &&
	    strcmp(cache, "aggressive"))
		return err_set(err, ERR_USAGE, "a cache strategy is none, normal or aggressive");
	if (environment_describe(params, &described, err) < 0)
		return -1;
	if (store_environment_get(x->store, name, old, err) < 0 && err->code != ERR_NOT_FOUND)
		return -1;
	if (!strcmp(name, "host") || (old->name[0] && !replace)) {
		(void)err_set(err, ERR_EXISTS, "there is an environment '%s' already", name);
		return err_hint(err, "choose another name, or --replace");
	}
	/* what stands on the old one would stand on something else */
	if (old->name[0] && (snapshot_check_environment(x, name, err) < 0 ||
			     built_check(x, name, err) < 0))
		return -1;
	return 0;
}

static int set_defaults(struct executor *x, const json_t *params, const char *base,
			struct environment *e, struct error *err)
{
	cleanup_environment struct environment below = { .name = "" };

	if (strcmp(base, "host") && store_environment_get(x->store, base, &below, err) < 0)
		return -1;
	e->workdir = copy_or(params, "workdir", below.workdir);
	e->user = copy_or(params, "user", below.user);
	e->shell = copy_or(params, "shell", below.shell);
	e->variables = merged(below.variables, params, "variables");
	e->resources = merged(below.resources, params, "resources");
	/* it has what its base has, and is for the same */
	e->languages = TAKE_PTR(below.languages);
	e->features = TAKE_PTR(below.features);
	e->warm_up = TAKE_PTR(below.warm_up);
	return environment_describe(params, e, err);
}

int environment_build(struct session *s, json_int_t id, const json_t *params,
		      struct error *err)
{
	cleanup_environment struct environment e = { .kind = "directory" };
	cleanup_environment struct environment old = { .name = "" };
	cleanup_snapshot struct snapshot at = { .id = "" };
	struct executor *x = s->x;

	if (run_flush(x, err) < 0 || check_name(x, params, &old, err) < 0)
		return -1;
	if (json_is_true(json_object_get(params, "dry_run"))) {
		session_result(s, id, json_pack("{s:s}", "name", text_of(params, "name")), NULL, 0);
		return 0;
	}
	if (!text_of(params, "snapshot"))
		return err_set(err, ERR_USAGE, "environment.build needs the field 'snapshot'");
	if (store_snapshot_get(x->store, text_of(params, "snapshot"), &at, err) < 0 ||
	    set_defaults(x, params, at.environment, &e, err) < 0)
		return -1;
	(void)snprintf(e.name, sizeof(e.name), "%s", text_of(params, "name"));
	(void)snprintf(e.cache, sizeof(e.cache), "%s",
		       text_of(params, "cache") ? text_of(params, "cache") : "normal");
	e.source = copy_or(params, "source", NULL);
	e.base = memory_copy(at.environment);
	e.snapshot = memory_copy(at.id);
	e.created_ms = (int64_t)clock_unix_ms();
	if (store_environment_put(x->store, &e, err) < 0)
		return -1;
	(void)fault("environment.built");
	if (old.name[0]) {
		slot_remove(x, old.name);
		environment_discard(x, &old);
		if (old.snapshot && strcmp(old.snapshot, e.snapshot))
			(void)result_release(x, old.snapshot);
	}
	session_result(s, id, report_environment(&e), NULL, 0);
	environment_warm(x, &e);
	return 0;
}
