#ifndef FAAS_SPAWNER_INIT_H
#define FAAS_SPAWNER_INIT_H

/*
 * Pid 1 of a sandbox.
 *
 *	init.c		from its clone to its end; signals, children, what is counted
 *	start.c		a run's start
 *	program.c	what is started, there and in enter.c
 */

#include "lib/spawner/program.h"

struct init {
	int sock;
	int signals;		/* signalfd of SIGCHLD */
	struct program program;
	pid_t main;
	uint64_t read_before, written_before;
	uint64_t asked_us, started_us, started_ms;
	bool idle, ending;	/* nothing runs; and that is over */
};

extern struct init init;
extern struct message message;		/* the last one that came */

/* r: what msg_recv() said of `message` */
void init_heard(int r);
/* All that is left is killed, and *e is how it ended. */
_noreturn_ void init_finish(struct msg_ended *e);
/* The program could not be started. */
_noreturn_ void init_unstarted(const struct exec_plan *plan);
_noreturn_ void init_failed(const struct msg_status *st);
/* Bytes that we and our children have read and written so far. */
void init_read_io(uint64_t *in, uint64_t *out);

/* Starts the run that *m asks for. */
void start(struct message *m);
/* Waits for it with the process that becomes its program. */
void start_ahead(void);
void start_step(void);

#endif
