#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/doctor/checks.h"
#include "lib/doctor/child.h"
#include "lib/doctor/ns.h"
#include "lib/doctor/sys.h"

void probe_clone3(struct probe *p)
{
	struct sys_clone_args args = { .exit_signal = SIGCHLD };
	long pid = sys_clone3(&args);

	if (!pid)
		_exit(0);
	if (pid < 0) {
		probe_sys(p, errno, "clone3");
		if (errno == ENOSYS)
			probe_fix(p, "a kernel from 5.3 on; in a container: a container "
				  "engine whose seccomp profile knows clone3");
		return;
	}
	(void)child_wait((pid_t)pid);
	probe_say(p, DOCTOR_OK, "works");
}

void probe_userns(struct probe *p)
{
	if (ns_enter_user(p, 0) == 0)
		probe_say(p, DOCTOR_OK, "usable by this user");
}

void probe_rootless_userns(struct probe *p)
{
	if (ns_become_ordinary(p) < 0)
		return;
	if (ns_enter_user(p, CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWNET) == 0)
		probe_say(p, DOCTOR_OK, "usable by ordinary users");
}

static void simple(struct probe *p, int flag, const char *what)
{
	if (ns_enter(p, flag) == 0)
		probe_say(p, DOCTOR_OK, "%s", what);
}

void probe_mntns(struct probe *p)
{
	if (ns_enter_mount(p) == 0)
		probe_say(p, DOCTOR_OK, "private mounts");
}

void probe_ipcns(struct probe *p)
{
	simple(p, CLONE_NEWIPC, "private System V and POSIX queues");
}

void probe_utsns(struct probe *p)
{
	if (ns_enter(p, CLONE_NEWUTS) < 0)
		return;
	if (sethostname("faas", 4) < 0)
		return probe_sys(p, errno, "sethostname");
	probe_say(p, DOCTOR_OK, "private host name");
}

void probe_cgroupns(struct probe *p)
{
	simple(p, CLONE_NEWCGROUP, "private view of cgroups");
}

void probe_timens(struct probe *p)
{
	simple(p, (int)SYS_CLONE_NEWTIME, "private monotonic clock");
}

static int am_first(void *arg)
{
	(void)arg;
	return getpid() == 1 ? 0 : 1;
}

void probe_pidns(struct probe *p)
{
	if (ns_enter(p, CLONE_NEWPID) < 0)
		return;
	if (child_run(am_first, NULL) != 0)
		return probe_say(p, DOCTOR_MISSING, "the first process is not pid 1");
	probe_say(p, DOCTOR_OK, "private process numbers");
}

/* As pid 1 of a pid namespace: a child with a number of our choice. */
static int pick_number(void *arg)
{
	int wanted = 77;
	struct sys_clone_args args = {
		.exit_signal = SIGCHLD,
		.set_tid = (uint64_t)(uintptr_t)&wanted,
		.set_tid_size = 1,
	};
	long pid = sys_clone3(&args);

	(void)arg;
	if (!pid)
		_exit(getpid() == wanted ? 0 : 1);
	if (pid < 0)
		return 2;
	return pid == wanted ? child_wait((pid_t)pid) : 3;
}

void probe_set_tid(struct probe *p)
{
	if (ns_enter_user(p, CLONE_NEWPID) < 0)
		return;
	if (child_run(pick_number, NULL) != 0)
		return probe_say(p, DOCTOR_MISSING, "clone3 refuses a chosen pid");
	probe_say(p, DOCTOR_OK, "a process can be made under its old number");
}
