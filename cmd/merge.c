#include <stdlib.h>
#include <string.h>

#include "cmd/difference.h"
#include "cmd/merge.h"
#include "cmd/snapshot.h"
#include "lib/client/client.h"
#include "lib/state/resolve.h"

/*
 * faas merge: what two or more lines of states changed since they parted, in one.
 */

#define ARGS struct merge_args

static const char *const strategies[] = {
#define X(id, name) name,
	MERGE_STRATEGIES(X)
#undef X
	NULL
};

static const char *const markers[] = {
#define X(id, name) name,
	MERGE_MARKERS(X)
#undef X
	NULL
};

static const struct opt merge_opts[] = {
	OPT_STR(0, "into", "branch", ARGS, into, HINT_BRANCH,
		"merge into <branch>, and move it on (default: a new snapshot)"),
	OPT_STR('t', "to", "dir", ARGS, to, HINT_DIR,
		"merge what the branch changed into the folder <dir> of yours"),
	OPT_STR(0, "path", "path", ARGS, path, HINT_NONE,
		"with --to: what <dir> is in the branch (default: /work/ and its name)"),
	OPT_CHOICE('s', "strategy", "how", ARGS, strategy,
		   strategies,
		   "what becomes of changes that do not fit: three-way, union, intersection, "
		   "latest, ours or theirs (default: three-way)"),
	OPT_CHOICE(0, "conflict", "how", ARGS, conflict, markers,
		   "keep text that both changed with both sides between marks: merge, or diff3 with "
		   "the base, too; the exit status is 5 all the same (default: none)"),
	OPT_STR('n', "name", "name", ARGS, name, HINT_NONE, "name the snapshot that it becomes"),
	OPT_STR('m', "comment", "text", ARGS, comment, HINT_NONE, "set that snapshot's comment"),
	OPT_FLAG(0, "dry-run", ARGS, dry_run, "show what would be, and change nothing"),
	OUT_LIST_OPTIONS(ARGS, out),
	OPERAND_LIST("theirs", ARGS, theirs, HINT_BRANCH, "branches or snapshots to merge"),
	OPT_END
};

static const struct out_column conflict_columns[] = {
	{ "conflict" }, { "path" }, { "marked", .flags = OUT_WIDE },
	{ "theirs", .flags = OUT_WIDE }, { NULL }
};

static const struct out_column change_columns[] = {
	{ "kind" }, { "path" }, { "merged", .flags = OUT_WIDE }, { NULL }
};

static const char *text_of(const json_t *j, const char *key)
{
	return json_string_value(json_object_get(j, key));
}

static void put_rows(struct out *o, const json_t *rows, const char *key, const char *kind)
{
	json_t *row;
	size_t i;

	out_open(o, key, '[');
	json_array_foreach(json_object_get(rows, key), i, row) {
		out_open(o, NULL, '{');
		out_str(o, kind, text_of(row, kind));
		difference_path(o, "path", json_object_get(row, "path"));
		if (json_object_get(row, "merged"))
			out_bool(o, "merged", json_is_true(json_object_get(row, "merged")));
		if (json_object_get(row, "marked"))
			out_bool(o, "marked", json_is_true(json_object_get(row, "marked")));
		out_close(o);
	}
	out_close(o);
}

static const char *const counts[] = { "added", "changed", "deleted", "merged_texts" };

static void put_step(struct out *o, const json_t *step)
{
	out_open(o, NULL, '{');
	out_str(o, "theirs", text_of(step, "theirs"));
	out_str(o, "base", text_of(step, "base"));
	out_str(o, "how", text_of(step, "how"));
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
		out_int(o, counts[i], json_integer_value(json_object_get(step, counts[i])));
	out_int(o, "n_conflicts", json_integer_value(json_object_get(step, "n_conflicts")));
	out_int(o, "n_marked", json_integer_value(json_object_get(step, "n_marked")));
	put_rows(o, step, "conflicts", "conflict");
	put_rows(o, step, "changes", "kind");
	out_close(o);
}

/* Of all steps. */
static json_int_t total(const json_t *steps, const char *key)
{
	json_int_t n = 0;
	json_t *step;
	size_t i;

	json_array_foreach(steps, i, step)
		n += json_integer_value(json_object_get(step, key));
	return n;
}

static int show_object(struct ctx *ctx, const ARGS *args, const json_t *done, struct error *err)
{
	const json_t *steps = json_object_get(done, "steps");
	struct out o;
	json_t *step;
	size_t i;

	out_object(&o, ctx, NULL);
	out_str(&o, "snapshot", text_of(done, "snapshot"));
	out_str(&o, "name", text_of(done, "name"));
	out_str(&o, "branch", text_of(done, "branch"));
	if (json_object_get(done, "folder"))
		out_str(&o, "folder", args->to);
	out_str(&o, "ours", text_of(done, "ours"));
	out_str(&o, "how", text_of(json_array_get(steps, json_array_size(steps) - 1), "how"));
	out_bool(&o, "conflict", json_is_true(json_object_get(done, "conflict")));
	out_bool(&o, "dry_run", json_is_true(json_object_get(done, "dry_run")));
	for (i = 0; i < ARRAY_SIZE(counts); i++)
		out_int(&o, counts[i], total(steps, counts[i]));
	out_open(&o, "steps", '[');
	json_array_foreach(steps, i, step)
		put_step(&o, step);
	out_close(&o);
	return out_end(&o, err);
}

static int show_rows(struct ctx *ctx, const ARGS *args, const json_t *steps, const char *key,
		     const char *kind, const struct out_column *columns, struct error *err)
{
	json_t *step, *row;
	struct out o;
	size_t i, j;

	out_list(&o, ctx, &args->out, key, columns);
	json_array_foreach(steps, i, step)
		json_array_foreach(json_object_get(step, key), j, row) {
			out_row(&o);
			out_str(&o, kind, text_of(row, kind));
			difference_path(&o, "path", json_object_get(row, "path"));
			if (*kind == 'c') {
				out_bool(&o, "marked", json_is_true(json_object_get(row, "marked")));
				out_str(&o, "theirs", text_of(step, "theirs"));
			} else {
				out_bool(&o, "merged", json_is_true(json_object_get(row, "merged")));
			}
		}
	return out_end(&o, err);
}

int merge_show(struct ctx *ctx, const ARGS *args, const json_t *done, struct error *err)
{
	const json_t *steps = json_object_get(done, "steps");
	bool conflict = json_is_true(json_object_get(done, "conflict"));
	int r;

	if (!ctx->json && conflict)
		r = show_rows(ctx, args, steps, "conflicts", "conflict", conflict_columns, err);
	else if (!ctx->json && args->dry_run)
		r = show_rows(ctx, args, steps, "changes", "kind", change_columns, err);
	else
		r = show_object(ctx, args, done, err);
	if (r < 0)
		return -1;
	if (conflict && total(steps, "n_marked") == total(steps, "n_conflicts") && !args->dry_run)
		out_warn(ctx, "%lld conflicts: the files have marks of them",
			 (long long)total(steps, "n_conflicts"));
	else if (conflict)
		out_warn(ctx, "%lld conflicts: nothing was changed",
			 (long long)total(steps, "n_conflicts"));
	return conflict ? err_exit(ERR_CONFLICT) : 0;
}

static int merge_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	cleanup_json json_t *done = NULL;
	json_t *theirs, *params;

	if (args->to)
		return merge_to_folder(ctx, args, err);
	if (args->path)
		return err_set(err, ERR_USAGE, "--path is for --to");
	theirs = json_array();
	for (int i = 0; i < args->theirs.n; i++)
		json_array_append_new(theirs, client_text(args->theirs.v[i]));
	params = json_pack("{s:o,s:b}", "theirs", theirs, "dry_run", args->dry_run);
	if (args->strategy)
		json_object_set_new(params, "strategy", json_string(args->strategy));
	if (args->conflict)
		json_object_set_new(params, "conflict", json_string(args->conflict));
	if (args->into)
		json_object_set_new(params, "into", client_text(args->into));
	if (args->name)
		json_object_set_new(params, "name", client_text(args->name));
	if (args->comment)
		json_object_set_new(params, "comment", client_text(args->comment));
	if (executor_call("branch.merge", params, &done, err) < 0)
		return -1;
	return merge_show(ctx, args, done, err);
}

static const char *const examples[] = {
	"faas merge fix --into work",
	"faas merge left right --name both --strategy union",
	"faas merge fix --into work --dry-run",
	"faas merge fix --to src",
	"faas merge fix --into work --conflict diff3",
	NULL
};

#define MERGE								\
	.name = "merge",						\
	.summary = "put what several branches changed into one",	\
	.args_size = sizeof(ARGS),					\
	.opts = merge_opts,						\
	.run = merge_run,						\
	.examples = examples

const struct cmd cmd_merge = { MERGE };
const struct cmd cmd_branch_merge = { MERGE };
