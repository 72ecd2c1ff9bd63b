#include "lib/executor/filter.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

/* What programs need, and the spawner; names a library does not know are skipped. */
static const char allowed[] =
	"accept accept4 access adjtimex alarm arch_prctl bind brk cachestat capget capset "
	"chdir chmod chown clock_getres clock_gettime clock_nanosleep clone clone3 close "
	"close_range connect copy_file_range creat dup dup2 dup3 epoll_create "
	"epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait "
	"epoll_wait_old eventfd eventfd2 execve execveat exit exit_group faccessat "
	"faccessat2 fadvise64 fallocate fchdir fchmod fchmodat fchmodat2 fchown fchownat "
	"fcntl fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat "
	"fstatfs fsync ftruncate futex futex_wait futex_wake futex_waitv futex_requeue "
	"futimesat getcpu getcwd getdents getdents64 getegid geteuid getgid getgroups "
	"getitimer getpeername getpgid getpgrp getpid getppid getpriority getrandom "
	"getresgid getresuid getrlimit get_robust_list getrusage getsid getsockname "
	"getsockopt get_thread_area gettid gettimeofday getuid getxattr getxattrat "
	"inotify_add_watch inotify_init inotify_init1 inotify_rm_watch ioctl ioprio_get "
	"ioprio_set kill landlock_add_rule landlock_create_ruleset "
	"landlock_restrict_self lchown lgetxattr link linkat listen listxattr "
	"listxattrat llistxattr lremovexattr lseek lsetxattr lstat madvise map_shadow_stack "
	"membarrier memfd_create memfd_secret mincore mkdir mkdirat mknod mknodat mlock "
	"mlock2 mlockall mmap mprotect mq_getsetattr mq_notify mq_open mq_timedreceive "
	"mq_timedsend mq_unlink mremap mseal msgctl msgget msgrcv msgsnd msync munlock "
	"munlockall munmap nanosleep newfstatat open openat openat2 pause pidfd_open "
	"pidfd_send_signal pipe pipe2 pkey_alloc pkey_free pkey_mprotect poll ppoll prctl "
	"pread64 preadv preadv2 prlimit64 process_mrelease pselect6 pwrite64 pwritev "
	"pwritev2 read readahead readlink readlinkat readv recvfrom recvmmsg recvmsg "
	"remap_file_pages removexattr removexattrat rename renameat renameat2 "
	"restart_syscall rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask "
	"rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo "
	"sched_getaffinity sched_getattr sched_getparam sched_get_priority_max "
	"sched_get_priority_min sched_getscheduler sched_rr_get_interval "
	"sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield "
	"seccomp select semctl semget semop semtimedop sendfile sendmmsg sendmsg sendto "
	"setfsgid setfsuid setgid setgroups setitimer setpgid setpriority setregid "
	"setresgid setresuid setreuid setrlimit set_robust_list setsid setsockopt "
	"set_thread_area set_tid_address setuid setxattr setxattrat shmat shmctl shmdt "
	"shmget shutdown sigaltstack signalfd signalfd4 socketpair splice stat statfs "
	"statx symlink symlinkat sync sync_file_range syncfs sysinfo tee tgkill time "
	"timer_create timer_delete timer_getoverrun timer_gettime timer_settime "
	"timerfd_create timerfd_gettime timerfd_settime times tkill truncate umask uname "
	"unlink unlinkat utime utimensat utimes vfork vmsplice wait4 waitid write writev "
	/* the spawner's own, which the second filter takes away */
	"mount umount2 pivot_root open_tree move_mount fsopen fsconfig fsmount "
	"mount_setattr unshare setns sethostname";

/* Refused in a sandbox with EPERM, so that programs see a refusal and go on. */
static const char refused[] =
	"mount umount2 pivot_root open_tree move_mount fsopen fsconfig fsmount "
	"mount_setattr unshare setns sethostname process_mrelease";

static const uint64_t personalities[] = {
	PER_LINUX, 0x0008 /* PER_LINUX32 */, UNAME26, UNAME26 | 0x0008, 0xffffffff,
};

/* Calls each(name) for every word of a list. */
static int each_name(scmp_filter_ctx ctx, const char *list, uint32_t action)
{
	while (*list) {
		char name[64];
		size_t len = strcspn(list, " ");
		int nr, r;

		if (len >= sizeof(name))
			return -EINVAL;
		memcpy(name, list, len);
		name[len] = '\0';
		list += len + (list[len] == ' ');
		nr = seccomp_syscall_resolve_name(name);
		if (nr == __NR_SCMP_ERROR)
			continue;	/* newer than this libseccomp */
		r = seccomp_rule_add(ctx, action, nr, 0);
		if (r < 0 && r != -EDOM)
			return r;
	}
	return 0;
}

static int begin(scmp_filter_ctx *ret, uint32_t fallback)
{
	scmp_filter_ctx ctx = seccomp_init(fallback);
	int r;

	if (!ctx)
		return -ENOMEM;
	r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	/* 2: a binary tree; loading costs the kernel by the depth, not the length */
	if (!r)
		r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (r < 0) {
		seccomp_release(ctx);
		return r;
	}
	*ret = ctx;
	return 0;
}

static int export(scmp_filter_ctx ctx, const char *name, int *ret_fd)
{
	cleanup_close int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int r;

	if (fd < 0)
		return -errno;
	r = seccomp_export_bpf(ctx, fd);
	if (r < 0)
		return r;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int base_rules(scmp_filter_ctx ctx)
{
	static const int families[] = { AF_UNIX, AF_INET, AF_INET6 };
	int r = each_name(ctx, allowed, SCMP_ACT_ALLOW);

	for (size_t i = 0; !r && i < ARRAY_SIZE(personalities); i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(personality), 1,
				     SCMP_A0(SCMP_CMP_EQ, personalities[i]));
	for (size_t i = 0; !r && i < ARRAY_SIZE(families); i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
				     SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i]));
	/* routes and addresses can be listed; no other netlink */
	if (!r)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2,
				     SCMP_A0(SCMP_CMP_EQ, AF_NETLINK),
				     SCMP_A2(SCMP_CMP_EQ, 0));
	return r;
}

/*
 * The machine's huge pages were set aside for somebody, are few, and no limit of memory
 * counts them. Whoever asks for some hears that there are none.
 */
static int huge_rules(scmp_filter_ctx ctx)
{
	const uint32_t none = SCMP_ACT_ERRNO(ENOMEM);
	int r = seccomp_rule_add(ctx, none, SCMP_SYS(mmap), 1,
				 SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_HUGETLB, MAP_HUGETLB));

	if (!r)
		r = seccomp_rule_add(ctx, none, SCMP_SYS(memfd_create), 1,
				     SCMP_A1(SCMP_CMP_MASKED_EQ, MFD_HUGETLB, MFD_HUGETLB));
	if (!r)
		r = seccomp_rule_add(ctx, none, SCMP_SYS(shmget), 1,
				     SCMP_A2(SCMP_CMP_MASKED_EQ, SHM_HUGETLB, SHM_HUGETLB));
	return r;
}

static int sandbox_rules(scmp_filter_ctx ctx)
{
	static const uint64_t ioctls[] = { TIOCSTI, TIOCLINUX };
	static const uint64_t namespaces[] = {
		CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER,
		CLONE_NEWPID, CLONE_NEWNET,
	};
	int r = each_name(ctx, refused, SCMP_ACT_ERRNO(EPERM));

	if (!r)
		r = huge_rules(ctx);
	/* its flags are in memory, where a filter cannot look: libc falls back */
	if (!r)
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	/* the limits of another process, pid 1 among them, may be read only */
	if (!r)
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(prlimit64), 2,
				     SCMP_A0(SCMP_CMP_NE, 0), SCMP_A2(SCMP_CMP_NE, 0));
	for (size_t i = 0; !r && i < ARRAY_SIZE(namespaces); i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
				     SCMP_A0(SCMP_CMP_MASKED_EQ, namespaces[i],
					     namespaces[i]));
	for (size_t i = 0; !r && i < ARRAY_SIZE(ioctls); i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
				     SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff, ioctls[i]));
	return r;
}

static int make(const char *name, uint32_t fallback, int (*rules)(scmp_filter_ctx),
		int *ret_fd, struct error *err)
{
	scmp_filter_ctx ctx = NULL;
	int r = begin(&ctx, fallback);

	if (!r)
		r = rules(ctx);
	if (!r)
		r = export(ctx, name, ret_fd);
	if (ctx)
		seccomp_release(ctx);
	if (r < 0)
		return err_sys(err, -r, "build the seccomp filter '%s'", name);
	return 0;
}

int filter_base(int *ret_fd, struct error *err)
{
	return make("faas-filter-base", SCMP_ACT_ERRNO(ENOSYS), base_rules, ret_fd, err);
}

int filter_sandbox(int *ret_fd, struct error *err)
{
	return make("faas-filter-sandbox", SCMP_ACT_ALLOW, sandbox_rules, ret_fd, err);
}
