#include "cmd/env.h"

#include <stdlib.h>
#include <string.h>

#include "cmd/execution.h"
#include "lib/client/client.h"

/*
 * faas env update: the defaults of an environment; faas env prune: what is kept of images.
 */

#define ARGS struct update_args
ARGS {
	const char *name;
	struct env_defaults defaults;
	struct opt_strs unset, unlimited;
};

static const struct opt update_opts[] = {
	ENV_DEFAULTS(ARGS, defaults),
	OPT_STRS(0, "unset", "name", ARGS, unset, HINT_VARIABLE,
		 "take a variable away; may be repeated"),
	OPT_STRS(0, "no-limit", "limit", ARGS, unlimited, HINT_NONE,
		 "take away memory, cpus, pids or disk; may be repeated"),
	OPERAND("name", ARGS, name, HINT_ENVIRONMENT, "environment to change"),
	OPT_END
};

static int put_nulls(const ARGS *args, json_t *params, struct error *err)
{
	static const char *const limits[][2] = {
		{ "memory", "memory" }, { "cpus", "cpu_millis" }, { "pids", "pids" },
		{ "disk", "disk" },
	};
	json_t *variables = json_object_get(params, "variables");
	json_t *resources = json_object_get(params, "resources");

	for (int i = 0; i < args->unset.n; i++)
		json_object_set_new(variables, args->unset.v[i], json_null());
	for (int i = 0; i < args->unlimited.n; i++) {
		size_t k = 0;

		while (k < ARRAY_SIZE(limits) && strcmp(limits[k][0], args->unlimited.v[i]))
			k++;
		if (k == ARRAY_SIZE(limits)) {
			(void)err_set(err, ERR_USAGE, "'%.64s' is no limit",
				      args->unlimited.v[i]);
			return err_hint(err, "the limits are memory, cpus, pids and disk");
		}
		json_object_set_new(resources, limits[k][1], json_null());
	}
	return 0;
}

static int update_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	cleanup_json json_t *params = json_pack("{s:o}", "name", client_text(args->name));
	cleanup_json json_t *e = NULL;
	struct out o;

	if (env_put_defaults(&args->defaults, params, err) < 0 ||
	    put_nulls(args, params, err) < 0)
		return -1;
	if (!json_object_size(json_object_get(params, "variables")))
		json_object_del(params, "variables");
	if (!json_object_size(json_object_get(params, "resources")))
		json_object_del(params, "resources");
	if (json_object_size(params) == 1) {
		(void)err_set(err, ERR_USAGE, "nothing to change was named");
		return err_hint(err, "see 'faas help env'");
	}
	if (executor_call("environment.update", TAKE_PTR(params), &e, err) < 0)
		return -1;
	out_object(&o, ctx, NULL);
	put_environment(&o, e);
	return out_end(&o, err);
}

const struct cmd env_update = {
	.name = "update",
	.summary = "change the defaults of an environment",
	.args_size = sizeof(ARGS),
	.opts = update_opts,
	.run = update_run,
};
#undef ARGS

#define ARGS struct prune_args
ARGS {
	bool dry_run;
};

static const struct opt prune_opts[] = {
	OPT_FLAG('n', "dry-run", ARGS, dry_run, "only say how much it is"),
	OPT_END
};

static int prune_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	cleanup_json json_t *done = NULL;
	struct out o;

	if (executor_call("environment.prune", json_pack("{s:b}", "dry_run", args->dry_run),
			  &done, err) < 0)
		return -1;
	out_object(&o, ctx, NULL);
	out_uint(&o, "blobs", (uint64_t)json_integer_value(json_object_get(done, "blobs")));
	out_size(&o, "size_bytes", (uint64_t)json_integer_value(json_object_get(done, "bytes")));
	out_bool(&o, "dry_run", args->dry_run);
	return out_end(&o, err);
}

const struct cmd env_prune = {
	.name = "prune",
	.summary = "remove the layers of images that are kept for the next pull",
	.args_size = sizeof(ARGS),
	.opts = prune_opts,
	.run = prune_run,
};
#undef ARGS
