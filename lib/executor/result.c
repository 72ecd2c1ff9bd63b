#include "lib/executor/result.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/base64.h"
#include "lib/base/cleanup.h"
#include "lib/base/fault.h"
#include "lib/base/memory.h"
#include "lib/base/parse.h"
#include "lib/base/strbuf.h"
#include "lib/chain/key.h"
#include "lib/chain/output.h"
#include "lib/executor/snapshot.h"
#include "lib/store/step.h"

/* A step as it was asked for. */
struct wanted {
	json_t *components;
	char key[HASH_TEXT];
	const char *chain;
	int number;
	char parent[STORE_ID];		/* id of a snapshot, or "" */
};

static void wanted_release(struct wanted *w)
{
	json_decref(w->components);
}
#define cleanup_wanted	__attribute__((cleanup(wanted_release)))

static const char *text_of(const json_t *params, const char *key)
{
	return json_string_value(json_object_get(params, key));
}

/*
 * The client goes on from there: until it has found or made the next one, or has gone,
 * nobody deletes it, nor what it stands on.
 */
static void hold(struct session *s, const char *snapshot)
{
	(void)snprintf(s->held, sizeof(s->held), "%s", snapshot);
}

/* ---- what a step is made of ---- */

/* The machine's own system is another one when programs were installed or removed. */
static json_t *host_identity(void)
{
	static const char *const paths[] = {
		"/etc/os-release", "/etc/alternatives", "/var/lib/dpkg/status", "/usr/bin",
		"/usr/sbin", "/usr/lib", "/usr/local/bin", "/usr/local/sbin", "/usr/local/lib",
	};
	cleanup_strbuf struct strbuf all = STRBUF(4096);
	char digest[HASH_TEXT];

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		struct stat st = { 0 };

		(void)!stat(paths[i], &st);
		strbuf_addf(&all, "%s %llu %lld.%09ld\n", paths[i],
			    (unsigned long long)st.st_ino, (long long)st.st_mtim.tv_sec,
			    st.st_mtim.tv_nsec);
	}
	hash_bytes(all.buf, all.len, digest);
	return json_sprintf("environment host %s", digest);
}

static json_t *parent_of(struct executor *x, const json_t *params, struct wanted *w,
			 struct environment *env, struct error *err)
{
	const char *what = text_of(params, "parent"), *name = text_of(params, "environment");
	cleanup_snapshot struct snapshot parent = { .id = "" };

	if (run_flush(x, err) < 0)
		return NULL;
	if (what) {
		if (store_snapshot_get(x->store, what, &parent, err) < 0)
			return NULL;
		name = parent.environment;
		(void)snprintf(w->parent, sizeof(w->parent), "%s", parent.id);
	}
	if (!name)
		name = "host";
	if (strcmp(name, "host") && store_environment_get(x->store, name, env, err) < 0)
		return NULL;
	if (what)
		return json_sprintf("snapshot %s", parent.id);
	if (!strcmp(name, "host"))
		return host_identity();
	if (env->snapshot) {
		(void)snprintf(w->parent, sizeof(w->parent), "%s", env->snapshot);
		return json_sprintf("snapshot %s", env->snapshot);
	}
	/* its folder has a name of its own each time that one is made */
	return json_sprintf("environment %s", env->path && strrchr(env->path, '/')
			    ? strrchr(env->path, '/') + 1 : name);
}

/* What the environment says, and then what the request says. */
static json_t *merged(const char *of_environment, const json_t *given)
{
	json_t *j = of_environment ? json_loads(of_environment, 0, NULL) : NULL;

	if (!json_is_object(j)) {
		json_decref(j);
		j = json_object();
	}
	if (given)
		(void)json_object_update(j, (json_t *)(uintptr_t)given);
	return j;
}

static json_t *text_or(const char *given, const char *of_environment, const char *otherwise)
{
	return json_string(given ? given : of_environment ? of_environment : otherwise);
}

/* The command, or steps of alternatives of it: its first word is the shell, if there is one. */
static json_t *argv_of(const json_t *argv, const char *shell)
{
	json_t *j = argv ? json_deep_copy(argv) : json_null(), *at = j;

	while (json_is_array(json_array_get(at, 0)))
		at = json_array_get(at, 0);
	if (shell)
		(void)json_array_set_new(at, 0, json_string(shell));
	return j;
}

static int read_wanted(struct executor *x, const json_t *params, struct wanted *w,
		       struct error *err)
{
	cleanup_environment struct environment env = { .name = "" };
	const json_t *argv = json_object_get(params, "argv");
	const json_t *files = json_object_get(params, "files");
	json_t *parent, *variables, *c = json_object();

	w->components = c;
	w->chain = text_of(params, "chain");
	w->number = (int)json_integer_value(json_object_get(params, "number"));
	parent = parent_of(x, params, w, &env, err);
	if (!parent)
		return -1;
	json_object_set_new(c, "parent", parent);
	json_object_set_new(c, "argv", argv_of(argv, json_is_true(json_object_get(params, "shell"))
						? env.shell : NULL));
	/* what only takes files in has no use for variables, limits and the network */
	variables = argv ? merged(env.variables, json_object_get(params, "env")) : json_object();
	json_object_set_new(c, "variables", key_digests(variables));
	json_decref(variables);
	json_object_set_new(c, "files", files ? json_deep_copy(files) : json_object());
	json_object_set_new(c, "limits", argv ? merged(env.resources, json_object_get(params,
									"limits"))
					       : json_object());
	json_object_set_new(c, "network", text_or(argv ? text_of(params, "network") : NULL, NULL,
						  "none"));
	json_object_set_new(c, "user", text_or(text_of(params, "user"), env.user, ""));
	json_object_set_new(c, "workdir", text_or(text_of(params, "workdir"), env.workdir,
						  "/work"));
	json_object_set_new(c, "engine", json_string("namespace/overlay"));
	return key_of(c, w->key, err);
}

/* ---- find ---- */

static json_t *changes(struct executor *x, const struct wanted *w, struct error *err)
{
	cleanup_json json_t *was = NULL;
	cleanup_free char *text = NULL;

	if (store_step_seen(x->store, w->chain, w->number, &text, err) < 0)
		return NULL;
	was = text ? json_loads(text, 0, NULL) : NULL;
	return was ? key_changes(was, w->components) : json_null();
}

static int see(struct executor *x, const struct wanted *w, struct error *err)
{
	cleanup_free char *text = json_dumps(w->components, JSON_COMPACT | JSON_SORT_KEYS);

	if (!text)
		return err_sys(err, ENOMEM, "note a step");
	return store_step_see(x->store, w->chain, w->number, text, (int64_t)clock_unix_ms(),
			      err);
}

/* It was used, and by whom: all of it or nothing. */
static int note_use(struct executor *x, const struct wanted *w, struct error *err)
{
	if (store_begin(x->store, err) < 0)
		return -1;
	if (see(x, w, err) < 0 ||
	    store_step_used(x->store, w->key, (int64_t)clock_unix_ms(), err) < 0) {
		store_rollback(x->store);
		return -1;
	}
	(void)fault("chain.used");
	return store_commit(x->store, err);
}

static int add_output(struct executor *x, const char *key, json_t *to, struct error *err)
{
	cleanup_free char *coded = NULL;
	cleanup_free char *bytes = NULL;
	size_t size;

	if (store_step_output(x->store, key, &bytes, &size, err) < 0)
		return -1;
	coded = malloc(BASE64_SIZE(size));
	if (!coded)
		return err_sys(err, ENOMEM, "read the output of a step");
	base64_encode(bytes, size, coded);
	json_object_set_new(to, "output", json_string(coded));
	return 0;
}

int result_find(struct session *s, json_int_t id, const json_t *params, struct error *err)
{
	cleanup_cached_step struct cached_step got = { .key = "" };
	cleanup_wanted struct wanted w = { NULL };
	cleanup_json json_t *j = NULL;
	struct executor *x = s->x;
	json_t *changed;
	bool hit = false;

	if (read_wanted(x, params, &w, err) < 0)
		return -1;
	changed = changes(x, &w, err);
	if (!changed)
		return -1;
	if (!json_is_true(json_object_get(params, "fresh"))) {
		hit = !store_step_get(x->store, w.key, &got, err);
		if (!hit && err->code != ERR_NOT_FOUND) {
			json_decref(changed);
			return -1;
		}
	}
	j = json_pack("{s:s,s:b,s:o}", "key", w.key, "hit", hit, "changed", changed);
	json_object_set_new(j, "snapshot", hit ? json_string(got.snapshot) : json_null());
	if (hit) {
		hold(s, got.snapshot);
		json_object_set_new(j, "truncated", json_boolean(got.truncated));
		json_object_set_new(j, "wall_us", json_integer(got.wall_us));
		if (add_output(x, w.key, j, err) < 0 || note_use(x, &w, err) < 0)
			return -1;
	}
	session_result(s, id, json_incref(j), NULL, 0);
	return 0;
}

/* ---- keep ---- */

/* The run that made it: it ended well, and began where the step does. */
static int made_by(struct executor *x, const char *execution, const struct wanted *w,
		   struct cached_step *step, struct error *err)
{
	cleanup_execution struct execution e = { .id = "" };
	cleanup_snapshot struct snapshot s = { .id = "" };

	if (store_execution_get(x->store, execution, &e, err) < 0)
		return -1;
	if (strcmp(e.state, "exited") || e.exit_code || e.timed_out || !e.snapshot)
		return err_set(err, ERR_CONFLICT, "execution '%s' is no step that succeeded",
			       e.id);
	if (store_snapshot_get(x->store, e.snapshot, &s, err) < 0)
		return -1;
	if (strcmp(s.parent ? s.parent : "", w->parent))
		return err_set(err, ERR_CONFLICT, "execution '%s' began elsewhere", e.id);
	step->snapshot = memory_copy(e.snapshot);
	step->wall_us = e.wall_us;
	return 0;
}

static int read_output(const json_t *params, char **ret, size_t *ret_size, struct error *err)
{
	const char *coded = text_of(params, "output");
	size_t size = coded ? strlen(coded) : 0, at = 0, len;
	const char *data;
	int stream, r;
	ssize_t n;

	if (size > BASE64_SIZE((size_t)OUTPUT_MAX))
		return err_set(err, ERR_LIMIT, "the output of a step is too large to be kept");
	*ret = malloc(size + 1);
	if (!*ret)
		return err_sys(err, ENOMEM, "keep the output of a step");
	n = coded ? base64_decode(coded, *ret) : 0;
	if (n < 0)
		return err_set(err, ERR_USAGE, "the output of a step is not valid base64");
	while ((r = output_next(*ret, (size_t)n, &at, &stream, &data, &len, err)) > 0)
		;
	if (r < 0)
		return err_set(err, ERR_USAGE, "the output of a step is not in its form");
	*ret_size = (size_t)n;
	return 0;
}

static int put(struct executor *x, const struct wanted *w, const struct cached_step *step,
	       const char *output, size_t size, struct error *err)
{
	if (store_begin(x->store, err) < 0)
		return -1;
	if (store_step_put(x->store, step, output, size, err) < 0 || see(x, w, err) < 0) {
		store_rollback(x->store);
		return -1;
	}
	(void)fault("chain.put");
	return store_commit(x->store, err);
}

static void answer(struct session *s, json_int_t id, const char *key, const char *snapshot,
		   bool kept)
{
	hold(s, snapshot);
	session_result(s, id, json_pack("{s:s,s:s,s:b}", "key", key, "snapshot", snapshot,
					"kept", kept), NULL, 0);
}

int result_keep(struct session *s, json_int_t id, const json_t *params, struct error *err)
{
	cleanup_cached_step struct cached_step step = { .key = "" };
	cleanup_cached_step struct cached_step old = { .key = "" };
	const char *expected = text_of(params, "key"), *command = text_of(params, "command");
	cleanup_wanted struct wanted w = { NULL };
	cleanup_free char *output = NULL;
	struct executor *x = s->x;
	size_t size = 0;

	if (read_wanted(x, params, &w, err) < 0 ||
	    made_by(x, text_of(params, "execution"), &w, &step, err) < 0 ||
	    read_output(params, &output, &size, err) < 0)
		return -1;
	/* the machine itself, or the environment's defaults, while it ran */
	if (strcmp(expected, w.key)) {
		answer(s, id, w.key, step.snapshot, false);
		return 0;
	}
	if (store_step_get(x->store, w.key, &old, err) < 0 && err->code != ERR_NOT_FOUND)
		return -1;
	/* another chain was faster, or this was asked before an executor died */
	if (old.key[0] && (!json_is_true(json_object_get(params, "fresh")) ||
			   !strcmp(old.snapshot, step.snapshot))) {
		if (strcmp(old.snapshot, step.snapshot))
			(void)result_release(x, step.snapshot);
		answer(s, id, w.key, old.snapshot, true);
		return 0;
	}
	(void)snprintf(step.key, sizeof(step.key), "%s", w.key);
	step.chain = memory_copy(w.chain);
	step.number = w.number;
	step.command = memory_copy(command ? command : "");
	step.components = json_dumps(w.components, JSON_COMPACT | JSON_SORT_KEYS);
	step.truncated = json_is_true(json_object_get(params, "truncated"));
	step.created_ms = (int64_t)clock_unix_ms();
	step.used_ms = step.created_ms;
	if (put(x, &w, &step, output, size, err) < 0)
		return -1;
	(void)fault("chain.kept");
	if (old.key[0])
		(void)result_release(x, old.snapshot);
	answer(s, id, w.key, step.snapshot, true);
	return 0;
}

/* ---- a name for the result ---- */

/* What a chain made before may give its name up; what a person named may not. */
static int take_name(struct executor *x, const char *name, struct snapshot *from,
		     struct error *err)
{
	if (!result_made(from)) {
		(void)err_set(err, ERR_EXISTS, "there is a snapshot '%s' already, which no chain "
			      "made", name);
		return err_hint(err, "choose another name, or 'faas snapshot delete %s'", name);
	}
	from->name[0] = '\0';
	return store_snapshot_put(x->store, from, err);
}

static int rename_to(struct executor *x, const char *name, struct snapshot *s,
		     struct snapshot *holder, struct error *err)
{
	if (store_begin(x->store, err) < 0)
		return -1;
	(void)snprintf(s->name, sizeof(s->name), "%s", name);
	if ((holder->id[0] && take_name(x, name, holder, err) < 0) ||
	    store_snapshot_put(x->store, s, err) < 0) {
		store_rollback(x->store);
		return -1;
	}
	(void)fault("chain.name");
	return store_commit(x->store, err);
}

int result_name(struct session *s, json_int_t id, const json_t *params, struct error *err)
{
	cleanup_snapshot struct snapshot got = { .id = "" };
	cleanup_snapshot struct snapshot holder = { .id = "" };
	const char *name = text_of(params, "name"), *what = text_of(params, "id");
	struct executor *x = s->x;

	if (parse_name(name) < 0 || strchr(name, '@') || strlen(name) >= STORE_NAME)
		return err_set(err, ERR_USAGE, "'%.128s' cannot be the name of a snapshot: use "
			       "letters, digits and '._:/-'", name);
	if (run_flush(x, err) < 0)
		return -1;
	if (store_snapshot_get(x->store, name, &holder, err) < 0) {
		if (err->code != ERR_NOT_FOUND && err->code != ERR_CONFLICT)
			return -1;
	} else if (strcmp(holder.name, name)) {
		/* its id begins so */
		snapshot_release(&holder);
	}
	if (!what) {
		/* may it be taken? */
		if (holder.id[0] && !result_made(&holder))
			return take_name(x, name, &holder, err);
		session_result(s, id, json_pack("{s:s,s:b}", "name", name, "taken",
						holder.id[0] != '\0'), NULL, 0);
		return 0;
	}
	if (store_snapshot_get(x->store, what, &got, err) < 0)
		return -1;
	if (strcmp(got.name, name)) {
		if (got.name[0])
			return err_set(err, ERR_CONFLICT, "snapshot '%s' has the name '%s'",
				       got.id, got.name);
		if (rename_to(x, name, &got, &holder, err) < 0)
			return -1;
		/* what had it is nobody's any more, if no result has it */
		if (holder.id[0])
			(void)result_release(x, holder.id);
	}
	session_result(s, id, report_snapshot(&got), NULL, 0);
	return 0;
}
