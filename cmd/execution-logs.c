#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "cmd/execution.h"
#include "lib/base/parse.h"
#include "lib/client/expect.h"
#include "lib/client/logs.h"
#include "lib/client/terminal.h"

/*
 * faas execution logs and attach: the output that was kept, and what comes. The
 * executor passes the folder of the log once; from then on the files are read
 * directly, and only the end of the run is heard from the executor.
 */

enum { TURN_EVERY = 16, LOOK_MS = 200, AGAIN_MS = 2000 };

struct follow {
	struct ctx *ctx;
	struct client *client;
	json_t *record;
	json_int_t call;		/* of execution.wait */
	bool waiting, ended;
	int folder;
	struct logs *logs;
	/* what is shown */
	unsigned int stream;		/* 0: both */
	uint64_t first_seq, since_ms;
	size_t first_skip;
	bool timestamps, json;
	bool in_line[3];
	struct out out;
	/* attach */
	int signals;
	bool bridged;
	struct terminal terminal;
	uint64_t interrupted_ms;
	struct expect expect;
};

static uint64_t clock_ms(clockid_t clock)
{
	struct timespec ts;

	(void)clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static const char *id_of(const struct follow *f)
{
	return json_string_value(json_object_get(f->record, "id"));
}

/* ---- the beginning and the end ---- */

static int follow_open(struct follow *f, const char *what, struct error *err)
{
	if (executor_connect(&f->client, err) < 0 ||
	    client_call(f->client, "execution.logs", execution_id(what), &f->record, err) < 0)
		return -1;
	f->folder = client_take_fd(f->client);
	if (f->folder < 0)
		return err_set(err, ERR_PROTOCOL, "the executor sent no log");
	f->ended = execution_has_ended(f->record);
	return 0;
}

static int follow_wait(struct follow *f, struct error *err)
{
	f->waiting = true;
	return client_send(f->client, "execution.wait", execution_id(id_of(f)), NULL, 0, &f->call,
			   err);
}

static void follow_close(struct follow *f)
{
	if (f->bridged)
		terminal_close(&f->terminal);
	if (f->folder >= 0)
		(void)close(f->folder);
	if (f->signals >= 0)
		(void)close(f->signals);
	logs_free(f->logs);
	json_decref(f->record);
	client_free(f->client);
}

/* Has it ended? An executor that died meanwhile is replaced. */
static int look_for_end(struct follow *f, struct error *err)
{
	json_t *record = NULL;
	char event[32];
	int r = client_next(f->client, f->call, 0, event, &record, err);

	if (r < 0 && err->code == ERR_UNAVAILABLE) {
		expect_nothing(&f->expect);
		if (client_reconnect(&f->client, err) < 0)
			return -1;
		/* that one may be dying, too: then we are here again */
		return follow_wait(f, err) < 0 && err->code != ERR_UNAVAILABLE ? -1 : 0;
	}
	if (r <= 0)
		return r;
	json_decref(f->record);
	f->record = record;
	f->ended = true;
	f->waiting = false;
	return 0;
}

/* ---- one record ---- */

static void show_json(struct follow *f, const struct logs_entry *e, const char *data,
		      size_t len)
{
	out_row(&f->out);
	out_uint(&f->out, "seq", e->seq);
	out_str(&f->out, "stream", e->stream == 2 ? "stderr" : "stdout");
	out_time(&f->out, "time", e->time_ms);
	out_uint(&f->out, "missed", e->missed);
	out_strn(&f->out, "text", data, len);
}

/* Each line begins with the time when its first byte was read. */
static void show_lines(struct follow *f, FILE *to, const struct logs_entry *e,
		       const char *data, size_t len)
{
	const char *end = data + len;
	char text[FORMAT_TIME];

	while (data < end) {
		const char *newline = memchr(data, '\n', (size_t)(end - data));
		const char *next = newline ? newline + 1 : end;

		if (!f->in_line[e->stream])
			fprintf(to, "%s ", format_time(text, e->time_ms));
		fwrite(data, 1, (size_t)(next - data), to);
		f->in_line[e->stream] = !newline;
		data = next;
	}
}

static void show(struct follow *f, const struct logs_entry *e)
{
	const char *data = e->data;
	size_t len = e->len;
	FILE *to = e->stream == 2 ? stderr : f->ctx->out;

	if (e->seq == f->first_seq && f->first_skip <= len) {
		data += f->first_skip;
		len -= f->first_skip;
	}
	if (e->missed && !f->json)
		out_warn(f->ctx, "%llu pieces of output before this were dropped: the log is full",
			 (unsigned long long)e->missed);
	if ((f->stream && e->stream != f->stream) || e->time_ms < f->since_ms)
		return;
	if (f->json) {
		show_json(f, e, data, len);
		return;
	}
	if (f->timestamps)
		show_lines(f, to, e, data, len);
	else
		fwrite(data, 1, len, to);
	(void)fflush(to);
}

/* ---- waiting for more ---- */

/* Of the answer only that there is one is of interest; 0 when the executor has gone. */
static json_int_t tell(struct follow *f, const char *op, const char *key, int value)
{
	struct error ignored;
	json_int_t call;

	if (client_send(f->client, op, json_pack("{s:s,s:i}", "id", id_of(f), key, value), NULL,
			0, &call, &ignored) < 0)
		return 0;
	return call;
}

static void forward_signals(struct follow *f)
{
	struct signalfd_siginfo si;

	while (read(f->signals, &si, sizeof(si)) == sizeof(si)) {
		int sig = (int)si.ssi_signo;
		uint64_t now = clock_ms(CLOCK_MONOTONIC);
		bool again = f->interrupted_ms && now - f->interrupted_ms < AGAIN_MS;
		bool interrupt = sig == SIGINT || sig == SIGTERM;
		json_int_t call;

		if (sig == SIGWINCH) {
			if (f->bridged)
				terminal_resize(&f->terminal);
			continue;
		}
		if (interrupt)
			f->interrupted_ms = now;
		call = interrupt && again ? tell(f, "execution.cancel", "grace_ms", 0)
					  : tell(f, "execution.signal", "signal", sig);
		if (interrupt)
			expect_answer(&f->expect, call, again ? EXPECT_FORCED_MS : EXPECT_MS);
	}
}

/* Waits until something happens, or only looks. 1 when nobody reads us any more. */
static int turn(struct follow *f, bool wait, struct error *err)
{
	int watch = logs_fd(f->logs), n = 4;
	int patience = f->expect.call ? EXPECT_LOOK_MS : watch < 0 ? LOOK_MS : -1;
	char notes[4096];
	struct pollfd p[6] = {
		{ f->waiting ? client_fd(f->client) : -1, POLLIN, 0 },
		{ watch, POLLIN, 0 },
		{ STDOUT_FILENO, 0, 0 },
		{ f->signals, POLLIN, 0 },
	};

	if (f->bridged)
		n += terminal_poll(&f->terminal, p + 4);
	if (poll(p, (nfds_t)n, wait ? patience : 0) < 0 && errno != EINTR)
		return err_sys(err, errno, "wait for output");
	if (p[1].revents)
		while (read(watch, notes, sizeof(notes)) > 0)
			;
	if (p[3].revents)
		forward_signals(f);
	if (f->bridged)
		terminal_copy(&f->terminal, p + 4, n - 4);
	if (expect_check(&f->expect, f->client, id_of(f), err) < 0 ||
	    ((p[0].revents || client_has(f->client, f->call)) && look_for_end(f, err) < 0))
		return -1;
	return (p[2].revents & (POLLERR | POLLNVAL)) ? 1 : 0;
}

/* Shows what there is and, when waiting, what comes until the end. */
static int follow_run(struct follow *f, struct error *err)
{
	unsigned int shown = 0;

	if (f->waiting && look_for_end(f, err) < 0)
		return -1;
	for (;;) {
		struct logs_entry e;
		bool ended = f->ended;
		int r;

		if (ended)
			logs_ended(f->logs);
		r = logs_next(f->logs, &e, err);
		if (r < 0)
			return -1;
		if (r > 0)
			show(f, &e);
		if (ferror(f->ctx->out) || f->terminal.detached)
			return 0;
		if (!r && (ended || !f->waiting))
			return 0;
		/* also now and then while output floods us */
		if (f->waiting && (!r || ++shown % TURN_EVERY == 0)) {
			r = turn(f, !r, err);
			if (r)
				return r < 0 ? -1 : 0;
		}
	}
}

/* ---- logs ---- */

#define ARGS struct logs_args
ARGS {
	bool follow, timestamps;
	int from, tail;
	uint64_t since_ms;
	const char *stream, *id;
};

static const char *const streams[] = { "stdout", "stderr", NULL };

static const struct opt logs_opts[] = {
	OPT_FLAG('f', "follow", ARGS, follow, "go on until the execution has ended"),
	OPT_INT(0, "from", "number", ARGS, from,
		"begin with record <number>; --json shows the numbers"),
	OPT_INT('n', "tail", "count", ARGS, tail, "begin with the last <count> lines"),
	OPT_MS(0, "since", "time", ARGS, since_ms, "only what was printed in the last <time>"),
	OPT_CHOICE(0, "stream", "stream", ARGS, stream, streams, "only this stream"),
	OPT_FLAG('t', "timestamps", ARGS, timestamps, "put the time before every line"),
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

static int logs_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	struct follow f = {
		.ctx = ctx, .folder = -1, .signals = -1, .timestamps = args->timestamps,
		.json = ctx->json,
		.first_seq = UINT64_MAX, .terminal = { .master = -1 },
	};
	uint64_t now = clock_ms(CLOCK_REALTIME);
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
	r = follow_open(&f, args->id, err);
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

/* ---- attach ---- */

#define ARGS struct attach_args
ARGS {
	bool no_forward;
	const char *id;
};

static const struct opt attach_opts[] = {
	OPT_FLAG(0, "no-forward", ARGS, no_forward,
		 "let signals end us and not the program: Ctrl-C detaches"),
	OPERAND("id", ARGS, id, HINT_EXECUTION, "execution to attach to"),
	OPT_END
};

/* SIGHUP is not among them: a terminal that goes away detaches. */
static int watch_signals(struct follow *f, bool forward, struct error *err)
{
	static const int forwarded[] = { SIGINT, SIGTERM, SIGQUIT, SIGUSR1, SIGUSR2 };
	sigset_t mask;

	(void)sigemptyset(&mask);
	(void)sigaddset(&mask, SIGWINCH);
	for (size_t i = 0; forward && i < ARRAY_SIZE(forwarded); i++)
		(void)sigaddset(&mask, forwarded[i]);
	(void)sigprocmask(SIG_BLOCK, &mask, NULL);
	f->signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (f->signals < 0)
		return err_sys(err, errno, "watch for signals");
	return 0;
}

/* Its terminal, if it has one and we have one for it. */
static int take_terminal(struct follow *f, struct error *err)
{
	cleanup_json json_t *result = NULL;
	int master;

	if (client_call(f->client, "execution.attach", execution_id(id_of(f)), &result, err) < 0)
		return err->code == ERR_CONFLICT ? 0 : -1;	/* ended just now */
	master = client_take_fd(f->client);
	if (master < 0)
		return 0;
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		(void)close(master);
		return 0;
	}
	if (terminal_open(&f->terminal, STDIN_FILENO, STDOUT_FILENO, err) < 0) {
		(void)close(master);
		return -1;
	}
	f->terminal.master = master;
	f->terminal.input_only = true;
	f->terminal.detach_keys = true;
	f->bridged = true;
	terminal_resize(&f->terminal);
	return 0;
}

static int attach_follow(struct follow *f, const char *id, bool forward, struct error *err)
{
	if (follow_open(f, id, err) < 0 || logs_open(f->folder, 0, &f->logs, err) < 0)
		return -1;
	if (!f->ended && (watch_signals(f, forward, err) < 0 ||
			  take_terminal(f, err) < 0 || follow_wait(f, err) < 0))
		return -1;
	return follow_run(f, err);
}

int execution_attach_to(struct ctx *ctx, const char *id, bool forward, json_t **ret_record,
			struct error *err)
{
	struct follow f = {
		.ctx = ctx, .folder = -1, .signals = -1, .first_seq = UINT64_MAX,
		.terminal = { .master = -1 },
	};
	int r = attach_follow(&f, id, forward, err);

	*ret_record = NULL;
	if (f.bridged)
		terminal_close(&f.terminal);
	if (!r && f.terminal.detached && ctx->err_tty)
		fputc('\n', stderr);
	if (!r && f.terminal.detached)
		out_note(ctx, "detached; 'faas execution attach %s' comes back", id_of(&f));
	else if (!r && f.ended)
		*ret_record = json_incref(f.record);
	follow_close(&f);
	return r;
}

static int attach_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	cleanup_json json_t *record = NULL;

	if (execution_attach_to(ctx, args->id, !args->no_forward, &record, err) < 0)
		return -1;
	return record ? execution_exit(record) : 0;
}

static const char *const attach_examples[] = { "faas execution attach web", NULL };

const struct cmd execution_attach = {
	.name = "attach",
	.summary = "show an execution's output and take its terminal, until it ends",
	.flags = CMD_PASSES_STATUS,
	.args_size = sizeof(ARGS),
	.opts = attach_opts,
	.run = attach_run,
	.examples = attach_examples,
};
