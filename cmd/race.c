#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/branch.h"

/*
 * faas race: the same code on several branches, and the first that succeeds counts.
 */

#define ARGS struct race_args
ARGS {
	struct run_options run;
	struct out_opts out;
	const char *from, *prefix;
	int count, jobs;
	bool keep;
	struct opt_rest words;
};

static const struct opt race_opts[] = {
	OPT_GROUP("Branches"),
	OPT_INT('c', "count", "number", ARGS, count, "let <number> branches race (default: 2)"),
	OPT_STR('b', "branch", "name", ARGS, prefix, HINT_NONE,
		"call them <name>.0, <name>.1, ... (default: FROM)"),
	OPT_INT('j', "jobs", "number", ARGS, jobs,
		"run <number> at the same time (default: all of them)"),
	OPT_FLAG('k', "keep", ARGS, keep, "keep the losers' branches, where they began"),
	OUT_LIST_OPTIONS(ARGS, out),
	RUN_OPTIONS(ARGS, run),
	OPERAND("from", ARGS, from, HINT_SNAPSHOT, "snapshot, or branch, to begin at"),
	OPERAND_REST("code", ARGS, words, "code, or '--' and a command, to run on each"),
	OPT_END
};

static int check(const ARGS *args, int n, struct error *err)
{
	if (n < 2 || n > BRANCHES_MAX)
		return err_set(err, ERR_USAGE, "--count is from 2 to %d", BRANCHES_MAX);
	if (!args->words.n) {
		(void)err_set(err, ERR_USAGE, "nothing to run");
		return err_hint(err, "faas race base --count 3 -- make test");
	}
	if (args->run.parent || args->run.snapshot || args->run.artifacts.n)
		return err_set(err, ERR_USAGE, "--parent, --snapshot and --artifact are for 'faas "
			       "execute'; the winner's branch has its files");
	if (!args->words.literal && !strcmp(args->words.v[0], "-"))
		return err_set(err, ERR_USAGE, "standard input can be read once, and there are %d "
			       "branches", n);
	return 0;
}

static const struct branch_run *winner_of(const struct branch_run *runs, int n)
{
	for (int i = 0; i < n; i++)
		if (runs[i].won)
			return &runs[i];
	return NULL;
}

/* Its output, byte for byte, and who it was; without one, everybody's. */
static int report(struct ctx *ctx, const ARGS *args, const struct branch_run *runs, int n,
		  struct error *err)
{
	const struct branch_run *winner = winner_of(runs, n);

	if (ctx->json || !winner)
		return branch_report(ctx, &args->out, runs, n, err) < 0 ? -1 : !winner;
	(void)fwrite(winner->out, 1, winner->out_len, ctx->out);
	(void)fflush(ctx->out);
	(void)fwrite(winner->err, 1, winner->err_len, stderr);
	out_note(ctx, "branch '%s' won", winner->name);
	return 0;
}

static int race_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	int n = args->count < 0 ? 2 : args->count, r;
	const struct branch_run *winner;
	struct branch_run *runs;
	struct error ignored;

	if (check(args, n, err) < 0)
		return -1;
	runs = calloc((size_t)n, sizeof(*runs));
	if (!runs)
		return err_set(err, ERR_LIMIT, "no memory for %d branches", n);
	r = branch_create_all(args->from, args->prefix, runs, n, err);
	if (!r) {
		r = branch_run_all(runs, n, args->jobs < 1 ? n : args->jobs, true, args->from,
				   &args->run, &args->words, err);
		winner = winner_of(runs, n);
		for (int i = 0; i < n && !args->keep; i++)
			if (&runs[i] != winner)
				(void)!branch_delete_one(runs[i].name, &ignored);
	}
	if (!r)
		r = report(ctx, args, runs, n, err);
	branch_release_all(runs, n);
	return r;
}

static const char *const examples[] = {
	"faas race base --count 4 -- sh -c 'exec ./solve --seed $FAAS_BRANCH_INDEX'",
	NULL
};

const struct cmd cmd_race = {
	.name = "race",
	.summary = "run code on several branches; the first that succeeds wins",
	.args_size = sizeof(ARGS),
	.opts = race_opts,
	.run = race_run,
	.examples = examples,
};
