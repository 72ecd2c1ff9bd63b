#include "lib/doctor/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

#ifdef FAAS_COVERAGE
void __gcov_dump(void);
#endif

void child_exit(int status)
{
#ifdef FAAS_COVERAGE
	/* It complains on stderr when it cannot write, as another user. */
	(void)dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), 2);
	__gcov_dump();
#endif
	_exit(status);
}

pid_t child_fork(void)
{
	pid_t parent = getpid();
	pid_t pid = fork();

	if (pid)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* In a new pid namespace the parent cannot be named: 0 then. */
	if (getppid() != parent && getppid() != 0)
		_exit(127);
	return 0;
}

int child_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void child_end(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	(void)child_wait(pid);
}

int child_run(int (*fn)(void *), void *arg)
{
	pid_t pid = child_fork();

	if (pid < 0)
		return -1;
	if (!pid)
		child_exit(fn(arg));
	return child_wait(pid);
}

int child_output(const char *const argv[], char *buf, size_t size)
{
	size_t len = 0;
	int pipefd[2];
	pid_t pid;
	ssize_t n;

	buf[0] = '\0';
	if (pipe2(pipefd, O_CLOEXEC) < 0)
		return 127;
	cleanup_close int in = pipefd[0];
	cleanup_close int out = pipefd[1];

	pid = child_fork();
	if (pid < 0)
		return 127;
	if (!pid) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		if (dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
			_exit(127);
		execv(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	closep(&out);
	out = -1;
	while (len < size - 1 && (n = read(in, buf + len, size - 1 - len)) > 0)
		len += (size_t)n;
	buf[len] = '\0';
	closep(&in);
	in = -1;
	return child_wait(pid);
}
