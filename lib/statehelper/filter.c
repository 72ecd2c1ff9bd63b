#include <errno.h>
#include <linux/fs.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>

#include "lib/base/macro.h"
#include "lib/statehelper/confine.h"

/* Names, because not every one exists on every kernel or architecture. */
static const char *const allowed[] = {
	"read", "readv", "pread64", "write", "writev", "pwrite64", "lseek", "_llseek",
	"close", "dup", "fcntl", "fcntl64", "fstat", "fstat64", "newfstatat", "fstatat64",
	"statx", "open", "openat", "openat2", "mkdirat", "unlinkat", "symlinkat", "linkat",
	"renameat", "renameat2", "readlink", "readlinkat", "access", "faccessat", "faccessat2",
	"fchmod", "fchmodat", "fchown", "fchown32", "fchownat", "utimensat",
	"utimensat_time64", "ftruncate", "ftruncate64", "copy_file_range", "getxattr",
	"fgetxattr", "fsetxattr", "flistxattr", "mknodat", "fsync", "fdatasync", "syncfs",
	"getdents64", "brk", "munmap", "mremap", "madvise", "futex", "futex_time64",
	"clock_gettime", "clock_gettime64", "gettimeofday", "time", "rt_sigreturn",
	"sigreturn", "rt_sigaction", "rt_sigprocmask", "exit", "exit_group", "getpid",
	"gettid", "getuid", "geteuid", "getgid", "getegid", "tgkill", "getrandom",
	"restart_syscall", "sched_getaffinity", "sched_yield", "sysinfo", "uname",
	"prlimit64", "getrlimit", "getcwd",
};

/* Nothing here ever makes these by accident: it has been taken over. */
static const char *const deadly[] = {
	"execve", "execveat", "fork", "vfork", "ptrace", "process_vm_readv",
	"process_vm_writev", "socket", "socketpair", "connect", "bind", "mount", "umount2",
	"move_mount", "open_tree", "fsopen", "pivot_root", "chroot", "setns", "unshare", "bpf",
	"keyctl", "add_key", "io_uring_setup", "userfaultfd", "perf_event_open", "init_module",
	"finit_module", "kexec_load", "open_by_handle_at", "setuid", "setresuid", "setreuid",
	"capset", "pidfd_getfd", "kill", "tkill",
};

static int add(scmp_filter_ctx ctx, uint32_t action, const char *const names[], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int nr = seccomp_syscall_resolve_name(names[i]), r;

		if (nr == __NR_SCMP_ERROR)
			continue;
		r = seccomp_rule_add(ctx, action, nr, 0);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Memory that can be executed is never needed again: all libraries are loaded. */
static int add_memory(scmp_filter_ctx ctx)
{
	static const int calls[] = {
		SCMP_SYS(mmap), SCMP_SYS(mmap2), SCMP_SYS(mprotect),
	};

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		int r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i], 1,
					 SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));

		if (r < 0)
			return r;
	}
	return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
				SCMP_A1(SCMP_CMP_EQ, FICLONE));
}

/* More of this process, and never another one; clone3() hides its flags from us. */
static int add_threads(scmp_filter_ctx ctx)
{
	static const char *const calls[] = { "set_robust_list", "rseq" };
	int r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
				 SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));

	return r < 0 ? r : add(ctx, SCMP_ACT_ALLOW, calls, ARRAY_SIZE(calls));
}

int confine_calls(bool threads, struct error *err)
{
	/* ENOSYS is what libraries know how to do without */
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int r;

	if (!ctx)
		return err_set(err, ERR_LIMIT, "no memory for the system call filter");
	r = add(ctx, SCMP_ACT_ALLOW, allowed, ARRAY_SIZE(allowed));
	if (r == 0)
		r = add(ctx, SCMP_ACT_KILL_PROCESS, deadly, ARRAY_SIZE(deadly));
	if (r == 0)
		r = add_memory(ctx);
	if (r == 0 && threads)
		r = add_threads(ctx);
	if (r == 0)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	return r < 0 ? err_sys(err, -r, "load the system call filter") : 0;
}
