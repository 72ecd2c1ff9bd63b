#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cmd/instance.h"
#include "lib/base/parse.h"

/*
 * faas instance wait and events: until it is ready, and what happened.
 */

enum { LOOK_FIRST_MS = 10, LOOK_MS = 250, PROBE_MS = 5000, ANSWER_MS = 2000 };

struct waiting {
	struct client **client;
	const char *what;
	uint64_t until_ms;		/* CLOCK_MONOTONIC, or 0 */
	char why[300];			/* the latest reason that it is not so yet */
};

static uint64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* ---- one look: 1 it is so, 0 not yet, -1 it never will be ---- */

/* By a command in it, of which only the status counts. */
static int probe(struct waiting *w, const char *const argv[], struct error *err)
{
	struct execution_request request = { .op = "instance.exec", .stdio = { -1, -1, -1 } };
	cleanup_json json_t *words = json_array();
	cleanup_json json_t *params = NULL;
	cleanup_json json_t *record = NULL;
	int status;

	for (; *argv; argv++)
		json_array_append_new(words, client_text(*argv));
	params = json_pack("{s:o,s:[[O]],s:i,s:i,s:b}", "instance", client_text(w->what), "steps",
			   words, "timeout_ms", PROBE_MS, "grace_ms", 0, "brief", 1);
	request.params = params;
	if (execution_run(w->client, &request, &record, err) < 0)
		return -1;
	status = execution_status(record);
	(void)snprintf(w->why, sizeof(w->why), "the command exits with %d", status);
	return !status;
}

static int look_cmd(struct waiting *w, const char *value, struct error *err)
{
	const char *const argv[] = { "/bin/sh", "-c", value, NULL };

	return probe(w, argv, err);
}

static int look_file(struct waiting *w, const char *value, struct error *err)
{
	const char *const argv[] = { "test", "-e", value, NULL };
	int r = probe(w, argv, err);

	(void)snprintf(w->why, sizeof(w->why), "there is no file '%.200s'", value);
	return r;
}

/* A socket that is connected, or -1: not yet, with 0 in *ret, or never. */
static int reach(struct waiting *w, json_int_t port, int *ret, struct error *err)
{
	cleanup_json json_t *done = NULL;
	json_t *params = json_pack("{s:o,s:I}", "id", client_text(w->what), "port", port);
	struct pollfd p = { .events = POLLOUT };
	socklen_t size = sizeof(int);
	int error = 0;

	*ret = 0;
	if (client_call(*w->client, "instance.connect", params, &done, err) < 0) {
		/* nobody listens there; but an executor that is gone is something else */
		if (err->code != ERR_UNAVAILABLE || client_lost(*w->client))
			*ret = -1;
		(void)snprintf(w->why, sizeof(w->why), "nothing listens on port %d", (int)port);
		return -1;
	}
	p.fd = client_take_fd(*w->client);
	if (p.fd >= 0 && poll(&p, 1, ANSWER_MS) == 1 &&
	    !getsockopt(p.fd, SOL_SOCKET, SO_ERROR, &error, &size) && !error)
		return p.fd;
	(void)snprintf(w->why, sizeof(w->why), error == ECONNREFUSED ?
		       "nothing listens on port %d" : "port %d does not answer", (int)port);
	if (p.fd >= 0)
		(void)close(p.fd);
	return -1;
}

static int look_tcp(struct waiting *w, const char *value, struct error *err)
{
	uint64_t port;
	int r, fd;

	if (parse_u64(value, &port) < 0 || !port || port > 65535)
		return err_set(err, ERR_USAGE, "'%.64s' is not a port, from 1 to 65535", value);
	fd = reach(w, (json_int_t)port, &r, err);
	if (fd < 0)
		return r;
	(void)close(fd);
	return 1;
}

/* Only whether it answers, and how: "HTTP/1.1 200". */
static int http_status(int fd, const char *path)
{
	char ask[2048], answer[64] = "";
	size_t got = 0;
	int n = snprintf(ask, sizeof(ask), "GET %s HTTP/1.0\r\nHost: localhost\r\n"
			 "User-Agent: faas\r\nConnection: close\r\n\r\n", path);
	uint64_t status;

	(void)fcntl(fd, F_SETFL, 0);
	if (n >= (int)sizeof(ask) || send(fd, ask, (size_t)n, MSG_NOSIGNAL) != n)
		return -1;
	while (got < 12) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t r = poll(&p, 1, ANSWER_MS) == 1 ?
			read(fd, answer + got, sizeof(answer) - 1 - got) : -1;

		if (r <= 0)
			return -1;
		got += (size_t)r;
	}
	answer[12] = '\0';
	return strncmp(answer, "HTTP/1.", 7) || parse_u64(answer + 9, &status) < 0 ? -1
										    : (int)status;
}

static int look_http(struct waiting *w, const char *value, struct error *err)
{
	char number[16];
	size_t len = strcspn(value, "/");
	uint64_t port;
	int r, fd, status;

	(void)snprintf(number, sizeof(number), "%.*s", (int)(len < 15 ? len : 15), value);
	if (parse_u64(number, &port) < 0 || !port || port > 65535)
		return err_set(err, ERR_USAGE, "'http:%.64s' is not http:PORT/PATH", value);
	fd = reach(w, (json_int_t)port, &r, err);
	if (fd < 0)
		return r;
	status = http_status(fd, value[len] ? value + len : "/");
	(void)close(fd);
	(void)snprintf(w->why, sizeof(w->why), status < 0 ? "port %d does not speak HTTP"
		       : "port %d answers with another status than 200 to 399", (int)port);
	return status >= 200 && status < 400;
}

static const struct kind {
	const char *name;
	int (*look)(struct waiting *w, const char *value, struct error *err);
} kinds[] = {
	{ "tcp", look_tcp }, { "http", look_http }, { "file", look_file }, { "cmd", look_cmd },
};

/* ---- until it is so ---- */

/* By a signal that its caller blocks and obeys afterwards. */
static bool is_interrupted(void)
{
	sigset_t pending;

	return !sigpending(&pending) && (sigismember(&pending, SIGINT) == 1 ||
					 sigismember(&pending, SIGTERM) == 1 ||
					 sigismember(&pending, SIGHUP) == 1);
}

static int too_late(const struct waiting *w, const char *condition, struct error *err)
{
	(void)err_set(err, ERR_TIMEOUT, "instance '%s' is not ready in time for '%.100s'%s%s",
		      w->what, condition, w->why[0] ? ": " : "", w->why);
	return err_hint(err, "'faas instance logs %s' shows what its program wrote", w->what);
}

/* The executor tells; so nothing is asked again and again. */
static int wait_state(struct waiting *w, const char *condition, const char *state,
		      struct error *err)
{
	json_t *params = instance_id(w->what);
	cleanup_json json_t *report = NULL;
	char event[32];
	json_int_t call;
	int r = 0;

	json_object_set_new(params, "states", json_pack("[o]", client_text(state)));
	if (client_send(*w->client, "instance.wait", params, NULL, 0, &call, err) < 0)
		return -1;
	while (!r) {
		uint64_t now = now_ms();

		if (w->until_ms && now >= w->until_ms)
			return too_late(w, condition, err);
		r = client_next(*w->client, call,
				w->until_ms ? (int)(w->until_ms - now) : -1, event,
				&report, err);
		if (r < 0 && client_lost(*w->client))
			return client_reconnect(w->client, err) < 0 ? -1 :
				wait_state(w, condition, state, err);
	}
	return r < 0 ? -1 : 0;
}

/* One that is being started, or restarted, is not refused but waited for. */
static int may_become(struct waiting *w, struct error *err)
{
	cleanup_json json_t *i = NULL;
	const char *state;

	if (err->code != ERR_CONFLICT && err->code != ERR_BUSY)
		return -1;
	if (client_call(*w->client, "instance.get", instance_id(w->what), &i, err) < 0)
		return -1;
	state = json_string_value(json_object_get(i, "state"));
	if (!strcmp(state, "pending") || !strcmp(state, "running"))
		return 0;
	return err_set(err, ERR_CONFLICT, "instance '%s' is %s", w->what, state);
}

static int wait_one(struct waiting *w, const char *condition, struct error *err)
{
	const char *colon = strchr(condition, ':');
	int pause = LOOK_FIRST_MS;

	if (!strncmp(condition, "state:", 6))
		return wait_state(w, condition, condition + 6, err);
	for (size_t i = 0; colon && i < ARRAY_SIZE(kinds); i++) {
		size_t len = (size_t)(colon - condition);

		if (strlen(kinds[i].name) != len || strncmp(kinds[i].name, condition, len))
			continue;
		for (;;) {
			int r = kinds[i].look(w, colon + 1, err);

			if (r < 0 && may_become(w, err) < 0)
				return -1;
			if (r > 0)
				return 0;
			if (w->until_ms && now_ms() + (uint64_t)pause > w->until_ms)
				return too_late(w, condition, err);
			if (is_interrupted())
				return err_set(err, ERR_CONFLICT, "interrupted");
			(void)poll(NULL, 0, pause);
			pause = pause * 2 < LOOK_MS ? pause * 2 : LOOK_MS;
		}
	}
	(void)err_set(err, ERR_USAGE, "'%.64s' is nothing to wait for", condition);
	return err_hint(err, "there are tcp:PORT, http:PORT/PATH, file:PATH, cmd:COMMAND and "
			"state:STATE");
}

int instance_wait_all(struct client **client, const char *what, const struct opt_strs *conditions,
		      uint64_t timeout_ms, struct error *err)
{
	struct waiting w = { .client = client, .what = what };

	if (timeout_ms)
		w.until_ms = now_ms() + timeout_ms;
	for (int i = 0; i < conditions->n; i++)
		if (wait_one(&w, conditions->v[i], err) < 0)
			return -1;
	return 0;
}

#define ARGS struct wait_args
ARGS {
	struct opt_strs conditions;
	uint64_t timeout_ms;
	const char *what;
};

static const struct opt wait_opts[] = {
	OPT_STRS(0, "for", "condition", ARGS, conditions, HINT_NONE,
		 "tcp:PORT, http:PORT/PATH, file:PATH, cmd:COMMAND or state:STATE"),
	OPT_MS(0, "timeout", "time", ARGS, timeout_ms, "fail when that takes longer than <time>"),
	OPERAND("instance", ARGS, what, HINT_INSTANCE, "instance to wait for"),
	OPT_END
};

static int wait_run(struct ctx *ctx, const void *p, struct error *err)
{
	const char *stopped = "state:stopped";
	const ARGS *args = p;
	const struct opt_strs usual = { .v = &stopped, .n = 1 };
	CLEANUP(client_free) struct client *client = NULL;
	cleanup_json json_t *i = NULL;

	if (executor_connect(&client, err) < 0 ||
	    instance_wait_all(&client, args->what, args->conditions.n ? &args->conditions : &usual,
			      args->timeout_ms, err) < 0 ||
	    client_call(client, "instance.get", instance_id(args->what), &i, err) < 0)
		return -1;
	return instance_show_one(ctx, i, err);
}

static const char *const wait_examples[] = {
	"faas instance wait web --for http:8000/ --timeout 30s",
	"faas instance wait web --for state:stopped",
	NULL
};

const struct cmd instance_cmd_wait = {
	.name = "wait",
	.summary = "wait until an instance is ready, or in a state (default: stopped)",
	.args_size = sizeof(ARGS),
	.opts = wait_opts,
	.run = wait_run,
	.examples = wait_examples,
};
#undef ARGS

/* ---- events ---- */

#define ARGS struct events_args
ARGS {
	struct out_opts out;
	const char *what;
	bool follow;
};

static const struct opt events_opts[] = {
	OPT_FLAG('f', "follow", ARGS, follow, "go on with what happens from now on"),
	OUT_LIST_OPTIONS(ARGS, out),
	OPERAND_OPTIONAL("instance", ARGS, what, HINT_INSTANCE, "only what happened to this one"),
	OPT_END
};

static const struct out_column event_columns[] = {
	{ "at", "TIME" }, { "instance" }, { "type", "EVENT" }, { "detail" },
	{ "cursor", .flags = OUT_RIGHT | OUT_WIDE }, { NULL }
};

static void put_event(struct out *o, const json_t *e)
{
	char *detail = json_dumps(json_object_get(e, "detail"), JSON_COMPACT);

	out_row(o);
	out_time(o, "at", (uint64_t)json_integer_value(json_object_get(e, "at_ms")));
	out_str(o, "instance", json_string_value(json_object_get(e, "instance")));
	out_str(o, "type", json_string_value(json_object_get(e, "type")));
	out_raw(o, "detail", detail ? detail : "{}");
	out_int(o, "cursor", json_integer_value(json_object_get(e, "cursor")));
	free(detail);
}

static int show_events(struct client **client, const ARGS *args, struct out *o, struct error *err)
{
	json_int_t after = 0;

	for (;;) {
		cleanup_json json_t *list = NULL;
		json_t *params = json_pack("{s:I}", "after", after), *e;
		size_t n;

		if (args->what)
			json_object_set_new(params, "id", client_text(args->what));
		if (client_call(*client, "instance.events", params, &list, err) < 0)
			return -1;
		json_array_foreach(list, n, e) {
			put_event(o, e);
			after = json_integer_value(json_object_get(e, "cursor"));
		}
		if (json_array_size(list))
			continue;
		if (!args->follow)
			return 0;
		(void)poll(NULL, 0, LOOK_MS);
	}
}

static int events_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	CLEANUP(client_free) struct client *client = NULL;
	struct error ignored;
	struct out o;
	int r;

	if (executor_connect(&client, err) < 0)
		return -1;
	if (args->follow)
		out_stream(&o, ctx, &args->out, event_columns);
	else
		out_list(&o, ctx, &args->out, "events", event_columns);
	r = show_events(&client, args, &o, err);
	return out_end(&o, r < 0 ? &ignored : err) < 0 || r < 0 ? -1 : 0;
}

const struct cmd instance_cmd_events = {
	.name = "events",
	.summary = "show what happened to instances, oldest first",
	.args_size = sizeof(ARGS),
	.opts = events_opts,
	.run = events_run,
};
