#include "cmd/follow.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "lib/base/parse.h"

enum { TURN_EVERY = 16, LOOK_MS = 200, AGAIN_MS = 2000 };

uint64_t follow_clock_ms(clockid_t clock)
{
	struct timespec ts;

	(void)clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

const char *follow_id(const struct follow *f)
{
	return json_string_value(json_object_get(f->record, "id"));
}

/* ---- the beginning and the end ---- */

int follow_open(struct follow *f, const char *op, const char *what,
		       struct error *err)
{
	if (executor_connect(&f->client, err) < 0 ||
	    client_call(f->client, op, execution_id(what), &f->record, err) < 0)
		return -1;
	f->folder = client_take_fd(f->client);
	if (f->folder < 0)
		return err_set(err, ERR_PROTOCOL, "the executor sent no log");
	f->ended = execution_has_ended(f->record);
	return 0;
}

int follow_wait(struct follow *f, struct error *err)
{
	f->waiting = true;
	return client_send(f->client, "execution.wait", execution_id(follow_id(f)), NULL, 0, &f->call,
			   err);
}

void follow_close(struct follow *f)
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

	if (!e->seq || f->seen)
		f->seen += e->len;
	f->gap |= e->missed;
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

	if (client_send(f->client, op, json_pack("{s:s,s:i}", "id", follow_id(f), key, value), NULL,
			0, &call, &ignored) < 0)
		return 0;
	return call;
}

static void forward_signals(struct follow *f)
{
	struct signalfd_siginfo si;

	while (read(f->signals, &si, sizeof(si)) == sizeof(si)) {
		int sig = (int)si.ssi_signo;
		uint64_t now = follow_clock_ms(CLOCK_MONOTONIC);
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
	bool asked;
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
	asked = f->waiting && f->expect.call;
	if (expect_check(&f->expect, f->client, follow_id(f), err) < 0)
		return -1;
	/* with the answer the end may have come, too, of which no poll() tells any more */
	if ((p[0].revents || asked) && look_for_end(f, err) < 0)
		return -1;
	return (p[2].revents & (POLLERR | POLLNVAL)) ? 1 : 0;
}

/* What could not be written at all leaves no gap that a record after it could tell of. */
static void say_lost(struct follow *f)
{
	json_int_t all = json_integer_value(json_object_get(f->record, "log_bytes"));

	if (f->seen && !f->gap && json_is_true(json_object_get(f->record, "log_truncated")) &&
	    (uint64_t)all > f->seen)
		out_warn(f->ctx, "the last %llu bytes of output were dropped: the log could not be "
			 "written; is the disk full?", (unsigned long long)all - f->seen);
}

/* Shows what there is and, when waiting, what comes until the end. */
int follow_run(struct follow *f, struct error *err)
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
		if (!r && (ended || !f->waiting)) {
			if (ended)
				say_lost(f);
			return 0;
		}
		/* also now and then while output floods us */
		if (f->waiting && (!r || ++shown % TURN_EVERY == 0)) {
			r = turn(f, !r, err);
			if (r)
				return r < 0 ? -1 : 0;
		}
	}
}
