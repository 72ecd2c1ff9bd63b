#include "lib/spawner/enter.h"
#include "lib/spawner/init.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/securebits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * Pid 1 of a sandbox: starts the steps of one run, forwards signals, reaps what
 * is orphaned, and when the last step ends kills what is left, counts, and says
 * so. What it reports comes from the kernel, never from bytes that the program
 * could write.
 */

struct init init = { .signals = -1, .program = { NO_PROGRAM } };

struct message message;
static struct message early;

_noreturn_ static void report_failure(struct msg_status *st)
{
	st->h.type = MSG_FAILED;
	(void)msg_send(init.sock, st, sizeof(*st), NULL, 0, NULL, 0);
	_exit(1);
}

/* ---- counting ---- */

void init_read_io(uint64_t *in, uint64_t *out)
{
	char text[512], *p;
	ssize_t n = build_io_fd < 0 ? -1 : pread(build_io_fd, text, sizeof(text) - 1, 0);

	*in = *out = 0;
	if (n <= 0)
		return;
	text[n] = '\0';
	p = strstr(text, "rchar: ");
	if (p)
		*in = number_in(p + 7, NULL);
	p = strstr(text, "wchar: ");
	if (p)
		*out = number_in(p + 7, NULL);
}

static uint64_t microseconds(const struct timeval *tv)
{
	return (uint64_t)tv->tv_sec * 1000000 + (uint64_t)tv->tv_usec;
}

static void count_usage(struct usage *u)
{
	struct rusage ru;
	uint64_t in, out;

	(void)getrusage(RUSAGE_CHILDREN, &ru);
	u->user_us = microseconds(&ru.ru_utime);
	u->system_us = microseconds(&ru.ru_stime);
	u->memory_peak = (uint64_t)ru.ru_maxrss * 1024;
	u->wall_us = now_us() - (init.started_us ? init.started_us : init.asked_us);
	init_read_io(&in, &out);
	u->read_bytes = in > init.read_before ? in - init.read_before : 0;
	u->written_bytes = out > init.written_before ? out - init.written_before : 0;
}

/* ---- the end ---- */

static void kill_everything(void)
{
	enter_stop();
	if (kill(-1, SIGKILL) < 0)
		return;
	for (;;) {
		struct rusage ru;
		int status;
		pid_t pid = wait4(-1, &status, __WALL, &ru);

		if (pid < 0 && errno != EINTR)
			return;
		if (pid > 0)
			(void)enter_reaped(pid, status, &ru);
		/* what was forking while we killed */
		(void)kill(-1, SIGKILL);
	}
}

void init_finish(struct msg_ended *e)
{
	kill_everything();
	if (init.program.files >= 0 && !e->code)
		files_out(init.program.files, init.program.run.workdir);
	if (init.program.files >= 0)
		(void)close(init.program.files);
	program_close_stdio(&init.program);
	e->h.type = MSG_ENDED;
	e->started_us = init.started_us;
	e->started_ms = init.started_ms;
	e->flags |= END_MEMORY_IS_RSS;
	count_usage(&e->usage);
	(void)msg_send(init.sock, e, sizeof(*e), NULL, 0, NULL, 0);
	/* The monitor ends us, when nobody waits for the processor any more. */
	for (;;)
		(void)pause();
}

void init_unstarted(const struct exec_plan *plan)
{
	struct msg_ended e = program_unstarted(plan);

	init_finish(&e);
}

void init_failed(const struct msg_status *st)
{
	struct msg_ended e = program_failed(st);

	init_finish(&e);
}

static void step_ended(int status)
{
	struct msg_ended e = { .exit_code = -1 };

	if (WIFEXITED(status))
		e.exit_code = WEXITSTATUS(status);
	else
		e.signal = WTERMSIG(status);
	if (!e.exit_code && ++init.program.step < init.program.run.n_steps) {
		start_step();
		return;
	}
	init_finish(&e);
}

/* Nothing ran, and nothing that was started meanwhile is left. */
_noreturn_ static void finish_idle(void)
{
	struct msg_ended e = { .exit_code = 0 };

	init_finish(&e);
}

static void reap(void)
{
	struct signalfd_siginfo si;
	struct rusage ru;
	int status;
	pid_t pid;

	(void)!read(init.signals, &si, sizeof(si));
	while ((pid = wait4(-1, &status, WNOHANG | __WALL, &ru)) > 0)
		if (pid == init.main)
			step_ended(status);
		else
			(void)enter_reaped(pid, status, &ru);
	if (init.ending && pid < 0)
		finish_idle();
}

/* ---- what the monitor says ---- */

static void tell_upper(int signal)
{
	struct msg_status st = { .h.type = MSG_UPPER_IS };

	if (build_upper_fd < 0) {
		errno = EBADF;
		(void)fail(&st, "find what the sandbox writes to");
	} else if (signal) {
		(void)halt_all(&st);
	}
	(void)msg_send(init.sock, &st, sizeof(st), NULL, 0, &build_upper_fd, !st.errnum);
}

void init_heard(int r)
{
	const struct msg_signal *s = (const void *)message.h;

	if (r == -EAGAIN)
		return;
	if (r <= 0)
		_exit(0);	/* the monitor died; so does everything here */
	switch (message.h->type) {
	case MSG_RUN:
		if (!init.main)
			start(&message);
		break;
	case MSG_SIGNAL:
		/* the program's process group, or it alone before it has one */
		if (init.main > 0 && kill(-init.main, s->signal) < 0)
			(void)kill(init.main, s->signal);
		break;
	case MSG_CANCEL:
		/* to let all go on is no end */
		init.ending |= init.idle && s->signal != SIGCONT;
		/* nobody is there: nobody will end */
		if (kill(-1, s->signal) < 0 && init.ending)
			finish_idle();
		break;
	case MSG_EXEC:
		enter_begin(&message, init.sock, init.program.no_cgroup);
		break;
	case MSG_EXEC_SIGNAL:
		enter_signal((const void *)message.h);
		break;
	case MSG_EXEC_CANCEL:
		enter_cancel((const void *)message.h);
		break;
	case MSG_CONNECT:
		enter_connect((const void *)message.h, init.sock);
		break;
	case MSG_UPPER:
		tell_upper(s->signal);
		break;
	default:
		break;
	}
	msg_release(&message);
}

/*
 * What the kernel counts per user of a namespace (inotify, message queues, queued signals,
 * timers) it also counts for the user who made that, outside of it. Were that root, or the
 * same for all, one sandbox could use up what the others and the machine's own services
 * have: its maker is a user of its own. No capability is lost on the way: what an ordinary
 * user may not do, where that is restricted, we still may.
 */
static int be_owner(uid_t owner, struct msg_status *st)
{
	if (spawner.rootless)
		return 0;
	if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0) < 0 ||
	    syscall(SYS_setresuid, -1, owner, -1) < 0)
		return fail(st, "become the user who has the sandbox's namespace");
	return 0;
}

/*
 * The monitor writes our uid map, and meanwhile we do what needs none; a run may arrive
 * before it has.
 */
static void enter_user_namespace(const struct msg_build *build, struct msg_status *st)
{
	struct msg_status ask = { .h.type = MSG_UNSHARED };
	bool mapped = false;

	if (unshare(CLONE_NEWUSER | CLONE_NEWCGROUP) < 0) {
		(void)fail(st, "create the sandbox's user namespace");
		report_failure(st);
	}
	if (msg_send(init.sock, &ask, sizeof(ask), NULL, 0, NULL, 0) < 0)
		_exit(1);
	if (build_confine_ahead(build, st) < 0)
		report_failure(st);
	while (!mapped) {
		struct message *m = early.n_fds < 0 ? &early : &message;

		if (msg_recv(init.sock, m) <= 0)
			_exit(1);
		if (m->h->type == MSG_RUN)
			continue;	/* kept in `early` */
		mapped = m->h->type == MSG_MAPPED;
		msg_release(m);
		if (m == &early)
			early.n_fds = -1;
	}
}

/* Blank until a monitor says what to become, which may be never. */
static struct msg_build wait_for_build(char stack[STACK_MAX * MSG_ID])
{
	struct msg_build build;

	if (msg_recv(init.sock, &message) <= 0 || message.h->type != MSG_BUILD)
		_exit(0);
	build = *(const struct msg_build *)message.h;
	if (message.h->body > STACK_MAX * MSG_ID)
		_exit(1);
	memcpy(stack, message.body, message.h->body);
	msg_release(&message);
	return build;
}

void init_main(int sock, const struct leaf *leaf, uid_t owner)
{
	struct msg_status st = { 0 };
	static char stack[STACK_MAX * MSG_ID];
	struct msg_build build;
	sigset_t mask;

	init.sock = sock;
	early.n_fds = -1;
	/* while we may still say that nobody in here takes it back */
	(void)write_file_at(AT_FDCWD, "/proc/self/oom_score_adj", spawner.oom_score);
	(void)prctl(PR_SET_NAME, "faas-init");
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	(void)sigemptyset(&mask);
	(void)sigaddset(&mask, SIGCHLD);
	(void)sigprocmask(SIG_SETMASK, &mask, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	init.program.no_cgroup = spawner.cgroups[CGROUP_PIDS] < 0 &&
		spawner.cgroups[CGROUP_UNIFIED] < 0;
	if (leaf_enter(leaf, &st) < 0)
		report_failure(&st);
	build = wait_for_build(stack);
	spawner.uid_count = users_of(&build);
	if (build_sandbox(&build, stack, &st) < 0)
		report_failure(&st);
	build_close_inherited(init.sock);
	if (be_owner(owner, &st) < 0)
		report_failure(&st);
	enter_user_namespace(&build, &st);
	if (build_confine(&st) < 0)
		report_failure(&st);
	(void)close(spawner.filter);
	/* again: a change of credentials cleared it */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	init.signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (init.signals < 0) {
		(void)fail(&st, "watch for children");
		report_failure(&st);
	}
	if (build.warm && early.n_fds < 0)
		build_warm();
	st.h.type = MSG_READY;
	(void)msg_send(init.sock, &st, sizeof(st), NULL, 0, NULL, 0);
	if (early.n_fds >= 0)
		start(&early);
	else
		start_ahead();
	for (;;) {
		struct pollfd p[2] = { { init.sock, POLLIN, 0 }, { init.signals, POLLIN, 0 } };

		if (poll(p, 2, -1) < 0 && errno != EINTR)
			_exit(1);
		if (p[1].revents)
			reap();
		if (p[0].revents)
			init_heard(msg_recv(init.sock, &message));
	}
}
