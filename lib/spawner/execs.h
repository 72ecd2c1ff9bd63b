#ifndef FAAS_SPAWNER_EXECS_H
#define FAAS_SPAWNER_EXECS_H

/*
 * Further commands in a sandbox that has a program: the monitor's part. Each has its
 * own descriptors, log, deadline and client; pid 1 starts it and says how it ended
 * (lib/spawner/enter.h). The sandbox's program ends, and all of them with it.
 */

#include <poll.h>

#include "lib/spawner/monitor.h"

enum { EXECS_POLL = EXECS_MAX * 4 };

/* What only they know what to do with: MSG_EXEC and what follows on it. */
void execs_from_executor(struct message *m);
void execs_from_init(struct message *m);
/* Pid 1 is gone, and they with it. */
void execs_lost(void);
/* The sandbox is to be blank again. */
void execs_forget(void);

/* Fills p with what to wait for, and says how many. */
int execs_poll(struct pollfd p[EXECS_POLL]);
void execs_ready(const struct pollfd *p, int n);
/* When the next of them has to be looked at, or `own` if that is sooner; 0 is never. */
uint64_t execs_next(uint64_t own);
void execs_on_time(uint64_t now);

/* To the executor that has adopted the sandbox: which there are. */
void execs_send_state(void);

#endif
