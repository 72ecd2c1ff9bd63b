/*
 * probe: what hostile code would try, one row each
 * ================================================
 *
 *	probe			every row: "name: refused|absent|allowed (ERRNO)"
 *	probe NAME...		those rows only
 *	probe --list		their names
 *
 * A row is tried in a child of its own. Its arguments are such that the kernel
 * would do it, were it allowed: an EINVAL is therefore "allowed", too, because
 * nothing but the argument was in the way.
 *
 *	refused		EPERM and its kin, or the child was killed for asking
 *	absent		the thing is not there: ENOSYS, ENOENT, ...
 *	allowed		it happened, or was refused for a reason of ours
 */
#include "tests/executor/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

bool inherited;

static const char *verdict(int err)
{
	switch (err) {
	case 0:
		return "allowed";
	case ENOSYS: case ENOENT: case ENODEV: case ENXIO: case EAFNOSUPPORT:
	case ESOCKTNOSUPPORT: case EPROTONOSUPPORT: case ENOPROTOOPT: case ENOTDIR:
		return "absent";
	case EPERM: case EACCES: case EROFS: case ETXTBSY: case ECONNREFUSED:
	case ENETUNREACH:
		return "refused";
	default:
		return "allowed";
	}
}

static void report(const struct probe *p)
{
	int pipes[2], status, err = 0;
	pid_t pid;

	if (pipe(pipes) < 0)
		abort();
	fflush(stdout);
	pid = fork();
	if (!pid) {
		close(pipes[0]);
		err = p->run(p->arg);
		if (write(pipes[1], &err, sizeof(err)) != sizeof(err))
			_exit(1);
		_exit(0);
	}
	close(pipes[1]);
	if (pid < 0)
		abort();
	if (read(pipes[0], &err, sizeof(err)) != sizeof(err))
		err = -1;
	close(pipes[0]);
	(void)waitpid(pid, &status, 0);
	if (err < 0 && WIFSIGNALED(status))
		printf("%s: refused (signal %d)\n", p->name, WTERMSIG(status));
	else if (err < 0)
		printf("%s: allowed (ended without a word)\n", p->name);
	else
		printf("%s: %s (%s)\n", p->name, verdict(err),
		       err ? strerrorname_np(err) : "0");
}

/* Is the row asked for? Then it is tried, or listed. */
static int one(const struct probe *p, int argc, char **argv)
{
	bool wanted = argc == 1;

	if (argc == 2 && !strcmp(argv[1], "--list")) {
		puts(p->name);
		return 1;
	}
	for (int a = 1; a < argc; a++)
		wanted |= !strcmp(argv[a], p->name);
	if (wanted)
		report(p);
	return wanted;
}

int main(int argc, char **argv)
{
	static const struct probe *const tables[] = {
		probes_namespace, probes_kernel, probes_file,
	};
	int done = 0;

	for (int fd = 3; fd < 65536; fd++)
		inherited |= fcntl(fd, F_GETFD) >= 0;
	(void)signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (const struct probe *p = tables[i]; p->name; p++)
			done += one(p, argc, argv);
	return done ? 0 : 2;
}
