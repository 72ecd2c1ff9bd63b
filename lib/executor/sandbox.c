#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/id.h"
#include "lib/executor/executor.h"
#include "lib/executor/instance.h"
#include "lib/executor/snapshot-live.h"
#include "lib/spawner/message.h"

static struct message message;

static void on_end(struct sandbox *s)
{
	struct run *run = s->run;

	live_monitor_died(s);
	/* adopted just as it ended: then the journal has what it had no one to tell */
	if (run && !run->finished)
		recover_ends(s->x);
	if (run && !run->finished) {
		struct msg_status st = { .errnum = EPIPE };

		(void)snprintf(st.text, sizeof(st.text), "keep the sandbox: its monitor died");
		run_failed(run, &st);
	}
	sandbox_free(s);
}

static void on_ready(struct sandbox *s, const struct msg_status *st)
{
	struct error err;

	s->init = (pid_t)st->number;
	if (s->run && s->run->sent)
		s->run->rec.pid = (int)s->init;
	if (s->state != SANDBOX_BUILDING)
		return;
	s->state = SANDBOX_READY;
	if (!s->run)
		return;
	if (s->run->build.network == NETWORK_NAT &&
	    network_start(s, (pid_t)st->number, &err) < 0) {
		struct msg_status bad = { .errnum = err.errnum ? err.errnum : EIO,
					  .code = (int32_t)err.code };

		(void)snprintf(bad.text, sizeof(bad.text), "%.199s", err.msg);
		run_failed(s->run, &bad);
		sandbox_free(s);
		return;
	}
	run_ready(s->run);
}

static void dispatch(struct sandbox *s, struct message *m)
{
	switch (m->h->type) {
	case MSG_READY:
		on_ready(s, (const void *)m->h);
		break;
	case MSG_STARTED:
		if (s->run)
			run_started(s->run, (const void *)m->h, msg_take_fd(m, 0));
		break;
	case MSG_ENDED:
		s->state = SANDBOX_ENDED;
		live_sandbox_gone(s);
		if (s->run)
			run_ended(s->run, (const void *)m->h);
		pool_renew(s);
		break;
	case MSG_BLANK:
		pool_renewed(s);
		break;
	case MSG_FAILED:
		if (s->run)
			run_failed(s->run, (const void *)m->h);
		else
			pool_failed(s);
		break;
	case MSG_EXEC_STARTED:
	case MSG_EXEC_ENDED:
		instance_guest_message(s, m);
		break;
	case MSG_CONNECTED:
		if (s->run && s->run->instance)
			instance_connected(s->run->instance, m);
		break;
	case MSG_FROZEN:
		live_frozen(s, (const void *)m->h, msg_take_fd(m, 0));
		break;
	case MSG_THAWED:
		live_thawed(s, (const void *)m->h);
		break;
	case MSG_STATE: {
		const struct msg_state *st = (const void *)m->h;

		if (s->run && strcmp(st->id, s->run->rec.id)) {
			instance_guest_adopted(s, st, msg_take_fd(m, 0));
		} else if (s->run && st->running) {
			s->run->rec.started_ms = (int64_t)st->started_ms;
			s->run->rec.pid = (int)st->pid;
			if (s->run->pty < 0)
				s->run->pty = msg_take_fd(m, 0);
			if (s->run->instance)
				instance_adopted(s->run->instance);
		}
		break;
	}
	default:
		break;
	}
}

static void on_message(struct source *source, uint32_t events)
{
	struct sandbox *s = (struct sandbox *)source;
	/* what epoll(7) named may have been read by sandbox_catch_up() meanwhile */
	int r = msg_recv_now(source->fd, &message);

	(void)events;
	/* the message stays where it is, and is read when there is memory again */
	if (r == -EAGAIN || r == -ENOMEM || r == -ENOBUFS)
		return;
	if (r <= 0) {
		on_end(s);
		return;
	}
	dispatch(s, &message);
	msg_release(&message);
}

void sandbox_catch_up(struct executor *x)
{
	enum { MANY = 64 };
	struct sandbox *lent[MANY];
	struct pollfd p[MANY];
	bool more = true;

	while (more) {
		nfds_t n = 0;

		more = false;
		for (struct sandbox *s = x->sandboxes; s && n < MANY; s = s->all_next)
			if (s->run && s->run->lent) {
				lent[n] = s;
				p[n++] = (struct pollfd){ .fd = s->source.fd, .events = POLLIN };
			}
		if (!n || poll(p, n, 0) <= 0)
			return;
		/* of each one message: a run of one never ends another's */
		for (nfds_t i = 0; i < n; i++)
			if (p[i].revents) {
				more = true;
				on_message(&lent[i]->source, EPOLLIN);
			}
	}
}

static struct sandbox *sandbox_new(struct executor *x, int fd, struct error *err)
{
	struct sandbox *s = calloc(1, sizeof(*s));

	if (!s) {
		(void)err_sys(err, ENOMEM, "make a sandbox");
		return NULL;
	}
	s->x = x;
	s->source = (struct source){ .fd = fd, .ready = on_message };
	if (event_add(x, &s->source, EPOLLIN, err) < 0) {
		free(s);
		return NULL;
	}
	s->all_next = x->sandboxes;
	s->all_prev = &x->sandboxes;
	if (s->all_next)
		s->all_next->all_prev = &s->all_next;
	x->sandboxes = s;
	x->n_sandboxes++;
	return s;
}

struct sandbox *sandbox_create(struct executor *x, struct error *err)
{
	struct sandbox *s;
	int pair[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		(void)err_sys(err, errno, "make a socket pair");
		return NULL;
	}
	s = sandbox_new(x, pair[0], err);
	if (!s) {
		(void)close(pair[0]);
		(void)close(pair[1]);
		return NULL;
	}
	id_make(s->id);
	r = spawner_create(x, s->id, pair[1], err);
	(void)close(pair[1]);
	if (r < 0) {
		sandbox_free(s);
		return NULL;
	}
	s->generation = x->spawner.generation;
	s->journal = x->journal;
	s->journal->users++;
	return s;
}

struct sandbox *sandbox_adopt(struct executor *x, int fd, struct run *run, struct error *err)
{
	struct msg_signal ask = { .h.type = MSG_ADOPT };
	struct sandbox *s = sandbox_new(x, fd, err);

	if (!s)
		return NULL;
	(void)snprintf(s->id, sizeof(s->id), "%s", run->rec.id);
	s->state = SANDBOX_RUNNING;
	s->run = run;
	run->sandbox = s;
	if (sandbox_send(s, &ask, sizeof(ask), NULL, 0, NULL, 0, err) < 0) {
		run->sandbox = NULL;
		s->run = NULL;
		sandbox_free(s);
		return NULL;
	}
	return s;
}

/* Its monitor could not make it: what it said before it went is why nobody is there. */
static int last_words(struct sandbox *s, struct error *err)
{
	static struct message last;
	bool failed = false;

	/* of a run that has begun, every message counts */
	if (s->state > SANDBOX_READY)
		return 0;
	while (!failed && msg_recv_now(s->source.fd, &last) > 0) {
		const struct msg_status *st = (const void *)last.h;

		failed = last.h->type == MSG_FAILED;
		if (failed)
			(void)err_sys(err, st->errnum, "%s", st->text);
		msg_release(&last);
	}
	return failed ? -1 : 0;
}

int sandbox_send(struct sandbox *s, void *msg, size_t size, const void *body, size_t len,
		 const int *fds, int n, struct error *err)
{
	int r = msg_send(s->source.fd, msg, size, body, len, fds, n);

	if (r == -EPIPE && last_words(s, err) < 0)
		return -1;
	if (r < 0)
		return err_sys(err, -r, "talk to a sandbox's monitor");
	return 0;
}

bool sandbox_needs_users(const struct executor *x, const char *user)
{
	return x->spawner.rootless && !(x->spawner.lacks & LACKS_SUBIDS) && user && *user &&
		strcmp(user, "root") && strcmp(user, "0") && strcmp(user, "0:0");
}

int sandbox_build(struct sandbox *s, struct slot *slot, uint32_t network,
		  const struct limits *limits, struct error *err)
{
	struct msg_build b = {
		.h.type = MSG_BUILD, .environment = slot->number, .layers = slot->layers,
		.network = network, .limits = *limits, .hostname = "faas",
		.warm = !s->run,
	};

	const char *stack = s->run ? s->run->stack : NULL;
	size_t len = s->run ? s->run->stack_len : 0;

	if (s->run) {
		b.stack = s->run->build.stack;
		b.again = s->run->build.again;
		memcpy(b.keep, s->run->build.keep, sizeof(b.keep));
		if (s->run->build.hostname[0])
			memcpy(b.hostname, s->run->build.hostname, sizeof(b.hostname));
	}
	/* what is kept is read and removed by us, who are one user */
	b.users = !b.keep[0] && sandbox_needs_users(s->x, s->run ? s->run->rec.user
							   : slot->env.user);
	if (sandbox_send(s, &b, sizeof(b), stack, len, NULL, 0, err) < 0)
		return -1;
	s->state = SANDBOX_BUILDING;
	s->slot = slot;
	slot->users++;
	return 0;
}

void sandbox_journal(struct sandbox *s)
{
	struct msg_signal m = { .h.type = MSG_JOURNAL };
	struct error err;

	/* an instance's program is in the database as long as it runs, and lives too long */
	bool kept = s->run && s->run->instance && s->run->sent && !s->run->dirty &&
		s->state == SANDBOX_RUNNING && !s->run->instance->n_guests;

	if (kept) {
		(void)sandbox_journal_now(s, &err);
		return;
	}
	if (s->run || !s->journal || s->journal == s->x->journal ||
	    (s->state != SANDBOX_BLANK && s->state != SANDBOX_BUILDING &&
	     s->state != SANDBOX_READY) ||
	    sandbox_send(s, &m, sizeof(m), NULL, 0, &s->x->journal->fd, 1, &err) < 0)
		return;
	s->journal->users--;
	s->journal = s->x->journal;
	s->journal->users++;
}

int sandbox_journal_now(struct sandbox *s, struct error *err)
{
	struct msg_signal m = { .h.type = MSG_JOURNAL };

	if (s->journal == s->x->journal)
		return 0;
	if (sandbox_send(s, &m, sizeof(m), NULL, 0, &s->x->journal->fd, 1, err) < 0)
		return -1;
	if (s->journal)
		s->journal->users--;
	s->journal = s->x->journal;
	s->journal->users++;
	return 0;
}

void sandbox_forget(struct sandbox *s)
{
	live_sandbox_gone(s);
	if (s->run)
		s->run->sandbox = NULL;
	s->run = NULL;
	if (s->slot)
		s->slot->users--;
	s->slot = NULL;
	if (s->renewing)
		s->x->n_renewing--;
	s->renewing = false;
	if (s->helper > 0) {
		(void)kill(s->helper, SIGTERM);
		(void)waitpid(s->helper, NULL, 0);
	}
	s->helper = 0;
	s->init = 0;
}

void sandbox_free(struct sandbox *s)
{
	pool_remove(s);
	sandbox_forget(s);
	if (s->journal)
		s->journal->users--;
	event_remove(s->x, &s->source);
	(void)close(s->source.fd);
	*s->all_prev = s->all_next;
	if (s->all_next)
		s->all_next->all_prev = s->all_prev;
	s->x->n_sandboxes--;
	free(s);
}
