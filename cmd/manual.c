#include "cmd/command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/global.h"
#include "cmd/help.h"
#include "cmd/output.h"
#include "cmd/pager.h"
#include "lib/config/config.h"

/*
 * faas help: the manual page of a command where it can be shown, else what
 * --help prints.
 */

#define ARGS struct help_args
ARGS {
	bool all, tree;
	struct opt_strs words;
};

static const struct opt help_opts[] = {
	OPT_FLAG('a', "all", ARGS, all, "list every command and the global options"),
	OPT_FLAG(0, "tree", ARGS, tree, "show all commands as a tree"),
	OPERAND_LIST_OPTIONAL("command", ARGS, words, HINT_SUBCOMMAND,
			      "what to explain, or 'config-file', 'exit-codes' or 'tutorial'"),
	OPT_END
};

/* Manuals that are not of a command, and what stands in for them. */
static const struct guide {
	const char *name;
	const char *page;
	void (*print)(FILE *out);
} guides[] = {
	{ "exit-codes", "faas-exit-codes.7", help_exit_codes },
	{ "tutorial", "faas-tutorial.7", help_tutorial },
	{ "config-file", "faas-config.5", help_config_keys },
};

static void print_guide(struct ctx *ctx, void (*print)(FILE *out))
{
	struct pager p;

	pager_open(&p, ctx);
	print(p.out);
	pager_close(&p);
}

static void print_command(struct ctx *ctx, const char *path, const struct cmd *cmd)
{
	struct pager p;

	pager_open(&p, ctx);
	help_command(p.out, path, cmd);
	pager_close(&p);
}

/* page is a name, or name.section; false when man cannot show it. */
static bool open_manual(struct ctx *ctx, const char *page)
{
	char name[96], *section;
	char *ask[] = { (char *)"man", (char *)"-w", name, NULL, NULL };
	char *show[] = { (char *)"man", name, NULL, NULL };

	if (!ctx->out_tty || ctx->no_pager)
		return false;
	(void)snprintf(name, sizeof(name), "%s", page);
	section = strchr(name, '.');
	if (section) {
		*section++ = '\0';
		ask[2] = show[1] = section;
		ask[3] = show[2] = name;
	}
	/* -w tells whether there is one, before anything is shown */
	return pager_run(ask, true) == 0 && pager_run(show, false) == 0;
}

/* One option or operand, for programs that make interfaces or check arguments. */
static void json_option(struct out *o, const struct opt *opt)
{
	char letter[2] = { opt->letter, '\0' };

	out_open(o, NULL, '{');
	out_str(o, "name", opt->name);
	out_str(o, "letter", opt->letter ? letter : NULL);
	out_str(o, "arg", opt->arg);
	out_str(o, "help", opt->help);
	out_str(o, "variable", help_variable(opt));
	out_bool(o, "operand", opt_is_operand(opt));
	out_bool(o, "required", opt_is_operand(opt) && !(opt->flags & OPT_OPTIONAL));
	out_bool(o, "repeated", opt->type == OPT_TYPE_STRS ||
		 opt->type == OPT_TYPE_LIST || opt->type == OPT_TYPE_REST);
	if (opt->choices) {
		out_open(o, "choices", '[');
		for (const char *const *c = opt->choices; *c; c++)
			out_str(o, NULL, *c);
		out_close(o);
	}
	out_close(o);
}

/* The tree for programs: names, summaries, and what has commands. */
static void json_commands(struct out *o, const struct cmd *const *list)
{
	out_open(o, "commands", '[');
	for (; *list; list++) {
		if ((*list)->flags & CMD_HIDDEN)
			continue;
		out_open(o, NULL, '{');
		out_str(o, "name", (*list)->name);
		out_str(o, "summary", (*list)->summary);
		if ((*list)->subs)
			json_commands(o, (*list)->subs);
		out_close(o);
	}
	out_close(o);
}

static int print_json(struct ctx *ctx, const char *path, const struct cmd *cmd,
		      struct error *err)
{
	struct out o;

	out_object(&o, ctx, NULL);
	if (!cmd) {
		json_commands(&o, commands);
		return out_end(&o, err);
	}
	out_str(&o, "command", path);
	out_str(&o, "summary", cmd->summary);
	if (cmd->subs)
		json_commands(&o, cmd->subs);
	if (cmd->opts) {
		out_open(&o, "options", '[');
		for (const struct opt *opt = cmd->opts; opt->type; opt++)
			if (opt_visible(opt))
				json_option(&o, opt);
		out_close(&o);
	}
	return out_end(&o, err);
}

/* 'faas help co' for alias.co; false if it is none. */
static bool explain_alias(struct ctx *ctx, const char *word)
{
	struct error ignored;
	const struct config *c = global_config(&ignored);
	const struct config_entry *e;
	char key[160];

	(void)snprintf(key, sizeof(key), "alias.%s", word);
	e = config_find(c, key);
	if (e && !ctx->json)
		fprintf(ctx->out, "'faas %s' stands for 'faas %s' (%s)\n", word, e->value,
			e->origin);
	return e && !ctx->json;
}

static int explain(struct ctx *ctx, const ARGS *args, struct error *err)
{
	const struct cmd *cmd;
	char path[96] = "faas", page[96];
	const char *const *words = args->words.v;
	int used, n = args->words.n;

	for (size_t i = 0; i < ARRAY_SIZE(guides); i++)
		if (n == 1 && !strcmp(words[0], guides[i].name)) {
			if (!open_manual(ctx, guides[i].page))
				print_guide(ctx, guides[i].print);
			return 0;
		}
	cmd = cmd_walk((char *const *)words, n, &used);
	if (n == 1 && !cmd && explain_alias(ctx, words[0]))
		return 0;
	if (used < n) {
		const struct cmd *const *list = cmd ? cmd->subs : commands;
		const char *best = list ? cmd_nearest(list, words[used]) : NULL;

		(void)err_set(err, ERR_NOT_FOUND, "no command '%s'", words[used]);
		return best ? err_hint(err, "did you mean '%s'?", best)
			: err_hint(err, "see 'faas help --all'");
	}
	cmd = NULL;
	for (int i = 0; i < n; i++) {
		size_t len = strlen(path);

		cmd = cmd_find(cmd ? cmd->subs : commands, words[i]);
		(void)snprintf(path + len, sizeof(path) - len, " %s", cmd->name);
		if (!i)
			(void)snprintf(page, sizeof(page), "faas-%s", cmd->name);
	}
	if (ctx->json)
		return print_json(ctx, path, cmd, err);
	if (!open_manual(ctx, page))
		print_command(ctx, path, cmd);
	return 0;
}

static int help_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;

	if (args->words.n && (args->all || args->tree))
		return err_set(err, ERR_USAGE, "'--%s' takes no <command>",
			       args->all ? "all" : "tree");
	if (args->words.n)
		return explain(ctx, args, err);
	if (ctx->json)
		return print_json(ctx, "faas", NULL, err);
	print_guide(ctx, args->tree ? help_tree : args->all ? help_all : help_overview);
	return 0;
}

const struct cmd cmd_help = {
	.name = "help",
	.summary = "explain a command, or list them",
	.flags = CMD_NO_CONFIG,
	.args_size = sizeof(ARGS),
	.opts = help_opts,
	.run = help_run,
};
