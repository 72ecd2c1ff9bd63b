#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cmd/instance.h"

/*
 * faas instance run: an instance for the time of one command. It is started, waited
 * for, used, and terminated on every way out. For the way that nobody sees coming, a
 * kill -9 of ours, it is started with the order to stop when nobody uses it, and to be
 * removed when it has stopped.
 */

enum { ABANDONED_MS = 60000 };

#define ARGS struct run_args
ARGS {
	struct start_options start;
	struct opt_strs conditions;
	uint64_t ready_ms, timeout_ms;
	const char *service;
	bool keep;
	struct opt_rest words;
};

static const struct opt run_opts[] = {
	OPT_GROUP("What is run"),
	OPT_STR(0, "service", "command", ARGS, service, HINT_NONE,
		"its program, which a shell runs, while the command runs besides"),
	OPT_STRS(0, "for", "condition", ARGS, conditions, HINT_NONE,
		 "wait until tcp:PORT, http:PORT/PATH, file:PATH or cmd:COMMAND"),
	OPT_MS(0, "ready-timeout", "time", ARGS, ready_ms,
	       "fail when that takes longer than <time> (default: 5m)"),
	OPT_FLAG(0, "keep", ARGS, keep, "stop it afterwards, and do not terminate it"),
	OPT_MS(0, "timeout", "time", ARGS, timeout_ms,
	       "stop the command after <time>, and exit with 124"),
	START_OPTIONS(ARGS, start),
	OPERAND_REST("code", ARGS, words, "code, or '--' and a command, to run in it"),
	OPT_END
};

static int use(struct ctx *ctx, const ARGS *args, struct client **client, const char *id,
	       struct error *err)
{
	struct execute_args exec = {
	    .run = {.instance = id,
		    .timeout_ms = args->timeout_ms,
		    .workdir = args->start.run.workdir,
		    .user = args->start.run.user,
		    .variables = args->start.run.variables,
		    .env_files = args->start.run.env_files},
	    .status_fd = -1,
	    .words = args->words,
	};

	if (instance_wait_all(client, id, &args->conditions,
			      args->ready_ms ? args->ready_ms : 300000, err) < 0)
		return -1;
	return execute_run(ctx, &exec, err);
}

static int end(const ARGS *args, const char *id, struct error *err)
{
	cleanup_json json_t *done = NULL;

	if (!executor_call(args->keep ? "instance.stop" : "instance.terminate",
			   instance_id(id), &done, err))
		return 0;
	/* it has ended by itself */
	return err->code == ERR_NOT_FOUND || err->code == ERR_CONFLICT ? 0 : -1;
}

static int run_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	CLEANUP(client_free) struct client *client = NULL;
	cleanup_json json_t *i = NULL;
	struct start_options start = args->start;
	char *argv[] = { (char *)(uintptr_t)"/bin/sh", (char *)(uintptr_t)"-c",
			 (char *)(uintptr_t)args->service, NULL };
	struct opt_rest words = { .v = argv, .n = args->service ? 3 : 0, .literal = true };
	struct error ignored;
	const char *id;
	sigset_t mask, before;
	int r;

	if (!args->words.n)
		return err_set(err, ERR_USAGE, "nothing to run in it");
	if (!args->keep && !start.restart)
		start.remove = true;
	if (!start.auto_stop_ms)
		start.auto_stop_ms = ABANDONED_MS;
	/* until it is there to be ended, nobody interrupts */
	(void)sigemptyset(&mask);
	(void)sigaddset(&mask, SIGINT);
	(void)sigaddset(&mask, SIGTERM);
	(void)sigaddset(&mask, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &mask, &before);
	if (executor_connect(&client, err) < 0 ||
	    instance_begin(&client, &start, &words, &i, err) < 0)
		return -1;
	id = json_string_value(json_object_get(i, "id"));
	r = use(ctx, args, &client, id, err);
	/* what comes while it is ended is obeyed when it has */
	if (end(args, id, r < 0 ? &ignored : err) < 0 && r >= 0)
		r = -1;
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return r;
}

static const char *const examples[] = {
	"faas instance run --service 'python3 web.py' --for tcp:80 -- ./test-web",
	NULL
};

const struct cmd instance_cmd_run = {
	.name = "run",
	.summary = "start an instance, run a command in it, and end it on every way out",
	.flags = CMD_PASSES_STATUS,
	.args_size = sizeof(ARGS),
	.opts = run_opts,
	.run = run_run,
	.examples = examples,
};
