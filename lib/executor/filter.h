#ifndef FAAS_EXECUTOR_FILTER_H
#define FAAS_EXECUTOR_FILTER_H

/*
 * The system calls of a sandbox
 * =============================
 *
 * Two seccomp programs, made once by libseccomp as binary trees:
 *
 *	base	an allow-list: what is not on it does not exist (ENOSYS). Loaded
 *		in the spawner, so that every sandbox inherits it for nothing.
 *	sandbox	takes away (EPERM) what the spawner itself needed: mounts,
 *		namespaces, ptrace, and the ioctls that type into a terminal.
 *
 * Both are memfds of struct sock_filter, as msg_setup wants them. A program of
 * another architecture (i386, x32) is killed.
 */

#include "lib/base/error.h"

int filter_base(int *ret_fd, struct error *err);
int filter_sandbox(int *ret_fd, struct error *err);

#endif
