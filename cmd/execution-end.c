#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/execution.h"
#include "lib/base/parse.h"

/*
 * faas execution wait, cancel, delete, prune: the end of executions.
 */

static const char *text_of(const json_t *j, const char *key)
{
	return json_string_value(json_object_get(j, key));
}

/* ---- waiting for several at once ---- */

struct waits {
	struct client *client;
	int n, left;
	struct one {
		const char *what;	/* as it was given */
		json_int_t call;
		json_t *record;		/* when it has ended */
	} *all;
};

static int begin_waits(struct waits *w, struct error *err)
{
	for (int i = 0; i < w->n; i++)
		if (!w->all[i].record &&
		    client_send(w->client, "execution.wait", execution_id(w->all[i].what), NULL, 0,
				&w->all[i].call, err) < 0)
			return -1;
	return 0;
}

/* The executor died: its successor knows what ran, or that it is lost. */
static int wait_again(struct waits *w, struct error *err)
{
	if (client_reconnect(&w->client, err) < 0)
		return -1;
	/* that one may be dying, too: then we are here again */
	return begin_waits(w, err) < 0 && err->code != ERR_UNAVAILABLE ? -1 : 0;
}

/* The next one to end: its index, or -1. */
static int next_end(struct waits *w, struct error *err)
{
	for (;;) {
		struct pollfd p = { .events = POLLIN };

		for (int i = 0; i < w->n; i++) {
			struct one *one = &w->all[i];
			char event[32];
			int r = one->record ? 0 : client_next(w->client, one->call, 0, event,
							      &one->record, err);

			if (r > 0) {
				w->left--;
				return i;
			}
			if (r == 0)
				continue;
			if (err->code != ERR_UNAVAILABLE)
				return -1;
			if (wait_again(w, err) < 0)
				return -1;
			break;
		}
		p.fd = client_fd(w->client);
		if (poll(&p, 1, -1) < 0 && errno != EINTR)
			return err_sys(err, errno, "wait for the executor");
	}
}

static int start_waits(struct waits *w, const struct opt_strs *ids, struct error *err)
{
	*w = (struct waits){ .n = ids->n, .left = ids->n };
	w->all = calloc((size_t)ids->n, sizeof(*w->all));
	if (!w->all)
		return err_sys(err, ENOMEM, "wait");
	for (int i = 0; i < w->n; i++)
		w->all[i].what = ids->v[i];
	return executor_connect(&w->client, err) < 0 ? -1 : begin_waits(w, err);
}

static void end_waits(struct waits *w)
{
	for (int i = 0; i < w->n && w->all; i++)
		json_decref(w->all[i].record);
	free(w->all);
	client_free(w->client);
}

/* ---- wait ---- */

#define ARGS struct wait_args
ARGS {
	bool any;
	struct opt_strs ids;
};

static const struct opt wait_opts[] = {
	OPT_FLAG(0, "any", ARGS, any, "return when the first of them has ended"),
	OPERAND_LIST("id", ARGS, ids, HINT_EXECUTION, "execution to wait for"),
	OPT_END
};

static int wait_each(struct ctx *ctx, const ARGS *args, struct waits *w, struct error *err)
{
	static const struct out_column columns[] = { { "id" }, { "exit" }, { NULL } };
	struct error ignored;
	int status = 0;
	struct out o;

	out_list(&o, ctx, NULL, "executions", columns);
	do {
		int i = next_end(w, err), exit;

		if (i < 0) {
			(void)!out_end(&o, &ignored);
			return -1;
		}
		exit = execution_exit(w->all[i].record);
		if (exit && !status)
			status = w->n == 1 || args->any ? exit : 1;
		if (ctx->json) {
			out_row(&o);
			put_execution(&o, w->all[i].record);
			continue;
		}
		fprintf(ctx->out, "%s", text_of(w->all[i].record, "id"));
		if (!ctx->quiet)
			fprintf(ctx->out, " %d", exit);
		fputc('\n', ctx->out);
		(void)fflush(ctx->out);
	} while (w->left && !args->any);
	if (!ctx->json)
		return status;
	return out_end(&o, err) < 0 ? -1 : status;
}

static int wait_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	struct waits w;
	int r = start_waits(&w, &args->ids, err);

	if (!r)
		r = wait_each(ctx, args, &w, err);
	end_waits(&w);
	return r;
}

static const char *const wait_examples[] = {
	"faas execution wait @last", "faas execution wait --any build test", NULL
};

const struct cmd execution_wait = {
	.name = "wait",
	.summary = "wait until executions have ended and print how",
	.flags = CMD_PASSES_STATUS,
	.args_size = sizeof(ARGS),
	.opts = wait_opts,
	.run = wait_run,
	.examples = wait_examples,
};
#undef ARGS

/* ---- the same for each of several ---- */

/*
 * What could not be done to one id does not keep the others from it. The exit
 * status is that of the first failure.
 */
struct each {
	struct ctx *ctx;
	struct out out;
	struct error first;
};

static void each_begin(struct each *e, struct ctx *ctx)
{
	static const struct out_column columns[] = { { "id" }, { NULL } };

	*e = (struct each){ .ctx = ctx };
	out_list(&e->out, ctx, &(struct out_opts){ .no_header = true }, "executions", columns);
}

static void each_failed(struct each *e, const char *what, const struct error *err)
{
	if (!e->first.code)
		e->first = *err;
	if (e->ctx->json) {
		out_row(&e->out);
		out_str(&e->out, "id", what);
		out_open(&e->out, "error", '{');
		out_str(&e->out, "code", err_name(err->code));
		out_str(&e->out, "message", err->msg);
		out_str(&e->out, "hint", err->hint[0] ? err->hint : NULL);
		out_close(&e->out);
	} else {
		fprintf(stderr, "faas: %s\n", err->msg);
		if (err->hint[0])
			fprintf(stderr, "hint: %s\n", err->hint);
	}
}

static void each_done(struct each *e, const char *id)
{
	out_row(&e->out);
	out_str(&e->out, "id", id);
	if (e->ctx->json)
		out_null(&e->out, "error");
}

static int each_end(struct each *e, struct error *err)
{
	if (out_end(&e->out, err) < 0)
		return -1;
	return e->first.code ? err_exit(e->first.code) : 0;
}

/* ---- cancel ---- */

#define ARGS struct cancel_args
ARGS {
	uint64_t grace_ms;
	const char *grace, *signal;
	bool no_wait;
	struct opt_strs ids;
};

static const struct opt cancel_opts[] = {
	OPT_STR(0, "grace", "time", ARGS, grace, HINT_NONE,
		"from asking it to end until killing it (default: as it was started with)"),
	OPT_STR('s', "signal", "signal", ARGS, signal, HINT_NONE,
		"only send <signal>, by name or number, to the program"),
	OPT_FLAG(0, "no-wait", ARGS, no_wait, "do not wait until it has ended"),
	OPERAND_LIST("id", ARGS, ids, HINT_EXECUTION, "execution to end"),
	OPT_END
};

static int signal_by_name(const char *name, struct error *err)
{
	uint64_t number;

	if (!parse_u64(name, &number) && number > 0 && number <= 64)
		return (int)number;
	if (!strncasecmp(name, "SIG", 3))
		name += 3;
	for (int i = 1; i < 32; i++) {
		const char *abbrev = sigabbrev_np(i);

		if (abbrev && !strcasecmp(abbrev, name))
			return i;
	}
	(void)err_set(err, ERR_USAGE, "there is no signal '%.32s'", name);
	return err_hint(err, "such as TERM, INT, HUP, USR1, KILL or a number");
}

static int cancel_one(struct client *c, const ARGS *args, int number, const char *what,
		      struct error *err)
{
	cleanup_json json_t *done = NULL;
	cleanup_json json_t *record = NULL;
	json_t *params = execution_id(what);
	uint64_t grace;

	if (args->signal) {
		json_object_set_new(params, "signal", json_integer(number));
		return client_call(c, "execution.signal", params, &done, err);
	}
	if (args->grace && !parse_ms(args->grace, &grace))
		json_object_set_new(params, "grace_ms", json_integer((json_int_t)grace));
	if (client_call(c, "execution.cancel", params, &done, err) < 0)
		return -1;
	if (args->no_wait)
		return 0;
	return client_call(c, "execution.wait", execution_id(text_of(done, "id")), &record, err);
}

static int cancel_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	CLEANUP(client_free) struct client *c = NULL;
	int number = 0;
	uint64_t grace;
	struct each e;

	if (args->grace && parse_ms(args->grace, &grace) < 0)
		return err_set(err, ERR_USAGE, "'--grace=%.32s' is not a time such as 10s",
			       args->grace);
	if (args->signal && args->grace)
		return err_set(err, ERR_USAGE, "'--signal' only sends it: there is no grace");
	if (args->signal && (number = signal_by_name(args->signal, err)) < 0)
		return -1;
	if (executor_connect(&c, err) < 0)
		return -1;
	each_begin(&e, ctx);
	for (int i = 0; i < args->ids.n; i++) {
		struct error bad = { 0 };

		if (cancel_one(c, args, number, args->ids.v[i], &bad) < 0)
			each_failed(&e, args->ids.v[i], &bad);
		else
			each_done(&e, args->ids.v[i]);
	}
	return each_end(&e, err);
}

static const char *const cancel_examples[] = {
	"faas execution cancel @last", "faas execution cancel --signal HUP web", NULL
};

const struct cmd execution_cancel = {
	.name = "cancel",
	.summary = "end running executions, or send them a signal",
	.args_size = sizeof(ARGS),
	.opts = cancel_opts,
	.run = cancel_run,
	.examples = cancel_examples,
};
#undef ARGS

/* ---- delete ---- */

#define ARGS struct delete_args
ARGS {
	struct opt_strs ids;
};

static const struct opt delete_opts[] = {
	OPERAND_LIST("id", ARGS, ids, HINT_EXECUTION, "execution to forget"),
	OPT_END
};

static int delete_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	CLEANUP(client_free) struct client *c = NULL;
	struct each e;

	if (executor_connect(&c, err) < 0)
		return -1;
	each_begin(&e, ctx);
	for (int i = 0; i < args->ids.n; i++) {
		cleanup_json json_t *done = NULL;
		struct error bad = { 0 };

		if (client_call(c, "execution.delete", execution_id(args->ids.v[i]), &done,
				&bad) < 0)
			each_failed(&e, args->ids.v[i], &bad);
		else
			each_done(&e, text_of(done, "id"));
	}
	return each_end(&e, err);
}

const struct cmd execution_delete = {
	.name = "delete",
	.summary = "forget finished executions and their output",
	.args_size = sizeof(ARGS),
	.opts = delete_opts,
	.run = delete_run,
};
#undef ARGS

/* ---- prune ---- */

#define ARGS struct prune_args
ARGS {
	int keep_last;
	uint64_t older_ms;
	bool all, dry_run;
};

static const struct opt prune_opts[] = {
	OPT_INT(0, "keep-last", "count", ARGS, keep_last, "keep the <count> newest"),
	OPT_MS(0, "older-than", "time", ARGS, older_ms,
	       "forget only what was started <time> ago or earlier, such as 7d"),
	OPT_FLAG(0, "all", ARGS, all, "forget all that have ended"),
	OPT_FLAG(0, "dry-run", ARGS, dry_run, "only print which"),
	OPT_END
};

static int prune_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	CLEANUP(client_free) struct client *c = NULL;
	cleanup_json json_t *result = NULL;
	json_t *params;
	struct each e;
	json_t *id;
	size_t i;

	if (args->keep_last < 0 && !args->older_ms && !args->all) {
		(void)err_set(err, ERR_USAGE, "say what to forget");
		return err_hint(err, "--keep-last, --older-than or --all");
	}
	if (args->all && (args->keep_last >= 0 || args->older_ms))
		return err_set(err, ERR_USAGE, "'--all' leaves nothing for '--keep-last' and "
			       "'--older-than'");
	params = json_pack("{s:b}", "dry_run", args->dry_run);
	if (args->keep_last > 0)
		json_object_set_new(params, "keep_last", json_integer(args->keep_last));
	if (args->older_ms)
		json_object_set_new(params, "older_than_ms",
				    json_integer((json_int_t)args->older_ms));
	if (executor_connect(&c, err) < 0) {
		json_decref(params);
		return -1;
	}
	if (client_call(c, "execution.prune", params, &result, err) < 0)
		return -1;
	each_begin(&e, ctx);
	json_array_foreach(json_object_get(result, "ids"), i, id)
		each_done(&e, json_string_value(id));
	out_note(ctx, args->dry_run ? "would forget %lld executions" : "forgot %lld executions",
		 json_integer_value(json_object_get(result, "count")));
	return each_end(&e, err);
}

static const char *const prune_examples[] = {
	"faas execution prune --keep-last 1000 --older-than 7d", NULL
};

const struct cmd execution_prune = {
	.name = "prune",
	.summary = "forget old executions and their output",
	.args_size = sizeof(ARGS),
	.opts = prune_opts,
	.run = prune_run,
	.examples = prune_examples,
};
