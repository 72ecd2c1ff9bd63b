#ifndef FAAS_CMD_BRANCH_H
#define FAAS_CMD_BRANCH_H

/* What the files of `faas branch` share. */

#include <jansson.h>

#include "cmd/execute.h"
#include "cmd/outcome.h"
#include "cmd/output.h"

enum { BRANCHES_MAX = 1000 };

/* One branch of several that run the same command at once. */
struct branch_run {
	char name[129];
	char head[65];			/* id of the snapshot that it begins at */
	char id[40];			/* of its execution, once it has one */
	bool done, won;			/* of a race: it has ended; it was the first to succeed */
	json_t *record;			/* how it ended, or NULL: then error says why */
	struct error error;
	char *out, *err;		/* what it wrote, as far as it is kept */
	size_t out_len, err_len;
	bool cut;			/* it wrote more */
	struct output_seen seen;	/* all of what went to stdout, kept or not */
};

/* How several run. */
struct branch_way {
	int jobs;			/* at a time */
	bool first_wins;		/* the first success ends the others */
	bool on_success;		/* a branch moves on only if its run succeeds */
	const struct metric_set *metrics;	/* to be found in stdout, or NULL */
};

/* n branches at <from>: named prefix, or prefix.0 and so on; all of them, or none. */
int branch_create_all(const char *from, const char *prefix, struct branch_run *runs, int n,
		      struct error *err);
int branch_delete_one(const char *name, struct error *err);
/* Frees what results hold, and runs. */
void branch_release_all(struct branch_run *runs, int n);
/*
 * Runs the words on each, as way says; results are in each. When the first success wins,
 * its `won` is set and the others are killed at once.
 */
int branch_run_all(struct branch_run *runs, int n, const struct branch_way *way,
		   const char *from, const struct run_options *options,
		   const struct opt_rest *words, struct error *err);
/* What they wrote and how they ended; 0 when all ended with 0, else 1. */
int branch_report(struct ctx *ctx, const struct out_opts *opts, const struct branch_run *runs,
		  int n, struct error *err);
/* What they wrote, for people: each line with its branch's name. */
void branch_print(struct ctx *ctx, const struct branch_run *runs, int n);
/* Their outcomes side by side: 0 when all are the same, else 1. */
int branch_compare_runs(struct ctx *ctx, const struct out_opts *opts,
			const struct metric_set *set, struct branch_run *runs, int n,
			struct error *err);

extern const struct cmd branch_compare;

#endif
