#ifndef FAAS_DOCTOR_CHILD_H
#define FAAS_DOCTOR_CHILD_H

/*
 * Processes of the doctor: the only fork() and exec in this folder. A child
 * dies with the process that made it, so a probe that is killed leaves none.
 */

#include <stddef.h>
#include <sys/types.h>

#include "lib/base/macro.h"

/* _exit(), but a COVERAGE=1 build writes down first what was run. */
_noreturn_ void child_exit(int status);
/* fork(), and in the child: SIGKILL when the parent is gone. */
pid_t child_fork(void);
/* Runs fn in a child; its return value is the exit status. 128+n for a signal. */
int child_run(int (*fn)(void *), void *arg);
/* Waits for the exit status, 128+n for a signal, -1 if it cannot. */
int child_wait(pid_t pid);
/* SIGKILL, and wait. */
void child_end(pid_t pid);

/*
 * Runs a program with no input and keeps what it writes (cut at size). Returns
 * the exit status, 127 when it cannot be run.
 */
int child_output(const char *const argv[], char *buf, size_t size);

#endif
