#include "lib/executor/filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "tests/unit/test.h"

/*
 * The programs are run here, by an interpreter of the few instructions that they
 * have, over every system call number: what a kernel would decide, without one.
 */

#if defined(__x86_64__)
#define ARCH		AUDIT_ARCH_X86_64
#define OTHER_ARCH	AUDIT_ARCH_I386
#elif defined(__aarch64__)
#define ARCH		AUDIT_ARCH_AARCH64
#define OTHER_ARCH	AUDIT_ARCH_ARM
#endif

enum { CALLS = 1024, X32 = 0x40000000 };

#define ERRNO(e)	(SECCOMP_RET_ERRNO | (e))

struct program {
	struct sock_filter *code;
	size_t n, longest;
};

static struct program load(int (*make)(int *ret_fd, struct error *err))
{
	struct program p = { NULL, 0, 0 };
	struct error err = { 0 };
	cleanup_close int fd = -1;
	struct stat st;

	check(!make(&fd, &err));
	check(!fstat(fd, &st) && st.st_size && !(st.st_size % (off_t)sizeof(*p.code)));
	p.n = (size_t)st.st_size / sizeof(*p.code);
	check(p.n <= BPF_MAXINSNS);
	p.code = malloc((size_t)st.st_size);
	check(pread(fd, p.code, (size_t)st.st_size, 0) == st.st_size);
	return p;
}

static bool jumps(const struct sock_filter *in, uint32_t a)
{
	switch (BPF_OP(in->code)) {
	case BPF_JEQ:
		return a == in->k;
	case BPF_JGT:
		return a > in->k;
	case BPF_JGE:
		return a >= in->k;
	case BPF_JSET:
		return a & in->k;
	}
	abort();
}

static uint32_t run(struct program *p, const struct seccomp_data *data)
{
	uint32_t a = 0;
	size_t steps = 0;

	for (size_t at = 0; at < p->n; at++) {
		const struct sock_filter *in = &p->code[at];

		steps++;
		switch (BPF_CLASS(in->code)) {
		case BPF_LD:
			check(in->code == (BPF_LD | BPF_W | BPF_ABS));
			check(in->k <= sizeof(*data) - 4 && !(in->k % 4));
			memcpy(&a, (const char *)data + in->k, 4);
			break;
		case BPF_ALU:
			check(in->code == (BPF_ALU | BPF_AND | BPF_K));
			a &= in->k;
			break;
		case BPF_JMP:
			if (in->code == (BPF_JMP | BPF_JA))
				at += in->k;
			else
				at += jumps(in, a) ? in->jt : in->jf;
			break;
		case BPF_RET:
			check(in->code == (BPF_RET | BPF_K));
			if (steps > p->longest)
				p->longest = steps;
			return in->k;
		default:
			abort();
		}
	}
	abort();
}

static uint32_t call(struct program *p, uint32_t nr, uint64_t a0, uint64_t a1,
		     uint64_t a2)
{
	struct seccomp_data data = {.nr = (int)nr, .arch = ARCH, .args = {a0, a1, a2}};

	return run(p, &data);
}

/* What must never be on the list, whatever else changes. */
static const long never[] = {
    SYS_keyctl,
    SYS_add_key,
    SYS_request_key,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_io_uring_setup,
    SYS_io_uring_enter,
    SYS_io_uring_register,
    SYS_userfaultfd,
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_kcmp,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_kexec_load,
    SYS_reboot,
    SYS_swapon,
    SYS_swapoff,
    SYS_syslog,
    SYS_acct,
    SYS_quotactl,
    SYS_name_to_handle_at,
    SYS_open_by_handle_at,
    SYS_settimeofday,
    SYS_clock_settime,
    SYS_setdomainname,
    SYS_chroot,
    SYS_fanotify_init,
    SYS_lookup_dcookie,
    SYS_move_pages,
    SYS_migrate_pages,
    SYS_mbind,
    SYS_set_mempolicy,
    SYS_vhangup,
    SYS_pidfd_getfd,
    SYS_process_madvise,
#ifdef SYS_kexec_file_load
    SYS_kexec_file_load,
#endif
#ifdef SYS_modify_ldt
    SYS_modify_ldt,
    SYS_iopl,
    SYS_ioperm,
    SYS_uselib,
    SYS_ustat,
    SYS_sysfs,
    SYS__sysctl,
    SYS_create_module,
#endif
};

/* What no program, or no run-time, can do without. */
static const long always[] = {
    SYS_read,	      SYS_write,
    SYS_close,	      SYS_openat,
    SYS_newfstatat,   SYS_statx,
    SYS_mmap,	      SYS_mprotect,
    SYS_munmap,	      SYS_brk,
    SYS_rt_sigaction, SYS_rt_sigprocmask,
    SYS_rt_sigreturn, SYS_ioctl,
    SYS_clone,	      SYS_execve,
    SYS_exit,	      SYS_exit_group,
    SYS_wait4,	      SYS_kill,
    SYS_futex,	      SYS_set_robust_list,
    SYS_rseq,	      SYS_getrandom,
    SYS_prlimit64,    SYS_epoll_pwait,
    SYS_pipe2,	      SYS_dup3,
    SYS_socketpair,   SYS_connect,
    SYS_bind,	      SYS_accept4,
    SYS_sendmsg,      SYS_recvmsg,
    SYS_getdents64,   SYS_clock_gettime,
    SYS_nanosleep,    SYS_sched_getaffinity,
    SYS_memfd_create, SYS_copy_file_range,
    SYS_unlinkat,     SYS_renameat2,
    SYS_mkdirat,      SYS_prctl,
    SYS_seccomp,      SYS_setresuid,
    SYS_capset,	      SYS_close_range,
    SYS_pidfd_open,   SYS_timerfd_create,
    SYS_eventfd2,     SYS_signalfd4,
#ifdef SYS_arch_prctl
    SYS_arch_prctl,   SYS_open,
    SYS_stat,	      SYS_fork,
    SYS_vfork,	      SYS_poll,
#endif
};

/* What makes a sandbox, and may not be done in one. */
static const long taken_away[] = {
    SYS_mount,	       SYS_umount2, SYS_pivot_root, SYS_open_tree,
    SYS_move_mount,    SYS_fsopen,  SYS_fsconfig,   SYS_fsmount,
    SYS_mount_setattr, SYS_unshare, SYS_setns,	    SYS_sethostname,
};

TEST(the_base_is_a_list_of_what_exists)
{
	struct program p = load(filter_base);
	unsigned int n = 0;

	for (uint32_t nr = 0; nr < CALLS; nr++) {
		uint32_t r = call(&p, nr, 0, 0, 0);

		check(r == SECCOMP_RET_ALLOW || r == ERRNO(ENOSYS));
		n += r == SECCOMP_RET_ALLOW;
	}
	check(n > 250 && n < 350);
	for (size_t i = 0; i < ARRAY_SIZE(never); i++)
		check(call(&p, (uint32_t)never[i], 0, 0, 0) == ERRNO(ENOSYS));
	for (size_t i = 0; i < ARRAY_SIZE(always); i++)
		check(call(&p, (uint32_t)always[i], 0, 0, 0) == SECCOMP_RET_ALLOW);
	for (size_t i = 0; i < ARRAY_SIZE(taken_away); i++)
		check(call(&p, (uint32_t)taken_away[i], 0, 0, 0) == SECCOMP_RET_ALLOW);
	free(p.code);
}

TEST(the_base_looks_at_families_and_personalities)
{
	struct program p = load(filter_base);

	for (uint64_t family = 0; family < 64; family++) {
		bool ok = family == AF_UNIX || family == AF_INET || family == AF_INET6;

		for (uint64_t protocol = 0; protocol < 32; protocol++)
			check((call(&p, SYS_socket, family, SOCK_RAW, protocol) ==
			       SECCOMP_RET_ALLOW) ==
			      (ok || (family == AF_NETLINK && !protocol)));
	}
	check(call(&p, SYS_personality, 0, 0, 0) == SECCOMP_RET_ALLOW);
	check(call(&p, SYS_personality, 0xffffffff, 0, 0) == SECCOMP_RET_ALLOW);
	check(call(&p, SYS_personality, 0x0040000, 0, 0) == ERRNO(ENOSYS));
	check(call(&p, SYS_personality, 0x0100000, 0, 0) == ERRNO(ENOSYS));
	free(p.code);
}

TEST(the_sandbox_loses_what_made_it)
{
	struct program p = load(filter_sandbox);

	for (uint32_t nr = 0; nr < CALLS; nr++) {
		uint32_t want = SECCOMP_RET_ALLOW;

		for (size_t i = 0; i < ARRAY_SIZE(taken_away); i++)
			if (nr == (uint32_t)taken_away[i])
				want = ERRNO(EPERM);
		if (nr == SYS_process_mrelease)
			want = ERRNO(EPERM);
		if (nr == SYS_clone3)
			want = ERRNO(ENOSYS);
		check(call(&p, nr, 0, 0, 0) == want);
	}
	free(p.code);
}

TEST(no_namespaces_and_no_typing_into_terminals)
{
	static const uint64_t spaces[] = {
		CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER,
		CLONE_NEWPID, CLONE_NEWNET,
	};
	const uint64_t threads = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
		CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID |
		CLONE_CHILD_CLEARTID;
	struct program p = load(filter_sandbox);

	check(call(&p, SYS_clone, threads, 0, 0) == SECCOMP_RET_ALLOW);
	check(call(&p, SYS_clone, 17 /* SIGCHLD */, 0, 0) == SECCOMP_RET_ALLOW);
	for (size_t i = 0; i < ARRAY_SIZE(spaces); i++) {
		check(call(&p, SYS_clone, spaces[i], 0, 0) == ERRNO(EPERM));
		check(call(&p, SYS_clone, spaces[i] | threads, 0, 0) == ERRNO(EPERM));
		check(call(&p, SYS_clone, spaces[i] | 1ull << 63, 0, 0) == ERRNO(EPERM));
	}
	/* the kernel looks at 32 bits only, so a filter must */
	for (uint64_t high = 0; high < 2; high++) {
		check(call(&p, SYS_ioctl, 0, TIOCSTI | high << 32, 0) == ERRNO(EPERM));
		check(call(&p, SYS_ioctl, 0, TIOCLINUX | high << 40, 0) == ERRNO(EPERM));
		check(call(&p, SYS_ioctl, 0, TIOCGWINSZ | high << 32, 0) ==
		      SECCOMP_RET_ALLOW);
	}
	free(p.code);
}

TEST(no_huge_pages)
{
	struct program p = load(filter_sandbox);
	struct seccomp_data map = {
		.nr = SYS_mmap, .arch = ARCH,
		.args = { 0, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, 0, 0 },
	};

	check(run(&p, &map) == SECCOMP_RET_ALLOW);
	map.args[3] |= MAP_HUGETLB;
	check(run(&p, &map) == ERRNO(ENOMEM));
	/* with a size of them, and with bits that the kernel does not look at */
	map.args[3] |= 21u << 26 | 1ull << 40;
	check(run(&p, &map) == ERRNO(ENOMEM));
	check(call(&p, SYS_memfd_create, 0, MFD_CLOEXEC, 0) == SECCOMP_RET_ALLOW);
	check(call(&p, SYS_memfd_create, 0, MFD_CLOEXEC | MFD_HUGETLB, 0) == ERRNO(ENOMEM));
	check(call(&p, SYS_shmget, 0, 4096, IPC_CREAT | 0600) == SECCOMP_RET_ALLOW);
	check(call(&p, SYS_shmget, 0, 4096, IPC_CREAT | SHM_HUGETLB) == ERRNO(ENOMEM));
	free(p.code);
}

TEST(other_architectures_are_killed)
{
	int (*const makers[])(int *, struct error *) = { filter_base, filter_sandbox };

	for (size_t i = 0; i < ARRAY_SIZE(makers); i++) {
		struct program p = load(makers[i]);

		for (uint32_t nr = 0; nr < CALLS; nr++) {
			struct seccomp_data data = { .nr = (int)nr, .arch = OTHER_ARCH };

			check(run(&p, &data) == SECCOMP_RET_KILL_PROCESS);
#ifdef __x86_64__
			check(call(&p, X32 | nr, 0, 0, 0) == SECCOMP_RET_KILL_PROCESS);
#endif
		}
		free(p.code);
	}
}

TEST(no_call_goes_through_more_than_a_few_instructions)
{
	struct program base = load(filter_base), sandbox = load(filter_sandbox);

	for (uint32_t nr = 0; nr < CALLS; nr++) {
		(void)call(&base, nr, 0, 0, 0);
		(void)call(&sandbox, nr, 0, 0, 0);
	}
	check(base.longest <= 64 && sandbox.longest <= 64);
	check(base.n < 1500 && sandbox.n < 300);
	free(base.code);
	free(sandbox.code);
}

TEST_MAIN;
