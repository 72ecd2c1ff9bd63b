/* Mounts, namespaces and other processes. The rows are at the end; probe.c has the verdicts. */
#include "tests/executor/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static char buffer[65536];

/* ---- mounts and namespaces ---- */

static int try_mount(const char *type)
{
	(void)mkdir("/tmp/m", 0755);
	return result(mount("none", "/tmp/m", type, 0, NULL));
}

static int try_bind(const char *what)
{
	(void)mkdir("/tmp/m", 0755);
	return result(mount(what, "/tmp/m", NULL, MS_BIND | MS_REC, NULL));
}

static int try_remount(const char *what)
{
	return result(mount(NULL, what, NULL, MS_REMOUNT | MS_BIND, NULL));
}

static int try_umount(const char *what)
{
	return result(umount2(what, MNT_DETACH));
}

static int try_pivot_root(const char *arg UNUSED)
{
	return result(syscall(SYS_pivot_root, ".", "."));
}

static int try_chroot(const char *what)
{
	return result(chroot(what));
}

static int try_open_tree(const char *what)
{
	return result(syscall(SYS_open_tree, AT_FDCWD, what, 1 /* CLONE */));
}

static int try_move_mount(const char *arg UNUSED)
{
	return result(syscall(SYS_move_mount, AT_FDCWD, "/proc", AT_FDCWD, "/tmp", 0));
}

static int try_fsopen(const char *type)
{
	return result(syscall(SYS_fsopen, type, 0));
}

static int try_fspick(const char *what)
{
	return result(syscall(433 /* fspick */, AT_FDCWD, what, 0));
}

static int try_mount_setattr(const char *what)
{
	uint64_t attr[4] = { 0, 1 /* clear read-only */, 0, 0 };

	return result(syscall(442 /* mount_setattr */, AT_FDCWD, what, 0, attr, sizeof(attr)));
}

static int flag_of(const char *name)
{
	static const struct {
		const char *name;
		int flag;
	} flags[] = {
		{ "user", CLONE_NEWUSER }, { "mnt", CLONE_NEWNS }, { "pid", CLONE_NEWPID },
		{ "net", CLONE_NEWNET }, { "ipc", CLONE_NEWIPC }, { "uts", CLONE_NEWUTS },
		{ "cgroup", CLONE_NEWCGROUP }, { "time", 0x80 },
	};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (!strcmp(flags[i].name, name))
			return flags[i].flag;
	abort();
}

static int try_unshare(const char *name)
{
	return result(unshare(flag_of(name)));
}

static int try_clone(const char *name)
{
	long pid = syscall(SYS_clone, (unsigned long)flag_of(name) | SIGCHLD, NULL, NULL, NULL,
			   0UL);

	if (!pid)
		_exit(0);
	return result(pid);
}

static int try_clone3(const char *name)
{
	struct clone_args args = { .flags = (uint64_t)flag_of(name), .exit_signal = SIGCHLD };
	long pid = syscall(SYS_clone3, &args, sizeof(args));

	if (!pid)
		_exit(0);
	return result(pid);
}

static int try_setns(const char *what)
{
	int fd = open(what, O_RDONLY);

	return fd < 0 ? errno : result(setns(fd, 0));
}

static int try_setns_pidfd(const char *arg UNUSED)
{
	int fd = (int)syscall(SYS_pidfd_open, 1, 0);

	return fd < 0 ? errno : result(setns(fd, CLONE_NEWNS));
}

static int try_sethostname(const char *arg UNUSED)
{
	return result(sethostname("mine", 4));
}

/* ---- other processes ---- */

static int try_ptrace(const char *how)
{
	return result(ptrace(*how == 'a' ? PTRACE_ATTACH : PTRACE_SEIZE, 1, NULL, NULL));
}

static int try_process_vm(const char *how)
{
	struct iovec here = { buffer, 16 }, there = { (void *)(uintptr_t)0x400000, 16 };

	return result(*how == 'r' ? process_vm_readv(1, &here, 1, &there, 1, 0)
				  : process_vm_writev(1, &here, 1, &there, 1, 0));
}

static int try_pidfd_getfd(const char *arg UNUSED)
{
	int fd = (int)syscall(SYS_pidfd_open, 1, 0);

	return fd < 0 ? errno : result(syscall(438 /* pidfd_getfd */, fd, 0, 0));
}

static int try_kcmp(const char *arg UNUSED)
{
	return result(syscall(SYS_kcmp, getpid(), 1, 0, 0, 0));
}

static int try_process_madvise(const char *arg UNUSED)
{
	struct iovec there = { (void *)(uintptr_t)0x400000, 4096 };
	int fd = (int)syscall(SYS_pidfd_open, 1, 0);

	return fd < 0 ? errno : result(syscall(440, fd, &there, 1, MADV_COLD, 0));
}

static int try_prlimit(const char *arg UNUSED)
{
	struct rlimit none = { 0, 0 };

	return result(prlimit(1, RLIMIT_NOFILE, &none, NULL));
}

/* Signals that pid 1 has no handler for do not reach it from inside; its own do. */
static int try_kill_init(const char *arg UNUSED)
{
	static const int signals[] = { SIGKILL, SIGSTOP, SIGTERM, SIGINT, SIGSEGV };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		(void)kill(1, signals[i]);
	for (int n = 0; n < 100; n++)
		if (kill(1, 0) < 0 && errno == ESRCH)
			return 0;
	return EPERM;
}

static int try_sched(const char *arg UNUSED)
{
	struct sched_param p = { .sched_priority = 50 };

	return result(sched_setscheduler(0, SCHED_FIFO, &p));
}

static int try_nice(const char *arg UNUSED)
{
	return result(setpriority(PRIO_PROCESS, 0, -20));
}

static int try_rlimit(const char *arg UNUSED)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_CORE, &rl) < 0)
		return errno;
	rl.rlim_cur = rl.rlim_max = 1 << 20;
	return result(setrlimit(RLIMIT_CORE, &rl));
}

static int try_setuid(const char *arg UNUSED)
{
	int r = result(setresuid(12345, 12345, 12345));

	/* there is no such user in a namespace with one */
	return r == EINVAL ? EPERM : r;
}

static int try_setgroups(const char *arg UNUSED)
{
	gid_t g = 27;

	return result(setgroups(1, &g));
}

const struct probe probes_namespace[] = {
	{ "mount-proc", try_mount, "proc" },
	{ "mount-sysfs", try_mount, "sysfs" },
	{ "mount-tmpfs", try_mount, "tmpfs" },
	{ "mount-overlay", try_mount, "overlay" },
	{ "mount-cgroup", try_mount, "cgroup" },
	{ "mount-cgroup2", try_mount, "cgroup2" },
	{ "mount-debugfs", try_mount, "debugfs" },
	{ "mount-tracefs", try_mount, "tracefs" },
	{ "mount-bpf", try_mount, "bpf" },
	{ "mount-mqueue", try_mount, "mqueue" },
	{ "mount-securityfs", try_mount, "securityfs" },
	{ "mount-binfmt_misc", try_mount, "binfmt_misc" },
	{ "mount-devpts", try_mount, "devpts" },
	{ "mount-bind-root", try_bind, "/" },
	{ "mount-bind-proc", try_bind, "/proc" },
	{ "remount-/", try_remount, "/" },
	{ "remount-/proc", try_remount, "/proc" },
	{ "remount-/proc/sys", try_remount, "/proc/sys" },
	{ "remount-/dev", try_remount, "/dev" },
	{ "remount-/sys", try_remount, "/sys" },
	{ "umount-/proc", try_umount, "/proc" },
	{ "umount-/dev", try_umount, "/dev" },
	{ "umount-/dev/pts", try_umount, "/dev/pts" },
	{ "umount-/dev/shm", try_umount, "/dev/shm" },
	{ "pivot_root", try_pivot_root, NULL },
	{ "chroot", try_chroot, "/tmp" },
	{ "open_tree", try_open_tree, "/" },
	{ "move_mount", try_move_mount, NULL },
	{ "fsopen-tmpfs", try_fsopen, "tmpfs" },
	{ "fsopen-proc", try_fsopen, "proc" },
	{ "fsopen-cgroup2", try_fsopen, "cgroup2" },
	{ "fspick", try_fspick, "/" },
	{ "mount_setattr", try_mount_setattr, "/proc" },
	{ "unshare-user", try_unshare, "user" },
	{ "unshare-mnt", try_unshare, "mnt" },
	{ "unshare-pid", try_unshare, "pid" },
	{ "unshare-net", try_unshare, "net" },
	{ "unshare-ipc", try_unshare, "ipc" },
	{ "unshare-uts", try_unshare, "uts" },
	{ "unshare-cgroup", try_unshare, "cgroup" },
	{ "unshare-time", try_unshare, "time" },
	{ "clone-user", try_clone, "user" },
	{ "clone-mnt", try_clone, "mnt" },
	{ "clone-pid", try_clone, "pid" },
	{ "clone-net", try_clone, "net" },
	{ "clone-ipc", try_clone, "ipc" },
	{ "clone-uts", try_clone, "uts" },
	{ "clone-cgroup", try_clone, "cgroup" },
	{ "clone3-user", try_clone3, "user" },
	{ "clone3-mnt", try_clone3, "mnt" },
	{ "clone3-pid", try_clone3, "pid" },
	{ "clone3-net", try_clone3, "net" },
	{ "clone3-ipc", try_clone3, "ipc" },
	{ "clone3-uts", try_clone3, "uts" },
	{ "clone3-cgroup", try_clone3, "cgroup" },
	{ "clone3-time", try_clone3, "time" },
	{ "setns-1-user", try_setns, "/proc/1/ns/user" },
	{ "setns-1-mnt", try_setns, "/proc/1/ns/mnt" },
	{ "setns-1-pid", try_setns, "/proc/1/ns/pid" },
	{ "setns-1-net", try_setns, "/proc/1/ns/net" },
	{ "setns-1-ipc", try_setns, "/proc/1/ns/ipc" },
	{ "setns-1-uts", try_setns, "/proc/1/ns/uts" },
	{ "setns-1-cgroup", try_setns, "/proc/1/ns/cgroup" },
	{ "setns-self-user", try_setns, "/proc/self/ns/user" },
	{ "setns-self-mnt", try_setns, "/proc/self/ns/mnt" },
	{ "setns-self-net", try_setns, "/proc/self/ns/net" },
	{ "setns-pidfd", try_setns_pidfd, NULL },
	{ "sethostname", try_sethostname, NULL },
	{ "ptrace-attach-1", try_ptrace, "attach" },
	{ "ptrace-seize-1", try_ptrace, "seize" },
	{ "process_vm_readv-1", try_process_vm, "read" },
	{ "process_vm_writev-1", try_process_vm, "write" },
	{ "pidfd_getfd-1", try_pidfd_getfd, NULL },
	{ "kcmp-1", try_kcmp, NULL },
	{ "process_madvise-1", try_process_madvise, NULL },
	{ "prlimit-1", try_prlimit, NULL },
	{ "kill-1", try_kill_init, NULL },
	{ "sched-fifo", try_sched, NULL },
	{ "nice-negative", try_nice, NULL },
	{ "core-limit-up", try_rlimit, NULL },
	{ "setresuid", try_setuid, NULL },
	{ "setgroups", try_setgroups, NULL },
	{ 0 }
};
