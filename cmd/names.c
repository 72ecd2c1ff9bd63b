#include "cmd/names.h"

#include <string.h>

#include "cmd/global.h"
#include "lib/config/config.h"

/*
 * faas __names: hidden; what completion scripts ask. It succeeds whatever happens.
 */

#define ARGS struct names_args
ARGS {
	const char *hint;
};

static const struct opt names_opts[] = {
	OPERAND("hint", ARGS, hint, HINT_NONE, "kind of thing to name"),
	OPT_END
};

static void print_aliases(struct ctx *ctx, const struct config *c, size_t skip)
{
	for (size_t s = 0; c && s < CONFIG_SCOPES; s++)
		for (size_t i = 0; i < c->files[s].n; i++) {
			const struct config_entry *e = &c->files[s].v[i];

			if (!strncmp(e->key, "alias.", 6) && config_find(c, e->key) == e)
				fprintf(ctx->out, "%s\tfaas %s\n", e->key + skip,
					e->value);
		}
}

int names_subcommands(struct ctx *ctx, struct error *err)
{
	for (const struct cmd *const *c = commands; *c; c++)
		if (!((*c)->flags & CMD_HIDDEN))
			fprintf(ctx->out, "%s\t%s\n", (*c)->name, (*c)->summary);
	print_aliases(ctx, global_config(err), strlen("alias."));
	return 0;
}

int names_config_keys(struct ctx *ctx, struct error *err)
{
	for (const struct config_key *k = config_keys; k->name; k++)
		fprintf(ctx->out, "%s\t%s\n", k->name, k->help);
	print_aliases(ctx, global_config(err), 0);
	return 0;
}

static const struct source {
	enum opt_hint hint;
	int (*print)(struct ctx *ctx, struct error *err);
} sources[] = {
#define X(hint, fn) { HINT_##hint, fn },
	NAMES(X)
#undef X
};

static int names_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	struct error ignored;

	/* live names are those of the executor that is configured */
	if (global_config(err))
		(void)!global_export(err);
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
		if (!strcmp(opt_hint_name(sources[i].hint), args->hint))
			(void)sources[i].print(ctx, &ignored);
	return 0;
}

const struct cmd cmd___names = {
	.name = "__names",
	.summary = "print names for completion",
	.flags = CMD_HIDDEN | CMD_NO_CONFIG,
	.args_size = sizeof(ARGS),
	.opts = names_opts,
	.run = names_run,
};
