#include "lib/executor/environment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/id.h"
#include "lib/base/memory.h"
#include "lib/base/parse.h"
#include "lib/environment/find.h"
#include "lib/executor/filling.h"
#include "lib/executor/result.h"
#include "lib/executor/snapshot.h"

static const char *text_of(const json_t *params, const char *key)
{
	return json_string_value(json_object_get(params, key));
}

static json_t *report_host(void)
{
	struct environment host = { .name = "host", .kind = "host", .cache = "normal" };

	return report_environment(&host);
}

static int list_one(void *arg, const struct environment *e)
{
	json_array_append_new(arg, report_environment(e));
	return 0;
}

int environment_list(struct session *s, json_int_t id, const json_t *params,
		     struct error *err)
{
	cleanup_json json_t *list = json_array();

	(void)params;
	json_array_append_new(list, report_host());
	if (store_environment_list(s->x->store, list_one, list, err) < 0)
		return -1;
	session_result(s, id, json_incref(list), NULL, 0);
	return 0;
}

int environment_get(struct session *s, json_int_t id, const json_t *params,
		    struct error *err)
{
	cleanup_environment struct environment e = { .name = "" };
	const char *name = text_of(params, "name");

	if (!strcmp(name, "host")) {
		session_result(s, id, report_host(), NULL, 0);
		return 0;
	}
	if (store_environment_get(s->x->store, name, &e, err) < 0)
		return -1;
	session_result(s, id, report_environment(&e), NULL, 0);
	return 0;
}

/* ---- create: the helper fills a folder while requests go on ---- */

static struct filling *fillings;

int env_folder(struct executor *x, struct error *err)
{
	int fd;

	if (mkdirat(x->state_dir, "env", 0711) < 0 && errno != EEXIST)
		return err_sys(err, errno, "create '%s/env'", x->state_path);
	fd = openat(x->state_dir, "env", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_sys(err, errno, "open '%s/env'", x->state_path) : fd;
}

static void filling_free(struct filling *f)
{
	for (struct filling **at = &fillings; *at; at = &(*at)->next)
		if (*at == f) {
			*at = f->next;
			break;
		}
	image_fill_free(f);
	unpack_free(f->unpack);
	if (f->ask.parent_fd >= 0)
		(void)close(f->ask.parent_fd);
	if (f->fd >= 0)
		(void)close(f->fd);
	environment_release(&f->env);
	free(f);
}

/* Trees are removed by the helper too: it may take a while, and nobody waits. */
void env_remove(struct executor *x, const char *name)
{
	struct error err;
	int parent = env_folder(x, &err);

	if (parent < 0)
		return;
	/* what cannot be removed now is at the next start */
	if (unpack_remove(parent, name, &err) < 0)
		errno = err.errnum;
	(void)close(parent);
}

static void remove_tree(struct executor *x, const char *path)
{
	const char *name = path ? strrchr(path, '/') : NULL;
	struct error err;

	/* else it goes at the next start */
	if (name && !store_sync(x->store, &err))
		env_remove(x, name + 1);
}

bool filling_any(bool image)
{
	for (struct filling *f = fillings; f; f = f->next)
		if (!image || f->image)
			return true;
	return false;
}

void filling_failed(struct filling *f, struct error *err)
{
	if (f->session) {
		(void)err_wrap(err, "environment '%s'", f->env.name);
		if (f->image && err->code == ERR_USAGE)
			(void)err_hint(err, "nothing was made: names and links of an image's "
				       "layers have to stay inside");
		session_error(f->session, f->request, err);
	}
	filling_free(f);
}

void filling_cancel(struct filling *f)
{
	event_remove(f->x, &f->source);
	if (f->unpack) {
		unpack_abandon(TAKE_PTR(f->unpack));
		env_remove(f->x, f->ask.name);
	}
	filling_free(f);
}

void environment_discard(struct executor *x, const struct environment *e)
{
	remove_tree(x, e->path);
}

static int keep(struct filling *f, const struct unpack_result *got, struct error *err)
{
	cleanup_environment struct environment old = { .name = "" };
	struct executor *x = f->x;
	char path[4300];

	f->env.size_bytes = (int64_t)got->bytes;
	f->env.entries = (int64_t)got->entries;
	f->env.created_ms = (int64_t)clock_unix_ms();
	(void)snprintf(path, sizeof(path), "%s/env/%s", x->state_path, f->folder);
	f->env.path = memory_copy(path);
	if (f->replace && store_environment_get(x->store, f->env.name, &old, err) < 0)
		old.name[0] = '\0';
	if (store_environment_put(x->store, &f->env, err) < 0)
		return -1;
	/* what took so long to make is not lost with the power */
	if (store_sync(x->store, err) < 0) {
		struct error other;

		if ((old.name[0] ? store_environment_put(x->store, &old, &other)
				 : store_environment_delete(x->store, f->env.name, &other)) < 0)
			return err_wrap(err, "keep environment '%s' (%s)", f->env.name, other.msg);
		return -1;
	}
	if (old.name[0]) {
		slot_remove(x, old.name);
		remove_tree(x, old.path);
	}
	return 0;
}

static json_t *report_counts(const struct unpack_count *counts)
{
	json_t *j = json_object();

	for (int i = 0; i < UNPACK_COUNTS && counts[i].n; i++)
		json_object_set_new(j, counts[i].name, json_integer((json_int_t)counts[i].n));
	return j;
}

static void on_status(struct source *s, uint32_t events)
{
	struct filling *f = (struct filling *)s;
	struct unpack_result got = { 0 };
	struct error err;
	int r;

	(void)events;
	if (!unpack_read(f->unpack))
		return;
	event_remove(f->x, s);
	r = unpack_finish(TAKE_PTR(f->unpack), &got, &err);
	if (!r && keep(f, &got, &err) < 0) {
		env_remove(f->x, f->folder);
		r = -1;
	}
	if (r < 0) {
		filling_failed(f, &err);
		return;
	}
	if (f->session) {
		json_t *j = report_environment(&f->env);

		json_object_set_new(j, "skipped", report_counts(got.skipped));
		json_object_set_new(j, "stripped", report_counts(got.stripped));
		session_result(f->session, f->request, j, NULL, 0);
	}
	environment_warm(f->x, &f->env);
	filling_free(f);
}

static void on_progress(void *data, uint64_t bytes, uint64_t entries)
{
	struct filling *f = data;

	if (f->session)
		session_event(f->session, f->request, "progress",
			      json_pack("{s:s,s:I,s:I}", "phase", "unpack", "bytes",
					(json_int_t)bytes, "entries", (json_int_t)entries),
			      NULL, 0);
}

void environment_session_gone(struct session *s)
{
	export_session_gone(s);
	for (struct filling *f = fillings, *next; f; f = next) {
		next = f->next;
		if (f->session != s)
			continue;
		f->session = NULL;
		/* nobody waits for an image any more; what has come of it is kept */
		if (f->image)
			filling_cancel(f);
	}
}

struct known {
	const char *folder;
	bool found;
};

static int is_known(void *arg, const struct environment *e)
{
	const char *name = e->path ? strrchr(e->path, '/') : NULL;
	struct known *k = arg;

	k->found |= name && !strcmp(name + 1, k->folder);
	return k->found;
}

int environment_sweep(struct executor *x, struct error *err)
{
	int fd = openat(x->state_dir, "env", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	int r = 0;

	while (d && !r && (e = readdir(d))) {
		struct known k = { .folder = e->d_name };

		if (*e->d_name == '.')
			continue;
		r = store_environment_list(x->store, is_known, &k, err);
		if (!r && !k.found)
			r = unpack_remove(fd, e->d_name, err);
	}
	if (d)
		(void)closedir(d);
	return r;
}

static char *copy(const json_t *params, const char *key)
{
	const char *s = text_of(params, key);

	return s && *s ? memory_copy(s) : NULL;
}

static char *dump(const json_t *params, const char *key)
{
	const json_t *j = json_object_get(params, key);

	return json_dumps(j ? j : json_object(), JSON_COMPACT);
}

static int check_create(struct executor *x, const json_t *params, const char *kind,
			struct error *err)
{
	cleanup_environment struct environment old = { .name = "" };
	const char *name = text_of(params, "name"), *cache = text_of(params, "cache");

	if (parse_name(name) < 0)
		return err_set(err, ERR_USAGE, "'%.128s' cannot be the name of an environment: use "
			       "letters, digits and '._:/-'", name);
	if (strcmp(kind, "directory") && strcmp(kind, "archive") && strcmp(kind, "image"))
		return err_set(err, ERR_USAGE, "the kind of an environment is directory or archive");
	if (cache && strcmp(cache, "none") && strcmp(cache, "normal") &&
	    strcmp(cache, "aggressive"))
		return err_set(err, ERR_USAGE, "a cache strategy is none, normal or aggressive");
	for (struct filling *f = fillings; f; f = f->next)
		if (!strcmp(f->env.name, name))
			return err_set(err, ERR_BUSY, "environment '%s' is being made", name);
	if (!strcmp(name, "host") ||
	    (!json_is_true(json_object_get(params, "replace")) &&
	     !store_environment_get(x->store, name, &old, err))) {
		(void)err_set(err, ERR_EXISTS, "there is an environment '%s' already", name);
		return err_hint(err, "choose another name, or --replace");
	}
	if (export_any(name))
		return err_set(err, ERR_BUSY, "environment '%s' is being exported", name);
	if (json_is_true(json_object_get(params, "replace")) &&
	    (snapshot_check_environment(x, name, err) < 0 || built_check(x, name, err) < 0))
		return -1;
	return 0;
}

int filling_new(struct session *s, json_int_t id, const json_t *params, const char *kind,
		struct filling **ret, struct error *err)
{
	bool folder = !strcmp(kind, "directory");
	struct executor *x = s->x;
	struct filling *f;

	if (check_create(x, params, kind, err) < 0)
		return -1;
	f = calloc(1, sizeof(*f));
	if (!f)
		return err_sys(err, ENOMEM, "make an environment");
	f->x = x;
	f->session = s;
	f->request = id;
	f->source.fd = -1;
	f->fd = wire_take_fd(&s->wire);
	f->replace = json_is_true(json_object_get(params, "replace"));
	(void)snprintf(f->env.name, sizeof(f->env.name), "%s", text_of(params, "name"));
	(void)snprintf(f->env.kind, sizeof(f->env.kind), "%s", kind);
	(void)snprintf(f->env.cache, sizeof(f->env.cache), "%s",
		       text_of(params, "cache") ? text_of(params, "cache") : "normal");
	f->env.source = copy(params, "source");
	f->env.workdir = copy(params, "workdir");
	f->env.user = copy(params, "user");
	f->env.shell = copy(params, "shell");
	f->env.variables = dump(params, "variables");
	f->env.resources = dump(params, "resources");
	id_make(f->folder);
	f->ask = (struct unpack_request){
		.parent_fd = env_folder(x, err), .name = f->folder,
		.archive_fd = folder ? -1 : f->fd, .source_fd = folder ? f->fd : -1,
		.uid_base = x->spawner.rootless ? 0 : UID_BASE,
		.uid_count = x->spawner.rootless ? 0 : UID_COUNT,
		.progress = on_progress, .data = f,
	};
	f->next = fillings;
	fillings = f;
	if (f->ask.parent_fd < 0 || environment_describe(params, &f->env, err) < 0) {
		filling_free(f);
		return -1;
	}
	*ret = f;
	return 0;
}

int filling_unpack(struct filling *f, struct error *err)
{
	if (unpack_start(&f->ask, &f->unpack, err) < 0)
		return -1;
	f->source = (struct source){ .fd = unpack_fd(f->unpack), .ready = on_status };
	return event_add(f->x, &f->source, EPOLLIN, err);
}

int environment_create(struct session *s, json_int_t id, const json_t *params,
		       struct error *err)
{
	struct filling *f;

	if (!strcmp(text_of(params, "kind"), "image"))
		return err_set(err, ERR_USAGE, "an image is pulled: environment.pull");
	if (filling_new(s, id, params, text_of(params, "kind"), &f, err) < 0)
		return -1;
	if (f->fd < 0)
		(void)err_set(err, ERR_PROTOCOL, "the descriptor to make it from is missing");
	if (f->fd < 0 || filling_unpack(f, err) < 0) {
		filling_free(f);
		return -1;
	}
	return 0;
}

int environment_delete(struct session *s, json_int_t id, const json_t *params,
		       struct error *err)
{
	cleanup_environment struct environment e = { .name = "" };
	const char *name = text_of(params, "name");

	if (!strcmp(name, "host"))
		return err_set(err, ERR_CONFLICT, "the environment 'host' is built in");
	environment_cool(s->x, name);
	for (struct run *run = s->x->runs; run; run = run->next)
		if (!run->finished && !run->ahead && !run->instance && !run->guest_of &&
		    run->rec.environment &&
		    !strcmp(run->rec.environment, name)) {
			(void)err_set(err, ERR_BUSY, "environment '%s' is in use by execution '%s'",
				      name, run->rec.id);
			return err_hint(err, "'faas execution cancel %s' first", run->rec.id);
		}
	if (export_any(name)) {
		(void)err_set(err, ERR_BUSY, "environment '%s' is being exported", name);
		return err_hint(err, "try again when that has ended");
	}
	if (store_environment_get(s->x->store, name, &e, err) < 0 ||
	    snapshot_check_environment(s->x, name, err) < 0 ||
	    built_check(s->x, name, err) < 0 ||
	    store_environment_delete(s->x->store, name, err) < 0)
		return -1;
	slot_remove(s->x, name);
	remove_tree(s->x, e.path);
	/* unless a result has it */
	if (e.snapshot)
		(void)result_release(s->x, e.snapshot);
	session_result(s, id, json_pack("{s:s}", "name", name), NULL, 0);
	return 0;
}

int environment_programs(struct session *s, json_int_t id, const json_t *params,
			 struct error *err)
{
	struct slot *slot = slot_get(s->x, text_of(params, "name"), err);
	const json_t *names = json_object_get(params, "programs");
	cleanup_close int root = -1;
	json_t *found;
	size_t i;
	json_t *name;

	if (!slot)
		return -1;
	root = open(slot_root(slot), O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return err_sys(err, errno, "open the root of environment '%s'", slot->name);
	found = json_array();
	json_array_foreach(names, i, name) {
		const char *word = json_string_value(name);

		if (word && (slot->env.snapshot ? built_has(s->x, &slot->env, word)
						: environment_has(root, word)))
			json_array_append(found, name);
	}
	session_result(s, id, json_pack("{s:s,s:o}", "name", slot->name, "found", found),
		       NULL, 0);
	return 0;
}
