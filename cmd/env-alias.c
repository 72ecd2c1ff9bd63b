#include "cmd/env.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/config/config.h"
#include "lib/image/alias.h"

/*
 * faas env alias: short names of images, in a file beside the configuration.
 */

static int alias_path(char **ret, struct error *err)
{
	*ret = image_alias_path();
	if (*ret)
		return 0;
	(void)err_set(err, ERR_SYSTEM, "there is no home for a file of aliases");
	return err_hint(err, "set HOME or XDG_CONFIG_HOME");
}

#define ARGS struct list_args
ARGS {
	struct out_opts out;
};

static const struct opt list_opts[] = {
	OUT_LIST_OPTIONS(ARGS, out),
	OPT_END
};

static const struct out_column list_columns[] = {
	{ "name" }, { "reference" }, { "builtin" }, { NULL }
};

static int list_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	cleanup_aliases struct image_aliases aliases = { NULL, 0 };
	cleanup_free char *path = image_alias_path();
	struct out o;

	if (image_aliases_load(path, &aliases, err) < 0)
		return -1;
	out_list(&o, ctx, &args->out, "aliases", list_columns);
	for (size_t i = 0; i < aliases.n; i++) {
		out_row(&o);
		out_str(&o, "name", aliases.v[i].name);
		out_str(&o, "reference", aliases.v[i].reference);
		out_bool(&o, "builtin", aliases.v[i].builtin);
	}
	return out_end(&o, err);
}

static const struct cmd alias_list = {
	.name = "list",
	.summary = "list short names of images",
	.flags = CMD_HERE,
	.args_size = sizeof(ARGS),
	.opts = list_opts,
	.run = list_run,
};
#undef ARGS

#define ARGS struct set_args
ARGS {
	const char *name, *reference;
};

static const struct opt set_opts[] = {
	OPERAND("name", ARGS, name, HINT_NONE, "short name"),
	OPERAND("image", ARGS, reference, HINT_NONE, "name of an image that it stands for"),
	OPT_END
};

static const struct opt delete_opts[] = {
	OPERAND("name", ARGS, name, HINT_NONE, "short name"),
	OPT_END
};

static int change(struct ctx *ctx, const char *name, const char *reference, struct error *err)
{
	cleanup_free char *path = NULL;
	struct out o;

	if (alias_path(&path, err) < 0 || image_alias_set(path, name, reference, err) < 0)
		return -1;
	out_object(&o, ctx, NULL);
	out_str(&o, reference ? "name" : "deleted", name);
	if (reference)
		out_str(&o, "reference", reference);
	return out_end(&o, err);
}

static int set_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;

	return change(ctx, args->name, args->reference, err);
}

static int delete_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;

	return change(ctx, args->name, NULL, err);
}

static const struct cmd alias_set = {
	.name = "set",
	.summary = "give an image a short name",
	.flags = CMD_HERE,
	.args_size = sizeof(ARGS),
	.opts = set_opts,
	.run = set_run,
};

static const struct cmd alias_delete = {
	.name = "delete",
	.summary = "forget a short name",
	.flags = CMD_HERE,
	.args_size = sizeof(ARGS),
	.opts = delete_opts,
	.run = delete_run,
};
#undef ARGS

static const struct cmd *const alias_subs[] = { &alias_list, &alias_set, &alias_delete, NULL };

const struct cmd env_alias = {
	.name = "alias",
	.summary = "short names of images",
	.subs = alias_subs,
};
