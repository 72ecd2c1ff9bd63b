#include "cmd/run-options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const run_modes[] = { "ephemeral", "cached", "branched", NULL };
const char *const run_networks[] = { "none", "nat", "host", NULL };

enum { ENV_FILE_MAX = 1 << 20 };

/* "NAME=value", or "NAME" for our own value of it; an unset one is left out. */
static int add_variable(json_t *env, const char *text, struct error *err)
{
	const char *eq = strchr(text, '=');
	char name[256];
	size_t len = eq ? (size_t)(eq - text) : strlen(text);
	const char *value = eq ? eq + 1 : NULL;

	if (!len || len >= sizeof(name))
		return err_set(err, ERR_USAGE, "'%.64s' is not NAME=value", text);
	memcpy(name, text, len);
	name[len] = '\0';
	if (!eq)
		value = getenv(name);
	if (value)
		json_object_set_new(env, name, client_text(value));
	return 0;
}

/* Literally: no quotes, no expansion. Blank lines and # comments are skipped. */
static int add_env_file(json_t *env, const char *path, struct error *err)
{
	cleanup_free char *line = NULL;
	size_t size = 0;
	int number = 0, r = 0;
	struct stat st;
	ssize_t n;
	FILE *f = fopen(path, "re");

	if (!f)
		return err_sys(err, errno, "open '%s'", path);
	if (!fstat(fileno(f), &st) && st.st_size > ENV_FILE_MAX)
		r = err_set(err, ERR_USAGE, "'%s' is larger than 1 MiB", path);
	while (!r && (n = getline(&line, &size, f)) >= 0) {
		number++;
		if (strlen(line) != (size_t)n) {
			r = err_set(err, ERR_USAGE, "%s:%d: a NUL byte", path, number);
			break;
		}
		if (n && line[n - 1] == '\n')
			line[n - 1] = '\0';
		if (!*line || *line == '#')
			continue;
		if (!strchr(line, '='))
			r = err_set(err, ERR_USAGE, "%s:%d: not NAME=value", path, number);
		else
			r = add_variable(env, line, err);
	}
	if (!r && ferror(f))
		r = err_sys(err, errno, "read '%s'", path);
	(void)fclose(f);
	return r;
}

static int variables(const struct run_options *o, bool tty, struct run_plan *plan,
		     struct error *err)
{
	static const char *const of_terminal[] = { "TERM", "COLORTERM" };
	json_t *env = plan->code.variables ? json_incref(plan->code.variables) : json_object();

	json_object_set_new(plan->params, "env", env);
	for (size_t i = 0; tty && i < ARRAY_SIZE(of_terminal); i++)
		if (add_variable(env, of_terminal[i], err) < 0)
			return -1;
	for (int i = 0; i < o->env_files.n; i++)
		if (add_env_file(env, o->env_files.v[i], err) < 0)
			return -1;
	for (int i = 0; i < o->variables.n; i++)
		if (add_variable(env, o->variables.v[i], err) < 0)
			return -1;
	return 0;
}

static int labels(const struct run_options *o, json_t *params, struct error *err)
{
	json_t *j = json_object();

	json_object_set_new(params, "labels", j);
	for (int i = 0; i < o->labels.n; i++) {
		const char *text = o->labels.v[i], *eq = strchr(text, '=');
		char key[129];

		if (!eq || eq == text || eq - text >= (int)sizeof(key))
			return err_set(err, ERR_USAGE, "label '%.64s' is not KEY=value", text);
		memcpy(key, text, (size_t)(eq - text));
		key[eq - text] = '\0';
		json_object_set_new(j, key, client_text(eq + 1));
	}
	return 0;
}

static void limits(const struct run_options *o, json_t *params)
{
	const struct {
		const char *name;
		uint64_t value;
	} all[] = {
		{ "memory", o->memory }, { "pids", o->pids }, { "cpu_millis", o->cpus },
		{ "disk", o->disk }, { "io_bps", o->io },
	};
	json_t *j = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (all[i].value)
			json_object_set_new(j, all[i].name, json_integer((json_int_t)all[i].value));
	json_object_set_new(params, "limits", j);
}

/* SRC[:DST]; a ':' in a name that exists as it is belongs to the name. */
static int add_files(const struct run_options *o, struct run_plan *plan, struct error *err)
{
	plan->files = calloc((size_t)o->files.n + 1, sizeof(*plan->files));
	if (!plan->files)
		return err_sys(err, ENOMEM, "send files");
	if (plan->code.n_files)
		plan->files[plan->n_files++] = plan->code.file;
	for (int i = 0; i < o->files.n; i++) {
		struct execution_file *f = &plan->files[plan->n_files];
		const char *text = o->files.v[i], *colon = strrchr(text, ':');
		char *from = strdup(text);
		size_t len;

		if (!from)
			return err_sys(err, ENOMEM, "send files");
		*f = (struct execution_file){ .path = from, .fd = -1 };
		plan->n_files++;
		if (colon && access(text, F_OK) < 0) {
			from[colon - text] = '\0';
			f->to = colon + 1;
		}
		if (access(from, R_OK) < 0)
			return err_sys(err, errno, "read '%s'", from);
		len = strlen(from);
		while (len > 1 && from[len - 1] == '/')
			from[--len] = '\0';
		if (!f->to || !*f->to)
			f->to = strrchr(from, '/') ? strrchr(from, '/') + 1 : from;
	}
	return 0;
}

static void set_text(json_t *params, const char *key, const char *value)
{
	if (value)
		json_object_set_new(params, key, client_text(value));
}

/* The snapshot that it begins with, if it does: what its environment is. */
static int find_start(struct client *client, const struct run_options *o, json_t **ret,
		      struct error *err)
{
	cleanup_json json_t *branch = NULL;
	const char *id = o->parent;

	if (o->branch && o->parent)
		return err_set(err, ERR_USAGE, "a branch begins where it is, not with '%s'",
			       o->parent);
	if (o->branch && client_call(client, "branch.get", json_pack("{s:o}", "name",
								     client_text(o->branch)),
				     &branch, err) < 0)
		return -1;
	if (branch)
		id = json_string_value(json_object_get(branch, "head"));
	return id ? client_call(client, "snapshot.get", json_pack("{s:o}", "id", client_text(id)), ret,
				err) : 0;
}

int run_plan_make(struct client *client, const struct run_options *o,
		  const struct opt_rest *words, bool tty, struct run_plan *ret,
		  struct error *err)
{
	struct code_request code = {
		.kind = o->kind, .environment = o->environment, .language = o->language, .workdir = o->workdir,
		.words = words->v, .n_words = words->n, .literal = words->literal,
	};

	cleanup_json json_t *instance = NULL;

	*ret = (struct run_plan){ .code.fd = -1, .params = json_object() };
	if (find_start(client, o, &ret->parent, err) < 0)
		return -1;
	if (ret->parent)
		code.environment = json_string_value(json_object_get(ret->parent, "environment"));
	/* a command is looked for by who runs it; a language has to be found before */
	if (o->instance && !words->literal) {
		if (client_call(client, "instance.get", json_pack("{s:o}", "id",
								  client_text(o->instance)),
				&instance, err) < 0)
			return -1;
		code.environment = json_string_value(json_object_get(instance, "environment"));
	}
	if (code_plan(client, &code, &ret->code, err) < 0)
		return -1;
	json_object_set(ret->params, "steps", ret->code.steps);
	if (ret->code.shell)
		json_object_set_new(ret->params, "shell", json_true());
	set_text(ret->params, "language", ret->code.language);
	/* environment and mode are the parent's, whatever is configured */
	set_text(ret->params, "environment", ret->parent ? NULL : o->environment);
	set_text(ret->params, "mode", ret->parent ? NULL : o->mode);
	set_text(ret->params, "branch", o->branch);
	if (o->on_success)
		json_object_set_new(ret->params, "on_success", json_true());
	set_text(ret->params, "parent", o->parent);
	set_text(ret->params, "snapshot", o->snapshot);
	if (o->snapshot_ttl_ms && !o->snapshot && !o->branch)
		return err_set(err, ERR_USAGE, "'--snapshot-ttl' is of a '--snapshot', and none is "
			       "asked for");
	if (o->snapshot_ttl_ms)
		json_object_set_new(ret->params, "snapshot_ttl_ms",
				    json_integer((json_int_t)o->snapshot_ttl_ms));
	set_text(ret->params, "workdir", o->workdir);
	set_text(ret->params, "user", o->user);
	set_text(ret->params, "name", o->name);
	set_text(ret->params, "network", o->network);
	if (o->timeout_ms)
		json_object_set_new(ret->params, "timeout_ms",
				    json_integer((json_int_t)o->timeout_ms));
	if (o->grace_ms)
		json_object_set_new(ret->params, "grace_ms",
				    json_integer((json_int_t)o->grace_ms));
	if (o->allow_degraded)
		json_object_set_new(ret->params, "allow_degraded", json_true());
	set_text(ret->params, "instance", o->instance);
	/* in an instance they are its */
	if (!o->instance)
		limits(o, ret->params);
	if (variables(o, tty, ret, err) < 0 || labels(o, ret->params, err) < 0)
		return -1;
	return add_files(o, ret, err);
}

void run_plan_release(struct run_plan *plan)
{
	for (int i = 0; i < plan->n_files; i++)
		free((char *)(uintptr_t)plan->files[i].path);
	free(plan->files);
	json_decref(plan->params);
	json_decref(plan->parent);
	code_plan_release(&plan->code);
}
