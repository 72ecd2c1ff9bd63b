#include <string.h>

#include "cmd/follow.h"

/* faas execution logs, and those of instances. */

#define ARGS struct logs_args
ARGS {
	bool follow, timestamps;
	int from, tail;
	uint64_t since_ms;
	const char *stream, *id;
};

static const char *const streams[] = { "stdout", "stderr", NULL };

#define LOGS_OPTIONS							\
	OPT_FLAG('f', "follow", ARGS, follow, "go on until the program has ended"), \
	OPT_INT(0, "from", "number", ARGS, from,			\
		"begin with record <number>; --json shows the numbers"), \
	OPT_INT('n', "tail", "count", ARGS, tail, "begin with the last <count> lines"), \
	OPT_MS(0, "since", "time", ARGS, since_ms,			\
	       "only what was printed in the last <time>"),		\
	OPT_CHOICE(0, "stream", "stream", ARGS, stream, streams, "only this stream"), \
	OPT_FLAG('t', "timestamps", ARGS, timestamps, "put the time before every line")

static const struct opt logs_opts[] = {
	LOGS_OPTIONS,
	OPERAND("id", ARGS, id, HINT_EXECUTION, "execution whose output is shown"),
	OPT_END
};

static int logs_begin(struct follow *f, const ARGS *args, struct error *err)
{
	uint64_t from = args->from > 0 ? (uint64_t)args->from : 0;

	if (args->tail >= 0 &&
	    logs_tail(f->folder, f->stream, (uint64_t)args->tail, &f->first_seq,
		      &f->first_skip, err) < 0)
		return -1;
	if (args->tail >= 0)
		from = f->first_seq;
	return logs_open(f->folder, from, &f->logs, err);
}

static int show_logs(struct ctx *ctx, const ARGS *args, const char *op, struct error *err)
{
	struct follow f = {
		.ctx = ctx, .folder = -1, .signals = -1, .timestamps = args->timestamps,
		.json = ctx->json,
		.first_seq = UINT64_MAX, .terminal = { .master = -1 },
	};
	uint64_t now = follow_clock_ms(CLOCK_REALTIME);
	struct error ignored;
	int r;

	if (args->from >= 0 && args->tail >= 0)
		return err_set(err, ERR_USAGE, "'--from' and '--tail' are two beginnings");
	if (args->stream)
		f.stream = !strcmp(args->stream, "stderr") ? 2 : 1;
	if (args->since_ms && args->since_ms < now)
		f.since_ms = now - args->since_ms;
	if (ctx->json)
		out_stream(&f.out, ctx, NULL, NULL);
	r = follow_open(&f, op, args->id, err);
	if (!r)
		r = logs_begin(&f, args, err);
	if (!r && args->follow && !f.ended)
		r = follow_wait(&f, err);
	if (!r)
		r = follow_run(&f, err);
	if (ctx->json && out_end(&f.out, r < 0 ? &ignored : err) < 0)
		r = -1;
	follow_close(&f);
	return r;
}

static int logs_run(struct ctx *ctx, const void *p, struct error *err)
{
	return show_logs(ctx, p, "execution.logs", err);
}

static int instance_logs_run(struct ctx *ctx, const void *p, struct error *err)
{
	return show_logs(ctx, p, "instance.logs", err);
}

static const struct opt instance_logs_opts[] = {
	LOGS_OPTIONS,
	OPERAND("instance", ARGS, id, HINT_INSTANCE, "instance whose output is shown"),
	OPT_END
};

const struct cmd instance_cmd_logs = {
	.name = "logs",
	.summary = "show what an instance's program wrote since it was last started",
	.args_size = sizeof(ARGS),
	.opts = instance_logs_opts,
	.run = instance_logs_run,
};

static const char *const logs_examples[] = {
	"faas execution logs @last", "faas execution logs -f --tail 20 web", NULL
};

const struct cmd execution_logs = {
	.name = "logs",
	.summary = "show the output of an execution, while it runs or after",
	.args_size = sizeof(ARGS),
	.opts = logs_opts,
	.run = logs_run,
	.examples = logs_examples,
};
#undef ARGS
