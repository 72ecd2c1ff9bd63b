#include "cmd/global.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/config/config.h"

#define ARGS struct globals

static const char *const colors[] = { "auto", "always", "never", NULL };

const struct opt global_opts[] = {
	OPT_FLAG('h', "help", ARGS, help, "explain the command", .flags = OPT_STOP),
	OPT_FLAG(0, "json", ARGS, json, "print JSON, errors included"),
	OPT_FLAG('q', "quiet", ARGS, quiet, "print names only, and no remarks"),
	OPT_FLAG('v', "verbose", ARGS, verbose, "say what is being done"),
	OPT_STR(0, "context", "name", ARGS, context, HINT_CONTEXT,
		"send the command to this executor", .config = "context"),
	OPT_STR('C', "chdir", "dir", ARGS, dir, HINT_DIR, "work in <dir>"),
	OPT_CHOICE(0, "color", "when", ARGS, color, colors,
		   "colour what is printed", .config = "color"),
	OPT_FLAG(0, "no-input", ARGS, no_input, "never ask; fail instead"),
	OPT_FLAG(0, "no-pager", ARGS, no_pager, "print long text at once"),
	OPT_FLAG(0, "version", ARGS, version, "print the version of faas",
		 .flags = OPT_STOP, .hidden = true),
	OPT_END
};

bool global_is_hidden_by(const struct opt *global, const struct cmd *cmd)
{
	for (const struct opt *o = cmd->opts; o && o->type != OPT_TYPE_END; o++)
		if (o->name && o->type != OPT_TYPE_GROUP &&
		    !strcmp(o->name, global->name))
			return true;
	return false;
}

static struct config config = CONFIG_INIT;

const struct config *global_config(struct error *err)
{
	static bool loaded;

	if (!loaded && config_load(&config, err) < 0) {
		config_release(&config);
		return NULL;
	}
	loaded = true;
	return &config;
}

static const char *value_of(const struct opt *o, void *data, const char **ret_origin)
{
	const char *value = o->env ? getenv(o->env) : NULL;

	(void)data;
	if (value && *value) {
		*ret_origin = o->env;
		return value;
	}
	if (!o->config)
		return NULL;
	value = config_value(&config, o->config, ret_origin);
	/* what the table says comes after what the key does */
	return strcmp(*ret_origin, "default") || !o->dflt ? value : NULL;
}

const struct opt_source global_source = { .value_of = value_of };

/* NO_COLOR, CLICOLOR_FORCE and TERM speak when nobody else does. */
static bool use_color(const struct globals *g, bool tty)
{
	const char *origin, *term = getenv("TERM"), *s;
	const char *mode = g->color ? g->color : config_value(&config, "color", &origin);

	if (mode && !strcmp(mode, "always"))
		return true;
	if (mode && !strcmp(mode, "never"))
		return false;
	s = getenv("NO_COLOR");
	if (s && *s)
		return false;
	s = getenv("CLICOLOR_FORCE");
	if (s && *s && strcmp(s, "0"))
		return true;
	return tty && term && *term && strcmp(term, "dumb");
}

int global_export(struct error *err)
{
	static const char *const keys[] = { "state-dir", "idle-timeout", "max-runs" };

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const char *origin, *value = config_value(&config, keys[i], &origin);

		if (value && setenv(config_key(keys[i])->env, value, 1) < 0)
			return err_sys(err, errno, "set %s", config_key(keys[i])->env);
	}
	return 0;
}

/* To run here what was meant for elsewhere would be worse than not to run it. */
static int check_context(const struct ctx *ctx, const struct cmd *cmd, struct error *err)
{
	if (cmd->flags & (CMD_HERE | CMD_NO_CONFIG) || !ctx->context ||
	    !strcmp(ctx->context, "local"))
		return 0;
	(void)err_set(err, ERR_NOT_FOUND, "no context '%s'", ctx->context);
	return err_hint(err, "'local' is the only one: leave out --context, FAAS_CONTEXT and the "
			"key 'context'");
}

int global_apply(const struct globals *g, const struct cmd *cmd, struct ctx *ctx,
		 struct error *err)
{
	const char *origin;

	if (g->dir && chdir(g->dir) < 0)
		return err_sys(err, errno, "enter '%s'", g->dir);
	if (!(cmd->flags & CMD_NO_CONFIG)) {
		ctx->config = global_config(err);
		if (!ctx->config || (!(cmd->flags & CMD_HERE) && global_export(err) < 0))
			return -1;
	}
	ctx->context = g->context ? g->context
		: config_value(ctx->config, "context", &origin);
	ctx->json = g->json;
	ctx->quiet = g->quiet;
	ctx->verbose = g->verbose;
	ctx->no_input = g->no_input;
	ctx->no_pager = g->no_pager;
	ctx->out_tty = isatty(STDOUT_FILENO) == 1;
	ctx->err_tty = isatty(STDERR_FILENO) == 1;
	ctx->color = !g->json && use_color(g, ctx->out_tty);
	return check_context(ctx, cmd, err);
}
