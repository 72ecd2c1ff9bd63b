#include <stdlib.h>
#include <string.h>

#include "cmd/snapshot.h"
#include "lib/base/parse.h"
#include "lib/client/client.h"

/*
 * faas snapshot delete, prune: of what nothing needs.
 */

static const char *text_of(const json_t *j, const char *key)
{
	return json_string_value(json_object_get(j, key));
}

static const struct out_column columns[] = {
	{ "id" }, { "name" }, { "deleted" }, { "bytes", "SIZE", OUT_RIGHT }, { "why" }, { NULL }
};

/* Those that go, and of those that stay, why. */
static void put_outcome(struct out *o, const json_t *list, bool deleted)
{
	json_t *s;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)list, i, s) {
		const json_t *bytes = json_object_get(s, "bytes");

		out_row(o);
		out_str(o, "id", text_of(s, "id"));
		out_str(o, "name", text_of(s, "name"));
		out_bool(o, "deleted", deleted);
		if (json_is_integer(bytes))
			out_size(o, "bytes", (uint64_t)json_integer_value(bytes));
		else
			out_null(o, "bytes");
		out_str(o, "why", text_of(s, "why"));
	}
}

/* ---- delete ---- */

#define ARGS struct delete_args
ARGS {
	struct out_opts out;
	struct opt_strs ids;
	bool recursive, dry_run, yes;
};

static const struct opt delete_opts[] = {
	OPT_FLAG('r', "recursive", ARGS, recursive, "with all that stand on them"),
	OPT_FLAG(0, "dry-run", ARGS, dry_run, "only print which"),
	OPT_FLAG('y', "yes", ARGS, yes, "do not ask"),
	OUT_LIST_OPTIONS(ARGS, out),
	OPERAND_LIST("snapshot", ARGS, ids, HINT_SNAPSHOT, "snapshots to delete, all or none"),
	OPT_END
};

static json_t *delete_params(const ARGS *args, bool dry)
{
	json_t *params = snapshot_id(args->ids.v[0]), *others = json_array();

	for (int i = 1; i < args->ids.n; i++)
		json_array_append_new(others, client_text(args->ids.v[i]));
	json_object_set_new(params, "others", others);
	json_object_set_new(params, "recursive", json_boolean(args->recursive));
	json_object_set_new(params, "dry_run", json_boolean(dry));
	return params;
}

/* What was not named goes, too: that is asked about. */
static int confirm(struct ctx *ctx, const ARGS *args, struct error *err)
{
	cleanup_json json_t *would = NULL;
	size_t n;

	if (!args->recursive || args->dry_run || args->yes)
		return 0;
	if (executor_call("snapshot.delete", delete_params(args, true), &would, err) < 0)
		return -1;
	n = json_array_size(json_object_get(would, "deleted"));
	if (n <= (size_t)args->ids.n)
		return 0;
	return out_confirm(ctx, false, err, "delete %zu snapshots, %zu of which stand on what was "
			   "named?", n, n - (size_t)args->ids.n);
}

static int delete_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	cleanup_json json_t *done = NULL;
	struct out o;

	if (confirm(ctx, args, err) < 0 ||
	    executor_call("snapshot.delete", delete_params(args, args->dry_run), &done, err) < 0)
		return -1;
	out_list(&o, ctx, &args->out, "snapshots", columns);
	put_outcome(&o, json_object_get(done, "deleted"), !args->dry_run);
	return out_end(&o, err);
}

static const char *const delete_examples[] = {
	"faas snapshot delete --recursive --dry-run base", NULL
};

const struct cmd snapshot_cmd_delete = {
	.name = "delete",
	.summary = "delete snapshots that nothing stands on",
	.args_size = sizeof(ARGS),
	.opts = delete_opts,
	.run = delete_run,
	.examples = delete_examples,
};
#undef ARGS

/* ---- prune ---- */

#define ARGS struct prune_args
ARGS {
	struct out_opts out;
	const char *environment;
	struct opt_strs labels;
	int keep_last;
	uint64_t older_ms;
	bool unnamed, named, all, dry_run;
};

static const struct opt prune_opts[] = {
	OPT_GROUP("Which"),
	OPT_INT(0, "keep-last", "count", ARGS, keep_last,
		"keep the <count> newest of those that the other options choose"),
	OPT_MS(0, "older-than", "time", ARGS, older_ms,
	       "only what was made <time> ago or earlier, such as 7d"),
	OPT_STRS(0, "label", "label", ARGS, labels, HINT_NONE,
		 "only those with the label KEY=value"),
	OPT_STR('E', "environment", "name", ARGS, environment, HINT_ENVIRONMENT,
		"only those of environment <name>"),
	OPT_FLAG(0, "unnamed", ARGS, unnamed, "only those without a name, as always but with --named"),
	OPT_FLAG(0, "named", ARGS, named, "those that have a name, too"),
	OPT_FLAG(0, "all", ARGS, all, "all that nothing needs"),
	OPT_GROUP("Output"),
	OPT_FLAG(0, "dry-run", ARGS, dry_run, "only print which"),
	OUT_LIST_OPTIONS(ARGS, out),
	OPT_END
};

static int check_args(const ARGS *args, struct error *err)
{
	bool some = args->keep_last >= 0 || args->older_ms || args->labels.n || args->environment;

	if (args->named && args->unnamed)
		return err_set(err, ERR_USAGE, "'--named' and '--unnamed' exclude each other");
	if (args->all && some)
		return err_set(err, ERR_USAGE, "'--all' leaves nothing to choose");
	if (some || args->all || args->unnamed)
		return 0;
	(void)err_set(err, ERR_USAGE, "say what is to go");
	return err_hint(err, "--keep-last, --older-than, --label, --unnamed or --all; --dry-run "
			"first");
}

static json_t *prune_params(const ARGS *args)
{
	json_t *labels = json_array();
	json_t *params = json_pack("{s:b,s:b,s:o}", "dry_run", args->dry_run, "named", args->named,
				   "labels", labels);

	for (int i = 0; i < args->labels.n; i++)
		json_array_append_new(labels, client_text(args->labels.v[i]));
	if (args->keep_last > 0)
		json_object_set_new(params, "keep_last", json_integer(args->keep_last));
	if (args->older_ms)
		json_object_set_new(params, "older_than_ms",
				    json_integer((json_int_t)args->older_ms));
	if (args->environment)
		json_object_set_new(params, "environment", client_text(args->environment));
	return params;
}

static int prune_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	cleanup_json json_t *done = NULL;
	char size[FORMAT_SIZE];
	struct out o;
	size_t n;

	if (check_args(args, err) < 0 ||
	    executor_call("snapshot.prune", prune_params(args), &done, err) < 0)
		return -1;
	n = json_array_size(json_object_get(done, "deleted"));
	out_list(&o, ctx, &args->out, "snapshots", columns);
	put_outcome(&o, json_object_get(done, "deleted"), !args->dry_run);
	put_outcome(&o, json_object_get(done, "kept"), false);
	if (out_end(&o, err) < 0)
		return -1;
	out_note(ctx, args->dry_run ? "would delete %zu snapshots of %s; %zu are needed"
				    : "deleted %zu snapshots of %s; %zu are needed", n,
		 format_size(size, (uint64_t)json_integer_value(json_object_get(done, "bytes"))),
		 json_array_size(json_object_get(done, "kept")));
	return 0;
}

static const char *const prune_examples[] = {
	"faas snapshot prune --keep-last 20 --older-than 7d --dry-run", NULL
};

const struct cmd snapshot_cmd_prune = {
	.name = "prune",
	.summary = "delete old snapshots that nothing needs",
	.args_size = sizeof(ARGS),
	.opts = prune_opts,
	.run = prune_run,
	.examples = prune_examples,
};
#undef ARGS
