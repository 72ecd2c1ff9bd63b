#include "lib/client/start.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/wire/wire.h"

enum { PATIENCE_MS = 30000, READY_FD = 3, SIGNALS = 64 };

static const char *own_program;

void client_set_program(const char *path)
{
	own_program = path;
}

static bool usable(const char *path)
{
	return *path == '/' && !access(path, X_OK);
}

/* The first faas of PATH's absolute folders. */
static bool in_path(char *buf, size_t size)
{
	const char *path = secure_getenv("PATH");

	while (path && *path) {
		size_t len = strcspn(path, ":");

		if ((size_t)snprintf(buf, size, "%.*s/faas", (int)len, path) < size &&
		    usable(buf))
			return true;
		path += len + (path[len] == ':');
	}
	return false;
}

int client_find_program(char *buf, size_t size, struct error *err)
{
	const char *other = secure_getenv("FAAS_PROGRAM");
	ssize_t n;

	if (other && *other) {
		(void)snprintf(buf, size, "%s", other);
		if (usable(buf))
			return 0;
		(void)err_set(err, ERR_UNAVAILABLE, "FAAS_PROGRAM is '%s', which is not the "
			      "absolute path of a program", other);
		return err_hint(err, "set it to the path of faas, or leave it unset");
	}
	if (own_program) {
		n = readlink(own_program, buf, size - 1);
		if (n < 0)
			return err_sys(err, errno, "find this program");
		buf[n] = '\0';
		return 0;
	}
#ifdef FAAS_BINDIR
	(void)snprintf(buf, size, "%s/faas", FAAS_BINDIR);
	if (usable(buf))
		return 0;
#endif
	if (in_path(buf, size))
		return 0;
	(void)err_set(err, ERR_UNAVAILABLE, "there is no program faas to start an executor "
		      "with");
	return err_hint(err, "install faas, or set FAAS_PROGRAM to its path");
}

/* Between vfork and exec: in the background, with nothing of the client's. */
_noreturn_ static void become(const char *program, const char *state_dir, int ready)
{
	char *argv[] = {
		(char *)"faas-executor", (char *)"executor", (char *)"run",
		(char *)"--on-demand", (char *)"--state-dir", (char *)(uintptr_t)state_dir, NULL
	};
	sigset_t none;
	int null;

	(void)setsid();
	for (int sig = 1; sig <= SIGNALS; sig++)
		(void)sigaction(sig, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	/* the client may have closed its first three */
	if (ready < READY_FD)
		ready = fcntl(ready, F_DUPFD_CLOEXEC, READY_FD);
	null = open("/dev/null", O_RDWR);
	if (ready < 0 || chdir("/") < 0 || null < 0 || dup2(null, 0) < 0 ||
	    dup2(null, 1) < 0 || dup2(null, 2) < 0)
		_exit(127);
	if (ready == READY_FD ? fcntl(ready, F_SETFD, 0) < 0 : dup2(ready, READY_FD) < 0)
		_exit(127);
	(void)close_range(READY_FD + 1, ~0u, 0);
	(void)execv(program, argv);
	_exit(127);
}

/* "1", or its error as JSON, or nothing when it died. */
static int wait_ready(int fd, struct error *err)
{
	char text[4096];
	size_t len = 0;

	for (;;) {
		struct pollfd p = { fd, POLLIN, 0 };
		ssize_t n;
		int r = poll(&p, 1, PATIENCE_MS);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return err_set(err, ERR_UNAVAILABLE, "the executor did not start in %d s",
				       PATIENCE_MS / 1000);
		n = read(fd, text + len, sizeof(text) - 1 - len);
		if (n <= 0)
			break;
		len += (size_t)n;
		text[len] = '\0';
		if (*text == '1')
			return 0;
	}
	text[len] = '\0';
	cleanup_json json_t *j = json_loads(text, 0, NULL);

	if (!j)
		return err_set(err, ERR_UNAVAILABLE, "the executor died while it started");
	wire_to_error(j, err);
	/* somebody else's was faster: that one will do */
	if (err->code == ERR_BUSY)
		return 0;
	return err_wrap(err, "start the executor");
}

/*
 * A child that tells nobody: without SIGCHLD, which a handler of the client's would
 * get, and without the handlers of pthread_atfork(). It may only vfork and exit.
 */
static pid_t quiet_fork(void)
{
	return (pid_t)syscall(SYS_clone, 0, NULL, NULL, NULL, NULL);
}

int client_start_executor(const char *state_dir, struct error *err)
{
	char program[4096];
	cleanup_close int ready = -1;
	int pipes[2], r, status;
	pid_t pid;

	if (client_find_program(program, sizeof(program), err) < 0)
		return -1;
	if (pipe2(pipes, O_CLOEXEC) < 0)
		return err_sys(err, errno, "make a pipe");
	ready = pipes[0];
	/* twice, so that it is nobody's child to wait for */
	pid = quiet_fork();
	if (!pid) {
		pid_t second = vfork();

		if (!second)
			become(program, state_dir, pipes[1]);
		_exit(second < 0);
	}
	(void)close(pipes[1]);
	if (pid < 0)
		return err_sys(err, errno, "start the executor");
	while (waitpid(pid, &status, __WALL) < 0 && errno == EINTR)
		;
	r = wait_ready(ready, err);
	if (r < 0)
		return err_hint(err, "'faas executor run' shows why; 'faas doctor' may, too");
	return 0;
}
