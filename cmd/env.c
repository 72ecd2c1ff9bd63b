#include "cmd/command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/chain.h"
#include "cmd/env.h"
#include "cmd/execution.h"
#include "cmd/names.h"
#include "cmd/output.h"
#include "lib/base/parse.h"
#include "lib/client/client.h"

/*
 * faas env: the root file systems that code runs in.
 */

static const char *text_of(const json_t *j, const char *key)
{
	return json_string_value(json_object_get(j, key));
}

static void put_raw(struct out *o, const char *key, const json_t *value)
{
	char *text = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

	if (text)
		out_raw(o, key, text);
	else
		out_null(o, key);
	free(text);
}

void put_environment(struct out *o, const json_t *e)
{
	static const char *const texts[] = {
		"source", "base", "snapshot", "workdir", "user", "shell", "warm_up", "created_at"
	};

	out_str(o, "name", text_of(e, "name"));
	out_str(o, "kind", text_of(e, "kind"));
	out_size(o, "size_bytes",
		 (uint64_t)json_integer_value(json_object_get(e, "size_bytes")));
	out_uint(o, "entries", (uint64_t)json_integer_value(json_object_get(e, "entries")));
	out_str(o, "cache", text_of(e, "cache"));
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		out_str(o, texts[i], text_of(e, texts[i]));
	put_raw(o, "resources", json_object_get(e, "resources"));
	put_raw(o, "variables", json_object_get(e, "variables"));
	put_raw(o, "languages", json_object_get(e, "languages"));
	put_raw(o, "features", json_object_get(e, "features"));
	put_raw(o, "image", json_object_get(e, "image"));
}

/* ---- list ---- */

#define ARGS struct list_args
ARGS {
	struct out_opts out;
};

static const struct opt list_opts[] = {
	OUT_LIST_OPTIONS(ARGS, out),
	OPT_END
};

static const struct out_column list_columns[] = {
	{ "name" }, { "kind" }, { "size_bytes", "SIZE", OUT_RIGHT },
	{ "entries", .flags = OUT_RIGHT }, { "cache" }, { "source" }, { NULL }
};

static int list_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	cleanup_json json_t *list = NULL;
	struct out o;
	json_t *e;
	size_t i;

	if (executor_call("environment.list", NULL, &list, err) < 0)
		return -1;
	out_list(&o, ctx, &args->out, "environments", list_columns);
	json_array_foreach(list, i, e) {
		out_row(&o);
		put_environment(&o, e);
	}
	return out_end(&o, err);
}

static const struct cmd env_list = {
	.name = "list",
	.summary = "list environments",
	.args_size = sizeof(ARGS),
	.opts = list_opts,
	.run = list_run,
};
#undef ARGS

/* ---- show ---- */

#define ARGS struct show_args
ARGS {
	const char *name;
};

static const struct opt show_opts[] = {
	OPERAND("name", ARGS, name, HINT_ENVIRONMENT, "environment to show"),
	OPT_END
};

static int show_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	cleanup_json json_t *e = NULL;
	struct out o;

	if (executor_call("environment.get", json_pack("{s:o}", "name", client_text(args->name)), &e,
		 err) < 0)
		return -1;
	out_object(&o, ctx, NULL);
	put_environment(&o, e);
	return out_end(&o, err);
}

static const struct cmd env_show = {
	.name = "show",
	.summary = "show one environment",
	.args_size = sizeof(ARGS),
	.opts = show_opts,
	.run = show_run,
};

/* ---- delete ---- */

static const struct opt delete_opts[] = {
	OPERAND("name", ARGS, name, HINT_ENVIRONMENT, "environment to delete"),
	OPT_END
};

static int delete_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	cleanup_json json_t *done = NULL;
	struct out o;

	if (executor_call("environment.delete", json_pack("{s:o}", "name", client_text(args->name)), &done,
		 err) < 0)
		return -1;
	out_object(&o, ctx, NULL);
	out_str(&o, "deleted", args->name);
	return out_end(&o, err);
}

static const struct cmd env_delete = {
	.name = "delete",
	.summary = "delete an environment",
	.args_size = sizeof(ARGS),
	.opts = delete_opts,
	.run = delete_run,
};
#undef ARGS

/* ---- create ---- */

#define ARGS struct create_args
ARGS {
	const char *name, *from, *base;
	struct env_defaults defaults;
	struct image_opts image;
	bool replace;
};

const char *const env_caches[] = { "none", "normal", "aggressive", NULL };

static const struct opt create_opts[] = {
	OPT_STR(0, "base", "image", ARGS, base, HINT_NONE,
		"fill it from an image: see 'faas env pull'"),
	ENV_DEFAULTS(ARGS, defaults),
	OPT_FLAG(0, "replace", ARGS, replace, "replace an environment of that name"),
	IMAGE_OPTIONS(ARGS, image),
	OPERAND("name", ARGS, name, HINT_NONE, "name of the new environment"),
	OPERAND_OPTIONAL("path", ARGS, from, HINT_FILE,
		"folder or archive to fill it from; '-' for an archive on stdin"),
	OPT_END
};

static int variables(const struct opt_strs *given, json_t *params, struct error *err)
{
	json_t *j = json_object();

	json_object_set_new(params, "variables", j);
	for (int i = 0; i < given->n; i++) {
		const char *eq = strchr(given->v[i], '=');

		if (!eq || eq == given->v[i])
			return err_set(err, ERR_USAGE, "'%.64s' is not NAME=value", given->v[i]);
		char *name = strndup(given->v[i], (size_t)(eq - given->v[i]));

		json_object_set_new(j, name, client_text(eq + 1));
		free(name);
	}
	return 0;
}

static void resources(const struct env_defaults *d, json_t *params)
{
	const struct {
		const char *name;
		uint64_t value;
	} all[] = {
		{ "memory", d->memory }, { "cpu_millis", d->cpus },
		{ "pids", d->pids }, { "disk", d->disk },
	};
	json_t *j = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (all[i].value)
			json_object_set_new(j, all[i].name, json_integer((json_int_t)all[i].value));
	json_object_set_new(params, "resources", j);
}

/* An empty one is for none: it takes away what was there. */
static void languages(const struct opt_strs *given, json_t *params)
{
	json_t *j = json_array();

	for (int i = 0; i < given->n; i++)
		if (*given->v[i])
			json_array_append_new(j, client_text(given->v[i]));
	json_object_set_new(params, "languages", j);
}

static int features(const struct opt_strs *given, json_t *params, struct error *err)
{
	json_t *j = json_object();

	json_object_set_new(params, "features", j);
	for (int i = 0; i < given->n; i++) {
		const char *text = given->v[i], *value = strchr(text, '=');
		char name[128];

		(void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(text, "="), text);
		if (!value || !strcmp(value, "=true"))
			json_object_set_new(j, name, json_true());
		else if (!strcmp(value, "=false"))
			json_object_set_new(j, name, json_false());
		else if (!value[1])
			json_object_set_new(j, name, json_null());
		else
			return err_set(err, ERR_USAGE, "a feature is true or false, and '%.64s' is "
				       "neither", text);
	}
	return 0;
}

int env_put_description(const struct env_description *d, json_t *params, struct error *err)
{
	if (d->cache)
		json_object_set_new(params, "cache", json_string(d->cache));
	if (d->shell)
		json_object_set_new(params, "shell", client_text(d->shell));
	if (d->warm_up)
		json_object_set_new(params, "warm_up", client_text(d->warm_up));
	if (d->languages.n)
		languages(&d->languages, params);
	return d->features.n ? features(&d->features, params, err) : 0;
}

int env_put_defaults(const struct env_defaults *d, json_t *params, struct error *err)
{
	resources(d, params);
	if (d->workdir)
		json_object_set_new(params, "workdir", client_text(d->workdir));
	if (d->user)
		json_object_set_new(params, "user", client_text(d->user));
	if (env_put_description(&d->description, params, err) < 0)
		return -1;
	return variables(&d->variables, params, err);
}

static int open_source(const char *path, const char **ret_kind, struct error *err)
{
	cleanup_close int fd = -1;
	struct stat st;

	*ret_kind = "archive";
	if (!strcmp(path, "-")) {
		if (isatty(0))
			return err_set(err, ERR_USAGE, "an archive was asked for on stdin, which "
				       "is a terminal");
		fd = fcntl(0, F_DUPFD_CLOEXEC, 3);
	} else {
		/* of a pipe, the writer is waited for; nothing else may hold us */
		bool pipe = !stat(path, &st) && S_ISFIFO(st.st_mode);

		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (pipe ? 0 : O_NONBLOCK));
	}
	if (fd < 0 || fstat(fd, &st) < 0) {
		(void)err_sys(err, errno, "open '%s'", path);
		return err_hint(err, "name a folder, or an archive such as root.tar.gz; '-' reads "
				"one from stdin");
	}
	if (S_ISDIR(st.st_mode))
		*ret_kind = "directory";
	else if (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode))
		return err_set(err, ERR_USAGE, "'%s' is neither a folder nor an archive", path);
	return TAKE_FD(fd);
}

static void put_counts(struct out *o, const char *key, const json_t *counts)
{
	const char *name;
	json_t *n;

	out_open(o, key, '{');
	json_object_foreach((json_t *)(uintptr_t)counts, name, n)
		out_uint(o, name, (uint64_t)json_integer_value(n));
	out_close(o);
}

int env_print_made(struct ctx *ctx, const json_t *made, struct error *err)
{
	struct out o;

	out_object(&o, ctx, NULL);
	put_environment(&o, made);
	put_counts(&o, "skipped", json_object_get(made, "skipped"));
	put_counts(&o, "stripped", json_object_get(made, "stripped"));
	return out_end(&o, err);
}

static int from_path(const char *from, json_t **ret, int *ret_fd, struct error *err)
{
	const char *kind;
	char *full;

	*ret_fd = open_source(from, &kind, err);
	if (*ret_fd < 0)
		return -1;
	full = realpath(from, NULL);
	*ret = json_pack("{s:s,s:o}", "kind", kind, "source", client_text(full ? full : from));
	free(full);
	return 0;
}

static int create_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	cleanup_json json_t *made = NULL, *params = NULL;
	cleanup_close int fd = -1;

	if (!args->from == !args->base)
		return err_set(err, ERR_USAGE, "it is filled from one of a folder or archive, and "
			       "an image with '--base'");
	if ((args->base ? image_params(&args->image, args->base, &params, &fd, NULL, err) :
	     from_path(args->from, &params, &fd, err)) < 0)
		return -1;
	json_object_set_new(params, "name", client_text(args->name));
	if (args->replace)
		json_object_set_new(params, "replace", json_true());
	if (env_put_defaults(&args->defaults, params, err) < 0 ||
	    env_make(ctx, args->base ? image_progress(&args->image) : args->image.progress,
		     args->base ? "environment.pull" : "environment.create", TAKE_PTR(params), fd,
		     &made, err) < 0)
		return -1;
	return env_print_made(ctx, made, err);
}

static const struct cmd env_create = {
	.name = "create",
	.summary = "make an environment from a folder, an archive or an image",
	.args_size = sizeof(ARGS),
	.opts = create_opts,
	.run = create_run,
};
#undef ARGS

static const struct cmd *const env_subs[] = {
	&env_list, &env_show, &env_create, &env_build, &env_pull, &env_update, &env_export,
	&env_delete, &env_prune, &env_alias, &env_login, &env_logout, NULL
};

static const char *const aliases[] = { "environment", "environments", "envs", NULL };

const struct cmd cmd_env = {
	.name = "env",
	.summary = "list, make, change and delete environments",
	.aliases = aliases,
	.subs = env_subs,
};
