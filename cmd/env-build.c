#include "cmd/chain.h"

#include <string.h>

#include "cmd/env.h"
#include "lib/base/cleanup.h"

/*
 * faas env build: the steps of a chain, and an environment of what they left. With --pull,
 * an image is had first to begin with.
 */

#define ARGS struct build_args
ARGS {
	struct chain_options chain;
	struct env_description description;
	struct image_opts image;
	const char *name, *file;
	bool replace, pull;
};

static const struct opt build_opts[] = {
	CHAIN_OPTIONS(ARGS, chain, "layer", "variable"),
	OPT_GROUP("What comes out"),
	OPT_STR('f', "file", "file", ARGS, file, HINT_FILE,
		"read steps from <file>, a line each, before those of options"),
	ENV_DESCRIPTION(ARGS, description),
	OPT_FLAG(0, "replace", ARGS, replace, "replace an environment of that name"),
	OPT_GROUP("The image that it begins with"),
	OPT_FLAG(0, "pull", ARGS, pull,
		 "pull the image that the base names, unless it is there"),
	IMAGE_ASKED_OPTIONS(ARGS, image),
	OPERAND("name", ARGS, name, HINT_NONE, "name of the new environment"),
	OPT_END
};

static int request(const ARGS *args, json_t **ret, struct error *err)
{
	cleanup_json json_t *j = json_pack("{s:o}", "name", client_text(args->name));

	if (args->replace)
		json_object_set_new(j, "replace", json_true());
	if (env_put_description(&args->description, j, err) < 0)
		return -1;
	*ret = TAKE_PTR(j);
	return 0;
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
	cleanup_json json_t *params = NULL;
	struct client_options options = { 0 };

	if (request(args, &params, err) < 0)
		return -1;
	json_object_set_new(params, "dry_run", json_true());
	if (client_connect(&options, &c->client, err) < 0)
		return -1;
	return chain_ask(c, "environment.build", TAKE_PTR(params), &done, err);
}

/* ---- the image that it begins with ---- */

/* What is said of an image is of none without --pull: better a word than a wrong file. */
static int check_image(const ARGS *args, struct error *err)
{
	const struct image_opts *i = &args->image;

	if (args->pull && i->password_stdin && args->file && !strcmp(args->file, "-"))
		return err_set(err, ERR_USAGE, "stdin has either the steps or the password");
	if (args->pull || (!i->platform && !i->username && !i->ca_file && !i->password_stdin &&
			   !i->insecure))
		return 0;
	(void)err_set(err, ERR_USAGE, "options of an image need one that is pulled");
	return err_hint(err, "add '--pull'");
}

/* Is there an environment of that name, or a snapshot? 1, 0, or -1. */
static int is_there(struct chain *c, const char *base, struct error *err)
{
	static const char *const asked[][2] = {
		{ "environment.get", "name" }, { "snapshot.get", "id" }
	};

	for (size_t i = 0; i < ARRAY_SIZE(asked); i++) {
		cleanup_json json_t *found = NULL;

		if (!chain_ask(c, asked[i][0], json_pack("{s:o}", asked[i][1],
							 client_text(base)), &found, err))
			return 1;
		/* what cannot be the name of one may be that of an image */
		if (err->code != ERR_NOT_FOUND && err->code != ERR_USAGE)
			return -1;
	}
	return 0;
}

static int pull(struct chain *c, const ARGS *args, struct error *err)
{
	const char *base = args->chain.base ? args->chain.base : c->steps->base;
	cleanup_json json_t *params = NULL, *made = NULL;
	cleanup_free char *name = NULL;
	cleanup_close int fd = -1;
	int r;

	if (!args->pull)
		return 0;
	if (!base) {
		(void)err_set(err, ERR_USAGE, "there is no base to pull");
		return err_hint(err, "name an image: --base alpine:3, or FROM alpine:3 in the file");
	}
	r = is_there(c, base, err);
	if (r)
		return r < 0 ? -1 : 0;
	if (image_params(&args->image, base, &params, &fd, &name, err) < 0)
		return -1;
	if (!name || strcmp(name, base)) {
		(void)err_set(err, ERR_USAGE, "the base '%.200s' is no name that an environment can "
			      "have", base);
		return err_hint(err, "'faas env pull' it with a --name first");
	}
	json_object_set_new(params, "name", client_text(name));
	/* somebody else may have been faster */
	if (env_make(c->ctx, image_progress(&args->image), "environment.pull", TAKE_PTR(params),
		     fd, &made, err) < 0 && err->code != ERR_EXISTS)
		return -1;
	return 0;
}

/* ---- what comes out ---- */

static int make(struct chain *c, const ARGS *args, json_t **ret, struct error *err)
{
	cleanup_json json_t *params = NULL;

	if (request(args, &params, err) < 0)
		return -1;
	json_object_set_new(params, "snapshot", json_string(c->snapshot));
	json_object_set_new(params, "source", wire_text(c->name));
	if (json_object_size(c->variables))
		json_object_set_new(params, "variables", json_copy(c->variables));
	if (c->workdir)
		json_object_set_new(params, "workdir", client_text(c->workdir));
	if (c->o->user)
		json_object_set_new(params, "user", client_text(c->o->user));
	add_limits(c->o, params);
	return chain_ask(c, "environment.build", TAKE_PTR(params), ret, err);
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

	if (check_image(args, err) < 0 ||
	    chain_read(args->file, &args->chain, &steps, &read, &folder, err) < 0)
		return -1;
	if (asprintf(&name, "environment %s", args->name) < 0) {
		name = NULL;
		return err_sys(err, ENOMEM, "build an environment");
	}
	c.steps = &steps;
	c.name = name;
	c.folder = folder;
	if (check_name(&c, args, err) < 0 || pull(&c, args, err) < 0)
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
	"faas env build data --base python:3.12 --pull --layer 'pip install pandas'",
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
