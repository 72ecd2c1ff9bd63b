#ifndef FAAS_SPAWNER_ENTER_H
#define FAAS_SPAWNER_ENTER_H

/*
 * Further commands in a sandbox that has a program: the part of pid 1. It forks each
 * from itself, so that they are confined as the program is, and waits for them as for
 * any child. A session is theirs, by which all that a command left is found.
 */

#include <sys/resource.h>

#include "lib/spawner/program.h"

/* MSG_EXEC: starts it. sock: to the monitor; no_cgroup: as in struct exec_plan. */
void enter_begin(struct message *m, int sock, bool no_cgroup);
/* MSG_EXEC_SIGNAL and MSG_EXEC_CANCEL */
void enter_signal(const struct msg_exec *m);
void enter_cancel(const struct msg_exec *m);
/* MSG_CONNECT: to the loopback of the sandbox. */
void enter_connect(const struct msg_connect *m, int sock);
/* A child has ended; false when it is none of theirs. */
bool enter_reaped(pid_t pid, int status, const struct rusage *usage);
/* The sandbox ends: they begin nothing more. */
void enter_stop(void);

#endif
