#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fault.h"
#include "lib/base/memory.h"
#include "lib/executor/executor.h"
#include "lib/executor/instance.h"
#include "lib/executor/snapshot.h"

/* After a run nothing is made for that long: the processors are its client's. */
enum { QUIET_AFTER_US = 700 };

struct run *run_new(struct executor *x)
{
	struct run *run = memory_must(calloc(1, sizeof(*run)));

	run->x = x;
	run->pty = -1;
	run->rec.exit_code = -1;
	run->next = x->runs;
	run->prev = &x->runs;
	if (run->next)
		run->next->prev = &run->next;
	x->runs = run;
	return run;
}

static void forget_fds(struct run *run)
{
	for (int i = 0; i < run->n_fds; i++)
		if (run->fds[i] >= 0)
			(void)close(run->fds[i]);
	run->n_fds = 0;
	free(run->body);
	run->body = NULL;
}

void run_free(struct run *run)
{
	forget_fds(run);
	while (run->waiters) {
		struct waiter *w = run->waiters;

		run->waiters = w->next;
		free(w);
	}
	if (run->sandbox)
		run->sandbox->run = NULL;
	if (run->pty >= 0)
		(void)close(run->pty);
	execution_release(&run->rec);
	free(run->stack);
	free(run->parent_environment);
	free(run->dropped);
	*run->prev = run->next;
	if (run->next)
		run->next->prev = run->prev;
	free(run);
}

void run_mark(struct run *run)
{
	struct executor *x = run->x;

	if (!run->dirty)
		x->n_dirty++;
	run->dirty = true;
}

/* Everybody who waits for the end gets it. */
static void answer_waiters(struct run *run)
{
	while (run->waiters) {
		struct waiter *w = run->waiters;

		run->waiters = w->next;
		session_result(w->session, w->request, report_execution(&run->rec), NULL, 0);
		free(w);
	}
}

static void set_text(char **field, const char *text)
{
	free(*field);
	*field = memory_copy(text);
}

/* The failure of faas itself that a finished run's record holds. */
static void own_error(const struct run *run, struct error *err)
{
	const struct execution *rec = &run->rec;

	(void)err_set(err, err_by_name(rec->error_code), "%s", rec->error_message);
	if (err->code == ERR_NO_COMMAND)
		(void)err_hint(err, "'faas env list' shows environments; is the program in "
			       "'%s'?", rec->environment);
	else if (run->errnum == EPERM && run->x->spawner.rootless && rec->user && *rec->user)
		(void)err_hint(err, "%s: say '--user root', or run faas as root",
			       run->x->spawner.lacks & LACKS_SUBIDS
			       ? "without root there is one user, unless 'faas doctor "
			       "rootless-users' finds more" : run->build.keep[0]
			       ? "what is kept has one user without root"
			       : "/etc/subuid and /etc/subgid give no more");
	else if (err->code == ERR_CORRUPT)
		(void)err_hint(err, "'faas snapshot check' says what is wrong, and 'faas doctor "
			       "--repair' what can be done");
	else if (run->errnum == ENOSPC)
		(void)err_hint(err, "--disk gives the sandbox more space");
}

static void leave_queue(struct run *run)
{
	if (run->queued)
		run->x->n_queued--;
	run->queued = false;
}

/* What only the one who began it is told: did a sandbox wait for it, with its files? */
static json_t *report_own(const struct run *run)
{
	json_t *j = report_execution(&run->rec);

	json_object_set_new(j, "warm", json_boolean(run->hit));
	return j;
}

static void finish(struct run *run)
{
	struct executor *x = run->x;

	if (run->finished)
		return;
	run->finished = true;
	leave_queue(run);
	/* cancelled while it waited for its environment: nothing is to wake it */
	run->slot = NULL;
	/* its client has to end too */
	x->quiet_until_us = clock_us() + QUIET_AFTER_US;
	if (run->sent)
		x->n_running--;
	if (run->sent && run->instance)
		x->n_kept--;
	if (run->lent)
		x->n_lent--;
	forget_fds(run);
	/* whoever is told of it now is not told of what will be gone */
	if (run->on_success && (run->rec.exit_code || run->rec.timed_out)) {
		run->dropped = run->rec.snapshot;
		run->rec.snapshot = NULL;
	}
	run_mark(run);
	if (run->session) {
		struct session *s = run->session;

		run->session = NULL;
		s->runs--;
		s->lent = NULL;
		if (run->answered) {
			/* if the monitor dies before it does so, its client sees an end, and asks */
			session_close(s);
		} else if (run->rec.error_code) {
			struct error err;

			own_error(run, &err);
			session_error(s, run->request, &err);
		} else {
			session_result(s, run->request, run->brief ? report_end(&run->rec) :
				       report_own(run), NULL, 0);
		}
	}
	answer_waiters(run);
	if (run->instance)
		instance_program_ended(run);
	if (run->guest_of)
		instance_guest_ended(run);
}

void run_started(struct run *run, const struct msg_started *m, int pty)
{
	(void)fault("run.started");
	run->rec.started_ms = (int64_t)m->started_ms;
	run->rec.setup_us = (int64_t)m->setup_us;
	run->rec.pid = (int)m->pid;
	(void)snprintf(run->rec.state, sizeof(run->rec.state), "running");
	run->pty = pty;
	forget_fds(run);
	run_mark(run);
	if (run->instance)
		instance_program_started(run);
	if (!run->session)
		return;
	if (run->msg.flags & RUN_DETACHED) {
		struct session *s = run->session;

		run->session = NULL;
		session_result(s, run->request, report_own(run), NULL, 0);
	} else if (run->msg.flags & RUN_TTY) {
		session_event(run->session, run->request, "started",
			      json_pack("{s:s}", "id", run->rec.id), &pty, pty >= 0);
	}
}

void run_set_end(struct execution *rec, const struct msg_ended *m)
{
	rec->exit_code = m->exit_code;
	rec->signal = m->signal;
	rec->oom_killed = m->flags & END_OOM;
	rec->timed_out = m->flags & END_TIMED_OUT;
	rec->cancelled = m->flags & (END_CANCELLED | END_CLIENT_GONE);
	rec->log_truncated = m->flags & END_LOG_CUT;
	rec->log_bytes = (int64_t)m->log_bytes;
	if (m->started_ms)
		rec->started_ms = (int64_t)m->started_ms;
	rec->ended_ms = (int64_t)m->ended_ms;
	rec->setup_us = (int64_t)m->setup_us;
	rec->wall_us = (int64_t)m->usage.wall_us;
	rec->user_us = (int64_t)m->usage.user_us;
	rec->system_us = (int64_t)m->usage.system_us;
	rec->memory_peak = (int64_t)m->usage.memory_peak;
	set_text(&rec->memory_source, m->flags & END_MEMORY_IS_RSS ? "rusage" : "cgroup");
	rec->io_read = (int64_t)m->usage.read_bytes;
	rec->io_write = (int64_t)m->usage.written_bytes;
	(void)snprintf(rec->state, sizeof(rec->state), m->code ? "failed" : "exited");
	if (m->code) {
		char text[512];
		enum err_code code = m->code > 0 && m->code < ERR__MAX ? (enum err_code)m->code
								        : ERR_BUG;

		(void)snprintf(text, sizeof(text), "%s%s%s", m->text, m->errnum ? ": " : "",
			       m->errnum ? strerror(m->errnum) : "");
		set_text(&rec->error_code, err_name(code));
		set_text(&rec->error_message, text);
	}
}

void run_ended(struct run *run, const struct msg_ended *m)
{
	(void)fault("run.ended");
	run_set_end(&run->rec, m);
	run->errnum = m->errnum;
	run->answered = m->flags & END_ANSWERED;
	finish(run);
	(void)fault("run.answered");
}

void run_failed(struct run *run, const struct msg_status *st)
{
	struct error err;

	if (run->finished)
		return;
	/* the spawner's reason came first, and is the better one */
	if (run->sandbox && run->sandbox->slot && run->sandbox->slot->failed)
		(void)err_set(&err, ERR_SYSTEM, "environment '%s': %s", run->rec.environment,
			      run->sandbox->slot->why);
	else if (!st->errnum && st->code)
		/* the text says why already */
		(void)err_set(&err, ERR_SYSTEM, "%s", st->text);
	else
		(void)err_sys(&err, st->errnum ? st->errnum : EIO, "%s", st->text);
	if (st->code > 0 && st->code < ERR__MAX)
		err.code = (enum err_code)st->code;
	else if (err.code == ERR_NOT_FOUND || err.code == ERR_EXISTS || err.code == ERR_BUSY)
		err.code = ERR_SYSTEM;
	(void)snprintf(run->rec.state, sizeof(run->rec.state), "failed");
	run->rec.ended_ms = (int64_t)clock_unix_ms();
	set_text(&run->rec.error_code, err_name(err.code));
	set_text(&run->rec.error_message, err.msg);
	journal_failed(run->x, &run->rec);
	finish(run);
}

int run_dispatch(struct run *run, struct slot *slot, struct error *err)
{
	struct executor *x = run->x;
	struct limits usual;
	bool pooled;

	slot_limits(x, slot, &usual);
	pooled = run->cached && strcmp(slot->env.cache, "none") &&
		run->build.network == NETWORK_NONE &&
		run->build.limits.disk == usual.disk && !run->build.stack &&
		!run->build.keep[0] && sandbox_needs_users(x, run->rec.user) ==
		sandbox_needs_users(x, slot->env.user);
	if (pool_worth_waiting(x, slot, pooled)) {
		run->slot = slot;
		run->queued = true;
		x->n_queued++;
		return 0;
	}
	run->sandbox = pool_take(x, slot, pooled, &run->hit, err);
	if (!run->sandbox)
		return -1;
	run->sandbox->run = run;
	if (!run->hit && sandbox_build(run->sandbox, slot, run->build.network,
				       &run->build.limits, err) < 0)
		return -1;
	/* the run may follow at once, unless its network needs the built sandbox */
	if (run->build.network != NETWORK_NAT)
		run_ready(run);
	return 0;
}

static void dispatch_queued(struct run *run)
{
	struct executor *x = run->x;
	struct msg_status st = { 0 };
	struct error err;
	/* again: the spawner may have died meanwhile */
	struct slot *slot = slot_get(x, run->slot->name, &err);

	leave_queue(run);
	run->slot = slot && !slot->ready ? slot : NULL;
	if (slot && (!slot->ready || !run_dispatch(run, slot, &err)))
		return;
	st.code = (int32_t)err.code;
	st.errnum = err.errnum;
	(void)snprintf(st.text, sizeof(st.text), "%.199s", err.msg);
	run_failed(run, &st);
}

void run_serve(struct executor *x)
{
	while (x->n_queued && (x->blanks.first || x->n_queued > x->n_renewing)) {
		struct run *oldest = NULL;

		for (struct run *run = x->runs; run; run = run->next)
			if (run->queued)
				oldest = run;
		/* n_queued counts them */
		if (!oldest)
			abort();
		dispatch_queued(oldest);
	}
}

/*
 * Who wants the exit code only gets it from the monitor, which knows it first. That ends the
 * connection.
 */
static void lend(struct run *run)
{
	struct session *s = run->session;

	/* whom we tell of the start hears of the end after it, from us */
	if (!s || !run->brief || s->runs != 1 || s->answers || run->n_fds >= MSG_FDS - 1 ||
	    run->msg.flags & RUN_ANNOUNCE)
		return;
	run->fds[run->n_fds] = fcntl(s->source.fd, F_DUPFD_CLOEXEC, 3);
	if (run->fds[run->n_fds] < 0)
		return;
	run->n_fds++;
	run->msg.flags |= RUN_ANSWER;
	run->msg.request = run->request;
	s->lent = run;
	run->lent = true;
	run->x->n_lent++;
}

void run_ready(struct run *run)
{
	struct error err;

	if (run->sent || !run->sandbox)
		return;
	run->sent = true;
	run->x->n_running++;
	if (run->instance)
		run->x->n_kept++;
	lend(run);
	if (sandbox_send(run->sandbox, &run->msg, sizeof(run->msg), run->body, run->body_len,
			 run->fds, run->n_fds, &err) < 0) {
		struct msg_status st = { .code = (int32_t)err.code };

		(void)snprintf(st.text, sizeof(st.text), "%.199s", err.msg);
		run_failed(run, &st);
		sandbox_free(run->sandbox);
		return;
	}
	run->sandbox->state = SANDBOX_RUNNING;
	run->rec.pid = (int)run->sandbox->init;
	run_handed_over(run);
}

void run_handed_over(struct run *run)
{
	(void)snprintf(run->rec.state, sizeof(run->rec.state), "running");
	run->rec.started_ms = (int64_t)clock_unix_ms();
	forget_fds(run);
}

/* One that is a further command is the monitor's by its id, and no sandbox of its own. */
static int send_exec(struct run *run, uint16_t type, int sig, uint64_t grace_ms,
		     struct error *err)
{
	struct msg_exec m = { .h.type = type, .signal = sig, .grace_ms = grace_ms };
	struct sandbox *s = instance_sandbox(run->guest_of);

	(void)snprintf(m.id, sizeof(m.id), "%s", run->rec.id);
	return s ? sandbox_send(s, &m, sizeof(m), NULL, 0, NULL, 0, err)
		 : err_set(err, ERR_UNAVAILABLE, "its instance is not reached");
}

int run_signal(struct run *run, int sig, struct error *err)
{
	struct msg_signal m = { .h.type = MSG_SIGNAL, .signal = sig };

	if (run->guest_of)
		return send_exec(run, MSG_EXEC_SIGNAL, sig, 0, err);
	return run->sandbox ? sandbox_send(run->sandbox, &m, sizeof(m), NULL, 0, NULL, 0, err)
			    : 0;
}

void run_cancel(struct run *run, uint64_t grace_ms)
{
	struct msg_signal m = { .h.type = MSG_CANCEL, .grace_ms = grace_ms };
	struct error err;

	if (run->finished)
		return;
	if (run->guest_of && run->sent && !send_exec(run, MSG_EXEC_CANCEL, 0, grace_ms, &err))
		return;
	/* what is frozen does not end */
	if (run->instance)
		instance_thaw(run->instance);
	if (run->sandbox && run->sent) {
		/* a monitor that is gone has left word of how it ended */
		(void)!sandbox_send(run->sandbox, &m, sizeof(m), NULL, 0, NULL, 0, &err);
		return;
	}
	(void)snprintf(run->rec.state, sizeof(run->rec.state), "failed");
	run->rec.cancelled = true;
	run->rec.ended_ms = (int64_t)clock_unix_ms();
	set_text(&run->rec.error_code, err_name(ERR_CONFLICT));
	set_text(&run->rec.error_message, "cancelled before it started");
	journal_failed(run->x, &run->rec);
	if (run->sandbox) {
		struct sandbox *s = run->sandbox;

		s->run = NULL;
		run->sandbox = NULL;
		sandbox_free(s);
	}
	finish(run);
}

void run_session_gone(struct session *session)
{
	for (struct run *run = session->x->runs; run; run = run->next) {
		for (struct waiter **at = &run->waiters; *at;) {
			struct waiter *w = *at;

			if (w->session != session) {
				at = &w->next;
				continue;
			}
			*at = w->next;
			free(w);
		}
		if (run->session != session)
			continue;
		run->session = NULL;
		session->runs--;
		session->lent = NULL;
		if (!(run->msg.flags & RUN_DETACHED))
			run_cancel(run, 0);
	}
}

struct run *run_find(struct executor *x, const char *what)
{
	struct run *found = NULL;
	size_t len = strlen(what);

	if (!strcmp(what, "@last"))
		return x->runs;
	for (struct run *run = x->runs; run; run = run->next)
		if (!strcmp(run->rec.id, what) ||
		    (run->rec.name[0] && !strcmp(run->rec.name, what)))
			return run;
	for (struct run *run = x->runs; len >= 4 && run; run = run->next)
		if (!strncmp(run->rec.id, what, len)) {
			if (found)
				return NULL;	/* the database names the candidates */
			found = run;
		}
	return found;
}
