#include "lib/doctor/ns.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/doctor/child.h"

enum { NOBODY = 65534 };

static bool sysctl_is(const char *path, char value)
{
	char buf[32];

	return probe_read(path, buf, sizeof(buf)) == 0 && buf[0] == value && !buf[1];
}

/* Why the kernel said no, in words; it only ever says EPERM or ENOSPC. */
static int refused(struct probe *p, const char *what, int errnum)
{
	probe_sys(p, errnum, what);
	if (sysctl_is("/proc/sys/user/max_user_namespaces", '0')) {
		probe_say(p, DOCTOR_MISSING, "user.max_user_namespaces is 0");
		probe_fix(p, "sysctl -w user.max_user_namespaces=15000");
	} else if (geteuid() &&
		   sysctl_is("/proc/sys/kernel/unprivileged_userns_clone", '0')) {
		probe_say(p, DOCTOR_MISSING, "kernel.unprivileged_userns_clone is 0");
		probe_fix(p, "sysctl -w kernel.unprivileged_userns_clone=1");
	} else if (geteuid() && sysctl_is("/proc/sys/kernel/"
			"apparmor_restrict_unprivileged_userns", '1')) {
		probe_say(p, DOCTOR_MISSING, "AppArmor takes all rights in it away "
			  "(kernel.apparmor_restrict_unprivileged_userns is 1)");
		probe_fix(p, "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or "
			  "an AppArmor profile for faas with the rule 'userns,'");
	} else if (errnum == ENOSPC) {
		probe_say(p, DOCTOR_MISSING,
			  "%s: too many, or nested too deeply", what);
		probe_fix(p, "sysctl -w user.max_user_namespaces=15000");
	} else if (errnum == EPERM) {
		probe_fix(p, "in a container: run it with "
			  "--security-opt seccomp=unconfined, or privileged; in a chroot: "
			  "leave it");
	}
	return -1;
}

static int write_maps(unsigned int uid, unsigned int gid)
{
	char map[64];

	(void)probe_write("/proc/self/setgroups", "deny");
	(void)snprintf(map, sizeof(map), "0 %u 1", uid);
	if (probe_write("/proc/self/uid_map", map) < 0)
		return -1;
	(void)snprintf(map, sizeof(map), "0 %u 1", gid);
	return probe_write("/proc/self/gid_map", map);
}

int ns_enter_user(struct probe *p, int flags)
{
	unsigned int uid = geteuid(), gid = getegid();

	if (unshare(CLONE_NEWUSER) < 0)
		return refused(p, "unshare(CLONE_NEWUSER)", errno);
	if (write_maps(uid, gid) < 0)
		return refused(p, "write uid_map", errno);
	/* A restriction may let the namespace be made and then forbid its use. */
	if (unshare(CLONE_NEWUTS | flags) < 0)
		return refused(p, "namespaces inside a user namespace", errno);
	if (sethostname("faas", 4) < 0)
		return refused(p, "use rights in a user namespace", errno);
	return 0;
}

int ns_enter(struct probe *p, int flags)
{
	if (!probe_capable(CAP_SYS_ADMIN))
		return ns_enter_user(p, flags);
	if (unshare(flags) < 0) {
		probe_sys(p, errno, "unshare");
		return -1;
	}
	return 0;
}

static int make_private(struct probe *p)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		probe_sys(p, errno, "make mounts private");
		return -1;
	}
	return 0;
}

int ns_enter_mount(struct probe *p)
{
	return ns_enter(p, CLONE_NEWNS) < 0 ? -1 : make_private(p);
}

int ns_become_ordinary(struct probe *p)
{
	if (geteuid())
		return 0;
	if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
	    setresuid(NOBODY, NOBODY, NOBODY) < 0) {
		probe_say(p, DOCTOR_UNKNOWN, "cannot become an ordinary user to try it: %s",
			  strerror(errno));
		return -1;
	}
	/* Else /proc/self belongs to root and its uid_map cannot be written. */
	(void)prctl(PR_SET_DUMPABLE, 1);
	return 0;
}

/* pid sits in a new user namespace until the pipe closes. */
static int user_fd_of(struct probe *p, pid_t pid)
{
	char path[64];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%ld/uid_map", (long)pid);
	if (probe_write(path, "0 100000 65536") < 0) {
		probe_sys(p, errno, "write uid_map");
		return -1;
	}
	(void)snprintf(path, sizeof(path), "/proc/%ld/gid_map", (long)pid);
	if (probe_write(path, "0 100000 65536") < 0) {
		probe_sys(p, errno, "write gid_map");
		return -1;
	}
	(void)snprintf(path, sizeof(path), "/proc/%ld/ns/user", (long)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		probe_sys(p, errno, "open the user namespace");
	return fd;
}

pid_t ns_user_child(struct probe *p)
{
	int pipefd[2];
	char ready = 0;
	pid_t pid;

	if (pipe2(pipefd, O_CLOEXEC) < 0) {
		probe_sys(p, errno, "pipe");
		return -1;
	}
	pid = child_fork();
	if (!pid) {
		ready = unshare(CLONE_NEWUSER) == 0;
		if (write(pipefd[1], &ready, 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	(void)close(pipefd[1]);
	if (pid > 0 && (read(pipefd[0], &ready, 1) != 1 || !ready)) {
		child_end(pid);
		pid = -1;
	}
	(void)close(pipefd[0]);
	if (pid < 0)
		probe_say(p, DOCTOR_MISSING, "no user namespace to map with");
	return pid;
}

int ns_user_fd(struct probe *p)
{
	pid_t pid = ns_user_child(p);
	int fd;

	if (pid < 0)
		return -1;
	fd = user_fd_of(p, pid);
	child_end(pid);
	return fd;
}
