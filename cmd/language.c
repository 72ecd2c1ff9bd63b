#include "cmd/command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/execution.h"
#include "cmd/names.h"
#include "cmd/output.h"
#include "lib/base/strbuf.h"
#include "lib/lang/lang.h"

/*
 * faas language: which languages there are, and which of them an environment has
 * the programs for.
 */

enum { TEXT_MAX = 4096 };

/* ---- the programs of an environment ---- */

/* Every program that a step of the language could begin with, and what it needs. */
static void add_programs(const struct lang *lang, json_t *all)
{
	for (; lang; lang = lang->otherwise) {
		for (const struct lang_need *need = lang->needs; need && need->program; need++)
			if (need->file)
				json_object_set_new(all, need->file, json_true());
		for (size_t i = 0; i < lang->n_steps; i++)
			for (const char *const *const *way = lang->steps[i].alternatives; *way;
			     way++)
				if (***way != '{')
					json_object_set_new(all, **way, json_true());
	}
}

/* One question about all of them: which does the environment have? */
static int ask(const char *environment, const struct lang *only, json_t **ret,
	       struct error *err)
{
	CLEANUP(client_free) struct client *c = NULL;
	cleanup_json json_t *all = json_object();
	cleanup_json json_t *result = NULL;
	json_t *names = json_array(), *found = json_object(), *one;
	const char *name;
	size_t i;

	for (i = 0; i < lang_count(); i++)
		if (!only || only == lang_at(i))
			add_programs(lang_at(i), all);
	json_object_foreach(all, name, one)
		json_array_append_new(names, json_string(name));
	*ret = found;
	if (executor_connect(&c, err) < 0) {
		json_decref(names);
		return -1;
	}
	if (client_call(c, "environment.programs", json_pack("{s:o,s:o}", "name",
			client_text(environment ? environment : "host"), "programs", names),
			&result, err) < 0)
		return -1;
	json_array_foreach(json_object_get(result, "found"), i, one)
		json_object_set_new(found, json_string_value(one), json_true());
	return 0;
}

static bool is_there(void *found, const char *program)
{
	return json_object_get(found, program) != NULL;
}

/* ---- one language ---- */

static void put_words(struct out *o, const char *key, const char *const *words, char between)
{
	cleanup_strbuf struct strbuf sb = STRBUF(TEXT_MAX);

	if (o->ctx->json) {
		out_open(o, key, '[');
		for (; words && *words; words++)
			out_str(o, NULL, *words);
		out_close(o);
		return;
	}
	for (size_t i = 0; words && words[i]; i++) {
		if (i)
			strbuf_addc(&sb, between);
		strbuf_adds(&sb, words[i]);
	}
	out_str(o, key, sb.len ? sb.buf : NULL);
}

/* The programs that would be used, or those that are looked for. */
static void put_programs(struct out *o, const struct lang_recipe *recipe, bool works)
{
	const char *words[LANG_STEPS + 1] = { NULL };
	size_t n = 0;

	for (size_t i = 0; works && i < recipe->n_steps; i++)
		if (*recipe->steps[i][0] != '{')
			words[n++] = recipe->steps[i][0];
	put_words(o, "programs", words, ' ');
}

static bool runs(const struct lang *lang, json_t *found, struct lang_recipe *ret,
		 struct error *why)
{
	if (lang_choose(lang, is_there, found, ret, why) < 0)
		return false;
	if (ret->unsure)
		(void)err_set(why, ERR_NO_COMMAND, "not every version of '%s' runs it", ret->unsure);
	return !ret->unsure;
}

static void put_language(struct out *o, const struct lang *lang, json_t *found)
{
	struct lang_recipe recipe;
	struct error why;
	bool works = runs(lang, found, &recipe, &why);

	out_str(o, "language", lang->name);
	put_words(o, "extensions", lang->extensions, ' ');
	out_bool(o, "works", works);
	put_programs(o, &recipe, works);
	out_str(o, "package", lang->package ? lang->package : lang->install);
	out_str(o, "missing", works ? NULL : why.msg);
	put_words(o, "aliases", lang->aliases, ' ');
	put_words(o, "shebangs", lang->shebangs, ' ');
	out_str(o, "source", lang->source);
	out_str(o, "version", lang->version);
	if (o->kind != OUT_OBJECT)
		return;
	if (o->ctx->json)
		out_open(o, "steps", '[');
	for (size_t i = 0; works && i < recipe.n_steps; i++)
		put_words(o, o->ctx->json ? NULL : "step", recipe.steps[i], ' ');
	if (o->ctx->json)
		out_close(o);
}

/* ---- list ---- */

#define ARGS struct list_args
ARGS {
	struct out_opts out;
	const char *environment;
	bool works;
};

static const struct opt list_opts[] = {
	OPT_STR('E', "env", "name", ARGS, environment, HINT_ENVIRONMENT,
		"look in environment <name>", .env = "FAAS_ENV",
		.config = "env"),
	OPT_FLAG('w', "works", ARGS, works, "show only those that work there"),
	OUT_LIST_OPTIONS(ARGS, out),
	OPT_END
};

static const struct out_column list_columns[] = {
	{ "language" }, { "extensions" }, { "works" }, { "programs" }, { "package" },
	{ "aliases", .flags = OUT_WIDE }, { "shebangs", .flags = OUT_WIDE },
	{ "source", .flags = OUT_WIDE }, { "version", .flags = OUT_WIDE },
	{ "missing", .flags = OUT_WIDE }, { NULL }
};

static int list_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	cleanup_json json_t *found = NULL;
	struct out o;

	if (ask(args->environment, NULL, &found, err) < 0)
		return -1;
	out_list(&o, ctx, &args->out, "languages", list_columns);
	for (size_t i = 0; i < lang_count(); i++) {
		struct lang_recipe recipe;
		struct error why;

		if (args->works && !runs(lang_at(i), found, &recipe, &why))
			continue;
		out_row(&o);
		put_language(&o, lang_at(i), found);
	}
	return out_end(&o, err);
}

static const char *const list_examples[] = { "faas language list --works", NULL };

static const struct cmd language_list = {
	.name = "list",
	.summary = "list languages, and which of them work in an environment",
	.args_size = sizeof(ARGS),
	.opts = list_opts,
	.run = list_run,
	.examples = list_examples,
};
#undef ARGS

/* ---- show ---- */

#define ARGS struct show_args
ARGS {
	const char *environment, *name;
};

static const struct opt show_opts[] = {
	OPT_STR('E', "env", "name", ARGS, environment, HINT_ENVIRONMENT,
		"look in environment <name>", .env = "FAAS_ENV",
		.config = "env"),
	OPERAND("name", ARGS, name, HINT_LANGUAGE, "language to show, by its name or another"),
	OPT_END
};

static int show_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	const struct lang *lang = lang_by_name(args->name), *near;
	cleanup_json json_t *found = NULL;
	struct out o;

	if (!lang) {
		near = lang_nearest(args->name);
		(void)err_set(err, ERR_NOT_FOUND, "unknown language '%s'", args->name);
		return err_hint(err, near ? "did you mean '%s'? see 'faas language list'"
					  : "see 'faas language list'", near ? near->name : "");
	}
	if (ask(args->environment, lang, &found, err) < 0)
		return -1;
	out_object(&o, ctx, NULL);
	put_language(&o, lang, found);
	return out_end(&o, err);
}

static const char *const show_examples[] = { "faas language show python", NULL };

static const struct cmd language_show = {
	.name = "show",
	.summary = "show how a language is recognised and run",
	.args_size = sizeof(ARGS),
	.opts = show_opts,
	.run = show_run,
	.examples = show_examples,
};
#undef ARGS

int names_languages(struct ctx *ctx, struct error *err)
{
	(void)err;
	for (size_t i = 0; i < lang_count(); i++)
		fprintf(ctx->out, "%s\t.%s\n", lang_at(i)->name,
			lang_at(i)->extensions ? lang_at(i)->extensions[0] : "");
	return 0;
}

static const struct cmd *const language_subs[] = { &language_list, &language_show, NULL };

static const char *const aliases[] = { "languages", NULL };

const struct cmd cmd_language = {
	.name = "language",
	.summary = "show languages, and which of them work where",
	.aliases = aliases,
	.subs = language_subs,
};
