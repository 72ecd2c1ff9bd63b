#include "cmd/chain.h"

#include <string.h>

#include "lib/base/cleanup.h"

/*
 * faas env build: the steps of a chain, and an environment of what they left.
 */

#define ARGS struct build_args
ARGS {
	struct chain_options chain;
	const char *name, *file, *cache;
	bool replace;
};

static const char *const caches[] = { "none", "normal", "aggressive", NULL };

static const struct opt build_opts[] = {
	CHAIN_OPTIONS(ARGS, chain, "layer", "variable"),
	OPT_GROUP("What comes out"),
	OPT_STR('f', "file", "file", ARGS, file, HINT_FILE,
		"read steps from <file>, a line each, before those of options"),
	OPT_CHOICE(0, "cache", "strategy", ARGS, cache, caches,
		   "how much to keep ready (default: normal)"),
	OPT_FLAG(0, "replace", ARGS, replace, "replace an environment of that name"),
	OPERAND("name", ARGS, name, HINT_NONE, "name of the new environment"),
	OPT_END
};

static json_t *request(const ARGS *args)
{
	json_t *j = json_pack("{s:o}", "name", client_text(args->name));

	if (args->replace)
		json_object_set_new(j, "replace", json_true());
	if (args->cache)
		json_object_set_new(j, "cache", json_string(args->cache));
	return j;
}

static void add_limits(const struct chain_options *o, json_t *to)
{
	const struct {
		const char *name;
		uint64_t value;
	} all[] = {
		{ "memory", o->memory }, { "pids", o->pids }, { "cpu_millis", o->cpus },
		{ "disk", o->disk },
	};
	json_t *j = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (all[i].value)
			json_object_set_new(j, all[i].name, json_integer((json_int_t)all[i].value));
	if (json_object_size(j))
		json_object_set(to, "resources", j);
	json_decref(j);
}

/* May it be made? Before it takes an hour. */
static int check_name(struct chain *c, const ARGS *args, struct error *err)
{
	cleanup_json json_t *done = NULL;
	struct client_options options = { 0 };
	json_t *params = request(args);

	json_object_set_new(params, "dry_run", json_true());
	if (client_connect(&options, &c->client, err) < 0) {
		json_decref(params);
		return -1;
	}
	return chain_ask(c, "environment.build", params, &done, err);
}

static int make(struct chain *c, const ARGS *args, json_t **ret, struct error *err)
{
	json_t *params = request(args);

	json_object_set_new(params, "snapshot", json_string(c->snapshot));
	json_object_set_new(params, "source", wire_text(c->name));
	if (json_object_size(c->variables))
		json_object_set_new(params, "variables", json_copy(c->variables));
	if (c->workdir)
		json_object_set_new(params, "workdir", client_text(c->workdir));
	if (c->o->user)
		json_object_set_new(params, "user", client_text(c->o->user));
	add_limits(c->o, params);
	return chain_ask(c, "environment.build", params, ret, err);
}

static int report(const struct chain *c, const json_t *made, struct error *err)
{
	static const char *const texts[] = { "name", "kind", "base", "snapshot" };
	struct out o;

	out_object(&o, c->ctx, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		out_str(&o, texts[i], json_string_value(json_object_get(made, texts[i])));
	out_int(&o, "exit_code", 0);
	chain_put(&o, c);
	return out_end(&o, err);
}

static int run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	CLEANUP_STEPS struct steps steps = { 0 };
	CLEANUP_CHAIN struct chain c = CHAIN(ctx, &args->chain);
	cleanup_json json_t *made = NULL;
	cleanup_free char *name = NULL;
	cleanup_free char *folder = NULL;
	cleanup_free char *read = NULL;
	int status;

	if (chain_read(args->file, &args->chain, &steps, &read, &folder, err) < 0)
		return -1;
	if (asprintf(&name, "environment %s", args->name) < 0) {
		name = NULL;
		return err_sys(err, ENOMEM, "build an environment");
	}
	c.steps = &steps;
	c.name = name;
	c.folder = folder;
	if (check_name(&c, args, err) < 0)
		return -1;
	status = chain_run(&c, err);
	if (status < 0)
		return -1;
	if (status)
		return chain_report(&c, NULL, status, err) < 0 ? -1 : status;
	if (!*c.snapshot) {
		(void)err_set(err, ERR_USAGE, "no step puts files into environment '%s'",
			      args->name);
		return err_hint(err, "give it a --layer or a --copy");
	}
	if (make(&c, args, &made, err) < 0)
		return -1;
	return report(&c, made, err);
}

static const char *const examples[] = {
	"faas env build tools --layer 'mkdir /opt/tools' --copy build.sh:/opt/tools/",
	"faas env build web --base debian --file Chainfile --variable PORT=80",
	NULL
};

const struct cmd env_build = {
	.name = "build",
	.summary = "make an environment of steps, each of them run once",
	.flags = CMD_PASSES_STATUS,
	.args_size = sizeof(ARGS),
	.opts = build_opts,
	.run = run,
	.examples = examples,
};
