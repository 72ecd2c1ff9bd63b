/*
 * floor: what the kernel takes for sandboxes that are used once
 * =============================================================
 *
 *	floor CLIENTS RUNS WORD...
 *
 * CLIENTS loops make RUNS sandboxes in all and run WORD... once in each: a first process
 * in user, pid, mount, ipc and uts namespaces of its own, an overlay of the machine's root
 * over a tmpfs, /proc, devpts, and nothing else. No network namespace, cgroup, filter,
 * monitor, client, record or output: whatever makes a sandbox for each run is slower than
 * this. It needs root, and leaves nothing behind: its mounts are in a namespace of its own.
 *
 * Prints {"rate"}: runs a second.
 */

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/samples.h"

#define PLACE	"/mnt"

static void must(int r, const char *what)
{
	if (r < 0) {
		perror(what);
		_exit(1);
	}
}

static void build(void)
{
	must(mount("tmpfs", PLACE "/up", "tmpfs", 0, NULL), "mount a tmpfs");
	must(mkdir(PLACE "/up/u", 0755), "mkdir");
	must(mkdir(PLACE "/up/w", 0700), "mkdir");
	must(mount("overlay", PLACE "/root", "overlay", MS_NOSUID | MS_NODEV,
		   "lowerdir=" PLACE "/lower,upperdir=" PLACE "/up/u,workdir=" PLACE "/up/w"),
	     "mount an overlay");
	must(mount("proc", PLACE "/root/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL),
	     "mount /proc");
	must(mount("devpts", PLACE "/root/dev", "devpts", MS_NOSUID | MS_NOEXEC, NULL),
	     "mount devpts");
	must(chdir(PLACE "/root"), "chdir");
	must((int)syscall(SYS_pivot_root, ".", "."), "pivot_root");
	must(umount2(".", MNT_DETACH), "umount");
	must(unshare(CLONE_NEWUSER), "make a user namespace");
}

__attribute__((noreturn)) static void first(char **argv)
{
	int status = 1;
	pid_t pid;

	build();
	pid = vfork();
	if (!pid) {
		(void)execv(argv[0], argv);
		_exit(127);
	}
	(void)waitpid(pid, &status, 0);
	_exit(status != 0);
}

static int once(char **argv)
{
	struct clone_args args = {
		.flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS,
		.exit_signal = SIGCHLD,
	};
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	int status;

	if (!pid)
		first(argv);
	must(pid, "clone3");
	return waitpid(pid, &status, 0) < 0 || status ? -1 : 0;
}

static void prepare(void)
{
	static const char *const folders[] = { PLACE "/up", PLACE "/root", PLACE "/lower" };

	must(unshare(CLONE_NEWNS), "make a mount namespace");
	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "make mounts private");
	must(mount("tmpfs", PLACE, "tmpfs", 0, NULL), "mount a tmpfs");
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		must(mkdir(folders[i], 0755), "mkdir");
	must(mount("/", PLACE "/lower", NULL, MS_BIND, NULL), "bind the root");
}

int main(int argc, char **argv)
{
	long clients = argc > 3 ? atol(argv[1]) : 0, runs = argc > 3 ? atol(argv[2]) : 0;
	int status, bad = 0;
	uint64_t began;

	if (clients < 1 || runs < clients) {
		fprintf(stderr, "usage: floor CLIENTS RUNS WORD...\n");
		return 2;
	}
	prepare();
	began = clock_ns();
	for (long i = 0; i < clients; i++) {
		pid_t pid = fork();

		must(pid, "fork");
		for (long k = i; !pid && k < runs; k += clients)
			if (once(argv + 3) < 0)
				_exit(1);
		if (!pid)
			_exit(0);
	}
	while (wait(&status) > 0)
		bad |= status;
	printf("{\"rate\":%.1f}\n", (double)runs / ((double)(clock_ns() - began) / 1e9));
	return bad ? 1 : 0;
}
