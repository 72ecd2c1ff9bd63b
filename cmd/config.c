#include "cmd/command.h"

#include <stdio.h>
#include <string.h>

#include "cmd/names.h"
#include "cmd/output.h"
#include "lib/config/config.h"

/*
 * faas config: what is configured, where it is, and changes to it.
 */

struct list_args {
	bool all, show_origin;
	struct out_opts out;
};

static const struct opt list_opts[] = {
	OPT_FLAG('a', "all", struct list_args, all,
		 "also show keys that nothing sets, with their defaults"),
	OPT_FLAG(0, "show-origin", struct list_args, show_origin,
		 "say which file and line, or which variable, a value is from"),
	OUT_LIST_OPTIONS(struct list_args, out),
	OPT_END
};

static const struct out_column list_columns[] = {
	{ "key" }, { "value" }, { "origin", NULL, OUT_WIDE }, { NULL }
};
static const struct out_column origin_columns[] = {
	{ "key" }, { "value" }, { "origin" }, { NULL }
};

static void list_one(struct out *o, const struct config *c, const char *key, bool all)
{
	const char *origin, *value = config_value(c, key, &origin);

	if (!all && !strcmp(origin, "default"))
		return;
	out_row(o);
	out_str(o, "key", key);
	out_str(o, "value", value);
	out_str(o, "origin", value ? origin : NULL);
}

/* The aliases: of each, the one that counts. */
static void list_aliases(struct out *o, const struct config *c)
{
	for (size_t s = 0; s < CONFIG_SCOPES; s++)
		for (size_t i = 0; i < c->files[s].n; i++) {
			const struct config_entry *e = &c->files[s].v[i];

			if (!strncmp(e->key, "alias.", 6) &&
			    config_find(c, e->key) == e)
				list_one(o, c, e->key, true);
		}
}

static int list_run(struct ctx *ctx, const void *p, struct error *err)
{
	const struct list_args *args = p;
	struct out o;

	out_list(&o, ctx, &args->out, "config",
		 args->show_origin ? origin_columns : list_columns);
	for (const struct config_key *k = config_keys; k->name; k++)
		list_one(&o, ctx->config, k->name, args->all);
	list_aliases(&o, ctx->config);
	return out_end(&o, err);
}

static const struct cmd config_list = {
	.name = "list",
	.summary = "show what is configured",
	.flags = CMD_HERE,
	.args_size = sizeof(struct list_args),
	.opts = list_opts,
	.run = list_run,
};

struct get_args {
	const char *key;
};

static const struct opt get_opts[] = {
	OPERAND("key", struct get_args, key, HINT_CONFIG, "what to show"),
	OPT_END
};

static int get_run(struct ctx *ctx, const void *p, struct error *err)
{
	const struct get_args *args = p;
	const char *value, *origin;
	struct out o;

	if (!config_known(args->key, err))
		return -1;
	value = config_value(ctx->config, args->key, &origin);
	if (!value)
		return err_set(err, ERR_NOT_FOUND, "'%s' is not set", args->key);
	if (!ctx->json) {
		fprintf(ctx->out, "%s\n", value);
		return 0;
	}
	out_object(&o, ctx, NULL);
	out_str(&o, "key", args->key);
	out_str(&o, "value", value);
	out_str(&o, "origin", origin);
	return out_end(&o, err);
}

static const struct cmd config_get = {
	.name = "get",
	.summary = "print the value of one key",
	.flags = CMD_HERE,
	.args_size = sizeof(struct get_args),
	.opts = get_opts,
	.run = get_run,
};

struct set_args {
	const char *key, *value;
	bool project, user, system;
};

#define SCOPE_OPTIONS(verb)						\
	OPT_FLAG(0, "user", struct set_args, user,			\
		 verb " in your own file, which is the default"),	\
	OPT_FLAG(0, "project", struct set_args, project,		\
		 verb " in .faas/config here or in the nearest folder above"), \
	OPT_FLAG(0, "system", struct set_args, system,			\
		 verb " in the file of the whole machine")

static const struct opt set_opts[] = {
	SCOPE_OPTIONS("set it"),
	OPERAND("key", struct set_args, key, HINT_CONFIG, "what to set"),
	OPERAND("value", struct set_args, value, HINT_NONE, "what to set it to"),
	OPT_END
};

static const struct opt unset_opts[] = {
	SCOPE_OPTIONS("remove it"),
	OPERAND("key", struct set_args, key, HINT_CONFIG, "what to remove"),
	OPT_END
};

/* For set and unset, which has no value. */
static int write_run(struct ctx *ctx, const void *p, struct error *err)
{
	const struct set_args *args = p;
	enum config_scope scope = args->project ? CONFIG_PROJECT
		: args->system ? CONFIG_SYSTEM : CONFIG_USER;
	struct out o;

	if (args->project + args->user + args->system > 1)
		return err_set(err, ERR_USAGE, "'--project', '--user' and '--system' "
			       "exclude each other");
	if (config_write(scope, args->key, args->value, err) < 0)
		return -1;
	if (!ctx->json)
		return 0;
	out_object(&o, ctx, NULL);
	out_str(&o, "key", args->key);
	out_str(&o, "value", args->value);
	out_str(&o, "scope", config_scope_name(scope));
	return out_end(&o, err);
}

/* They mend broken files, so they must run with one: no configuration is read. */
static const struct cmd config_set = {
	.name = "set",
	.summary = "set a key in a configuration file",
	.flags = CMD_NO_CONFIG,
	.args_size = sizeof(struct set_args),
	.opts = set_opts,
	.run = write_run,
};

static const struct cmd config_unset = {
	.name = "unset",
	.summary = "remove a key from a configuration file",
	.flags = CMD_NO_CONFIG,
	.args_size = sizeof(struct set_args),
	.opts = unset_opts,
	.run = write_run,
};

static const struct cmd *const config_subs[] = {
	&config_list, &config_get, &config_set, &config_unset, NULL
};

static const char *const examples[] = {
	"faas config set timeout 30s",
	"faas config set alias.py 'execute -l python'",
	"faas config list --show-origin",
	NULL
};

const struct cmd cmd_config = {
	.name = "config",
	.summary = "show and change the configuration",
	.subs = config_subs,
	.examples = examples,
};
