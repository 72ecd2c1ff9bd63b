#include "cmd/execute.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/client/code.h"
#include "cmd/execution.h"
#include "cmd/output.h"
#include "cmd/quick.h"
#include "lib/base/parse.h"
#include "lib/client/terminal.h"

/*
 * faas execute: run code in a sandbox and exit as it did.
 */

enum { SIGNALS = 64 };

#define ARGS struct execute_args

static const struct opt execute_opts[] = {
	EXECUTE_OPTIONS,
	OPT_END
};

static int write_file(const char *path, const char *text, struct error *err)
{
	FILE *f = fopen(path, "we");

	if (!f || fputs(text, f) < 0 || fclose(f))
		return err_sys(err, errno, "write '%s'", path);
	return 0;
}

/* The machine's channel: what happened, so that no exit status is ambiguous. */
static int write_status(const ARGS *args, const json_t *record, const struct error *failure,
			int status, struct error *err)
{
	cleanup_json json_t *j = json_object();
	cleanup_free char *text = NULL;
	cleanup_free char *line = NULL;

	if (args->status_fd < 0 && !args->status_file)
		return 0;
	json_object_set_new(j, "schema", json_string("faas.v1"));
	json_object_set_new(j, "source", json_string(failure ? "faas" : "program"));
	json_object_set_new(j, "exit", json_integer(status));
	if (failure)
		json_object_set_new(j, "error", wire_error(failure));
	else
		json_object_set(j, "execution", (json_t *)(uintptr_t)record);
	text = json_dumps(j, JSON_COMPACT);
	if (!text || asprintf(&line, "%s\n", text) < 0)
		return err_sys(err, ENOMEM, "write the status");
	if (args->status_fd >= 0) {
		size_t len = strlen(line);

		if (write(args->status_fd, line, len) != (ssize_t)len)
			return err_sys(err, errno, "write the status to descriptor %d",
				       args->status_fd);
	}
	return args->status_file ? write_file(args->status_file, line, err) : 0;
}

struct id_note {
	const char *file;
	struct error err;
	bool failed;
};

static void note_id(void *arg, const char *id)
{
	struct id_note *note = arg;

	if (note->file)
		note->failed = write_file(note->file, id, &note->err) < 0;
}

/* A terminal needs one at both ends; asking for it anyway is an error. */
static int want_tty(const ARGS *args, bool *ret, struct error *err)
{
	bool both = isatty(0) && isatty(1);

	*ret = args->tty > 0 || (!args->tty && both && !args->no_stdin && !args->detach);
	if (args->tty > 0 && !args->detach && !both) {
		(void)err_set(err, ERR_USAGE, "a terminal was asked for, but stdin and stdout are "
			      "not one");
		return err_hint(err, "leave out -t");
	}
	return 0;
}

static void set_tty(json_t *params)
{
	unsigned short rows, cols;

	terminal_size(0, &rows, &cols);
	json_object_set_new(params, "tty", json_pack("{s:i,s:i}", "rows", (int)rows, "cols",
						     (int)cols));
}

static int run(struct ctx *ctx, const ARGS *args, json_t **ret, struct error *err)
{
	CLEANUP(client_free) struct client *client = NULL;
	struct client_options options = { 0 };
	struct id_note note = { .file = args->id_file };
	sigset_t before;
	struct execution_resumed resumed = {
		.id = quick.id, .call = 1, .signals = quick.signals, .mask_before = &before,
	};
	struct run_plan plan;
	bool apart = args->detach || args->log;
	struct execution_request request = {
		.stdio = { args->no_stdin || args->detach ? -1 : 0, apart ? -1 : 1, 2 },
		.detach = apart, .forward_signals = true, .started = note_id, .arg = &note,
	};
	int r;

	if (want_tty(args, &request.tty, err) < 0)
		return -1;
	if (quick.sent) {
		/* only once, should this ever be called twice */
		quick.sent = false;
		request.resumed = &resumed;
		(void)sigemptyset(&before);
		for (int sig = 1; sig <= SIGNALS; sig++)
			if (quick.mask_before & 1ull << (sig - 1))
				(void)sigaddset(&before, sig);
		r = client_resume(&options, quick.socket, quick.answer, quick.received, 1,
				  &client, err);
	} else {
		r = client_connect(&options, &client, err);
	}
	if (r < 0)
		return -1;
	out_verbose(ctx, "%s executor that keeps its state in '%s'", client_started(client)
		    ? "started the" : "asking the", client_where(client));
	r = run_plan_make(client, &args->run, &args->words, request.tty, &plan, err);
	if (!r) {
		request.op = args->run.instance ? "instance.exec" : NULL;
		request.params = plan.params;
		request.files = plan.files;
		request.n_files = plan.n_files;
		request.artifacts = args->run.artifacts.v;
		request.n_artifacts = args->run.artifacts.n;
		request.artifact_dir = args->run.artifact_dir;
		if (request.tty)
			set_tty(plan.params);
		if (apart)
			json_object_set_new(plan.params, "detach", json_true());
		if (args->status_fd < 0 && !args->status_file && !apart &&
		    !args->whole_record && !ctx->verbose)
			json_object_set_new(plan.params, "brief", json_true());
		r = execution_run(&client, &request, ret, err);
	}
	run_plan_release(&plan);
	if (!r && note.failed) {
		*err = note.err;
		r = -1;
	}
	return r;
}

static const char *text_of(const json_t *record, const char *key)
{
	return json_string_value(json_object_get(record, key));
}

/* For -v: which sandbox it had. */
static void say_sandbox(struct ctx *ctx, const json_t *record)
{
	const json_t *degraded = json_object_get(record, "degraded");
	const char *parent = text_of(record, "parent");
	json_t *lack;
	size_t i;

	out_verbose(ctx, "execution %s: environment %s, mode %s, network %s, in a sandbox that %s",
		    text_of(record, "id"), text_of(record, "environment"), text_of(record, "mode"),
		    text_of(record, "network"), json_is_true(json_object_get(record, "warm"))
		    ? "waited in the pool" : "was made for it");
	if (parent)
		out_verbose(ctx, "its files are those of snapshot %s", parent);
	json_array_foreach((json_t *)(uintptr_t)degraded, i, lack)
		out_verbose(ctx, "this machine cannot do: %s", json_string_value(lack));
}

/* And how it went. */
static void say_end(struct ctx *ctx, const json_t *record)
{
	const json_t *usage = json_object_get(record, "usage");
	char ready[FORMAT_SIZE], wall[FORMAT_SIZE], cpu[FORMAT_SIZE], memory[FORMAT_SIZE];
	const json_t *user = json_object_get(usage, "user_us");
	const json_t *kernel = json_object_get(usage, "system_us");
	const json_t *peak = json_object_get(usage, "memory_peak_bytes");

	format_us(ready, (uint64_t)json_integer_value(json_object_get(usage, "setup_us")));
	format_us(wall, (uint64_t)json_integer_value(json_object_get(usage, "wall_us")));
	format_us(cpu, (uint64_t)(json_integer_value(user) + json_integer_value(kernel)));
	format_size(memory, (uint64_t)json_integer_value(peak));
	out_verbose(ctx, "execution %s: set up in %s, ran %s, %s of a processor, %s of memory, "
		    "status %d", text_of(record, "id"), ready, wall, cpu, memory,
		    execution_status(record));
}

/* What a person wants to know when it was not the program that decided. */
static void explain(struct ctx *ctx, const json_t *record)
{
	if (json_is_true(json_object_get(record, "oom_killed")))
		out_warn(ctx, "the program ran out of memory; --memory gives it more");
	if (json_is_true(json_object_get(record, "timed_out")))
		out_warn(ctx, "the program was stopped at its deadline");
}

/* Nobody reads what it writes, which its log cannot tell it. */
static int end_unread(const char *id, struct error *err)
{
	CLEANUP(client_free) struct client *client = NULL;
	cleanup_json json_t *result = NULL;

	if (executor_connect(&client, err) < 0)
		return -1;
	if (client_call(client, "execution.cancel", execution_id(id), &result, err) < 0)
		return err->code == ERR_CONFLICT ? 0 : -1;	/* ended just now */
	return 0;
}

/* Is stdout a pipe without a reader? That is no error to speak of. */
static bool closed_pipe(void)
{
	struct pollfd p = { STDOUT_FILENO, 0, 0 };

	if (poll(&p, 1, 0) < 1 || !(p.revents & POLLERR))
		return false;
	__fpurge(stdout);
	clearerr(stdout);
	return true;
}

/* Its output goes to its log, and from there to us. */
static int watch(struct ctx *ctx, const ARGS *args, json_t **record, struct error *err)
{
	cleanup_json json_t *begun = TAKE_PTR(*record);
	const char *id = json_string_value(json_object_get(begun, "id"));
	struct error other;
	int r;

	/* what we leave behind must be ended first */
	(void)sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	r = execution_attach_to(ctx, id, true, record, err);
	if (!r && *record)
		r = execution_failure(*record, err);
	/* only on a terminal does one detach */
	else if (!r && !isatty(STDOUT_FILENO))
		r = end_unread(id, err) < 0 ? -1 : closed_pipe() ? 128 + SIGPIPE : 0;
	if (r < 0)
		(void)write_status(args, NULL, err, err_exit_running(err->code), &other);
	return r;
}

int execute_run_for(struct ctx *ctx, const ARGS *args, json_t **ret, struct error *err)
{
	cleanup_json json_t *record = NULL;
	struct error other;
	int status;

	if (args->detach && (args->run.artifacts.n || args->no_stdin))
		return err_set(err, ERR_USAGE, "'--detach' leaves nobody to take artifacts");
	if (args->log && args->run.artifacts.n)
		return err_set(err, ERR_USAGE, "'--log' and '--artifact' exclude each other");
	if (run(ctx, args, &record, err) < 0) {
		(void)write_status(args, NULL, err, err_exit_running(err->code), &other);
		return -1;
	}
	if (ctx->verbose)
		say_sandbox(ctx, record);
	if (args->detach) {
		fprintf(ctx->out, "%s\n", json_string_value(json_object_get(record, "id")));
		return write_status(args, record, NULL, 0, err);
	}
	if (args->log) {
		status = watch(ctx, args, &record, err);
		if (status < 0 || !record)
			return status;
	}
	status = execution_status(record);
	if (ctx->verbose)
		say_end(ctx, record);
	explain(ctx, record);
	if (write_status(args, record, NULL, status, err) < 0)
		return -1;
	*ret = TAKE_PTR(record);
	return status;
}

int execute_run(struct ctx *ctx, const void *p, struct error *err)
{
	cleanup_json json_t *record = NULL;

	return execute_run_for(ctx, p, &record, err);
}

static const char *const aliases[] = { "run", NULL };

static const char *const examples[] = {
	"faas execute 'echo hello'",
	"faas execute -l python 'print(6 * 7)'",
	"faas execute -- ls -l /",
	NULL
};

const struct cmd cmd_execute = {
	.name = "execute",
	.summary = "run code in a sandbox and exit as it did",
	.aliases = aliases,
	.flags = CMD_PASSES_STATUS,
	.args_size = sizeof(ARGS),
	.opts = execute_opts,
	.run = execute_run,
	.examples = examples,
};
