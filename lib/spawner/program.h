#ifndef FAAS_SPAWNER_PROGRAM_H
#define FAAS_SPAWNER_PROGRAM_H

/*
 * What pid 1 starts: the steps of the sandbox's run, or of a further command in it.
 */

#include "lib/spawner/spawner.h"

/* HOME, USER and LOGNAME are the account's, unless the caller said. */
struct home_variables {
	char home[300], user[80], logname[80];
};

struct program {
	int stdio[3];		/* -1: none */
	int pty;		/* slave, or -1 */
	int files;		/* file channel, or -1 */
	uint32_t flags;		/* enum run_flags */
	uint16_t rows, cols;	/* of its terminal */
	struct limits limits;
	struct run_body run;
	struct account account;
	struct home_variables home;
	int step;
	bool no_cgroup;		/* as in struct exec_plan */
};

#define NO_PROGRAM	.stdio = { -1, -1, -1 }, .pty = -1, .files = -1

/* All that *m says of it, and its descriptors; what is not given is /dev/null. */
int program_read(struct program *p, struct message *m, struct msg_status *st);
/* A terminal of the account's: returns the master and sets p->pty; or -1. */
int program_open_pty(struct program *p, struct msg_status *st);
/* What its next step is to be; *plan points into *p. */
void program_plan(const struct program *p, struct exec_plan *plan);
/* That step could not be started: a result too, with our reason in it. */
struct msg_ended program_unstarted(const struct exec_plan *plan);
/* The same for what came before it. */
struct msg_ended program_failed(const struct msg_status *st);
/* Whoever reads what it writes sees the end of it. Its file channel stays. */
void program_close_stdio(struct program *p);

#endif
