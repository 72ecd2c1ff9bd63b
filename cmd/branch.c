#include "cmd/branch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/diff.h"
#include "cmd/merge.h"
#include "cmd/names.h"
#include "cmd/snapshot.h"
#include "lib/client/client.h"

/*
 * faas branch: named lines of states that begin at a snapshot.
 */

enum { JOBS = 16 };

static const char *text_of(const json_t *j, const char *key)
{
	return json_string_value(json_object_get(j, key));
}

static json_t *by_name(const char *name)
{
	return json_pack("{s:o}", "name", client_text(name));
}

static void put_branch(struct out *o, const json_t *b)
{
	char *labels = json_dumps(json_object_get(b, "labels"), JSON_COMPACT);

	out_str(o, "name", text_of(b, "name"));
	out_str(o, "base", text_of(b, "base"));
	out_str(o, "head", text_of(b, "head"));
	out_time(o, "created_at",
		 (uint64_t)json_integer_value(json_object_get(b, "created_ms")));
	out_raw(o, "labels", labels ? labels : "{}");
	free(labels);
}

/* ---- list ---- */

#define ARGS struct list_args
ARGS {
	struct out_opts out;
};

static const struct opt list_opts[] = {
	OUT_LIST_OPTIONS(ARGS, out),
	OPT_END
};

static const struct out_column list_columns[] = {
	{ "name" }, { "base" }, { "head" }, { "created_at", "CREATED" },
	{ "labels", .flags = OUT_WIDE }, { NULL }
};

static int list_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	cleanup_json json_t *list = NULL;
	struct out o;
	json_t *b;
	size_t i;

	if (executor_call("branch.list", NULL, &list, err) < 0)
		return -1;
	out_list(&o, ctx, &args->out, "branches", list_columns);
	json_array_foreach(list, i, b) {
		out_row(&o);
		put_branch(&o, b);
	}
	return out_end(&o, err);
}

static const struct cmd branch_list = {
	.name = "list",
	.summary = "list branches",
	.args_size = sizeof(ARGS),
	.opts = list_opts,
	.run = list_run,
};
#undef ARGS

/* ---- show, delete ---- */

#define ARGS struct one_args
ARGS {
	const char *name;
};

static const struct opt show_opts[] = {
	OPERAND("branch", ARGS, name, HINT_BRANCH, "branch to show"),
	OPT_END
};

static int show_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	cleanup_json json_t *b = NULL;
	struct out o;

	if (executor_call("branch.get", by_name(args->name), &b, err) < 0)
		return -1;
	out_object(&o, ctx, NULL);
	put_branch(&o, b);
	return out_end(&o, err);
}

static const struct cmd branch_show = {
	.name = "show",
	.summary = "show one branch",
	.args_size = sizeof(ARGS),
	.opts = show_opts,
	.run = show_run,
};
#undef ARGS

#define ARGS struct delete_args
ARGS {
	struct opt_strs names;
};

static const struct opt delete_opts[] = {
	OPERAND_LIST("branch", ARGS, names, HINT_BRANCH, "branches to delete"),
	OPT_END
};

static int delete_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	struct out_opts opts = { 0 };
	static const struct out_column columns[] = {
		{ "deleted" }, { "snapshots", .flags = OUT_RIGHT }, { NULL }
	};
	struct error ignored;
	struct out o;
	int r = 0;

	out_list(&o, ctx, &opts, "branches", columns);
	for (int i = 0; !r && i < args->names.n; i++) {
		cleanup_json json_t *done = NULL;

		r = executor_call("branch.delete", by_name(args->names.v[i]), &done, err);
		if (r < 0)
			break;
		out_row(&o);
		out_str(&o, "deleted", args->names.v[i]);
		out_uint(&o, "snapshots",
			 (uint64_t)json_integer_value(json_object_get(done, "snapshots")));
	}
	return out_end(&o, r < 0 ? &ignored : err) < 0 || r < 0 ? -1 : 0;
}

static const struct cmd branch_delete = {
	.name = "delete",
	.summary = "delete branches, and what only they stand on",
	.args_size = sizeof(ARGS),
	.opts = delete_opts,
	.run = delete_run,
};
#undef ARGS

/* ---- promote: its head becomes a snapshot with a name ---- */

#define ARGS struct promote_args
ARGS {
	const char *name, *to, *comment;
	bool keep;
};

static const struct opt promote_opts[] = {
	OPT_STR('m', "comment", "text", ARGS, comment, HINT_NONE, "set the snapshot's comment"),
	OPT_FLAG('k', "keep", ARGS, keep, "keep the branch"),
	OPERAND("branch", ARGS, name, HINT_BRANCH, "branch whose state to keep"),
	OPERAND("snapshot", ARGS, to, HINT_NONE, "name of the snapshot that it becomes"),
	OPT_END
};

static int promote_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	cleanup_json json_t *b = NULL;
	cleanup_json json_t *s = NULL;
	cleanup_json json_t *done = NULL;
	json_t *params;
	struct out o;

	if (executor_call("branch.get", by_name(args->name), &b, err) < 0)
		return -1;
	if (!strcmp(text_of(b, "base"), text_of(b, "head")))
		return err_set(err, ERR_CONFLICT, "branch '%s' is where it began: there is nothing "
			       "to promote", args->name);
	params = snapshot_id(text_of(b, "head"));
	json_object_set_new(params, "name", client_text(args->to));
	if (args->comment)
		json_object_set_new(params, "comment", client_text(args->comment));
	if (executor_call("snapshot.update", params, &s, err) < 0 ||
	    (!args->keep && executor_call("branch.delete", by_name(args->name), &done, err) < 0))
		return -1;
	out_object(&o, ctx, NULL);
	out_str(&o, "snapshot", text_of(s, "id"));
	out_str(&o, "name", text_of(s, "name"));
	out_str(&o, "parent", text_of(s, "parent"));
	return out_end(&o, err);
}

static const struct cmd branch_promote = {
	.name = "promote",
	.summary = "make a branch's state a snapshot with a name, and end the branch",
	.args_size = sizeof(ARGS),
	.opts = promote_opts,
	.run = promote_run,
};
#undef ARGS

/* ---- exec ---- */

static const struct opt exec_opts[] = {
	OPERAND("branch", struct execute_args, run.branch, HINT_BRANCH, "branch to run on"),
	EXECUTE_OPTIONS,
	OPT_END
};

static const struct cmd branch_exec = {
	.name = "exec",
	.summary = "run code on a branch, move it on, and exit as the code did",
	.flags = CMD_PASSES_STATUS,
	.args_size = sizeof(struct execute_args),
	.opts = exec_opts,
	.run = execute_run,
};

/* ---- faas branch FROM, and faas branch create ---- */

#define ARGS struct create_args
ARGS {
	struct run_options run;
	struct out_opts out;
	const char *from, *prefix;
	int count, jobs;
	bool compare;
	struct opt_strs metrics;
	struct opt_rest words;
};

static const struct opt create_opts[] = {
	OPT_GROUP("Branches"),
	OPT_INT('c', "count", "number", ARGS, count, "make <number> branches (default: 1)"),
	OPT_STR('b', "branch", "name", ARGS, prefix, HINT_NONE,
		"name of the branch; of several: <name>.0, <name>.1, ... (default: FROM)"),
	OPT_INT('j', "jobs", "number", ARGS, jobs, "run <number> at the same time (default: 16)"),
	OPT_FLAG(0, "compare", ARGS, compare, "show what they came to, side by side"),
	COMPARE_METRIC(ARGS, metrics),
	OUT_LIST_OPTIONS(ARGS, out),
	RUN_OPTIONS(ARGS, run),
	OPERAND("from", ARGS, from, HINT_SNAPSHOT, "snapshot, or branch, to begin at"),
	OPERAND_REST("code", ARGS, words, "code, or '--' and a command, to run on each"),
	OPT_END
};

static int create_one(const char *from, const char *name, struct branch_run *ret,
		      struct error *err)
{
	cleanup_json json_t *b = NULL;

	if (executor_call("branch.create", json_pack("{s:o,s:o}", "name", client_text(name),
						     "from", client_text(from)), &b, err) < 0)
		return -1;
	(void)snprintf(ret->name, sizeof(ret->name), "%s", text_of(b, "name"));
	(void)snprintf(ret->head, sizeof(ret->head), "%s", text_of(b, "head"));
	return 0;
}

int branch_delete_one(const char *name, struct error *err)
{
	cleanup_json json_t *done = NULL;

	return executor_call("branch.delete", by_name(name), &done, err);
}

/* A name that is given is taken as it is; of one that is not, the first that is free. */
int branch_create_all(const char *from, const char *given, struct branch_run *runs, int n,
		      struct error *err)
{
	const char *prefix = given ? given : *from == '@' ? "branch" : from;
	int number = 0;

	for (int i = 0; i < n; i++) {
		struct error ignored;
		char name[160];
		int r;

		do {
			if (given && n == 1)
				(void)snprintf(name, sizeof(name), "%s", prefix);
			else
				(void)snprintf(name, sizeof(name), "%s.%d", prefix, number++);
			r = create_one(from, name, &runs[i], err);
		} while (r < 0 && err->code == ERR_EXISTS && !given && number < BRANCHES_MAX * 10);
		while (r < 0 && i--)
			(void)!branch_delete_one(runs[i].name, &ignored);
		if (r < 0)
			return -1;
	}
	return 0;
}

void branch_release_all(struct branch_run *runs, int n)
{
	for (int i = 0; i < n; i++) {
		json_decref(runs[i].record);
		output_seen_release(&runs[i].seen);
		free(runs[i].out);
		free(runs[i].err);
	}
	free(runs);
}

static int check(const ARGS *args, int n, struct error *err)
{
	if (n < 1 || n > BRANCHES_MAX)
		return err_set(err, ERR_USAGE, "--count is from 1 to %d", BRANCHES_MAX);
	if (args->run.parent || args->run.snapshot)
		return err_set(err, ERR_USAGE, "a branch begins at <from> and keeps what it does; "
			       "--parent and --snapshot are for 'faas execute'");
	if (args->run.artifacts.n && n > 1)
		return err_set(err, ERR_USAGE, "artifacts of several branches would replace each "
			       "other; fetch them with 'faas branch exec'");
	if (args->compare && (!args->words.n || n < 2))
		return err_set(err, ERR_USAGE, "'--compare' needs code to run, and two branches or "
			       "more");
	if (args->metrics.n && !args->compare)
		return err_set(err, ERR_USAGE, "'--metric' is for '--compare'");
	if (args->words.n && !strcmp(args->words.v[0], "-") && !args->words.literal && n > 1)
		return err_set(err, ERR_USAGE, "standard input can be read once, and there are %d "
			       "branches", n);
	return 0;
}

static int show_all(struct ctx *ctx, const ARGS *args, const struct branch_run *runs, int n,
		    struct error *err)
{
	struct error ignored;
	struct out o;
	int r = 0;

	out_list(&o, ctx, &args->out, "branches", list_columns);
	for (int i = 0; !r && i < n; i++) {
		cleanup_json json_t *b = NULL;

		r = executor_call("branch.get", by_name(runs[i].name), &b, err);
		if (r < 0)
			break;
		out_row(&o);
		put_branch(&o, b);
	}
	return out_end(&o, r < 0 ? &ignored : err) < 0 || r < 0 ? -1 : 0;
}

static int run_all(struct ctx *ctx, const ARGS *args, struct branch_run *runs, int n,
		   const struct metric_set *set, struct error *err)
{
	struct branch_way way = { .jobs = args->jobs < 1 ? JOBS : args->jobs, .metrics = set };

	if (branch_run_all(runs, n, &way, args->from, &args->run, &args->words, err) < 0)
		return -1;
	if (!args->compare)
		return branch_report(ctx, &args->out, runs, n, err);
	for (int i = 0; i < n && !ctx->json; i++)
		if (runs[i].error.msg[0])
			out_warn(ctx, "branch '%s': %s", runs[i].name, runs[i].error.msg);
	return branch_compare_runs(ctx, &args->out, set, runs, n, err);
}

static int create_run(struct ctx *ctx, const void *p, struct error *err)
{
	CLEANUP(metric_set_release) struct metric_set *set = &(struct metric_set){ 0 };
	const ARGS *args = p;
	int n = args->count < 0 ? 1 : args->count, r;
	struct branch_run *runs;

	if (check(args, n, err) < 0 || metric_set_parse(set, &args->metrics, err) < 0)
		return -1;
	runs = calloc((size_t)n, sizeof(*runs));
	if (!runs)
		return err_set(err, ERR_LIMIT, "no memory for %d branches", n);
	r = branch_create_all(args->from, args->prefix, runs, n, err);
	if (!r && args->words.n)
		r = run_all(ctx, args, runs, n, set, err);
	else if (!r)
		r = show_all(ctx, args, runs, n, err);
	branch_release_all(runs, n);
	return r;
}

static const char *const examples[] = {
	"faas branch base --count 3 -- sh -c 'echo $FAAS_BRANCH_INDEX >/work/n'",
	"faas branch base --branch fix",
	NULL
};

static const struct cmd branch_create = {
	.name = "create",
	.summary = "begin branches at a snapshot, and run code on each",
	.args_size = sizeof(ARGS),
	.opts = create_opts,
	.run = create_run,
	.examples = examples,
};

int names_branches(struct ctx *ctx, struct error *err)
{
	cleanup_json json_t *list = NULL;
	json_t *b;
	size_t i;

	if (executor_ask_quickly("branch.list", NULL, &list, err) < 0)
		return -1;
	json_array_foreach(list, i, b)
		fprintf(ctx->out, "%s\t%s\n", text_of(b, "name"), text_of(b, "head"));
	return 0;
}

static const struct cmd *const subs[] = {
	&branch_create, &branch_list, &branch_show, &branch_tree, &branch_exec, &branch_diff,
	&branch_compare, &cmd_branch_merge, &branch_promote, &branch_delete, NULL
};

static const char *const aliases[] = { "branches", NULL };

const struct cmd cmd_branch = {
	.name = "branch",
	.summary = "try things on copies of a state, side by side",
	.aliases = aliases,
	.args_size = sizeof(ARGS),
	.opts = create_opts,
	.subs = subs,
	.run = create_run,
	.examples = examples,
};
