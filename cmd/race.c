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
	const char *metric, *best;
	struct opt_rest words;
};

static const char *const bests[] = { "max", "min", NULL };

static const struct opt race_opts[] = {
	OPT_GROUP("Branches"),
	OPT_INT('c', "count", "number", ARGS, count, "let <number> branches race (default: 2)"),
	OPT_STR('b', "branch", "name", ARGS, prefix, HINT_NONE,
		"call them <name>.0, <name>.1, ... (default: FROM)"),
	OPT_INT('j', "jobs", "number", ARGS, jobs,
		"run <number> at the same time (default: all of them)"),
	OPT_FLAG('k', "keep", ARGS, keep, "keep the losers' branches, where they began"),
	OPT_GROUP("Who wins"),
	OPT_STR(0, "metric", "pattern", ARGS, metric, HINT_NONE,
		"the best number that <pattern> finds in the output (default: the first success)"),
	OPT_CHOICE(0, "best", "which", ARGS, best, bests,
		   "the number that is best (default: max)"),
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
	if (args->best && !args->metric) {
		(void)err_set(err, ERR_USAGE, "'--best' needs '--metric'");
		return err_hint(err, "such as --metric 'score: ([0-9.]+)'");
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

/* All have ended: of those that succeeded and have a number, the first with the best. */
static void choose(const ARGS *args, struct branch_run *runs, int n)
{
	bool least = args->best && !strcmp(args->best, "min");
	struct branch_run *winner = NULL;
	double best = 0, value;

	for (int i = 0; i < n; i++) {
		const char *text = runs[i].seen.value[0];

		if (!runs[i].record || execution_status(runs[i].record) || !text ||
		    !metric_number(text, &value))
			continue;
		if (winner && (least ? value >= best : value <= best))
			continue;
		winner = &runs[i];
		best = value;
	}
	if (winner)
		winner->won = true;
}

/* Its output, byte for byte, and who it was; without one, everybody's. */
static int report(struct ctx *ctx, const ARGS *args, const struct branch_run *runs, int n,
		  struct error *err)
{
	const struct branch_run *winner = winner_of(runs, n);

	if (ctx->json || !winner) {
		if (!winner && args->metric)
			out_warn(ctx, "none succeeded with a number that the pattern finds");
		return branch_report(ctx, &args->out, runs, n, err) < 0 ? -1 : !winner;
	}
	(void)fwrite(winner->out, 1, winner->out_len, ctx->out);
	(void)fflush(ctx->out);
	(void)fwrite(winner->err, 1, winner->err_len, stderr);
	if (winner->cut)
		out_warn(ctx, "branch '%s' wrote more than is kept", winner->name);
	if (args->metric)
		out_note(ctx, "branch '%s' won with %s", winner->name, winner->seen.value[0]);
	else
		out_note(ctx, "branch '%s' won", winner->name);
	return 0;
}

static int run_race(const ARGS *args, struct branch_run *runs, int n,
		    const struct metric_set *set, struct error *err)
{
	const struct branch_way way = {
		.jobs = args->jobs < 1 ? n : args->jobs, .first_wins = !args->metric,
		.on_success = true, .metrics = set,
	};
	struct error ignored;
	int r;

	if (branch_create_all(args->from, args->prefix, runs, n, err) < 0)
		return -1;
	r = branch_run_all(runs, n, &way, args->from, &args->run, &args->words, err);
	if (!r && args->metric)
		choose(args, runs, n);
	for (int i = 0; i < n && !args->keep; i++)
		if (!runs[i].won)
			(void)!branch_delete_one(runs[i].name, &ignored);
	return r;
}

static int race_run(struct ctx *ctx, const void *p, struct error *err)
{
	CLEANUP(metric_set_release) struct metric_set *set = &(struct metric_set){ 0 };
	const ARGS *args = p;
	int n = args->count < 0 ? 2 : args->count, r;
	struct branch_run *runs;

	if (check(args, n, err) < 0)
		return -1;
	if (args->metric) {
		if (metric_compile(&set->pattern[0], "", args->metric, err) < 0)
			return -1;
		set->n = 1;
	}
	runs = calloc((size_t)n, sizeof(*runs));
	if (!runs)
		return err_set(err, ERR_LIMIT, "no memory for %d branches", n);
	r = run_race(args, runs, n, set, err);
	if (!r)
		r = report(ctx, args, runs, n, err);
	branch_release_all(runs, n);
	return r;
}

static const char *const examples[] = {
	"faas race base --count 4 -- sh -c 'exec ./solve --seed $FAAS_BRANCH_INDEX'",
	"faas race base --count 4 --metric 'loss ([0-9.]+)' --best min -- ./train",
	NULL
};

const struct cmd cmd_race = {
	.name = "race",
	.summary = "run code on several branches; the first success, or the best, wins",
	.args_size = sizeof(ARGS),
	.opts = race_opts,
	.run = race_run,
	.examples = examples,
};
