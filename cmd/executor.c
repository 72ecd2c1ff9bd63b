#include "cmd/command.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/parse.h"
#include "lib/client/client.h"
#include "lib/executor/executor.h"

/*
 * faas executor: the process that makes sandboxes. Nobody needs these commands
 * to run code: an executor starts when one is needed, and goes when it is idle.
 */

enum { IDLE_MS = 600000, POOL_MAX = 64, READY_FD = 3 };

/* ---- run ---- */

#define ARGS struct run_args
ARGS {
	const char *state_dir;
	uint64_t idle_ms, pool_max;
	bool on_demand;
};

static const struct opt run_opts[] = {
	OPT_STR(0, "state-dir", "dir", ARGS, state_dir, HINT_DIR,
		"keep state in <dir> instead of the user's own folder"),
	OPT_MS(0, "idle-timeout", "time", ARGS, idle_ms,
	       "exit after <time> with nothing to do (default: never, 10m on demand)"),
	OPT_UINT(0, "pool", "count", ARGS, pool_max,
		 "keep at most <count> sandboxes ready (default: 64)"),
	OPT_FLAG(0, "on-demand", ARGS, on_demand,
		 "started by a client: report on descriptor 3, exit when idle"),
	OPT_END
};

/* The client that started us prints this, not we. */
static int report_to_starter(const struct error *err)
{
	json_t *j = wire_error(err);
	char *text = json_dumps(j, JSON_COMPACT);

	if (text)
		(void)!write(READY_FD, text, strlen(text));
	free(text);
	json_decref(j);
	return err_exit(err->code);
}

static uint64_t idle_from_environment(bool on_demand)
{
	const char *text = getenv("FAAS_IDLE_TIMEOUT");
	uint64_t ms;

	if (text && !parse_ms(text, &ms))
		return ms;
	/* what systemd's socket started, it starts again */
	return on_demand || getenv("LISTEN_FDS") ? IDLE_MS : 0;
}

static int run_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	char state[4096];
	struct executor_config config = {
		.state_dir = state,
		.idle_ms = args->idle_ms ? args->idle_ms : idle_from_environment(args->on_demand),
		.pool_max = args->pool_max ? args->pool_max : POOL_MAX,
		.foreground = !args->on_demand,
		.ready_fd = args->on_demand ? READY_FD : -1,
	};

	(void)ctx;
	if (client_state_dir(args->state_dir, state, sizeof(state), err) < 0 ||
	    executor_main(&config, err) < 0)
		return args->on_demand ? report_to_starter(err) : -1;
	return 0;
}

static const struct cmd executor_run = {
	.name = "run",
	.summary = "be the executor, in the foreground",
	.args_size = sizeof(ARGS),
	.opts = run_opts,
	.run = run_run,
};
#undef ARGS

/* ---- start ---- */

#define ARGS struct start_args
ARGS {
	bool unused;
};

static const struct opt start_opts[] = { OPT_END };

static int print_status(struct ctx *ctx, json_t *status)
{
	size_t i;
	json_t *pool, *helper;

	if (ctx->json) {
		json_object_set_new(status, "schema", json_string("faas.v1"));
		(void)json_dumpf(status, ctx->out, JSON_COMPACT);
		(void)fputc('\n', ctx->out);
		return 0;
	}
	fprintf(ctx->out, "executor   %s, pid %lld, faas %s\n",
		json_is_true(json_object_get(status, "draining")) ? "stopping" : "running",
		json_integer_value(json_object_get(status, "pid")),
		json_string_value(json_object_get(status, "version")));
	fprintf(ctx->out, "state      %s\n",
		json_string_value(json_object_get(status, "state_dir")));
	fprintf(ctx->out, "active     %lld of %lld executions since %s\n",
		json_integer_value(json_object_get(status, "active")),
		json_integer_value(json_object_get(status, "executions")),
		json_string_value(json_object_get(status, "started_at")));
	fprintf(ctx->out, "sandboxes  %lld\n",
		json_integer_value(json_object_get(status, "sandboxes")));
	json_array_foreach(json_object_get(status, "helpers"), i, helper)
		fprintf(ctx->out, "helper     pid %lld for %lld s\n",
			json_integer_value(json_object_get(helper, "pid")),
			json_integer_value(json_object_get(helper, "seconds")));
	fputs("\nPOOL          READY  TARGET    HITS  MISSES\n", ctx->out);
	json_array_foreach(json_object_get(status, "pools"), i, pool)
		fprintf(ctx->out, "%-12s  %5lld  %6lld  %6lld  %6lld\n",
			json_string_value(json_object_get(pool, "name")),
			json_integer_value(json_object_get(pool, "ready")),
			json_integer_value(json_object_get(pool, "target")),
			json_integer_value(json_object_get(pool, "hits")),
			json_integer_value(json_object_get(pool, "misses")));
	return 0;
}

static int status_of(struct ctx *ctx, bool start, struct error *err)
{
	struct client_options options = { .no_start = !start };
	CLEANUP(client_free) struct client *c = NULL;
	cleanup_json json_t *status = NULL;

	if (client_connect(&options, &c, err) < 0 ||
	    client_call(c, "executor.status", NULL, &status, err) < 0)
		return -1;
	return print_status(ctx, status);
}

static int start_run(struct ctx *ctx, const void *p, struct error *err)
{
	(void)p;
	return status_of(ctx, true, err);
}

static const struct cmd executor_start = {
	.name = "start",
	.summary = "start an executor in the background, if none is running",
	.args_size = sizeof(ARGS),
	.opts = start_opts,
	.run = start_run,
};

/* ---- status ---- */

static int status_run(struct ctx *ctx, const void *p, struct error *err)
{
	(void)p;
	return status_of(ctx, false, err);
}

static const struct cmd executor_status = {
	.name = "status",
	.summary = "show what the executor is doing",
	.args_size = sizeof(ARGS),
	.opts = start_opts,
	.run = status_run,
};
#undef ARGS

/* ---- stop ---- */

#define ARGS struct stop_args
ARGS {
	bool now, no_wait;
};

static const struct opt stop_opts[] = {
	OPT_FLAG(0, "now", ARGS, now, "cancel what is running instead of waiting for it"),
	OPT_FLAG(0, "no-wait", ARGS, no_wait, "return at once"),
	OPT_END
};

static int stop_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	struct client_options options = { .no_start = true };
	CLEANUP(client_free) struct client *c = NULL;
	cleanup_json json_t *result = NULL;
	json_int_t id, pid;
	char event[32];

	if (client_connect(&options, &c, err) < 0)
		return -1;
	if (client_call(c, "executor.stop", json_pack("{s:b}", "now", args->now), &result,
			err) < 0)
		return -1;
	pid = json_integer_value(json_object_get(result, "pid"));
	if (!args->no_wait) {
		/* it closes its connections last: an end of file is what we want */
		json_t *more = NULL;

		if (client_send(c, "execution.wait", json_pack("{s:s}", "id", "@stop"), NULL, 0,
				&id, err) == 0)
			while (client_next(c, id, -1, event, &more, err) > 0 ||
			       err->code == ERR_NOT_FOUND) {
				json_decref(more);
				more = NULL;
				err->code = ERR_NONE;
			}
	}
	if (ctx->json)
		fprintf(ctx->out, "{\"schema\":\"faas.v1\",\"stopped\":true,\"pid\":%lld}\n", pid);
	else if (!ctx->quiet)
		fprintf(ctx->out, "executor %lld %s\n", pid, args->no_wait ? "stops" : "stopped");
	return 0;
}

static const struct cmd executor_stop = {
	.name = "stop",
	.summary = "stop the executor when what it runs has ended",
	.args_size = sizeof(ARGS),
	.opts = stop_opts,
	.run = stop_run,
};

static const struct cmd *const executor_subs[] = {
	&executor_run, &executor_start, &executor_stop, &executor_status, NULL
};

const struct cmd cmd_executor = {
	.name = "executor",
	.summary = "run, start, stop or look at the executor",
	.subs = executor_subs,
};
