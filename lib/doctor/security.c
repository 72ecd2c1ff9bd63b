#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/doctor/checks.h"
#include "lib/doctor/child.h"
#include "lib/doctor/sys.h"

/* Does action on getsid() and lets everything else through. */
static int install(unsigned int action, unsigned int flags)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getsid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { ARRAY_SIZE(code), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
}

void probe_seccomp(struct probe *p)
{
	if (install(SECCOMP_RET_ERRNO | EXDEV, 0) < 0)
		return probe_sys(p, errno, "install a filter");
	if (syscall(SYS_getsid, 0) != -1 || errno != EXDEV)
		return probe_say(p, DOCTOR_MISSING, "a filter has no effect");
	probe_say(p, DOCTOR_OK, "filters work, with no new privileges");
}

static int answered(void *arg)
{
	(void)arg;
	return syscall(SYS_getsid, 0) == 4711 ? 0 : 1;
}

/* Answers the one call that the filter sends to fd. */
static int answer(int fd)
{
	struct seccomp_notif ask = { 0 };
	struct seccomp_notif_resp reply = { .val = 4711 };

	if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &ask) < 0)
		return -1;
	reply.id = ask.id;
	return ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &reply);
}

void probe_seccomp_notify(struct probe *p)
{
	cleanup_close int fd = install(SECCOMP_RET_USER_NOTIF,
				       SECCOMP_FILTER_FLAG_NEW_LISTENER);
	pid_t pid;

	if (fd < 0)
		return probe_sys(p, errno, "install a filter with a listener");
	pid = child_fork();
	if (!pid)
		_exit(answered(NULL));
	if (pid < 0 || answer(fd) < 0 || child_wait(pid) != 0)
		return probe_say(p, DOCTOR_MISSING, "a call cannot be answered");
	probe_say(p, DOCTOR_OK, "calls can be answered by another process");
}

struct ruleset {
	uint64_t fs, net, scoped;
};

static long landlock_abi(void)
{
	return syscall(NR_LANDLOCK_CREATE, NULL, 0, 1u);
}

void probe_landlock(struct probe *p)
{
	struct ruleset rules = { .fs = 1 << 2 /* read a file */ };
	long abi = landlock_abi();
	cleanup_close int fd = -1;
	cleanup_close int file = -1;

	if (abi < 0) {
		probe_sys(p, errno, "landlock");
		if (errno == EOPNOTSUPP)
			probe_fix(p, "add landlock to lsm= on the kernel's command line");
		return;
	}
	fd = (int)syscall(NR_LANDLOCK_CREATE, &rules, sizeof(rules.fs), 0u);
	if (fd < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    syscall(NR_LANDLOCK_RESTRICT, fd, 0u) < 0)
		return probe_sys(p, errno, "restrict this process");
	file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	if (file >= 0)
		return probe_say(p, DOCTOR_MISSING, "a restriction has no effect");
	probe_say(p, DOCTOR_OK, "ABI %ld", abi);
}

void probe_landlock_scope(struct probe *p)
{
	struct ruleset rules = { .scoped = 1 /* abstract Unix sockets */ };
	long abi = landlock_abi();
	cleanup_close int fd = -1;

	if (abi < 6)
		return probe_say(p, DOCTOR_MISSING, "ABI %ld, needs 6", abi < 0 ? 0 : abi);
	fd = (int)syscall(NR_LANDLOCK_CREATE, &rules, sizeof(rules), 0u);
	if (fd < 0)
		return probe_sys(p, errno, "a scope for abstract sockets");
	probe_say(p, DOCTOR_OK, "ABI %ld", abi);
}
