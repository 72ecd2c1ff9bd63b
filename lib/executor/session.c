#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/memory.h"
#include "lib/executor/environment.h"
#include "lib/executor/executor.h"
#include "lib/executor/instance.h"
#include "lib/executor/snapshot-live.h"
#include "lib/executor/snapshot.h"
#include "lib/executor/work.h"

enum { SESSIONS_MAX = 1024 };

/* Nobody may be serving it just now: the end that it hears of itself is what ends it. */
static void close_later(struct session *s)
{
	s->closing = true;
	(void)shutdown(s->source.fd, SHUT_RDWR);
}

void session_close(struct session *s)
{
	run_session_gone(s);
	environment_session_gone(s);
	live_session_gone(s);
	work_session_gone(s);
	snapshot_session_gone(s);
	instance_session_gone(s);
	event_remove(s->x, &s->source);
	wire_release(&s->wire);
	if (s->life >= 0)
		(void)close(s->life);
	*s->prev = s->next;
	if (s->next)
		s->next->prev = s->prev;
	s->x->n_sessions--;
	free(s);
}

static void send_frame(struct session *s, json_t *frame, const int *fds, int n)
{
	struct error err;

	s->answers = true;
	if (wire_send(&s->wire, frame, fds, n, &err) < 0)
		close_later(s);
	event_change(s->x, &s->source, EPOLLIN | (wire_pending(&s->wire) ? EPOLLOUT : 0));
	json_decref(frame);
}

void session_result(struct session *s, json_int_t id, json_t *result, const int *fds, int n)
{
	send_frame(s, json_pack("{s:I,s:o}", "id", id, "result", result), fds, n);
}

void session_event(struct session *s, json_int_t id, const char *event, json_t *data,
		   const int *fds, int n)
{
	send_frame(s, json_pack("{s:I,s:s,s:o}", "id", id, "event", event, "data", data),
		   fds, n);
}

void session_error(struct session *s, json_int_t id, const struct error *err)
{
	send_frame(s, json_pack("{s:I,s:o}", "id", id, "error", wire_error(err)), NULL, 0);
}

static void handle(struct session *s, json_t *frame)
{
	const char *op = json_string_value(json_object_get(frame, "op"));
	json_int_t id = json_integer_value(json_object_get(frame, "id"));
	json_int_t fds = json_integer_value(json_object_get(frame, "fds"));
	json_t *params = json_object_get(frame, "params");
	struct error err;

	if (op && fds > s->wire.n_fds) {
		/* the kernel drops what there is no room for */
		(void)err_sys(&err, EMFILE, "receive the descriptors of '%.64s'", op);
		session_error(s, id, &err);
		close_later(s);
		return;
	}
	if (!op || fds < 0 || (params && !json_is_object(params))) {
		(void)err_set(&err, ERR_PROTOCOL, "a request without an operation");
		session_error(s, id, &err);
		close_later(s);
		return;
	}
	if (s->x->n_lent && !s->lent)
		sandbox_catch_up(s->x);
	if (s->lent && strcmp(op, "execution.signal") && strcmp(op, "execution.cancel")) {
		/* a long answer could have its monitor's in the midst of it */
		(void)err_set(&err, ERR_PROTOCOL, "'%.64s' on the connection of a brief execution, "
			      "which takes signals only", op);
		session_error(s, id, &err);
		return;
	}
	/* what a handler does not take of this request's descriptors is closed */
	int keep = s->wire.n_fds - (int)fds;

	operation_run(s, id, op, params);
	while (s->wire.n_fds > keep && fds > 0) {
		int fd = wire_take_fd(&s->wire);

		(void)close(fd);
	}
}

/* False: the session is over, and gone. */
static bool serve(struct session *s, uint32_t events)
{
	struct error err;
	json_t *frame;
	int r = 1;

	if ((events & EPOLLOUT) && wire_flush(&s->wire, &err) < 0)
		close_later(s);
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
		r = wire_fill(&s->wire, &err);
		while (r > 0 && !s->closing && (r = wire_next(&s->wire, &frame, &err)) > 0) {
			handle(s, frame);
			json_decref(frame);
		}
		if (r < 0 && err.code == ERR_PROTOCOL && !s->closing)
			session_error(s, 0, &err);
	}
	event_change(s->x, &s->source, EPOLLIN | (wire_pending(&s->wire) ? EPOLLOUT : 0));
	if (r >= 0 && !s->closing)
		return true;
	session_close(s);
	return false;
}

static void on_client(struct source *source, uint32_t events)
{
	(void)serve((struct session *)source, events);
}

void session_refuse(int fd, const char *why)
{
	struct error err;
	struct wire w;
	json_t *frame;

	(void)err_set(&err, ERR_LIMIT, "%s", why);
	(void)err_hint(&err, "try again when some of its clients have ended");
	frame = json_pack("{s:i,s:o}", "id", 0, "error", wire_error(&err));
	wire_init(&w, fd);
	/* nobody has written there: a socket that is new takes it, or its client has gone */
	(void)!wire_send(&w, frame, NULL, 0, &err);
	wire_release(&w);
	json_decref(frame);
}

/* Only our own user, and root, may ask; the folder's mode says the same. */
static int check_peer(int fd, pid_t *ret)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return -1;
	*ret = peer.pid;
	return peer.uid == geteuid() || !peer.uid ? 0 : -1;
}

static struct session *session_new(struct executor *x, int fd)
{
	struct session *s;
	pid_t pid;

	if (check_peer(fd, &pid) < 0) {
		(void)close(fd);
		return NULL;
	}
	if (x->n_sessions >= SESSIONS_MAX) {
		session_refuse(fd, "the executor has as many clients as it takes");
		return NULL;
	}
	s = memory_must(calloc(1, sizeof(*s)));
	s->x = x;
	s->pid = pid;
	s->life = -1;
	wire_init(&s->wire, fd);
	s->source = (struct source){ .fd = fd, .ready = on_client };
	s->next = x->sessions;
	s->prev = &x->sessions;
	if (s->next)
		s->next->prev = &s->next;
	x->sessions = s;
	x->n_sessions++;
	return s;
}

void session_accept(struct executor *x, int fd)
{
	struct session *s = session_new(x, fd);
	struct error err;

	if (s && event_add(x, &s->source, EPOLLIN, &err) < 0)
		session_close(s);
}

void session_admit(struct executor *x, int fd)
{
	struct session *s = session_new(x, fd);
	struct error err;

	/* what it asks is begun first, and watched for more then */
	if (s && serve(s, EPOLLIN) && event_add(x, &s->source, s->source.events, &err) < 0)
		session_close(s);
}
