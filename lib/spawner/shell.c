#include "lib/spawner/execs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	RENEW_TRIES = 10, RENEW_WAIT_US = 2000,
	OWNER_BASE = 0x7e000000,	/* and a pid, of which there are at most 1 << 22 */
};

static int loopback_up(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), r;

	if (fd < 0)
		return -1;
	r = ioctl(fd, SIOCSIFFLAGS, &ifr);
	(void)close(fd);
	return r;
}

/*
 * The sandbox's first process, in its namespaces and cgroups, ahead of a run that
 * asks for it. The mount namespace is cloned in build_sandbox(), for layers may still be
 * attached until then.
 */
static void start_init(struct msg_status *st)
{
	struct clone_args args = {
		.flags = CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_PIDFD,
		.exit_signal = SIGCHLD,
		.pidfd = (uint64_t)(uintptr_t)&mon.init_pidfd,
	};
	/* no other sandbox has it while this one is there */
	uid_t owner = OWNER_BASE + (uid_t)getpid();
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		(void)fail(st, "make a socket pair");
		give_up(st);
	}
	if (mon.leaf.dir[CGROUP_UNIFIED] >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)mon.leaf.dir[CGROUP_UNIFIED];
	}
	mon.init = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (!mon.init) {
		(void)close(pair[0]);
		(void)close(mon.executor);
		(void)close(mon.journal);
		init_main(pair[1], &mon.leaf, owner);
	}
	(void)close(pair[1]);
	mon.init_sock = pair[0];
	if (mon.init < 0) {
		mon.init = 0;
		(void)fail(st, "clone the sandbox's first process");
		give_up(st);
	}
}

void shell_prepare(struct msg_status *st)
{
	if (leaf_make(&mon.leaf, mon.id, st) < 0)
		give_up(st);
	if (unshare(CLONE_NEWNET) < 0) {
		(void)fail(st, "create a network namespace");
		give_up(st);
	}
	if (loopback_up() < 0) {
		(void)fail(st, "bring the loopback device up");
		give_up(st);
	}
	untouched_begin(&mon.net);
	start_init(st);
}

bool shell_renew(void)
{
	struct msg_status st = { 0 };

	/* a network of its own is still as it was; one with a helper in it is not */
	if (!untouched_still(&mon.net))
		return false;
	/* the kernel frees some of what was charged a grace period after the last process */
	for (int tries = 0; !leaf_renew(&mon.leaf); tries++) {
		if (tries == RENEW_TRIES)
			return false;
		(void)usleep(RENEW_WAIT_US);
	}
	monitor_forget();
	execs_forget();
	start_init(&st);
	tell(MSG_BLANK, &st, sizeof(st), NULL, 0);
	return true;
}

void shell_write_maps(struct msg_status *st)
{
	char path[64], map[64];

	/* one line for each of the lines that our own namespace has */
	if (spawner.rootless && mon.users > 1)
		(void)snprintf(map, sizeof(map), "0 0 1\n1 1 %u\n", mon.users - 1);
	else
		(void)snprintf(map, sizeof(map), "0 %u %u", spawner.uid_base, mon.users);
	if (mon.users == 1) {
		(void)snprintf(path, sizeof(path), "/proc/%d/setgroups", mon.init);
		(void)write_file_at(AT_FDCWD, path, "deny");
	}
	(void)snprintf(path, sizeof(path), "/proc/%d/uid_map", mon.init);
	if (write_file_at(AT_FDCWD, path, map) < 0) {
		(void)fail(st, "map the sandbox's user ids");
		give_up(st);
	}
	(void)snprintf(path, sizeof(path), "/proc/%d/gid_map", mon.init);
	if (write_file_at(AT_FDCWD, path, map) < 0) {
		(void)fail(st, "map the sandbox's group ids");
		give_up(st);
	}
	tell_init(MSG_MAPPED, 0);
}

void shell_build(const struct message *m)
{
	struct msg_build b = *(const struct msg_build *)m->h;
	struct msg_status st = { 0 };
	int err;

	if (mon.built)
		return;
	mon.built = true;
	mon.users = users_of(&b);
	if (leaf_limits(&mon.leaf, &b.limits, &st) < 0)
		give_up(&st);
	err = msg_send(mon.init_sock, &b, sizeof(b), m->body, m->h->body, NULL, 0);
	/* it has gone, and said why */
	if (err == -EPIPE)
		from_init();
	if (err < 0) {
		errno = -err;
		(void)fail(&st, "tell the sandbox what to become");
		give_up(&st);
	}
}
