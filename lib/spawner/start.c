#include "lib/spawner/init.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* From the message that asks for a run to its first program, or the process that becomes it. */

int init_open_pty(const struct msg_run *r, const struct account *account, int *ret_slave,
		  struct msg_status *st)
{
	struct winsize size = { .ws_row = r->rows, .ws_col = r->cols };
	int master = open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC), zero = 0;

	if (master < 0 || ioctl(master, TIOCSPTLCK, &zero) < 0)
		return fail(st, "open a terminal");
	*ret_slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (*ret_slave < 0) {
		(void)close(master);
		return fail(st, "open the terminal's other end");
	}
	(void)ioctl(master, TIOCSWINSZ, &size);
	(void)!fchown(*ret_slave, account->uid, account->gid);
	return master;
}

static void take_fds(struct message *m, const struct msg_run *r)
{
	int next = 0;

	if (r->flags & RUN_STDIN)
		init.stdio[0] = msg_take_fd(m, next++);
	if (r->flags & RUN_STDIO) {
		init.stdio[1] = msg_take_fd(m, next++);
		init.stdio[2] = msg_take_fd(m, next++);
	}
	if (r->flags & RUN_FILES)
		init.files = msg_take_fd(m, next++);
	for (int i = 0; i < 3; i++)
		if (init.stdio[i] < 0)
			init.stdio[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
}

void init_set_home(struct run_body *run, const struct account *account,
		   struct home_variables *v)
{
	char *set[] = { v->home, v->user, v->logname };
	static const char *const names[] = { "HOME=", "USER=", "LOGNAME=" };
	size_t n = 0;
	char **env;

	(void)snprintf(v->home, sizeof(v->home), "HOME=%s", account->home);
	(void)snprintf(v->user, sizeof(v->user), "USER=%s", account->name);
	(void)snprintf(v->logname, sizeof(v->logname), "LOGNAME=%s", account->name);
	while (run->env[n])
		n++;
	env = calloc(n + 4, sizeof(*env));
	if (!env)
		return;
	memcpy(env, run->env, n * sizeof(*env));
	for (int i = 0; i < 3; i++) {
		bool have = false;

		for (size_t k = 0; run->env[k]; k++)
			have |= !strncmp(run->env[k], names[i], strlen(names[i]));
		if (!have)
			env[n++] = set[i];
	}
	free(run->env);
	run->env = env;
}

/* ---- steps ---- */

static void plan_step(struct exec_plan *plan)
{
	*plan = (struct exec_plan){
		.alternatives = (char *const *const *)init.run.steps[init.step],
		.env = init.run.env, .workdir = init.run.workdir, .tty = init.pty >= 0,
		.uid = init.account.uid, .gid = init.account.gid,
		.groups = init.account.groups, .n_groups = init.account.n_groups,
		.limits = &init.limits,
	};

	for (int i = 0; i < 3; i++)
		plan->fd[i] = init.pty >= 0 ? init.pty : init.stdio[i];
	for (char **e = init.run.env; *e; e++)
		if (!strncmp(*e, "PATH=", 5))
			plan->path = *e + 5;
	plan->no_cgroup = init.no_cgroup;
}

void start_step(void)
{
	struct exec_plan plan;

	plan_step(&plan);
	init.main = exec_start(&plan);
	if (init.main < 0)
		init_unstarted(&plan);
}

/* The working directory is made, files are in it, and that was the run. */
_noreturn_ static void finish_files(void)
{
	struct msg_ended e = { .exit_code = 0 };
	struct msg_status st = { 0 };

	if (files_folder(init.run.workdir, init.account.uid, init.account.gid, &st) < 0)
		init_failed(&st);
	init_finish(&e);
}

/* All that is known of the run, but its files and its terminal. */
static int read_run(struct message *m, struct msg_status *st)
{
	static struct home_variables home;
	const struct msg_run *r = (const void *)m->h;
	int err;

	init.asked_us = now_us();
	init.flags = r->flags;
	init.limits = r->limits;
	take_fds(m, r);
	err = body_read(m, r->n_steps, &init.run, st);
	if (err < 0)
		st->code = ERR_BUG;
	if (err < 0 || account_find("", init.run.user, &init.account, st) < 0)
		return -1;
	init_set_home(&init.run, &init.account, &home);
	init_read_io(&init.read_before, &init.written_before);
	if (init.account.uid)
		(void)!chown("/work", init.account.uid, init.account.gid);
	return 0;
}

static void note_start(void)
{
	init.started_us = now_us();
	init.started_ms = now_unix_ms();
}

static void announce(int master)
{
	struct msg_started s = { .h.type = MSG_STARTED };

	if (init.flags & RUN_ANNOUNCE)
		(void)msg_send(init.sock, &s, sizeof(s), NULL, 0, &master, master >= 0);
}

void start(struct message *m)
{
	struct msg_run r = *(const struct msg_run *)m->h;
	struct msg_status st = { 0 };
	int master = -1;

	if (read_run(m, &st) < 0)
		init_failed(&st);
	msg_release(m);
	if (init.files >= 0 && files_in(init.files, init.account.uid, init.account.gid,
					init.run.workdir, &st) < 0)
		init_failed(&st);
	if (r.flags & RUN_TTY) {
		master = init_open_pty(&r, &init.account, &init.pty, &st);
		if (master < 0)
			init_failed(&st);
	}
	note_start();
	if (r.flags & RUN_FILES_ONLY)
		finish_files();
	init.idle = r.flags & RUN_IDLE;
	if (init.idle)
		init.main = -1;
	else
		start_step();
	announce(master);
	if (master >= 0)
		(void)close(master);
}

/* ---- ahead of the run ---- */

static struct ahead {
	struct exec_plan plan;
	struct msg_status failure;
	int heard;		/* what msg_recv() said, in the process made ahead */
	bool taken, failed;	/* it was a run, and that process is to become its program */
} ahead;

/* In the process that was made ahead. */
static bool wait_for_run(struct exec_plan *plan)
{
	const struct msg_run *r = (const void *)message.h;

	do
		ahead.heard = msg_recv(init.sock, &message);
	while (ahead.heard == -EAGAIN);
	if (ahead.heard <= 0 || message.h->type != MSG_RUN ||
	    (r->flags & (RUN_TTY | RUN_FILES | RUN_FILES_ONLY | RUN_IDLE)))
		return false;
	ahead.taken = true;
	ahead.failed = read_run(&message, &ahead.failure) < 0;
	msg_release(&message);
	if (ahead.failed)
		return false;
	note_start();
	plan_step(plan);
	return true;
}

/*
 * The process that is to be the program waits for its name in our place, so that no fork
 * is left to be done, nor a switch to whom it would be done by. What it cannot do alone
 * comes back to us.
 */
void start_ahead(void)
{
	pid_t pid;

	message.h = (const void *)message.buf;
	ahead.plan.wait = wait_for_run;
	pid = exec_start(&ahead.plan);
	if (ahead.failed)
		init_failed(&ahead.failure);
	if (ahead.taken && pid < 0)
		init_unstarted(&ahead.plan);
	if (ahead.taken) {
		init.main = pid;
		announce(-1);
		return;
	}
	if (pid > 0)
		(void)waitpid(pid, NULL, 0);
	if (ahead.heard)
		init_heard(ahead.heard);
}
