#include <stdlib.h>
#include <string.h>

#include "cmd/snapshot.h"
#include "lib/client/client.h"

/*
 * faas snapshot create, restore, check: without running anything.
 */

static const char *text_of(const json_t *j, const char *key)
{
	return json_string_value(json_object_get(j, key));
}

/* ---- create ---- */

#define ARGS struct create_args
ARGS {
	const char *name, *execution, *branch, *environment, *snapshot, *comment, *ttl;
	const char *instance;
	const char *other_name;
	struct opt_strs labels;
	bool sync;
};

static const struct opt create_opts[] = {
	OPT_GROUP("Of what"),
	OPT_STR('x', "execution", "id", ARGS, execution, HINT_EXECUTION,
		"of an execution that runs, as it is now, or that has ended and kept its files"),
	OPT_STR('b', "branch", "name", ARGS, branch, HINT_BRANCH, "of a branch, as it is now"),
	OPT_STR('E', "environment", "name", ARGS, environment, HINT_ENVIRONMENT,
		"of an environment, to begin with without a run"),
	OPT_STR('i', "instance", "name", ARGS, instance, HINT_INSTANCE,
		"of an instance, as it is now, which goes on if it runs"),
	OPT_STR(0, "snapshot", "snapshot", ARGS, snapshot, HINT_SNAPSHOT,
		"of another snapshot: one more name for it"),
	OPT_STR(0, "execution-id", "id", ARGS, execution, HINT_EXECUTION, "as --execution",
		.hidden = true),
	OPT_GROUP("With what"),
	OPT_STR('m', "comment", "text", ARGS, comment, HINT_NONE, "set its comment"),
	OPT_STRS(0, "label", "label", ARGS, labels, HINT_NONE, "attach the label KEY=value"),
	OPT_STR(0, "ttl", "time", ARGS, ttl, HINT_NONE, "delete it <time> from now, such as 7d"),
	OPT_FLAG(0, "sync", ARGS, sync, "wait until it would survive a loss of power"),
	OPT_STR(0, "name", "name", ARGS, other_name, HINT_NONE, "its name", .hidden = true),
	OPERAND_OPTIONAL("name", ARGS, name, HINT_NONE, "its name"),
	OPT_END
};

static void set(json_t *params, const char *key, const char *value)
{
	if (value)
		json_object_set_new(params, key, client_text(value));
}

static int create_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	cleanup_json json_t *s = NULL;
	cleanup_json json_t *params = json_pack("{s:b}", "sync", args->sync);
	struct out o;

	if (args->name && args->other_name)
		return err_set(err, ERR_USAGE, "two names: '%.64s' and '%.64s'", args->name,
			       args->other_name);
	set(params, "name", args->name ? args->name : args->other_name);
	set(params, "execution", args->execution);
	set(params, "branch", args->branch);
	set(params, "environment", args->environment);
	set(params, "snapshot", args->snapshot);
	set(params, "instance", args->instance);
	set(params, "comment", args->comment);
	json_object_set_new(params, "labels", snapshot_labels(&args->labels));
	if (snapshot_put_ttl(params, args->ttl, err) < 0 ||
	    executor_call("snapshot.create", json_incref(params), &s, err) < 0)
		return -1;
	out_object(&o, ctx, NULL);
	put_snapshot(&o, s);
	/* of one that runs: how long it stood still */
	if (json_is_integer(json_object_get(s, "paused_us")))
		out_us(&o, "paused_us",
		       (uint64_t)json_integer_value(json_object_get(s, "paused_us")));
	return out_end(&o, err);
}

static const char *const create_examples[] = {
	"faas snapshot create halfway --execution 7f3k",
	"faas snapshot create clean --environment host",
	"faas snapshot create before-upgrade --branch main --ttl 7d",
	NULL
};

const struct cmd snapshot_cmd_create = {
	.name = "create",
	.summary = "make a snapshot of an execution, an instance, a branch or an environment",
	.args_size = sizeof(ARGS),
	.opts = create_opts,
	.run = create_run,
	.examples = create_examples,
};
#undef ARGS

/* ---- restore ---- */

#define ARGS struct restore_args
ARGS {
	const char *id, *branch;
	bool force;
};

static const struct opt restore_opts[] = {
	OPT_STR('b', "branch", "name", ARGS, branch, HINT_BRANCH,
		"branch to move back, or to begin there"),
	OPT_FLAG('f', "force", ARGS, force, "even if the branch was never there"),
	OPERAND("snapshot", ARGS, id, HINT_SNAPSHOT, "snapshot to go back to"),
	OPT_END
};

static int restore_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	cleanup_json json_t *b = NULL;
	json_t *params;
	struct out o;

	if (!args->branch) {
		(void)err_set(err, ERR_USAGE, "say which branch is to be at '%.64s'", args->id);
		return err_hint(err, "--branch NAME; one that is not there begins there");
	}
	params = snapshot_id(args->id);
	set(params, "branch", args->branch);
	json_object_set_new(params, "force", json_boolean(args->force));
	if (executor_call("snapshot.restore", params, &b, err) < 0)
		return -1;
	out_object(&o, ctx, NULL);
	out_str(&o, "branch", text_of(b, "name"));
	out_str(&o, "head", text_of(b, "head"));
	out_str(&o, "before", text_of(b, "before"));
	return out_end(&o, err);
}

static const char *const restore_examples[] = {
	"faas snapshot restore base --branch main", NULL
};

const struct cmd snapshot_cmd_restore = {
	.name = "restore",
	.summary = "move a branch back to a snapshot, or begin one there",
	.args_size = sizeof(ARGS),
	.opts = restore_opts,
	.run = restore_run,
	.examples = restore_examples,
};
#undef ARGS

/* ---- check ---- */

#define ARGS struct check_args
ARGS {
	struct out_opts out;
	struct opt_strs ids;
};

static const struct opt check_opts[] = {
	OUT_LIST_OPTIONS(ARGS, out),
	OPERAND_LIST_OPTIONAL("snapshot", ARGS, ids, HINT_SNAPSHOT, "those only"),
	OPT_END
};

static const struct out_column check_columns[] = {
	{ "id" }, { "name" }, { "ok" }, { "problem" }, { "checksum", .flags = OUT_WIDE }, { NULL }
};

static int check_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	cleanup_json json_t *result = NULL;
	json_t *params = json_object(), *ids = json_array(), *s;
	struct out o;
	size_t i;

	for (int k = 0; k < args->ids.n; k++)
		json_array_append_new(ids, client_text(args->ids.v[k]));
	if (args->ids.n)
		json_object_set(params, "ids", ids);
	json_decref(ids);
	if (executor_call("snapshot.check", params, &result, err) < 0)
		return -1;
	out_list(&o, ctx, &args->out, "snapshots", check_columns);
	json_array_foreach(json_object_get(result, "snapshots"), i, s) {
		out_row(&o);
		out_str(&o, "id", text_of(s, "id"));
		out_str(&o, "name", text_of(s, "name"));
		out_bool(&o, "ok", !text_of(s, "problem"));
		out_str(&o, "problem", text_of(s, "problem"));
		out_str(&o, "checksum", text_of(s, "checksum"));
	}
	if (out_end(&o, err) < 0)
		return -1;
	return json_integer_value(json_object_get(result, "damaged")) ? err_exit(ERR_CORRUPT) : 0;
}

const struct cmd snapshot_cmd_check = {
	.name = "check",
	.summary = "look whether files of snapshots are what they were",
	.args_size = sizeof(ARGS),
	.opts = check_opts,
	.run = check_run,
};
#undef ARGS
