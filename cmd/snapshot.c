#include "cmd/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/chain.h"
#include "cmd/diff.h"
#include "cmd/execute.h"
#include "cmd/names.h"
#include "lib/base/parse.h"
#include "lib/client/client.h"

/*
 * faas snapshot: what runs left in their files, to look at and to begin with.
 */

static const char *text_of(const json_t *j, const char *key)
{
	return json_string_value(json_object_get(j, key));
}

json_t *snapshot_id(const char *what)
{
	return json_pack("{s:o}", "id", client_text(what));
}

int snapshot_put_ttl(json_t *params, const char *ttl, struct error *err)
{
	uint64_t ms = 0;

	if (!ttl)
		return 0;
	if (strcmp(ttl, "none") && (parse_ms(ttl, &ms) < 0 || !ms || ms > INT64_MAX))
		return err_set(err, ERR_USAGE, "'%.64s' is not a time such as 12h or 7d, nor 'none'",
			       ttl);
	json_object_set_new(params, "ttl_ms", json_integer((json_int_t)ms));
	return 0;
}

json_t *snapshot_labels(const struct opt_strs *given)
{
	json_t *labels = json_object();

	for (int i = 0; i < given->n; i++) {
		const char *eq = strchr(given->v[i], '=');
		char *key = eq ? strndup(given->v[i], (size_t)(eq - given->v[i]))
			       : strdup(given->v[i]);

		json_object_set_new(labels, key ? key : "", eq ? client_text(eq + 1) : json_null());
		free(key);
	}
	return labels;
}

static void put_json(struct out *o, const char *key, const json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

	out_raw(o, key, text ? text : "null");
	free(text);
}

/* A number that may not be known yet. */
static void put_known(struct out *o, const json_t *s, const char *key,
		      void (*put)(struct out *o, const char *key, uint64_t value))
{
	const json_t *n = json_object_get(s, key);

	if (json_is_integer(n))
		put(o, key, (uint64_t)json_integer_value(n));
	else
		out_null(o, key);
}

void put_snapshot(struct out *o, const json_t *s)
{
	static const char *const texts[] = {
		"name", "kind", "parent", "merged", "environment", "execution", "engine", "comment"
	};

	out_str(o, "id", text_of(s, "id"));
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		out_str(o, texts[i], text_of(s, texts[i]));
	out_uint(o, "depth", json_array_size(json_object_get(s, "layers")));
	out_time(o, "created_at",
		 (uint64_t)json_integer_value(json_object_get(s, "created_ms")));
	out_time(o, "expires_at",
		 (uint64_t)json_integer_value(json_object_get(s, "expires_ms")));
	put_known(o, s, "entries", out_uint);
	put_known(o, s, "bytes", out_size);
	out_bool(o, "synced", json_is_true(json_object_get(s, "synced")));
	out_bool(o, "unsafe", json_is_true(json_object_get(s, "unsafe")));
	out_str(o, "checksum", text_of(s, "checksum"));
	put_json(o, "labels", json_object_get(s, "labels"));
	put_json(o, "layers", json_object_get(s, "layers"));
}

/* ---- show ---- */

#define ARGS struct one_args
ARGS {
	const char *id;
};

static const struct opt show_opts[] = {
	OPERAND("snapshot", ARGS, id, HINT_SNAPSHOT,
		"snapshot to show: its id, 4 or more first characters of it, name, or @last"),
	OPT_END
};

static int show_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	cleanup_json json_t *s = NULL;
	struct out o;

	if (executor_call("snapshot.get", snapshot_id(args->id), &s, err) < 0)
		return -1;
	out_object(&o, ctx, NULL);
	put_snapshot(&o, s);
	return out_end(&o, err);
}

static const struct cmd snapshot_show = {
	.name = "show",
	.summary = "show one snapshot",
	.args_size = sizeof(ARGS),
	.opts = show_opts,
	.run = show_run,
};

#undef ARGS

/* ---- tree ---- */

#define ARGS struct tree_args
ARGS {
	int unused;
};

static const struct opt tree_opts[] = { OPT_END };

struct forest {
	const json_t *list;
	struct out *o;
	bool text;
	FILE *out;
};

static bool stands_on(const json_t *s, const char *parent)
{
	const char *own = text_of(s, "parent");

	return parent ? own && !strcmp(own, parent) : !own;
}

static void print_line(struct forest *f, const json_t *s, const char *indent, bool last)
{
	const char *name = text_of(s, "name"), *comment = text_of(s, "comment");

	fprintf(f->out, "%s%s%s", indent, last ? "`-- " : "|-- ", text_of(s, "id"));
	if (name)
		fprintf(f->out, "  %s", name);
	if (comment)
		fprintf(f->out, "  ");
	if (comment)
		out_escape(f->out, comment, strlen(comment));
	fputc('\n', f->out);
}

/* Children in the order in which they were made. */
static void print_children(struct forest *f, const char *parent, const char *indent, int depth)
{
	size_t n = json_array_size(f->list), left = 0;

	for (size_t i = 0; i < n; i++)
		left += stands_on(json_array_get(f->list, i), parent);
	for (size_t i = 0; i < n && depth < 1000; i++) {
		const json_t *s = json_array_get(f->list, i);
		char *deeper;

		if (!stands_on(s, parent))
			continue;
		left--;
		if (f->text) {
			print_line(f, s, indent, !left);
		} else {
			out_row(f->o);
			put_snapshot(f->o, s);
		}
		if (asprintf(&deeper, "%s%s", indent, left ? "|   " : "    ") < 0)
			return;
		print_children(f, text_of(s, "id"), deeper, depth + 1);
		free(deeper);
	}
}

static int tree_run(struct ctx *ctx, const void *p, struct error *err)
{
	cleanup_json json_t *list = NULL;
	struct out_opts opts = { 0 };
	struct forest f = { .text = !ctx->json, .out = ctx->out };
	struct out o;

	(void)p;
	if (snapshot_fetch(NULL, &list, err) < 0)
		return -1;
	f.list = list;
	f.o = &o;
	if (f.text) {
		print_children(&f, NULL, "", 0);
		return 0;
	}
	out_list(&o, ctx, &opts, "snapshots", snapshot_columns);
	print_children(&f, NULL, "", 0);
	return out_end(&o, err);
}

static const struct cmd snapshot_tree = {
	.name = "tree",
	.summary = "show which snapshot stands on which",
	.args_size = sizeof(ARGS),
	.opts = tree_opts,
	.run = tree_run,
};
#undef ARGS

/* ---- tag ---- */

#define ARGS struct tag_args
ARGS {
	const char *id, *name, *comment, *ttl;
	struct opt_strs labels;
};

static const struct opt tag_opts[] = {
	OPT_STR('m', "comment", "text", ARGS, comment, HINT_NONE, "set the comment"),
	OPT_STRS(0, "label", "label", ARGS, labels, HINT_NONE,
		 "set the label KEY=value, or take KEY away"),
	OPT_STR(0, "ttl", "time", ARGS, ttl, HINT_NONE,
		"delete it <time> from now, such as 7d; 'none': keep it"),
	OPERAND("snapshot", ARGS, id, HINT_SNAPSHOT, "snapshot to tag"),
	OPERAND_OPTIONAL("name", ARGS, name, HINT_NONE, "its new name; '' takes it away"),
	OPT_END
};

static int tag_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	cleanup_json json_t *s = NULL;
	json_t *params = snapshot_id(args->id);
	struct out o;

	if (args->name)
		json_object_set_new(params, "name", client_text(args->name));
	if (args->comment)
		json_object_set_new(params, "comment", client_text(args->comment));
	json_object_set_new(params, "labels", snapshot_labels(&args->labels));
	if (!args->name && !args->comment && !args->labels.n && !args->ttl) {
		json_decref(params);
		return err_set(err, ERR_USAGE, "nothing to change: give a name, --comment, --label "
			       "or --ttl");
	}
	if (snapshot_put_ttl(params, args->ttl, err) < 0) {
		json_decref(params);
		return -1;
	}
	if (executor_call("snapshot.update", params, &s, err) < 0)
		return -1;
	out_object(&o, ctx, NULL);
	put_snapshot(&o, s);
	return out_end(&o, err);
}

static const struct cmd snapshot_tag = {
	.name = "tag",
	.summary = "give a snapshot a name, a comment or labels",
	.args_size = sizeof(ARGS),
	.opts = tag_opts,
	.run = tag_run,
};
#undef ARGS

/* ---- exec ---- */

static const struct opt exec_opts[] = {
	OPERAND("snapshot", struct execute_args, run.parent, HINT_SNAPSHOT,
		"snapshot to begin with"),
	EXECUTE_OPTIONS,
	OPT_GROUP("Results that are there already"),
	OPT_FLAG(0, "cached", struct execute_args, cached,
		 "if it was run before, show what it wrote, and do not run it"),
	OPT_FLAG(0, "explain", struct execute_args, explain,
		 "with --cached: say why it is run"),
	OPT_END
};

static int exec_run(struct ctx *ctx, const void *p, struct error *err)
{
	const struct execute_args *args = p;

	return args->cached ? chain_exec(ctx, args, err) : execute_run(ctx, args, err);
}

static const char *const exec_examples[] = {
	"faas snapshot exec base -- ls /work",
	"faas snapshot exec base --snapshot next 'echo more >>/work/log'",
	NULL
};

static const struct cmd snapshot_exec = {
	.name = "exec",
	.summary = "run code on a copy of a snapshot and exit as it did",
	.flags = CMD_PASSES_STATUS,
	.args_size = sizeof(struct execute_args),
	.opts = exec_opts,
	.run = exec_run,
	.examples = exec_examples,
};

/* ---- df ---- */

#define ARGS struct df_args
ARGS {
	struct out_opts out;
};

static const struct opt df_opts[] = {
	OUT_LIST_OPTIONS(ARGS, out),
	OPT_END
};

static const struct out_column df_columns[] = {
	{ "id" }, { "name" }, { "entries", .flags = OUT_RIGHT }, { "bytes", "SIZE", OUT_RIGHT },
	{ "depth", .flags = OUT_RIGHT }, { NULL }
};

static int df_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	cleanup_json json_t *usage = NULL;
	const json_t *list;
	struct out o;
	json_t *s;
	size_t i;

	if (executor_call("snapshot.usage", NULL, &usage, err) < 0)
		return -1;
	list = json_object_get(usage, "snapshots");
	out_list(&o, ctx, &args->out, "snapshots", df_columns);
	json_array_foreach((json_t *)(uintptr_t)list, i, s) {
		out_row(&o);
		out_str(&o, "id", text_of(s, "id"));
		out_str(&o, "name", text_of(s, "name"));
		out_uint(&o, "entries", (uint64_t)json_integer_value(json_object_get(s, "entries")));
		out_size(&o, "bytes", (uint64_t)json_integer_value(json_object_get(s, "bytes")));
		out_uint(&o, "depth", json_array_size(json_object_get(s, "layers")));
	}
	return out_end(&o, err);
}

static const struct cmd snapshot_df = {
	.name = "df",
	.summary = "show what each snapshot holds on the disk, without those it stands on",
	.args_size = sizeof(ARGS),
	.opts = df_opts,
	.run = df_run,
};
#undef ARGS

int names_snapshots(struct ctx *ctx, struct error *err)
{
	cleanup_json json_t *list = NULL;
	json_t *s;
	size_t i;

	if (executor_ask_quickly("snapshot.list", NULL, &list, err) < 0)
		return -1;
	json_array_foreach(list, i, s) {
		const char *name = text_of(s, "name"), *comment = text_of(s, "comment");

		fprintf(ctx->out, "%s\t%s\n", text_of(s, "id"),
			comment ? comment : text_of(s, "environment"));
		if (name)
			fprintf(ctx->out, "%s\t%s\n", name, text_of(s, "id"));
	}
	fputs("@last\tthe latest one\n", ctx->out);
	return 0;
}

static const struct cmd *const subs[] = {
	&snapshot_cmd_create, &snapshot_cmd_list, &snapshot_show, &snapshot_tree, &snapshot_diff,
	&snapshot_exec, &snapshot_cmd_restore, &snapshot_tag, &snapshot_df, &snapshot_cmd_check, &snapshot_cmd_export, &snapshot_cmd_import,
	&snapshot_cmd_prune, &snapshot_cmd_delete, NULL
};

static const char *const aliases[] = { "snapshots", NULL };

const struct cmd cmd_snapshot = {
	.name = "snapshot",
	.summary = "make, list, compare, run and delete states of files",
	.aliases = aliases,
	.subs = subs,
};
