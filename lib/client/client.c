#include "lib/client/client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "lib/api/operation.h"
#include "lib/base/base64.h"
#include "lib/client/start.h"

enum { START_TRIES = 500 };	/* every 10 ms */
enum { ANSWER_MS = 30000, DEATHS_MAX = 20 };

struct client {
	struct wire wire;
	char *state_dir;		/* where it was found, absolute */
	bool no_start;
	int answer_ms;
	json_int_t next_id;
	bool lost, started;
	int deaths;			/* of executors, since one has answered */
	unsigned int connection;	/* how often it was made anew */
	/* frames of requests that nobody has asked for yet */
	struct pending {
		struct pending *next;
		json_t *frame;
	} *pending;
};

int client_state_dir(const char *wanted, char *buf, size_t size, struct error *err)
{
	const char *home = getenv("HOME"), *xdg = getenv("XDG_STATE_HOME");
	int n;

	if (!wanted || !*wanted)
		wanted = getenv("FAAS_STATE_DIR");
	if (wanted && *wanted && *wanted != '/')
		return err_set(err, ERR_USAGE, "the state folder '%s' is not an absolute path",
			       wanted);
	if (wanted && *wanted)
		n = snprintf(buf, size, "%s", wanted);
	else if (!geteuid())
		n = snprintf(buf, size, "/var/lib/faas");
	else if (xdg && *xdg == '/')
		n = snprintf(buf, size, "%s/faas", xdg);
	else if (home && *home == '/')
		n = snprintf(buf, size, "%s/.local/state/faas", home);
	else
		return err_set(err, ERR_USAGE, "there is no home folder to keep state in"),
		       err_hint(err, "set FAAS_STATE_DIR to an absolute path");
	if (n < 0 || (size_t)n >= size)
		return err_set(err, ERR_USAGE, "the state folder's path is too long");
	return 0;
}

/* Through a descriptor of the folder: its path may be longer than sun_path. */
static int try_connect(const char *state, int *ret_errno)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	cleanup_close int dir = -1;
	cleanup_close int fd = -1;
	char path[4200];
	int n = snprintf(path, sizeof(path), "%s/run/executor.sock", state);

	if (n < (int)sizeof(sa.sun_path)) {
		memcpy(sa.sun_path, path, (size_t)n + 1);
	} else {
		path[n - (int)strlen("/executor.sock")] = '\0';
		dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (dir < 0) {
			*ret_errno = errno;
			return -1;
		}
		(void)snprintf(sa.sun_path, sizeof(sa.sun_path),
			       "/proc/self/fd/%d/executor.sock", dir);
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		*ret_errno = errno;
		return -1;
	}
	return TAKE_FD(fd);
}

/* Goes out with the first request; only a refusal is answered. */
static int say_hello(struct client *c, struct error *err)
{
	cleanup_json json_t *frame =
		json_pack("{s:I,s:s,s:{s:i,s:s,s:b}}", "id", c->next_id++, "op", "hello", "params",
			  "version", WIRE_VERSION, "client", "faas " FAAS_VERSION, "quiet", 1);

	return wire_queue(&c->wire, frame, NULL, 0, err);
}

/*
 * Starting loses against an executor that is there already: one that was faster,
 * whose socket comes in a moment, or one that is stopping, whose lock goes.
 */
static int start_and_connect(const char *state, int *errnum, struct error *err)
{
	const struct timespec pause = { .tv_nsec = 10 * 1000000 };
	int fd = -1;

	for (int i = 0; i < START_TRIES; i++) {
		if (i)
			(void)nanosleep(&pause, NULL);
		if (client_start_executor(state, err) < 0)
			return -1;
		fd = try_connect(state, errnum);
		if (fd >= 0 || (*errnum != ENOENT && *errnum != ECONNREFUSED))
			break;
	}
	if (fd < 0) {
		(void)err_sys(err, *errnum, "connect to '%s/run/executor.sock'", state);
		err->code = ERR_UNAVAILABLE;
		return err_hint(err, "see 'faas doctor'");
	}
	return fd;
}

static struct client *client_new(const struct client_options *options, const char *state,
				 int fd, struct error *err)
{
	struct client *c = calloc(1, sizeof(*c));

	if (c)
		c->state_dir = strdup(state);
	if (!c || !c->state_dir) {
		(void)err_sys(err, ENOMEM, "connect");
		(void)close(fd);
		free(c);
		return NULL;
	}
	wire_init(&c->wire, fd);
	c->no_start = options->no_start;
	c->answer_ms = options->answer_ms ? options->answer_ms : ANSWER_MS;
	return c;
}

int client_connect(const struct client_options *options, struct client **ret,
		   struct error *err)
{
	CLEANUP(client_free) struct client *c = NULL;
	char state[4096];
	bool started = false;
	int fd, errnum = 0;

	if (client_state_dir(options->state_dir, state, sizeof(state), err) < 0)
		return -1;
	fd = try_connect(state, &errnum);
	if (fd < 0 && (errnum == ENOENT || errnum == ECONNREFUSED) && !options->no_start) {
		fd = start_and_connect(state, &errnum, err);
		if (fd < 0)
			return -1;
		started = true;
	}
	if (fd < 0) {
		(void)err_sys(err, errnum, "connect to '%s/run/executor.sock'", state);
		err->code = ERR_UNAVAILABLE;
		return err_hint(err, options->no_start ? "'faas executor start' starts one"
						       : "see 'faas doctor'");
	}
	c = client_new(options, state, fd, err);
	if (!c || say_hello(c, err) < 0)
		return -1;
	c->started = started;
	*ret = TAKE_PTR(c);
	return 0;
}

int client_resume(const struct client_options *options, int fd, const char *data, size_t len,
		  json_int_t last_id, struct client **ret, struct error *err)
{
	CLEANUP(client_free) struct client *c = NULL;
	char state[4096];

	if (client_state_dir(options->state_dir, state, sizeof(state), err) < 0) {
		(void)close(fd);
		return -1;
	}
	c = client_new(options, state, fd, err);
	if (!c)
		return -1;
	c->next_id = last_id + 1;
	strbuf_add(&c->wire.in, data, len);
	if (strbuf_failed(&c->wire.in))
		return err_sys(err, ENOMEM, "connect");
	*ret = TAKE_PTR(c);
	return 0;
}

void client_free(struct client *c)
{
	if (!c)
		return;
	while (c->pending) {
		struct pending *p = c->pending;

		c->pending = p->next;
		json_decref(p->frame);
		free(p);
	}
	wire_release(&c->wire);
	free(c->state_dir);
	free(c);
}

/*
 * The handle stays the same, on a new connection. A killed executor accepts until the
 * kernel has closed its socket, so from the second death on there is a pause.
 */
static int connect_anew(struct client *c, struct error *err)
{
	const struct client_options options = { c->state_dir, c->no_start, c->answer_ms };
	const struct timespec pause = { .tv_nsec = 10 * 1000000 };
	struct client *fresh = NULL, old;
	unsigned int fresh_number = c->connection + 1;
	int deaths = c->deaths + 1;

	if (deaths > 1)
		(void)nanosleep(&pause, NULL);
	if (client_connect(&options, &fresh, err) < 0)
		return -1;
	old = *c;
	*c = *fresh;
	*fresh = old;
	if (c->wire.out_tail == &fresh->wire.out)
		c->wire.out_tail = &c->wire.out;
	fresh->wire.out_tail = &fresh->wire.out;
	client_free(fresh);
	c->deaths = deaths;
	c->connection = fresh_number;
	return 0;
}

unsigned int client_connection(const struct client *c)
{
	return c->connection;
}

int client_reconnect(struct client **c, struct error *err)
{
	if (connect_anew(*c, err) < 0) {
		client_free(TAKE_PTR(*c));
		return -1;
	}
	return 0;
}

bool client_alive(const struct client *c)
{
	char byte;
	ssize_t n = recv(c->wire.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

bool client_started(const struct client *c)
{
	return c->started;
}

const char *client_where(const struct client *c)
{
	return c->state_dir;
}

int client_fd(const struct client *c)
{
	return c->wire.fd;
}

bool client_lost(const struct client *c)
{
	return c->lost;
}

int client_take_fd(struct client *c)
{
	return wire_take_fd(&c->wire);
}

int client_send(struct client *c, const char *op, json_t *params, const int *fds, int n,
		json_int_t *ret_id, struct error *err)
{
	cleanup_json json_t *frame = json_pack("{s:I,s:s}", "id", c->next_id, "op", op);
	int r;

	if (params)
		json_object_set_new(frame, "params", params);
	*ret_id = c->next_id++;
	r = wire_send(&c->wire, frame, fds, n, err);
	/* it died before it could read this */
	if (r < 0 && err->code == ERR_UNAVAILABLE)
		c->lost = true;
	return r;
}

/* What a frame says to the one who waits for it. */
static int deliver(json_t *frame, char event[32], json_t **ret, struct error *err)
{
	json_t *error = json_object_get(frame, "error");
	const char *name = json_string_value(json_object_get(frame, "event"));
	json_t *data = json_object_get(frame, name ? "data" : "result");

	if (error) {
		wire_to_error(error, err);
		json_decref(frame);
		return -1;
	}
	if (!name && !json_is_object(data) && !json_is_array(data)) {
		json_decref(frame);
		return err_set(err, ERR_PROTOCOL, "the executor's answer is none");
	}
	(void)snprintf(event, 32, "%s", name ? name : "");
	*ret = json_incref(data);
	json_decref(frame);
	return 1;
}

static json_t *take_pending(struct client *c, json_int_t id)
{
	for (struct pending **at = &c->pending; *at; at = &(*at)->next) {
		struct pending *p = *at;
		json_t *frame = p->frame;

		if (json_integer_value(json_object_get(frame, "id")) != id)
			continue;
		*at = p->next;
		free(p);
		return frame;
	}
	return NULL;
}

static int keep_pending(struct client *c, json_t *frame, struct error *err)
{
	struct pending *p, **at = &c->pending;

	/* nobody would ever take it */
	if (json_integer_value(json_object_get(frame, "id")) >= c->next_id) {
		json_decref(frame);
		return err_set(err, ERR_PROTOCOL, "the executor answers what was not asked");
	}
	p = calloc(1, sizeof(*p));
	if (!p) {
		json_decref(frame);
		return err_sys(err, ENOMEM, "receive");
	}
	p->frame = frame;
	while (*at)
		at = &(*at)->next;
	*at = p;
	return 0;
}

/* The answer to hello is of interest only when it is a refusal. */
static int check_hello(json_t *frame, struct error *err)
{
	json_t *error = json_object_get(frame, "error");

	if (error)
		wire_to_error(error, err);
	json_decref(frame);
	return error ? -1 : 0;
}

bool client_has(const struct client *c, json_int_t id)
{
	for (const struct pending *p = c->pending; p; p = p->next)
		if (json_integer_value(json_object_get(p->frame, "id")) == id)
			return true;
	return false;
}

int client_next(struct client *c, json_int_t id, int timeout_ms, char event[32], json_t **ret,
		struct error *err)
{
	json_t *frame = take_pending(c, id);

	if (frame)
		return deliver(frame, event, ret, err);
	for (;;) {
		struct pollfd p = { c->wire.fd, POLLIN, 0 };
		int r = wire_next(&c->wire, &frame, err);

		if (r < 0)
			return -1;
		if (r > 0) {
			json_int_t got = json_integer_value(json_object_get(frame, "id"));

			c->deaths = 0;
			if (got == id)
				return deliver(frame, event, ret, err);
			if (got == 0 ? check_hello(frame, err) < 0
				     : keep_pending(c, frame, err) < 0)
				return -1;
			continue;
		}
		if (timeout_ms >= 0) {
			r = poll(&p, 1, timeout_ms);
			if (r < 0 && errno != EINTR)
				return err_sys(err, errno, "wait for the executor");
			if (r <= 0)
				return 0;
		}
		r = wire_fill(&c->wire, err);
		if (r < 0) {
			c->lost = true;
			return -1;
		}
	}
}

/* Asking changes nothing, so it is asked again when the executor died meanwhile. */
static bool only_asks(const char *op)
{
	int id = operation_find(op);

	return id >= 0 && !strcmp(operation_at(id)->method, "GET");
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static int call_once(struct client *c, const char *op, json_t *params, json_t **ret,
		     struct error *err)
{
	/* what is only asked is answered at once, but for what waits for an end or a helper */
	bool soon = (only_asks(op) || !strcmp(op, "execution.attach")) &&
		strcmp(op, "execution.wait") != 0 && strcmp(op, "snapshot.diff") != 0 &&
		strcmp(op, "snapshot.usage") != 0 && strcmp(op, "instance.wait") != 0 &&
		strcmp(op, "instance.events") != 0;
	uint64_t end = now_ms() + (uint64_t)c->answer_ms;
	json_int_t id;
	char event[32] = "";
	int r;

	if (client_send(c, op, json_incref(params), NULL, 0, &id, err) < 0)
		return -1;
	do	/* a signal that the caller handles makes it return early */
		r = client_next(c, id, soon ? c->answer_ms : -1, event, ret, err);
	while ((r > 0 && *event) || (!r && now_ms() < end));
	if (!r) {
		(void)err_set(err, ERR_UNAVAILABLE, "the executor of '%s' does not answer",
			      c->state_dir);
		return err_hint(err, "is its process 'faas-executor' stopped, or the machine "
				"overloaded?");
	}
	return r < 0 ? -1 : 0;
}

int client_call(struct client *c, const char *op, json_t *params, json_t **ret,
		struct error *err)
{
	cleanup_json json_t *kept = params ? params : json_object();
	int r = call_once(c, op, kept, ret, err);

	/* the one that is reached next may be dying, too */
	for (int i = 0; r < 0 && client_lost(c) && only_asks(op) && i < DEATHS_MAX; i++) {
		if (connect_anew(c, err) < 0)
			return -1;
		r = call_once(c, op, kept, ret, err);
	}
	return r;
}

json_t *client_text(const char *s)
{
	size_t len = strlen(s);
	json_t *j = json_stringn(s, len);
	char *b64;

	if (j)
		return j;
	b64 = malloc(BASE64_SIZE(len));
	if (!b64)
		return NULL;
	base64_encode(s, len, b64);
	j = json_pack("{s:s}", "base64", b64);
	free(b64);
	return j;
}
