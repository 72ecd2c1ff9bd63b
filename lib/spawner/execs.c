#include "lib/spawner/execs.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct exec {
	char id[MSG_ID];	/* "": free */
	int life;		/* pidfd of the client, or -1 */
	struct output out;
	uint32_t end_flags;
	uint64_t deadline_us, kill_us, grace_ms;
	uint64_t asked_us, started_ms, setup_us;
} execs[EXECS_MAX];
static int used;		/* so many at the front may be in use */
static uint64_t oom_kills;	/* of this sandbox, as far as they were told of */

static struct exec *find(const char *id)
{
	for (int i = 0; i < used; i++)
		if (*execs[i].id && !strcmp(execs[i].id, id))
			return &execs[i];
	return NULL;
}

static struct exec *take(const char *id)
{
	struct exec *x = NULL;

	for (int i = 0; i < EXECS_MAX && !x; i++)
		if (!*execs[i].id) {
			x = &execs[i];
			used = i < used ? used : i + 1;
		}
	if (!x)
		return NULL;
	*x = (struct exec){ .life = -1, .out = NO_OUTPUT, .asked_us = now_us() };
	(void)snprintf(x->id, sizeof(x->id), "%s", id);
	return x;
}

static void give_back(struct exec *x)
{
	if (x->life >= 0)
		(void)close(x->life);
	drain_close(&x->out);
	*x->id = '\0';
	while (used && !*execs[used - 1].id)
		used--;
}

/* ---- the end ---- */

/* Was one of the sandbox's processes killed for want of memory since this was last asked? */
static bool ran_out_of_memory(void)
{
	char text[512];
	ssize_t n = mon.leaf.oom < 0 ? -1 : pread(mon.leaf.oom, text, sizeof(text) - 1, 0);
	uint64_t before = oom_kills;

	text[n > 0 ? n : 0] = '\0';
	oom_kills = number_in(text, "oom_kill");
	return oom_kills > before;
}

static void end(struct exec *x, struct msg_ended *e)
{
	drain_rest(&x->out);
	e->flags |= x->end_flags | END_MEMORY_IS_RSS | (x->out.log.cut ? END_LOG_CUT : 0);
	if (e->signal == SIGKILL && ran_out_of_memory())
		e->flags |= END_OOM;
	e->log_bytes = x->out.log.total;
	e->started_ms = x->started_ms;
	e->setup_us = x->setup_us;
	e->ended_ms = now_unix_ms();
	if (!e->usage.wall_us)
		e->usage.wall_us = now_us() - x->asked_us;
	(void)snprintf(e->id, sizeof(e->id), "%s", x->id);
	e->h = (struct msg_header){ .type = MSG_EXEC_ENDED, .version = MSG_VERSION };
	monitor_journal(e);
	tell(MSG_EXEC_ENDED, e, sizeof(*e), NULL, 0);
	give_back(x);
}

static void ended(const struct msg_ended *from)
{
	struct exec *x = find(from->id);
	struct msg_ended e = *from;

	if (x)
		end(x, &e);
}

void execs_forget(void)
{
	if (!*execs[0].id && !execs[0].asked_us)
		return;
	explicit_bzero(execs, sizeof(execs));
}

void execs_lost(void)
{
	while (used) {
		struct msg_ended e = { .exit_code = -1, .signal = SIGKILL };

		end(&execs[used - 1], &e);
	}
	oom_kills = 0;
}

/* ---- the beginning ---- */

static void refuse(const char *id, int code, int errnum, const char *why)
{
	struct msg_ended e = { .exit_code = -1, .code = code, .errnum = errnum };

	(void)snprintf(e.id, sizeof(e.id), "%s", id);
	(void)snprintf(e.text, sizeof(e.text), "%s", why);
	e.ended_ms = now_unix_ms();
	e.h = (struct msg_header){ .type = MSG_EXEC_ENDED, .version = MSG_VERSION };
	monitor_journal(&e);
	tell(MSG_EXEC_ENDED, &e, sizeof(e), NULL, 0);
}

/* What is init's, in the order of msg_run, of what came; and what is ours. A failure is in st. */
static int sort_fds(struct exec *x, struct message *m, struct msg_run *r, int fds[5],
		    struct msg_status *st)
{
	int n = 0, next = 0, given[3] = { -1, -1, -1 }, files = -1;

	if (r->flags & RUN_STDIN)
		given[0] = msg_take_fd(m, next++);
	if (r->flags & RUN_STDIO) {
		given[1] = msg_take_fd(m, next++);
		given[2] = msg_take_fd(m, next++);
	}
	if (r->flags & RUN_FILES)
		files = msg_take_fd(m, next++);
	if (r->flags & RUN_LIFE)
		x->life = msg_take_fd(m, next++);
	if (r->flags & RUN_LOG_FD)
		x->out.log.dir = msg_take_fd(m, next++);
	if ((r->flags & RUN_LOG) && !(r->flags & (RUN_TTY | RUN_STDIO)) &&
	    !drain_pipes(&x->out, given, st))
		r->flags |= RUN_STDIO;
	for (int i = 0; i < 3; i++)
		if (given[i] >= 0)
			fds[n++] = given[i];
	if (files >= 0)
		fds[n++] = files;
	return n;
}

static void begin(struct message *m)
{
	struct msg_run r = *(const struct msg_run *)m->h;
	struct msg_status st = { 0 };
	struct exec *x;
	int fds[5], n, err;

	if (!mon.running || mon.ended || mon.kill_us || mon.init_sock < 0) {
		refuse(r.id, ERR_CONFLICT, 0, "the instance is ending");
		return;
	}
	x = take(r.id);
	if (!x) {
		refuse(r.id, ERR_LIMIT, 0, "too many commands run in the instance already");
		return;
	}
	n = sort_fds(x, m, &r, fds, &st);
	x->out.log.cap = r.log_cap;
	x->out.log_pty = (r.flags & RUN_TTY) && (r.flags & RUN_LOG);
	x->grace_ms = r.grace_ms;
	if (r.timeout_ms)
		x->deadline_us = x->asked_us + r.timeout_ms * 1000;
	err = st.errnum ? -st.errnum :
		msg_send(mon.init_sock, &r, sizeof(r), m->body, m->h->body, fds, n);
	for (int i = 0; i < n; i++)
		(void)close(fds[i]);
	if (err < 0) {
		struct msg_ended e = { .exit_code = -1, .code = ERR_SYSTEM, .errnum = -err };

		(void)snprintf(e.text, sizeof(e.text), "%s",
			       st.errnum ? st.text : "hand the command to the instance");
		end(x, &e);
	}
}

static void started(struct message *m)
{
	struct msg_exec s = *(const struct msg_exec *)m->h;
	struct exec *x = find(s.id);

	if (!x)
		return;
	if (m->n_fds)
		x->out.pty = msg_take_fd(m, 0);
	x->started_ms = s.started_ms = now_unix_ms();
	x->setup_us = s.setup_us = now_us() - x->asked_us;
	tell(MSG_EXEC_STARTED, &s, sizeof(s), &x->out.pty, x->out.pty >= 0);
}

/* ---- meanwhile ---- */

static void ask_init(unsigned int type, const struct exec *x, int sig)
{
	struct msg_exec m = { .h.type = (uint16_t)type, .signal = sig };

	(void)snprintf(m.id, sizeof(m.id), "%s", x->id);
	if (mon.init_sock >= 0)
		(void)msg_send(mon.init_sock, &m, sizeof(m), NULL, 0, NULL, 0);
}

/* All of it ends: TERM now, KILL after the grace. */
static void cancel(struct exec *x, uint32_t why, uint64_t grace_ms)
{
	uint64_t kill_us = now_us() + grace_ms * 1000;

	x->end_flags |= why;
	/* whoever is in more of a hurry wins */
	if (x->kill_us && x->kill_us <= kill_us)
		return;
	ask_init(MSG_EXEC_CANCEL, x, grace_ms ? SIGTERM : SIGKILL);
	if (grace_ms)
		ask_init(MSG_EXEC_CANCEL, x, SIGCONT);
	x->kill_us = kill_us;
	x->deadline_us = 0;
}

static void signal_one(const struct msg_exec *m)
{
	const struct exec *x = find(m->id);

	if (x)
		ask_init(MSG_EXEC_SIGNAL, x, m->signal);
}

static void cancel_one(const struct msg_exec *m)
{
	struct exec *x = find(m->id);

	if (x)
		cancel(x, END_CANCELLED, m->grace_ms);
}

int execs_poll(struct pollfd p[EXECS_POLL])
{
	for (int i = 0; i < used; i++) {
		const struct exec *x = &execs[i];
		bool free = !*x->id;

		p[4 * i] = (struct pollfd){ free ? -1 : x->life, POLLIN, 0 };
		p[4 * i + 1] = (struct pollfd){ free ? -1 : x->out.pipes[1], POLLIN, 0 };
		p[4 * i + 2] = (struct pollfd){ free ? -1 : x->out.pipes[2], POLLIN, 0 };
		p[4 * i + 3] = (struct pollfd){ free || !x->out.log_pty ? -1 : x->out.pty, POLLIN, 0 };
	}
	return 4 * used;
}

void execs_ready(const struct pollfd *p, int n)
{
	for (int i = 0; i < n; i++) {
		struct exec *x = &execs[i / 4];

		/* what has become of it since poll() may be anything */
		if (!p[i].revents || !*x->id)
			continue;
		if (i % 4 == 0 && x->life == p[i].fd) {
			(void)close(x->life);
			x->life = -1;
			cancel(x, END_CLIENT_GONE, 0);
		} else if (i % 4 == 3 && x->out.log_pty && x->out.pty == p[i].fd) {
			drain(&x->out, 0);
		} else if (i % 4 && i % 4 < 3 && x->out.pipes[i % 4] == p[i].fd) {
			drain(&x->out, i % 4);
		}
	}
}

uint64_t execs_next(uint64_t own)
{
	uint64_t next = own;

	for (int i = 0; i < used; i++) {
		const struct exec *x = &execs[i];
		uint64_t at = !*x->id ? 0 : x->kill_us ? x->kill_us : x->deadline_us;

		if (at && (!next || at < next))
			next = at;
	}
	return next;
}

void execs_on_time(uint64_t now)
{
	for (int i = 0; i < used; i++) {
		struct exec *x = &execs[i];

		if (*x->id && x->deadline_us && now >= x->deadline_us) {
			cancel(x, END_TIMED_OUT, x->grace_ms);
		} else if (*x->id && x->kill_us && now >= x->kill_us) {
			ask_init(MSG_EXEC_CANCEL, x, SIGKILL);
			/* again, for what was made meanwhile */
			x->kill_us = now + 1000000;
		}
	}
}

static void pass_connect(const struct msg_connect *m)
{
	struct msg_connect ask = *m;

	if (mon.running && !mon.ended && mon.init_sock >= 0 &&
	    !msg_send(mon.init_sock, &ask, sizeof(ask), NULL, 0, NULL, 0))
		return;
	ask.errnum = ECONNREFUSED;
	tell(MSG_CONNECTED, &ask, sizeof(ask), NULL, 0);
}

static void pass_connected(struct message *m)
{
	struct msg_connect answer = *(const struct msg_connect *)m->h;

	tell(MSG_CONNECTED, &answer, sizeof(answer), m->fds, m->n_fds);
}

void execs_from_executor(struct message *m)
{
	switch (m->h->type) {
	case MSG_EXEC:
		begin(m);
		break;
	case MSG_EXEC_SIGNAL:
		signal_one((const void *)m->h);
		break;
	case MSG_EXEC_CANCEL:
		cancel_one((const void *)m->h);
		break;
	case MSG_CONNECT:
		pass_connect((const void *)m->h);
		break;
	default:
		break;
	}
}

void execs_from_init(struct message *m)
{
	switch (m->h->type) {
	case MSG_EXEC_STARTED:
		started(m);
		break;
	case MSG_EXEC_ENDED:
		ended((const void *)m->h);
		break;
	case MSG_CONNECTED:
		pass_connected(m);
		break;
	default:
		break;
	}
}

void execs_send_state(void)
{
	for (int i = 0; i < used; i++) {
		const struct exec *x = &execs[i];
		struct msg_state s = { .pid = mon.pid_seen, .running = 1,
				       .started_ms = x->started_ms, .setup_us = x->setup_us };

		memcpy(s.id, x->id, sizeof(s.id));
		if (*x->id)
			tell(MSG_STATE, &s, sizeof(s), &x->out.pty, x->out.pty >= 0);
	}
}
