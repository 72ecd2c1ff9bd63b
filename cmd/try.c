#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cmd/changes.h"
#include "cmd/execute.h"
#include "cmd/snapshot.h"

/*
 * faas try: a step on a branch that counts only if it succeeds, and, with --review, if
 * whoever looks at what it changed wants it.
 */

/* LINE: as much as a terminal gives at once */
enum { LINE = 4096, ATTEMPTS = 3 };

#define ARGS struct try_args
ARGS {
	struct execute_args execute;	/* first: EXECUTE_OPTIONS fills it */
	bool review, yes;
};

static const struct opt try_opts[] = {
	OPT_GROUP("What is kept"),
	OPT_FLAG(0, "review", ARGS, review, "show what it changed, and ask whether to keep it"),
	OPT_FLAG('y', "yes", ARGS, yes, "show it, and keep it without asking"),
	OPERAND("branch", struct execute_args, run.branch, HINT_BRANCH, "branch to try it on"),
	EXECUTE_OPTIONS,
	OPT_END
};

/* ---- the question ---- */

static int can_ask(const struct ctx *ctx, const ARGS *args, struct error *err)
{
	if (args->yes && !args->review)
		return err_set(err, ERR_USAGE, "'--yes' answers '--review'");
	if (args->review && (args->execute.detach || args->execute.log))
		return err_set(err, ERR_USAGE, "'--review' waits for the end: without '--detach' and "
			       "'--log'");
	if (!args->review || args->yes)
		return 0;
	if (ctx->no_input || ctx->json || !isatty(STDIN_FILENO) || !ctx->err_tty) {
		(void)err_set(err, ERR_USAGE, "'--review' asks whether to keep it, and nobody can "
			      "answer");
		return err_hint(err, "'--yes' keeps it without asking");
	}
	return 0;
}

/* From the run on they wait for the question, and are an answer: nothing is left behind. */
static void hold_interrupts(sigset_t *ret_held, sigset_t *ret_before)
{
	(void)sigemptyset(ret_held);
	(void)sigaddset(ret_held, SIGINT);
	(void)sigaddset(ret_held, SIGTERM);
	(void)sigaddset(ret_held, SIGHUP);
	(void)sigaddset(ret_held, SIGQUIT);
	(void)sigprocmask(SIG_BLOCK, ret_held, ret_before);
}

/* One line of the terminal, or -1: whoever goes away has said nothing. */
static ssize_t read_line(char *line, size_t size)
{
	struct pollfd p[2] = { { STDIN_FILENO, POLLIN, 0 }, { -1, POLLIN, 0 } };
	sigset_t interrupts, before;
	ssize_t n = -1;

	hold_interrupts(&interrupts, &before);
	p[1].fd = signalfd(-1, &interrupts, SFD_CLOEXEC);
	if (p[1].fd >= 0 && poll(p, 2, -1) > 0 && !p[1].revents)
		n = read(STDIN_FILENO, line, size);
	else
		fputc('\n', stderr);
	if (p[1].fd >= 0) {
		struct signalfd_siginfo si;

		/* it was answered: nobody is to die of it later */
		if (p[1].revents)
			(void)!read(p[1].fd, &si, sizeof(si));
		(void)close(p[1].fd);
	}
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return n;
}

/* 'y', 'd' or 'n' */
static char ask(const char *branch)
{
	char line[LINE];

	fprintf(stderr, "keep this on branch '%s'? [y/N, d: show it again] ", branch);
	if (read_line(line, sizeof(line)) < 1)
		return 'n';
	switch (line[0]) {
	case 'y':
	case 'Y':
		return 'y';
	case 'd':
	case 'D':
		return 'd';
	default:
		return 'n';
	}
}

/* ---- what it did ---- */

struct attempt {
	const char *branch;
	json_t *before;			/* the snapshot where the branch is */
	json_t *after;			/* what the run left, not on the branch yet */
	bool holding;
	sigset_t held, mask;		/* interrupts that wait, and as it was before */
};

static const char *id_of(const json_t *s)
{
	return json_string_value(json_object_get(s, "id"));
}

/* An executor that dies meanwhile has done it or not: its successor knows. */
static int forget(const struct attempt *a, struct error *err)
{
	bool lost = false;

	for (int i = 0; i < ATTEMPTS; i++) {
		cleanup_json json_t *done = NULL;

		if (!executor_call("snapshot.delete", snapshot_id(id_of(a->after)), &done, err) ||
		    (lost && err->code == ERR_NOT_FOUND))
			return 0;
		if (err->code != ERR_UNAVAILABLE)
			return -1;
		lost = true;
	}
	return -1;
}

static int keep(const struct attempt *a, struct error *err)
{
	for (int i = 0; i < ATTEMPTS; i++) {
		cleanup_json json_t *done = NULL;
		cleanup_json json_t *branch = NULL;
		struct error ignored;

		if (!executor_call("branch.advance",
				   json_pack("{s:o,s:s,s:s}", "name", client_text(a->branch), "from",
					     id_of(a->before), "to", id_of(a->after)), &done, err))
			return 0;
		if (err->code != ERR_UNAVAILABLE)
			return -1;
		if (!executor_call("branch.get", json_pack("{s:o}", "name", client_text(a->branch)),
				   &branch, &ignored) &&
		    !strcmp(json_string_value(json_object_get(branch, "head")), id_of(a->after)))
			return 0;
	}
	return -1;
}

/* 1 to keep it, 0 to forget it. */
static int decide(struct ctx *ctx, const struct attempt *a, bool yes, struct error *err)
{
	char answer = 'd';
	size_t n = 0;

	while (answer == 'd') {
		if (changes_show(stderr, id_of(a->before), id_of(a->after), &n, err) < 0)
			return -1;
		if (!n)
			out_note(ctx, "it changed nothing");
		answer = yes || !n ? 'y' : ask(a->branch);
	}
	return answer == 'y';
}

static int review(struct ctx *ctx, const struct attempt *a, bool yes, struct error *err)
{
	int r = decide(ctx, a, yes, err);
	struct error ignored;

	if (r > 0)
		return keep(a, err);
	if (r < 0) {
		(void)!forget(a, &ignored);
		return -1;
	}
	if (forget(a, err) < 0)
		return -1;
	return err_set(err, ERR_CONFLICT, "not kept: branch '%s' is as it was", a->branch);
}

static int find_branch(const char *name, json_t **ret, struct error *err)
{
	cleanup_json json_t *branch = NULL;

	if (executor_call("branch.get", json_pack("{s:o}", "name", client_text(name)), &branch,
			  err) < 0)
		return -1;
	return executor_call("snapshot.get",
			     snapshot_id(json_string_value(json_object_get(branch, "head"))), ret,
			     err);
}

/* Beside the branch first: it is moved on when the answer is yes. */
static int run_beside(struct ctx *ctx, const ARGS *args, struct attempt *a, struct error *err)
{
	struct execute_args execute = args->execute;
	cleanup_json json_t *record = NULL;
	int status;

	if (execute.run.parent || execute.run.snapshot)
		return err_set(err, ERR_USAGE, "a branch begins where it is, and is what is kept: "
			       "without --parent and --snapshot");
	if (find_branch(a->branch, &a->before, err) < 0)
		return -1;
	execute.run.branch = NULL;
	execute.run.parent = id_of(a->before);
	execute.run.snapshot = "";
	execute.run.on_success = true;
	execute.whole_record = true;
	hold_interrupts(&a->held, &a->mask);
	a->holding = true;
	status = execute_run_for(ctx, &execute, &record, err);
	if (status)
		return status;
	return executor_call("snapshot.get",
			     snapshot_id(json_string_value(json_object_get(record, "snapshot"))),
			     &a->after, err);
}

static int try_run(struct ctx *ctx, const void *p, struct error *err)
{
	ARGS args = *(const ARGS *)p;
	cleanup_json json_t *before = NULL;
	cleanup_json json_t *after = NULL;
	struct attempt a = { .branch = args.execute.run.branch };
	int r;

	if (can_ask(ctx, &args, err) < 0)
		return -1;
	args.execute.run.on_success = true;
	if (args.review) {
		r = run_beside(ctx, &args, &a, err);
		before = a.before;
		after = a.after;
		if (!r)
			r = review(ctx, &a, args.yes, err);
		if (a.holding)
			(void)sigprocmask(SIG_SETMASK, &a.mask, NULL);
	} else {
		r = execute_run(ctx, &args.execute, err);
	}
	if (r > 0)
		out_note(ctx, "branch '%s' is as it was", a.branch);
	return r;
}

static const char *const examples[] = {
	"faas try work -- make test",
	"faas try work 'sed -i s/a/b/ /work/file && grep b /work/file'",
	"faas try --review work -- make install",
	NULL
};

const struct cmd cmd_try = {
	.name = "try",
	.summary = "run code on a branch, and keep what it did only if it succeeds",
	.flags = CMD_PASSES_STATUS,
	.args_size = sizeof(ARGS),
	.opts = try_opts,
	.run = try_run,
	.examples = examples,
};
