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

/* ---- steps ---- */

void start_step(void)
{
	struct exec_plan plan;

	program_plan(&init.program, &plan);
	init.main = exec_start(&plan);
	if (init.main < 0)
		init_unstarted(&plan);
}

/* The working directory is made, files are in it, and that was the run. */
_noreturn_ static void finish_files(void)
{
	struct msg_ended e = { .exit_code = 0 };
	struct msg_status st = { 0 };

	if (files_folder(init.program.run.workdir, init.program.account.uid,
			 init.program.account.gid, &st) < 0)
		init_failed(&st);
	init_finish(&e);
}

/* All that is known of the run, but its files and its terminal. */
static int read_run(struct message *m, struct msg_status *st)
{
	init.asked_us = now_us();
	if (program_read(&init.program, m, st) < 0)
		return -1;
	init_read_io(&init.read_before, &init.written_before);
	if (init.program.account.uid)
		(void)!chown("/work", init.program.account.uid, init.program.account.gid);
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

	if (init.program.flags & RUN_ANNOUNCE)
		(void)msg_send(init.sock, &s, sizeof(s), NULL, 0, &master, master >= 0);
}

void start(struct message *m)
{
	struct program *p = &init.program;
	struct msg_status st = { 0 };
	int master = -1;

	if (read_run(m, &st) < 0)
		init_failed(&st);
	msg_release(m);
	if (p->files >= 0 && files_in(p->files, p->account.uid, p->account.gid, p->run.workdir,
				      &st) < 0)
		init_failed(&st);
	if (p->flags & RUN_TTY) {
		master = program_open_pty(p, &st);
		if (master < 0)
			init_failed(&st);
	}
	note_start();
	if (p->flags & RUN_FILES_ONLY)
		finish_files();
	init.idle = p->flags & RUN_IDLE;
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
	program_plan(&init.program, plan);
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
