#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/executor/executor.h"

/*
 * --network nat: slirp4netns, a user-space TCP/IP stack in its own sandbox. It
 * leaves no rule and no device on the host, reaches out by ordinary sockets, has
 * no route to the host's loopback, and gives every sandbox a network of its own,
 * so that siblings cannot meet.
 */

enum { PATIENCE_MS = 10000 };

static const char *const programs[] = {
	"/usr/bin/slirp4netns", "/usr/local/bin/slirp4netns", "/bin/slirp4netns"
};

static const char *find_program(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		if (!access(programs[i], X_OK))
			return programs[i];
	return NULL;
}

bool network_available(void)
{
	return find_program() && !access("/dev/net/tun", R_OK | W_OK);
}

static int wait_ready(int fd)
{
	struct pollfd p = { fd, POLLIN, 0 };
	char c;

	if (poll(&p, 1, PATIENCE_MS) <= 0)
		return -1;
	return read(fd, &c, 1) == 1 ? 0 : -1;
}

int network_start(struct sandbox *s, pid_t init, struct error *err)
{
	const char *program = find_program();
	char netns[64], user[64];
	char *argv[] = {
		(char *)"slirp4netns", (char *)"--configure", (char *)"--mtu=65520",
		(char *)"--disable-host-loopback", (char *)"--ready-fd=3",
		(char *)"--exit-fd=4",
		(char *)"--netns-type=path", s->x->spawner.rootless ? user : (char *)"--enable-seccomp",
		netns, (char *)"tap0", NULL
	};
	static char *const env[] = { (char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	posix_spawn_file_actions_t actions;
	cleanup_close int ready = -1;
	cleanup_close int theirs = -1;
	cleanup_close int leave = -1;
	cleanup_close int hold = -1;
	posix_spawnattr_t attr;
	sigset_t none;
	int pipes[2], r;

	if (!program || pipe2(pipes, O_CLOEXEC) < 0)
		return err_set(err, ERR_UNSUPPORTED, "network nat needs slirp4netns");
	ready = pipes[0];
	theirs = pipes[1];
	if (pipe2(pipes, O_CLOEXEC) < 0)
		return err_sys(err, errno, "make a pipe");
	leave = pipes[0];
	hold = pipes[1];
	(void)snprintf(netns, sizeof(netns), "/proc/%d/ns/net", init);
	(void)snprintf(user, sizeof(user), "--userns-path=/proc/%d/ns/user", s->x->spawner.pid);
	(void)sigemptyset(&none);
	(void)posix_spawnattr_init(&attr);
	(void)posix_spawnattr_setsigmask(&attr, &none);
	(void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0);
	(void)posix_spawn_file_actions_adddup2(&actions, 0, 1);
	(void)posix_spawn_file_actions_adddup2(&actions, 0, 2);
	(void)posix_spawn_file_actions_adddup2(&actions, theirs, 3);
	(void)posix_spawn_file_actions_adddup2(&actions, leave, 4);
	r = posix_spawn(&s->helper, program, &actions, &attr, argv, env);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)posix_spawnattr_destroy(&attr);
	if (r)
		return err_sys(err, r, "start '%s'", program);
	(void)close(TAKE_FD(theirs));
	if (wait_ready(ready) < 0)
		return err_set(err, ERR_SYSTEM, "slirp4netns did not bring the network up");
	/* the monitor keeps this end: it outlives us, and slirp4netns must not outlive it */
	s->run->fds[s->run->n_fds++] = TAKE_FD(hold);
	s->run->msg.flags |= RUN_HOLD;
	return 0;
}
