#include "cmd/diff.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd/difference.h"
#include "cmd/snapshot.h"
#include "lib/client/client.h"

/*
 * faas diff, faas snapshot diff, faas branch diff: what one state of files has that
 * another has not.
 */

#define ARGS struct diff_args
ARGS {
	struct out_opts out;
	bool stat, patch, name_only;
	const char *from, *to;
	struct opt_rest paths;
};

#define DIFF_OPTIONS							\
	OPT_FLAG('p', "patch", ARGS, patch,				\
		 "show what changed inside of text, as unified differences"), \
	OPT_FLAG(0, "stat", ARGS, stat, "show how many lines of text changed"), \
	OPT_FLAG(0, "name-only", ARGS, name_only, "show paths alone"),	\
	OUT_LIST_OPTIONS(ARGS, out)
#define DIFF_PATHS							\
	OPERAND_REST("path", ARGS, paths, "paths, after '--', to look at: these and what is below")

static const struct opt diff_opts[] = {
	DIFF_OPTIONS,
	OPERAND("from", ARGS, from, HINT_BRANCH,
		"snapshot or branch whose changes to show, or to begin with"),
	OPERAND_OPTIONAL("to", ARGS, to, HINT_BRANCH,
			 "snapshot or branch to compare it with (default: its parent, or where "
			 "the branch began, with it)"),
	DIFF_PATHS,
	OPT_END
};

static const struct opt snapshot_opts[] = {
	DIFF_OPTIONS,
	OPERAND("snapshot", ARGS, from, HINT_SNAPSHOT,
		"snapshot whose changes to show, or to begin with"),
	OPERAND_OPTIONAL("other", ARGS, to, HINT_SNAPSHOT,
			 "snapshot to compare it with (default: its parent with it)"),
	DIFF_PATHS,
	OPT_END
};

static const struct opt branch_opts[] = {
	DIFF_OPTIONS,
	OPERAND("branch", ARGS, from, HINT_BRANCH, "branch whose changes to show"),
	OPERAND_OPTIONAL("other", ARGS, to, HINT_BRANCH,
			 "branch to compare it with (default: where it began)"),
	DIFF_PATHS,
	OPT_END
};

static const struct out_column columns[] = {
	{ "kind" }, { "path" }, { "size_before", "BEFORE", OUT_RIGHT },
	{ "size_after", "AFTER", OUT_RIGHT }, { "type", .flags = OUT_WIDE },
	{ "mode_before", .flags = OUT_WIDE }, { "mode_after", .flags = OUT_WIDE }, { NULL }
};

static const struct out_column name_columns[] = {
	{ "path" }, { "kind", .flags = OUT_WIDE }, { NULL }
};

static const char *type_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return "file";
	case S_IFDIR:
		return "folder";
	case S_IFLNK:
		return "link";
	case S_IFIFO:
		return "fifo";
	case S_IFSOCK:
		return "socket";
	default:
		return "device";
	}
}

static mode_t mode_of(const json_t *row, const char *side)
{
	return (mode_t)json_integer_value(json_object_get(json_object_get(row, side), "mode"));
}

static void put_side(struct out *o, const json_t *row, const char *side, const char *size,
		     const char *mode)
{
	mode_t m = mode_of(row, side);
	char text[16];

	if (S_ISREG(m))
		out_size(o, size, (uint64_t)json_integer_value(
			json_object_get(json_object_get(row, side), "size")));
	else
		out_null(o, size);
	(void)snprintf(text, sizeof(text), "%04o", m & 07777);
	out_str(o, mode, m ? text : NULL);
}

static void put_text(struct out *o, const json_t *row)
{
	const json_t *patch = json_object_get(row, "patch");
	size_t len = 0;
	char *text;

	if (!json_object_get(row, "binary"))
		return;
	out_bool(o, "binary", json_is_true(json_object_get(row, "binary")));
	out_int(o, "lines_added", json_integer_value(json_object_get(row, "lines_added")));
	out_int(o, "lines_deleted", json_integer_value(json_object_get(row, "lines_deleted")));
	if (json_object_get(row, "patch_omitted"))
		out_bool(o, "patch_omitted", true);
	text = difference_bytes(patch, &len);
	if (text)
		out_strn(o, "patch", text, len);
	free(text);
}

static void put_row(struct out *o, const json_t *row)
{
	mode_t after = mode_of(row, "after");

	out_row(o);
	out_str(o, "kind", json_string_value(json_object_get(row, "kind")));
	difference_path(o, "path", json_object_get(row, "path"));
	out_str(o, "type", type_of(after ? after : mode_of(row, "before")));
	out_bool(o, "content", json_is_true(json_object_get(row, "content")));
	out_bool(o, "attributes", json_is_true(json_object_get(row, "attributes")));
	put_side(o, row, "before", "size_before", "mode_before");
	put_side(o, row, "after", "size_after", "mode_after");
	put_text(o, row);
}

/* Rows go out as they come; what counts lines is about all of them. */
struct showing {
	struct ctx *ctx;
	const ARGS *args;
	struct out o;
	json_t *list;			/* for --stat, or NULL */
	bool patch;
	size_t n, omitted;
};

static int show_row(void *arg, const json_t *row)
{
	struct showing *s = arg;

	s->n++;
	s->omitted += json_is_true(json_object_get(row, "patch_omitted"));
	if (s->list)
		json_array_append(s->list, (json_t *)(uintptr_t)row);
	else if (s->patch)
		diff_print_patch(s->ctx, row);
	else
		put_row(&s->o, row);
	return 0;
}

static int show(struct showing *s, json_t *params, struct error *err)
{
	struct ctx *ctx = s->ctx;
	bool people = !ctx->json && !ctx->quiet;
	cleanup_json json_t *list = NULL;
	int r;

	s->patch = people && s->args->patch;
	if (people && s->args->stat && !s->patch)
		s->list = list = json_array();
	if (!s->patch && !s->list)
		out_list(&s->o, ctx, &s->args->out, "differences",
			 s->args->name_only || ctx->quiet ? name_columns : columns);
	r = difference_each(params, show_row, s, err);
	if (!s->patch && !s->list)
		return r < 0 ? -1 : out_end(&s->o, err);
	if (r < 0)
		return -1;
	if (s->list)
		diff_print_stat(ctx, s->list);
	return ferror(ctx->out) ? err_set(err, ERR_SYSTEM, "cannot write the results") : 0;
}

static int run(struct ctx *ctx, const ARGS *args, bool branches, struct error *err)
{
	json_t *params = json_pack("{s:o,s:b,s:b}", "id", client_text(args->from), "lines",
				   args->stat, "patch", args->patch);
	struct showing showing = { .ctx = ctx, .args = args };
	json_t *paths = json_array();

	if (args->to)
		json_object_set_new(params, "other", client_text(args->to));
	if (branches)
		json_object_set_new(params, "branches", json_true());
	for (int i = 0; i < args->paths.n; i++)
		json_array_append_new(paths, client_text(args->paths.v[i]));
	json_object_set_new(params, "paths", paths);
	if (show(&showing, params, err) < 0)
		return -1;
	if (showing.omitted)
		out_warn(ctx, "%zu file%s too many changed lines to show them", showing.omitted,
			 showing.omitted == 1 ? " has" : "s have");
	return showing.n ? 1 : 0;
}

static int diff_run(struct ctx *ctx, const void *p, struct error *err)
{
	return run(ctx, p, false, err);
}

static int branch_diff_run(struct ctx *ctx, const void *p, struct error *err)
{
	return run(ctx, p, true, err);
}

static const char *const examples[] = {
	"faas diff work --patch",
	"faas diff left right --stat -- /work/src",
	NULL
};

static const char *const snapshot_examples[] = {
	"faas snapshot diff next",
	"faas snapshot diff base next --json",
	NULL
};

const struct cmd cmd_diff = {
	.name = "diff",
	.summary = "show what differs between two snapshots or branches",
	.args_size = sizeof(ARGS),
	.opts = diff_opts,
	.run = diff_run,
	.examples = examples,
};

const struct cmd snapshot_diff = {
	.name = "diff",
	.summary = "show what differs between two snapshots, or a snapshot and its parent",
	.args_size = sizeof(ARGS),
	.opts = snapshot_opts,
	.run = diff_run,
	.examples = snapshot_examples,
};

const struct cmd branch_diff = {
	.name = "diff",
	.summary = "show what a branch changed, or what differs between two",
	.args_size = sizeof(ARGS),
	.opts = branch_opts,
	.run = branch_diff_run,
};
