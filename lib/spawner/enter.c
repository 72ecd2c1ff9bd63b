#include "lib/spawner/enter.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum phase {
	PHASE_FILES_IN,		/* a child of ours takes files from the client */
	PHASE_STEP,
	PHASE_FILES_OUT,	/* and sends artifacts */
};

/* What a child that moves files leaves for us, in memory that is shared with it. */
struct report {
	struct msg_status st;
	struct files_wants wants;
};

static struct command {
	struct command *next;
	char id[MSG_ID];
	enum phase phase;
	pid_t pid;		/* of what runs now */
	struct program program;
	struct report *report;
	struct usage usage;
	uint64_t asked_us, started_us;
	struct msg_ended end;	/* how it ended, while artifacts are sent */
} *commands;

static int sock_monitor = -1;
static bool stopped;

static void forget(struct command *c)
{
	for (struct command **at = &commands; *at; at = &(*at)->next)
		if (*at == c) {
			*at = c->next;
			break;
		}
	program_close_stdio(&c->program);
	if (c->program.files >= 0)
		(void)close(c->program.files);
	if (c->report)
		(void)munmap(c->report, sizeof(*c->report));
	body_release(&c->program.run);
	free(c);
}

static void tell_end(struct command *c)
{
	struct msg_ended *e = &c->end;

	e->h = (struct msg_header){ .type = MSG_EXEC_ENDED };
	(void)snprintf(e->id, sizeof(e->id), "%s", c->id);
	e->usage = c->usage;
	e->usage.wall_us = now_us() - (c->started_us ? c->started_us : c->asked_us);
	e->started_us = c->started_us;
	(void)msg_send(sock_monitor, e, sizeof(*e), NULL, 0, NULL, 0);
	forget(c);
}

static void fail_with(struct command *c, const struct msg_status *st)
{
	c->end = program_failed(st);
	tell_end(c);
}

/* ---- files ---- */

/* By a child, because the client may take its time: pid 1 has others to serve. */
static int move_files(struct command *c, enum phase phase, struct msg_status *st)
{
	const struct program *p = &c->program;
	pid_t pid = fork();

	if (pid < 0)
		return fail(st, "start a process for files");
	if (!pid) {
		(void)syscall(SYS_setsid);
		files_use(&c->report->wants);
		if (phase == PHASE_FILES_OUT)
			files_out(p->files, p->run.workdir);
		else if (files_in(p->files, p->account.uid, p->account.gid, p->run.workdir,
				  &c->report->st) < 0)
			_exit(1);
		_exit(0);
	}
	c->pid = pid;
	c->phase = phase;
	return 0;
}

static void finish(struct command *c)
{
	struct msg_status st = { 0 };

	/* whoever reads its output sees the end of it when the artifacts come */
	program_close_stdio(&c->program);
	if (c->program.files >= 0 && !c->end.code && !stopped &&
	    !move_files(c, PHASE_FILES_OUT, &st))
		return;
	tell_end(c);
}

/* ---- steps ---- */

static int start_step(struct command *c)
{
	struct exec_plan plan;

	program_plan(&c->program, &plan);
	c->phase = PHASE_STEP;
	c->pid = exec_start(&plan);
	if (c->pid < 0) {
		c->end = program_unstarted(&plan);
		finish(c);
		return -1;
	}
	return 0;
}

static void announce(struct command *c, int master)
{
	struct msg_exec s = { .h.type = MSG_EXEC_STARTED };

	(void)snprintf(s.id, sizeof(s.id), "%s", c->id);
	if (c->program.flags & RUN_ANNOUNCE)
		(void)msg_send(sock_monitor, &s, sizeof(s), NULL, 0, &master, master >= 0);
}

/* Its files are there. */
static void run(struct command *c)
{
	struct msg_status st = { 0 };
	int master = -1;

	if (c->program.flags & RUN_TTY) {
		master = program_open_pty(&c->program, &st);
		if (master < 0) {
			fail_with(c, &st);
			return;
		}
	}
	c->end = (struct msg_ended){ .exit_code = -1 };
	c->started_us = now_us();
	if (!start_step(c))
		announce(c, master);
	if (master >= 0)
		(void)close(master);
}

/* ---- from the monitor ---- */

static struct command *new_command(const struct msg_run *r, bool no_cgroup)
{
	struct command *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	memcpy(c->id, r->id, sizeof(c->id));
	c->program = (struct program){ NO_PROGRAM, .no_cgroup = no_cgroup };
	c->asked_us = now_us();
	c->next = commands;
	commands = c;
	return c;
}

static int share_report(struct command *c, struct msg_status *st)
{
	void *p = mmap(NULL, sizeof(*c->report), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return fail(st, "take files");
	c->report = p;
	return 0;
}

void enter_begin(struct message *m, int sock, bool no_cgroup)
{
	struct msg_run r = *(const struct msg_run *)m->h;
	struct command *c = new_command(&r, no_cgroup);
	struct msg_status st = { 0 };

	sock_monitor = sock;
	if (!c) {
		struct msg_ended e = { .h.type = MSG_EXEC_ENDED, .exit_code = -1,
				       .errnum = ENOMEM, .code = ERR_CANNOT_RUN };

		memcpy(e.id, r.id, sizeof(e.id));
		(void)snprintf(e.text, sizeof(e.text), "start a command");
		(void)msg_send(sock, &e, sizeof(e), NULL, 0, NULL, 0);
		return;
	}
	if (program_read(&c->program, m, &st) < 0) {
		fail_with(c, &st);
		return;
	}
	if (c->program.files < 0) {
		run(c);
		return;
	}
	if (share_report(c, &st) < 0 || move_files(c, PHASE_FILES_IN, &st) < 0)
		fail_with(c, &st);
}

static struct command *find(const char *id)
{
	struct command *c = commands;

	while (c && strcmp(c->id, id))
		c = c->next;
	return c;
}

void enter_signal(const struct msg_exec *m)
{
	const struct command *c = find(m->id);

	/* its process group, or it alone before it has one */
	if (c && c->phase == PHASE_STEP && kill(-c->pid, m->signal) < 0)
		(void)kill(c->pid, m->signal);
}

/* The session of a process: the fourth number after the name, which it chose itself. */
static pid_t session_of(int proc, const char *pid)
{
	char path[300], text[512];
	const char *p;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "%.250s/stat", pid);
	n = read_file_at(proc, path, text, sizeof(text));
	if (n <= 0)
		return -1;
	p = strrchr(text, ')');
	for (int i = 0; p && i < 4; i++)
		p = strchr(p + 1, ' ');
	return p ? (pid_t)number_in(p + 1, NULL) : -1;
}

static int signal_session(pid_t session, int sig)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	int n = 0;

	while (d && (e = readdir(d)))
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9' &&
		    session_of(dirfd(d), e->d_name) == session)
			n += !kill((pid_t)number_in(e->d_name, NULL), sig);
	if (d)
		(void)closedir(d);
	return n;
}

void enter_cancel(const struct msg_exec *m)
{
	struct command *c = find(m->id);

	if (!c)
		return;
	/* what has not begun does not begin, and what has ended sends nothing more */
	if (c->phase == PHASE_FILES_IN)
		c->program.step = c->program.run.n_steps;
	(void)kill(c->pid, c->phase == PHASE_STEP ? m->signal : SIGKILL);
	if (c->phase == PHASE_STEP)
		(void)signal_session(c->pid, m->signal);
}

/* ---- from the kernel ---- */

static uint64_t microseconds(const struct timeval *tv)
{
	return (uint64_t)tv->tv_sec * 1000000 + (uint64_t)tv->tv_usec;
}

static void count(struct usage *u, const struct rusage *ru)
{
	u->user_us += microseconds(&ru->ru_utime);
	u->system_us += microseconds(&ru->ru_stime);
	if (u->memory_peak < (uint64_t)ru->ru_maxrss * 1024)
		u->memory_peak = (uint64_t)ru->ru_maxrss * 1024;
}

static void files_are_in(struct command *c, int status)
{
	const struct program *p = &c->program;
	struct msg_status st = c->report->st;

	if (status == 0 && p->step < p->run.n_steps && !(p->flags & RUN_FILES_ONLY)) {
		run(c);
		return;
	}
	c->end = (struct msg_ended){ .exit_code = 0 };
	if (status && st.errnum) {
		fail_with(c, &st);
	} else if (status || p->step) {
		c->end = (struct msg_ended){ .exit_code = -1, .signal = SIGKILL };
		tell_end(c);
	} else if (files_folder(p->run.workdir, p->account.uid, p->account.gid, &st) < 0) {
		fail_with(c, &st);
	} else {
		finish(c);
	}
}

static void step_ended(struct command *c, int status)
{
	c->end = (struct msg_ended){ .exit_code = -1 };
	if (WIFEXITED(status))
		c->end.exit_code = WEXITSTATUS(status);
	else
		c->end.signal = WTERMSIG(status);
	if (!c->end.exit_code && ++c->program.step < c->program.run.n_steps && !stopped)
		(void)start_step(c);
	else
		finish(c);
}

bool enter_reaped(pid_t pid, int status, const struct rusage *usage)
{
	struct command *c = commands;

	while (c && c->pid != pid)
		c = c->next;
	if (!c)
		return false;
	if (c->phase == PHASE_STEP) {
		count(&c->usage, usage);
		step_ended(c, status);
	} else if (c->phase == PHASE_FILES_IN) {
		files_are_in(c, stopped ? SIGKILL : status);
	} else {
		tell_end(c);
	}
	return true;
}

void enter_stop(void)
{
	stopped = true;
}
