#include "lib/spawner/execs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * A monitor owns one sandbox from its first cgroup to its last, and needs
 * nobody for it: it holds the deadline, the client's life, the logs and the
 * journal. An executor that dies is missed only as somebody to report to; the
 * next one finds the monitor by the socket that it leaves in the run folder.
 */

/* The result is on its way: what is left to do may wait until it has been read. */
enum { END_REST_US = 2000, ORPHAN_LOOK_US = 2000000, OWN_POLL = 8 };

/* Without a sandbox, a run and an executor. */
static const struct monitor blank = {
	.executor = -1, .listener = -1, .journal = -1, .init_sock = -1, .init_pidfd = -1,
	.life = -1, .hold = -1, .answer = -1, .out = NO_OUTPUT,
};

struct monitor mon;

static struct message message;

void tell(unsigned int type, void *msg, size_t size, const int *fds, int n)
{
	struct msg_header *h = msg;

	h->type = (uint16_t)type;
	if (mon.executor >= 0)
		(void)msg_send(mon.executor, msg, size, NULL, 0, fds, n);
}

void tell_init(unsigned int type, int signal)
{
	struct msg_signal s = { .h.type = (uint16_t)type, .signal = signal };

	if (mon.init_sock >= 0)
		(void)msg_send(mon.init_sock, &s, sizeof(s), NULL, 0, NULL, 0);
}

/* And with it everything in the sandbox. */
static void kill_init(void)
{
	/* a frozen process of v1 does not die */
	freeze_undo();
	if (mon.init > 0) {
		/* our child, whose number is its own until we have waited for it */
		(void)kill(mon.init, SIGKILL);
		(void)waitpid(mon.init, NULL, 0);
	}
	mon.init = 0;
}

void leave(void)
{
	kill_init();
	leaf_remove(&mon.leaf);
	leaf_remove_folders();
	orphan_end();
	_exit(0);
}

static void close_all(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
}

void monitor_forget(void)
{
	const struct monitor was = mon;
	const int fds[] = {
		mon.init_sock, mon.init_pidfd, mon.life, mon.hold, mon.answer,
	};

	close_all(fds, ARRAY_SIZE(fds));
	drain_close(&mon.out);
	/* the next first process is a copy of us: what the last run was is not its to see */
	explicit_bzero(message.buf, message.used);
	drain_forget();
	mon = blank;
	mon.executor = was.executor;
	mon.journal = was.journal;
	mon.leaf = was.leaf;
	mon.net = was.net;
	(void)snprintf(mon.id, sizeof(mon.id), "%s", mon.leaf.name);
}

/* What is left to do when the result has been read. */
static void after_end(void)
{
	if (!mon.renew || mon.executor < 0)
		leave();
	kill_init();
	if (!shell_renew())
		leave();
}

/* A failure of ours: say it and clean up. */
void give_up(struct msg_status *st)
{
	tell(MSG_FAILED, st, sizeof(*st), NULL, 0);
	leave();
}

static void run(struct message *m)
{
	struct msg_run r = *(const struct msg_run *)m->h;
	int fds[5], n = 0, next = 0, given[3] = { -1, -1, -1 }, files = -1;
	struct msg_status st = { 0 };
	int err;

	if (mon.running || mon.init_sock < 0)
		return;
	mon.asked_us = now_us();
	if (r.flags & RUN_STDIN)
		given[0] = msg_take_fd(m, next++);
	if (r.flags & RUN_STDIO) {
		given[1] = msg_take_fd(m, next++);
		given[2] = msg_take_fd(m, next++);
	}
	if (r.flags & RUN_FILES)
		files = msg_take_fd(m, next++);
	if (r.flags & RUN_LIFE)
		mon.life = msg_take_fd(m, next++);
	if (r.flags & RUN_LOG_FD)
		mon.out.log.dir = msg_take_fd(m, next++);
	/* its other end is slirp4netns', which ends when we do */
	if (r.flags & RUN_HOLD)
		mon.hold = msg_take_fd(m, next++);
	if (r.flags & RUN_ANSWER)
		mon.answer = msg_take_fd(m, next++);
	mon.request = r.request;
	mon.out.log.cap = r.log_cap;
	mon.out.log_pty = (r.flags & RUN_TTY) && (r.flags & RUN_LOG);
	(void)snprintf(mon.id, sizeof(mon.id), "%s", r.id);
	if (leaf_limits(&mon.leaf, &r.limits, &st) < 0)
		give_up(&st);
	if ((r.flags & RUN_LOG) && !(r.flags & RUN_TTY)) {
		if (drain_pipes(&mon.out, given, &st) < 0)
			give_up(&st);
		r.flags |= RUN_STDIO;
	}
	if (given[0] >= 0)
		fds[n++] = given[0];
	if (r.flags & RUN_STDIO) {
		fds[n++] = given[1];
		fds[n++] = given[2];
	}
	if (files >= 0)
		fds[n++] = files;
	err = msg_send(mon.init_sock, &r, sizeof(r), m->body, m->h->body, fds, n);
	for (int i = 0; i < n; i++)
		(void)close(fds[i]);
	/* it has gone, and said why */
	if (err == -EPIPE)
		from_init();
	if (err < 0) {
		errno = -err;
		(void)fail(&st, "hand the run to the sandbox");
		give_up(&st);
	}
	mon.running = true;
	mon.grace_ms = r.grace_ms;
	if (r.timeout_ms)
		mon.deadline_us = mon.asked_us + r.timeout_ms * 1000;
}

/* Everything ends: TERM now, KILL after the grace. */
static void cancel(uint32_t why, uint64_t grace_ms)
{
	mon.end_flags |= why;
	if (!mon.running || mon.kill_us || mon.ended)
		return;
	freeze_undo();
	tell_init(MSG_CANCEL, grace_ms ? SIGTERM : SIGKILL);
	if (grace_ms)
		tell_init(MSG_CANCEL, SIGCONT);
	mon.kill_us = now_us() + grace_ms * 1000;
	mon.deadline_us = 0;
}

void monitor_journal(const struct msg_ended *e)
{
	struct {
		struct journal_header h;
		struct msg_ended e;
	} rec = { .e = *e };

	rec.h = (struct journal_header){
		JOURNAL_MAGIC, JOURNAL_END, sizeof(rec.e),
		journal_check(&rec.e, sizeof(rec.e)),
	};
	(void)!write(mon.journal, &rec, sizeof(rec));
}

static void report_end(struct msg_ended *e)
{
	char frame[ANSWER_MAX];
	size_t answer;

	mon.ended = true;
	freeze_undo();
	drain_all(&mon.out);
	e->flags |= mon.end_flags | (mon.out.log.cut ? END_LOG_CUT : 0);
	e->log_bytes = mon.out.log.total;
	if (e->started_us > mon.asked_us)
		e->setup_us = e->started_us - mon.asked_us;
	e->ended_ms = now_unix_ms();
	if (!e->usage.wall_us)
		e->usage.wall_us = now_us() - mon.asked_us;
	(void)snprintf(e->id, sizeof(e->id), "%s", mon.id);
	leaf_usage(&mon.leaf, e);
	e->h = (struct msg_header){ .type = MSG_ENDED, .version = MSG_VERSION };
	monitor_journal(e);
	/*
	 * The executor is told first: whoever comes to it after its client has heard finds
	 * the record. It leaves the answer to us then; nobody else has written there.
	 */
	answer = answer_make(e, frame);
	if (answer)
		e->flags |= END_ANSWERED;
	tell(MSG_ENDED, e, sizeof(*e), NULL, 0);
	if (answer)
		answer_client(frame, answer);
}

/* Init is gone: after an answer all is well, before one it was killed. */
_noreturn_ static void init_gone(void)
{
	struct rusage ru;
	int status = 0;

	(void)wait4(mon.init, &status, __WALL, &ru);
	mon.init = 0;
	execs_lost();
	if (mon.running && !mon.ended) {
		struct msg_ended e = {
			.exit_code = -1, .signal = SIGKILL, .flags = END_MEMORY_IS_RSS,
			.usage = {
				.user_us = (uint64_t)ru.ru_utime.tv_sec * 1000000 +
					(uint64_t)ru.ru_utime.tv_usec,
				.system_us = (uint64_t)ru.ru_stime.tv_sec * 1000000 +
					(uint64_t)ru.ru_stime.tv_usec,
				.memory_peak = (uint64_t)ru.ru_maxrss * 1024,
			},
		};

		report_end(&e);
	} else if (!mon.running) {
		struct msg_status st = { .errnum = ESRCH };

		(void)snprintf(st.text, sizeof(st.text),
			       "build the sandbox: its first process died (status %#x)",
			       (unsigned int)status);
		tell(MSG_FAILED, &st, sizeof(st), NULL, 0);
	}
	leave();
}

void from_init(void)
{
	int r = msg_recv(mon.init_sock, &message);

	if (r == -EAGAIN)
		return;
	if (r <= 0) {
		(void)close(mon.init_sock);
		mon.init_sock = -1;
		return;
	}
	switch (message.h->type) {
	case MSG_UNSHARED: {
		struct msg_status st = { 0 };

		shell_write_maps(&st);
		break;
	}
	case MSG_READY:
	case MSG_FAILED: {
		struct msg_status st = *(const struct msg_status *)message.h;

		st.number = (uint32_t)mon.init;
		tell(message.h->type, &st, sizeof(st), NULL, 0);
		if (message.h->type == MSG_FAILED)
			leave();
		break;
	}
	case MSG_STARTED: {
		struct msg_started s = *(const struct msg_started *)message.h;

		if (message.n_fds)
			mon.out.pty = msg_take_fd(&message, 0);
		mon.started_ms = s.started_ms = now_unix_ms();
		mon.setup_us = s.setup_us = now_us() - mon.asked_us;
		s.pid = mon.pid_seen = (uint32_t)mon.init;
		tell(MSG_STARTED, &s, sizeof(s), &mon.out.pty, mon.out.pty >= 0);
		break;
	}
	case MSG_UPPER_IS:
		freeze_upper(&message);
		break;
	case MSG_ENDED: {
		struct msg_ended e = *(const struct msg_ended *)message.h;

		report_end(&e);
		break;
	}
	default:
		execs_from_init(&message);
	}
	msg_release(&message);
}

static void from_executor(void)
{
	int r = msg_recv(mon.executor, &message);
	const struct msg_signal *s;

	if (r == -EAGAIN)
		return;
	if (r <= 0) {
		orphan_begin();
		return;
	}
	s = (const void *)message.h;
	switch (message.h->type) {
	case MSG_BUILD:
		shell_build(&message);
		break;
	case MSG_RUN:
		run(&message);
		break;
	case MSG_SIGNAL:
		tell_init(MSG_SIGNAL, s->signal);
		break;
	case MSG_CANCEL:
		if (!mon.running)
			leave();
		cancel(END_CANCELLED, s->grace_ms);
		break;
	case MSG_FREEZE:
		freeze_begin();
		break;
	case MSG_THAW:
		freeze_end();
		break;
	case MSG_ADOPT:
		orphan_send_state();
		break;
	case MSG_JOURNAL:
		if (message.n_fds) {
			(void)close(mon.journal);
			mon.journal = msg_take_fd(&message, 0);
		}
		break;
	case MSG_RENEW:
		mon.renew = true;
		mon.hurry = s->signal;
		break;
	default:
		execs_from_executor(&message);
	}
	msg_release(&message);
}

static int until(uint64_t at_us, uint64_t now)
{
	if (at_us <= now)
		return 0;
	return at_us - now > 3600000000u ? 3600000 : (int)((at_us - now + 999) / 1000);
}

static int next_timeout(uint64_t *end_us)
{
	uint64_t now = now_us(), next;

	if (!mon.ended) {
		*end_us = 0;
	} else {
		if (!*end_us)
			*end_us = now + END_REST_US;
		if (mon.hurry)
			return 0;
		return until(*end_us, now);
	}
	next = execs_next(mon.kill_us ? mon.kill_us : mon.deadline_us);
	if (mon.executor < 0 && (!next || next > now + ORPHAN_LOOK_US))
		next = now + ORPHAN_LOOK_US;
	return next ? until(next, now) : -1;
}

static void on_time(uint64_t end_us)
{
	uint64_t now = now_us();

	if (mon.ended && end_us && (now >= end_us || mon.hurry))
		after_end();
	if (mon.ended)
		return;
	if (mon.executor < 0 && orphan_abandoned())
		leave();
	execs_on_time(now);
	if (mon.deadline_us && now >= mon.deadline_us) {
		cancel(END_TIMED_OUT, mon.grace_ms);
	} else if (mon.kill_us && now >= mon.kill_us) {
		/* first by init, which can then still report; then for good */
		if (now >= mon.kill_us + 1000000 && mon.init > 0)
			(void)kill(mon.init, SIGKILL);
		else
			tell_init(MSG_CANCEL, SIGKILL);
		mon.kill_us = now + 1000000;
	}
}

static void loop(void)
{
	static struct pollfd p[OWN_POLL + EXECS_POLL];
	uint64_t end_us = 0;

	for (;;) {
		const struct pollfd own[OWN_POLL] = {
			{ mon.executor, POLLIN, 0 },
			{ mon.init_sock, POLLIN, 0 },
			{ mon.init ? mon.init_pidfd : -1, POLLIN, 0 },
			{ mon.ended ? -1 : mon.life, POLLIN, 0 },
			{ mon.out.pipes[1], POLLIN, 0 },
			{ mon.out.pipes[2], POLLIN, 0 },
			{ mon.out.log_pty ? mon.out.pty : -1, POLLIN, 0 },
			{ mon.listener, POLLIN, 0 },
		};
		int n = execs_poll(p + OWN_POLL);

		memcpy(p, own, sizeof(own));
		if (poll(p, (nfds_t)(OWN_POLL + n), next_timeout(&end_us)) < 0 && errno != EINTR)
			leave();
		execs_ready(p + OWN_POLL, n);
		if (p[1].revents)
			from_init();
		else if (p[2].revents)
			init_gone();
		if (p[0].revents)
			from_executor();
		if (p[3].revents) {
			(void)close(mon.life);
			mon.life = -1;
			cancel(END_CLIENT_GONE, 0);
		}
		if (p[4].revents && mon.out.pipes[1] >= 0)
			drain(&mon.out, 1);
		if (p[5].revents && mon.out.pipes[2] >= 0)
			drain(&mon.out, 2);
		if (p[6].revents && mon.out.log_pty)
			drain(&mon.out, 0);
		if (p[7].revents && mon.listener >= 0)
			orphan_adopted();
		on_time(end_us);
	}
}

void monitor_main(const struct msg_create *create, int sock, int journal_fd)
{
	struct msg_status st = { 0 };

	mon = blank;
	mon.executor = sock;
	mon.journal = journal_fd;
	(void)snprintf(mon.id, sizeof(mon.id), "%s", create->id);
	(void)prctl(PR_SET_NAME, "faas-monitor");
	(void)signal(SIGCHLD, SIG_DFL);
	(void)signal(SIGTERM, SIG_IGN);
	(void)setsid();
	shell_prepare(&st);
	loop();
	_exit(1);
}
