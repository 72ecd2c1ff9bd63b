#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lib/base/base64.h"
#include "lib/base/cleanup.h"
#include "lib/base/id.h"
#include "lib/base/memory.h"
#include "lib/base/parse.h"
#include "lib/base/strbuf.h"
#include "lib/executor/result.h"
#include "lib/executor/executor.h"
#include "lib/executor/snapshot.h"

/*
 * The parameters of execution.create, as lib/api lists them, into what the
 * monitor is told. Unknown and mistyped ones were refused before this.
 */

enum { LABELS_MAX = 64, STEPS_MAX = 8, LOG_CAP = 16 << 20, GRACE_MS = 10000 };

/* Ten years: longer is for ever, and must not overflow when it is added to a clock. */
static const uint64_t time_max_ms = 10ull * 366 * 86400 * 1000;
static const uint64_t cpu_max_millis = 1000ull * 1000 * 1000;

static const char *text_of(const json_t *params, const char *key)
{
	return json_string_value(json_object_get(params, key));
}

static uint64_t number_of(const json_t *params, const char *key, uint64_t fallback)
{
	const json_t *j = json_object_get(params, key);

	return json_is_integer(j) ? (uint64_t)json_integer_value(j) : fallback;
}

static uint64_t time_of(const json_t *params, const char *key, uint64_t fallback)
{
	uint64_t ms = number_of(params, key, fallback);

	return ms < time_max_ms ? ms : time_max_ms;
}

/* An object whose fields are some of names, and whole numbers up to max. */
static int check_numbers(const json_t *object, const char *what, const char *const *names,
			 json_int_t max, struct error *err)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)object, key, value) {
		const char *const *name = names;

		while (*name && strcmp(*name, key))
			name++;
		if (!*name)
			return err_set(err, ERR_USAGE, "'%s' has no field '%.64s'", what, key);
		if (!json_is_integer(value) || json_integer_value(value) < 0 ||
		    json_integer_value(value) > max)
			return err_set(err, ERR_USAGE, "field '%s' of '%s' must be a whole "
				       "number up to %lld", key, what, (long long)max);
	}
	return 0;
}

static bool flag_of(const json_t *params, const char *key)
{
	return json_is_true(json_object_get(params, key));
}

/* Appends a string, or {"base64":...} for bytes that are not UTF-8, and a NUL. */
static int add_word(struct strbuf *sb, const json_t *j, const char *what, struct error *err)
{
	const char *s = json_string_value(j);
	size_t len = json_string_length(j);

	if (json_is_object(j)) {
		const char *b64 = text_of(j, "base64");
		cleanup_free char *raw = b64 ? malloc(strlen(b64) + 1) : NULL;
		ssize_t n = raw ? base64_decode(b64, raw) : -1;

		if (n < 0 || memchr(raw, '\0', (size_t)n))
			return err_set(err, ERR_USAGE, "%s is not valid base64", what);
		strbuf_add(sb, raw, (size_t)n);
	} else {
		if (!s)
			return err_set(err, ERR_USAGE, "%s must be text", what);
		if (memchr(s, '\0', len))
			return err_set(err, ERR_USAGE, "%s holds a NUL byte", what);
		strbuf_add(sb, s, len);
	}
	strbuf_add(sb, "", 1);
	return 0;
}

static void add_count(struct strbuf *sb, size_t n)
{
	strbuf_addf(sb, "%zu", n);
	strbuf_add(sb, "", 1);
}

static int add_steps(struct strbuf *sb, const json_t *steps, struct error *err)
{
	size_t i, k, n;
	json_t *step, *argv, *w;

	if (!json_array_size(steps) || json_array_size(steps) > STEPS_MAX)
		return err_set(err, ERR_USAGE, "'steps' needs 1 to %d steps", STEPS_MAX);
	json_array_foreach(steps, i, step) {
		if (!json_array_size(step))
			return err_set(err, ERR_USAGE, "step %zu of 'steps' is empty", i + 1);
		add_count(sb, json_array_size(step));
		json_array_foreach(step, k, argv) {
			if (!json_array_size(argv))
				return err_set(err, ERR_USAGE, "a command is empty");
			add_count(sb, json_array_size(argv));
			json_array_foreach(argv, n, w)
				if (add_word(sb, w, "a word of the command", err) < 0)
					return -1;
		}
	}
	return 0;
}

static int add_variable(struct strbuf *sb, const char *name, const json_t *value,
			struct error *err)
{
	if (!*name || strchr(name, '='))
		return err_set(err, ERR_USAGE, "'%s' cannot be a variable's name", name);
	strbuf_addf(sb, "%s=", name);
	return add_word(sb, value, "a variable's value", err);
}

/* What every program finds, unless the request or the environment says else. */
static int add_variables(struct strbuf *sb, const json_t *given, const struct run *run,
			 const struct slot *slot, struct error *err)
{
	json_t *from_env = slot->env.variables ? json_loads(slot->env.variables, 0, NULL) : NULL;
	cleanup_json json_t *all = json_object();
	const char *key;
	json_t *value;

	json_object_set_new(all, "PATH", json_string("/usr/local/sbin:/usr/local/bin:"
						     "/usr/sbin:/usr/bin:/sbin:/bin"));
	json_object_set_new(all, "LANG", json_string("C.UTF-8"));
	json_object_set_new(all, "FAAS_EXECUTION_ID", json_string(run->rec.id));
	json_object_set_new(all, "FAAS_ENVIRONMENT", json_string(slot->name));
	if (from_env)
		json_object_update(all, from_env);
	json_decref(from_env);
	json_object_update(all, (json_t *)(uintptr_t)given);
	add_count(sb, json_object_size(all));
	json_object_foreach(all, key, value)
		if (add_variable(sb, key, value, err) < 0)
			return -1;
	return 0;
}

static bool can_limit(const struct executor *x, enum cgroup_kind kind)
{
	return x->spawner.cgroups & 1u << kind;
}

static int read_limits(struct executor *x, const json_t *params, struct run *run,
		       const struct slot *slot, struct error *err)
{
	static const char *const names[] = { "memory", "pids", "cpu_millis", "disk", "io_bps",
					     NULL };
	cleanup_json json_t *j = slot->env.resources ?
		json_loads(slot->env.resources, 0, NULL) : json_object();
	struct limits *l = &run->build.limits;
	cleanup_json json_t *report = NULL;
	const char *what;

	/* the request's, else the environment's, else everybody's */
	if (!j)
		j = json_object();
	(void)json_object_update(j, json_object_get(params, "limits"));
	if (check_numbers(j, "limits", names, INT64_MAX, err) < 0)
		return -1;
	default_limits(x, l);
	l->memory = number_of(j, "memory", l->memory);
	l->pids = number_of(j, "pids", l->pids);
	l->cpu_millis = number_of(j, "cpu_millis", 0);
	l->disk = number_of(j, "disk", l->disk);
	l->io_bps = number_of(j, "io_bps", 0);
	if (l->memory && l->memory < 1 << 20)
		return err_set(err, ERR_USAGE, "a memory limit under 1 MiB cannot start a program");
	if (l->disk < 64 * 1024)
		return err_set(err, ERR_USAGE, "a disk limit under 64 KiB cannot start a program");
	if (l->cpu_millis && l->cpu_millis < 10)
		return err_set(err, ERR_USAGE, "a cpu limit under 0.01 cannot start a program");
	if (l->cpu_millis > cpu_max_millis)
		l->cpu_millis = cpu_max_millis;
	if (!flag_of(params, "allow_degraded") &&
	    (((l->cpu_millis && !can_limit(x, CGROUP_CPU)) && (what = "cpu")) ||
	     ((l->io_bps && !can_limit(x, CGROUP_BLKIO)) && (what = "io")))) {
		(void)err_set(err, ERR_UNSUPPORTED, "limit %s: there is no cgroup that can, and that "
			      "this user may write", what);
		return err_hint(err, "see 'faas doctor limits.%s', or add --allow-degraded", what);
	}
	if (l->io_bps) {
		struct stat st;

		if (!fstat(x->state_dir, &st)) {
			l->io_major = major(st.st_dev);
			l->io_minor = minor(st.st_dev) & ~15u;
		}
		if (!l->io_major && !flag_of(params, "allow_degraded")) {
			(void)err_set(err, ERR_UNSUPPORTED, "limit io: the state folder is on no "
				      "disk of its own");
			return err_hint(err, "set FAAS_STATE_DIR, or add --allow-degraded");
		}
	}
	report = json_pack("{s:I,s:I,s:I,s:I}", "memory", (json_int_t)l->memory, "pids",
			   (json_int_t)l->pids, "cpu_millis", (json_int_t)l->cpu_millis,
			   "disk", (json_int_t)l->disk);
	if (l->io_bps)
		json_object_set_new(report, "io_bps", json_integer((json_int_t)l->io_bps));
	run->rec.limits = json_dumps(report, JSON_COMPACT);
	/* degraded() says so */
	if (!can_limit(x, CGROUP_CPU))
		l->cpu_millis = 0;
	return 0;
}

static int read_network(struct executor *x, const json_t *params, struct run *run,
			struct error *err)
{
	static const char *const names[] = { "none", "nat", "host" };
	const char *network = text_of(params, "network");

	(void)x;
	run->build.network = NETWORK_NONE;
	for (size_t i = 0; network && i <= ARRAY_SIZE(names); i++) {
		if (i == ARRAY_SIZE(names))
			return err_set(err, ERR_USAGE, "unknown network '%s'; there are none, "
				       "nat and host", network);
		if (!strcmp(names[i], network)) {
			run->build.network = (uint32_t)i;
			break;
		}
	}
	if (run->build.network == NETWORK_NAT && !network_available()) {
		(void)err_set(err, ERR_UNSUPPORTED,
			      "network nat needs the program slirp4netns and /dev/net/tun");
		return err_hint(err, "install slirp4netns, or see 'faas doctor network.nat'");
	}
	run->rec.network = memory_copy(names[run->build.network]);
	return 0;
}

static char *dump_or(const json_t *j, const char *otherwise)
{
	return j ? json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS) : memory_copy(otherwise);
}

/* What this host could not give, said in every result. */
static char *degraded(struct executor *x, const struct limits *l, bool kept)
{
	cleanup_json json_t *j = json_array();

	if (!x->spawner.cgroups)
		json_array_append_new(j, json_string("limits.memory: RLIMIT_DATA of each "
						     "process, no cgroup"));
	if (!can_limit(x, CGROUP_CPU))
		json_array_append_new(j, json_string("limits.cpu: not enforced, no cgroup"));
	if (l->io_bps && (!can_limit(x, CGROUP_BLKIO) || !l->io_major))
		json_array_append_new(j, json_string("limits.io: not enforced, no cgroup or no "
						     "disk of its own"));
	else if (l->io_bps && !kept)
		json_array_append_new(j, json_string("limits.io: what is written is in memory, "
						     "and not counted"));
	if (kept)
		json_array_append_new(j, json_string("limits.disk: not enforced for what a "
						     "snapshot keeps"));
	if (x->spawner.lacks & LACKS_SUBIDS || (x->spawner.rootless && kept))
		json_array_append_new(j, json_string("users: one only, without root"));
	else if (x->spawner.lacks & LACKS_IDMAP)
		json_array_append_new(j, json_string("files: the host's belong to nobody"));
	return json_dumps(j, JSON_COMPACT);
}

static int read_labels(const json_t *labels, struct error *err)
{
	const char *key;
	json_t *value;

	if (json_object_size(labels) > LABELS_MAX)
		return err_set(err, ERR_USAGE, "more than %d labels", LABELS_MAX);
	json_object_foreach((json_t *)(uintptr_t)labels, key, value)
		if (!json_is_string(value) || !*key || strlen(key) > 128 ||
		    strlen(json_string_value(value)) != json_string_length(value))
			return err_set(err, ERR_USAGE, "label '%.128s' is not text", key);
	return 0;
}

/* Code is for the environment's shell, which only we know. */
static void set_shell(const json_t *params, const struct slot *slot)
{
	json_t *steps = json_object_get(params, "steps");

	if (slot->env.shell && flag_of(params, "shell"))
		(void)json_array_set_new(json_array_get(json_array_get(steps, 0), 0), 0,
					 json_string(slot->env.shell));
}

static int read_record(struct executor *x, const json_t *params, struct run *run,
		       struct slot *slot, struct error *err)
{
	const json_t *steps = json_object_get(params, "steps");
	const char *name = text_of(params, "name"), *id = text_of(params, "id");
	struct execution *rec = &run->rec;

	if (id && !id_valid(id))
		return err_set(err, ERR_USAGE, "'%.64s' cannot be an id", id);
	if (id && run_find(x, id) != NULL)
		return err_set(err, ERR_EXISTS, "there is an execution '%s' already", id);
	if (id && x->store && store_execution_exists(x->store, id))
		return err_set(err, ERR_EXISTS, "there was an execution '%s' already", id);
	if (id)
		(void)snprintf(rec->id, sizeof(rec->id), "%s", id);
	else
		id_make(rec->id);
	if (name && (parse_name(name) < 0 || strchr(name, '@')))
		return err_set(err, ERR_USAGE, "'%.128s' cannot be a name: use letters, digits, "
			       "'.', '_' and '-'", name);
	for (struct run *r = x->runs; name && r; r = r->next)
		if (r != run && !r->finished && !strcmp(r->rec.name, name)) {
			(void)err_set(err, ERR_EXISTS, "an execution named '%s' is running", name);
			return err_hint(err, "choose another name, or 'faas execution cancel %s'",
					name);
		}
	if (read_labels(json_object_get(params, "labels"), err) < 0)
		return -1;
	set_shell(params, slot);
	(void)snprintf(rec->name, sizeof(rec->name), "%s", name ? name : "");
	(void)snprintf(rec->state, sizeof(rec->state), "queued");
	rec->created_ms = (int64_t)clock_unix_ms();
	rec->argv = dump_or(json_array_get(json_array_get(steps, json_array_size(steps) - 1), 0),
			    "[]");
	rec->env = dump_or(json_object_get(params, "env"), "{}");
	rec->labels = dump_or(json_object_get(params, "labels"), "{}");
	if (text_of(params, "language"))
		rec->language = memory_copy(text_of(params, "language"));
	if (text_of(params, "code_sha256"))
		rec->code_sha256 = memory_copy(text_of(params, "code_sha256"));
	rec->environment = memory_copy(slot->name);
	rec->engine = memory_copy("namespace");
	rec->detached = flag_of(params, "detach");
	rec->logged = flag_of(params, "log") || rec->detached;
	return 0;
}

static int read_mode(const json_t *params, struct run *run, bool *ret_cached,
		     struct error *err)
{
	const char *mode = text_of(params, "mode");

	if (run->instance || run->guest_of) {
		*ret_cached = false;
		run->rec.mode = memory_copy("persistent");
		return 0;
	}
	if (!mode)
		mode = run->rec.parent ? "branched" : "ephemeral";
	if (!strcmp(mode, "branched") && !run->rec.parent) {
		(void)err_set(err, ERR_USAGE, "mode 'branched' begins with a snapshot");
		return err_hint(err, "name it with --parent; see 'faas snapshot list'");
	}
	if (run->rec.parent && strcmp(mode, "branched"))
		return err_set(err, ERR_USAGE, "what begins with a snapshot has mode branched, "
			       "not '%s'", mode);
	*ret_cached = !strcmp(mode, "cached");
	if (!*ret_cached && strcmp(mode, "ephemeral") && strcmp(mode, "branched")) {
		if (!strcmp(mode, "persistent")) {
			(void)err_set(err, ERR_USAGE, "mode 'persistent' is that of instances");
			return err_hint(err, "'faas instance start' begins one");
		}
		if (!strcmp(mode, "checkpointed"))
			return err_set(err, ERR_UNSUPPORTED,
				       "mode '%s' is not in this version of faas", mode);
		return err_set(err, ERR_USAGE, "unknown mode '%s'; there are ephemeral, cached and "
			       "branched", mode);
	}
	run->rec.mode = memory_copy(mode);
	return 0;
}

static void read_run(const json_t *params, struct run *run)
{
	const json_t *tty = json_object_get(params, "tty");
	struct msg_run *m = &run->msg;

	*m = (struct msg_run){
		.h.type = MSG_RUN,
		.n_steps = (uint32_t)json_array_size(json_object_get(params, "steps")),
		.timeout_ms = time_of(params, "timeout_ms", 0),
		.grace_ms = time_of(params, "grace_ms", GRACE_MS),
		.log_cap = number_of(params, "log_bytes", LOG_CAP),
		.limits = run->build.limits,
	};
	if (json_is_object(tty)) {
		m->flags |= RUN_TTY;
		m->rows = (uint16_t)number_of(tty, "rows", 24);
		m->cols = (uint16_t)number_of(tty, "cols", 80);
	}
	/* others are told of the end only: waking up for a start costs the start */
	if (run->rec.detached || (m->flags & RUN_TTY))
		m->flags |= RUN_ANNOUNCE;
	run->brief = flag_of(params, "brief");
	if (run->rec.detached)
		m->flags |= RUN_DETACHED;
	if (run->rec.logged)
		m->flags |= RUN_LOG;
	if (flag_of(params, "files_only"))
		m->flags |= RUN_FILES_ONLY;
	(void)snprintf(m->id, sizeof(m->id), "%s", run->rec.id);
}

/* Where, as whom and with what it runs; and the body that says so to pid 1. */
static int read_body(const json_t *params, struct run *run, const struct slot *slot,
		     struct error *err)
{
	static const char *const tty_names[] = { "rows", "cols", NULL };
	const char *workdir = text_of(params, "workdir"), *user = text_of(params, "user");
	cleanup_strbuf struct strbuf body = STRBUF(MSG_BODY_MAX);

	if (!workdir)
		workdir = slot->env.workdir ? slot->env.workdir : "/work";
	if (!user)
		user = slot->env.user ? slot->env.user : "";
	if (*workdir != '/' || strlen(workdir) >= PATH_MAX)
		return err_set(err, ERR_USAGE, *workdir == '/'
			       ? "the working directory '%.64s...' is too long"
			       : "the working directory '%s' is not absolute", workdir);
	if (check_numbers(json_object_get(params, "tty"), "tty", tty_names, UINT16_MAX, err) < 0)
		return -1;
	run->rec.workdir = memory_copy(workdir);
	run->rec.user = memory_copy(user);
	strbuf_add(&body, workdir, strlen(workdir) + 1);
	strbuf_add(&body, user, strlen(user) + 1);
	if (add_variables(&body, json_object_get(params, "env"), run, slot, err) < 0 ||
	    add_steps(&body, json_object_get(params, "steps"), err) < 0)
		return -1;
	if (strbuf_failed(&body))
		return err_set(err, ERR_CANNOT_RUN, "the command and its variables are larger "
			       "than %d MiB", MSG_BODY_MAX >> 20);
	read_run(params, run);
	run->body_len = body.len;
	run->body = strbuf_detach(&body);
	return 0;
}

int request_read_exec(struct executor *x, const json_t *params, struct run *run,
		      struct slot *slot, struct error *err)
{
	bool cached;

	if (read_record(x, params, run, slot, err) < 0 ||
	    read_mode(params, run, &cached, err) < 0 || read_body(params, run, slot, err) < 0)
		return -1;
	run->rec.degraded = degraded(x, &run->build.limits, true);
	run->msg.h.type = MSG_EXEC;
	return 0;
}

int request_read(struct executor *x, const json_t *params, struct run *run,
		 struct slot **ret_slot, bool *ret_cached, struct error *err)
{
	const char *env = text_of(params, "environment");
	struct slot *slot = snapshot_parent(x, params, run, &env, err) < 0 ? NULL :
		slot_get(x, env ? env : "host", err);

	if (!slot || read_record(x, params, run, slot, err) < 0 ||
	    read_mode(params, run, ret_cached, err) < 0 ||
	    built_stack(x, &slot->env, run, err) < 0 ||
	    read_limits(x, params, run, slot, err) < 0 ||
	    read_network(x, params, run, err) < 0 || read_body(params, run, slot, err) < 0)
		return -1;
	run->rec.degraded = degraded(x, &run->build.limits, text_of(params, "snapshot") ||
				     run->rec.branch || run->instance);
	*ret_slot = slot;
	return 0;
}
