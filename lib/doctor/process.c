#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/doctor/checks.h"
#include "lib/doctor/child.h"
#include "lib/doctor/sys.h"

#ifndef PTRACE_O_SUSPEND_SECCOMP
#define PTRACE_O_SUSPEND_SECCOMP (1 << 21)
#endif

/* A child that does nothing until it is ended. */
static pid_t sleeper(struct probe *p)
{
	pid_t pid = child_fork();

	if (!pid)
		for (;;)
			pause();
	if (pid < 0)
		probe_sys(p, errno, "fork");
	return pid;
}

void probe_openat2(struct probe *p)
{
	struct sys_open_how how = { .flags = O_RDONLY | O_CLOEXEC };
	cleanup_close int dir = open("/usr", O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	cleanup_close int inside = -1;
	cleanup_close int outside = -1;

	how.resolve = SYS_RESOLVE_BENEATH;
	inside = sys_openat2(dir, ".", &how);
	if (inside < 0)
		return probe_sys(p, errno, "openat2");
	outside = sys_openat2(dir, "..", &how);
	if (outside >= 0)
		return probe_say(p, DOCTOR_MISSING, "RESOLVE_BENEATH lets '..' out");
	probe_say(p, DOCTOR_OK, "RESOLVE_BENEATH holds");
}

void probe_close_range(struct probe *p)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (syscall(NR_CLOSE_RANGE, (unsigned int)fd, (unsigned int)fd, 0u) < 0)
		return probe_sys(p, errno, "close_range");
	if (fcntl(fd, F_GETFD) >= 0)
		return probe_say(p, DOCTOR_MISSING, "it left a descriptor open");
	probe_say(p, DOCTOR_OK, "works");
}

void probe_pidfd(struct probe *p)
{
	siginfo_t info = { 0 };
	pid_t pid = sleeper(p);
	long r;

	if (pid < 0)
		return;
	cleanup_close int fd = sys_pidfd_open(pid);

	r = fd < 0 ? -1 : syscall(NR_PIDFD_SEND_SIGNAL, fd, SIGKILL, NULL, 0u);
	if (r < 0) {
		probe_sys(p, errno, fd < 0 ? "pidfd_open" : "pidfd_send_signal");
		return child_end(pid);
	}
	if (waitid((idtype_t)3 /* P_PIDFD */, (id_t)fd, &info, WEXITED) < 0) {
		probe_sys(p, errno, "waitid(P_PIDFD)");
		return child_end(pid);
	}
	probe_say(p, DOCTOR_OK, "open, signal, wait");
}

void probe_pidfd_getfd(struct probe *p)
{
	pid_t pid = sleeper(p);
	int got;

	if (pid < 0)
		return;
	cleanup_close int fd = sys_pidfd_open(pid);

	got = (int)syscall(NR_PIDFD_GETFD, fd, 0, 0u);
	if (got < 0 && errno != EBADF)
		probe_sys(p, errno, "pidfd_getfd");
	else
		probe_say(p, DOCTOR_OK, "a descriptor can be taken from a process");
	if (got >= 0)
		(void)close(got);
	child_end(pid);
}

void probe_raise_limits(struct probe *p)
{
	struct rlimit low = { 1, 1 }, high = { 2, 2 }, files;

	(void)getrlimit(RLIMIT_NOFILE, &files);
	if (setrlimit(RLIMIT_MSGQUEUE, &low) < 0)
		return probe_sys(p, errno, "setrlimit");
	if (setrlimit(RLIMIT_MSGQUEUE, &high) < 0)
		return probe_say(p, DOCTOR_DEGRADED,
				 "no CAP_SYS_RESOURCE: at most %llu open files",
				 (unsigned long long)files.rlim_max);
	probe_say(p, DOCTOR_OK, "limits can be raised");
}

static bool seize(struct probe *p, pid_t pid, unsigned long options)
{
	int status;

	if (ptrace(PTRACE_SEIZE, pid, NULL, options) < 0) {
		probe_sys(p, errno, "ptrace(PTRACE_SEIZE)");
		return false;
	}
	if (ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0 ||
	    waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status)) {
		probe_sys(p, errno, "ptrace(PTRACE_INTERRUPT)");
		return false;
	}
	return true;
}

void probe_ptrace(struct probe *p)
{
	char scope[16] = "0";
	pid_t pid = sleeper(p);

	if (pid < 0)
		return;
	(void)probe_read("/proc/sys/kernel/yama/ptrace_scope", scope, sizeof(scope));
	if (seize(p, pid, PTRACE_O_TRACEFORK | PTRACE_O_TRACECLONE))
		probe_say(p, DOCTOR_OK, "processes of ours can be stopped and read");
	if (scope[0] == '3') {
		probe_say(p, DOCTOR_MISSING, "kernel.yama.ptrace_scope is 3");
		probe_fix(p, "kernel.yama.ptrace_scope=2 or less in /etc/sysctl.d, and a "
			  "restart");
	}
	child_end(pid);
}

void probe_suspend_seccomp(struct probe *p)
{
	pid_t pid;

	if (!probe_capable(CAP_SYS_ADMIN))
		return probe_say(p, DOCTOR_MISSING, "needs root on the host");
	pid = sleeper(p);
	if (pid < 0)
		return;
	if (seize(p, pid, PTRACE_O_SUSPEND_SECCOMP))
		probe_say(p, DOCTOR_OK, "a filtered process can be given calls to make");
	child_end(pid);
}
