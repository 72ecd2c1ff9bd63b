#include "cmd/pager.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/global.h"
#include "lib/base/cleanup.h"
#include "lib/config/config.h"

extern char **environ;

static const char *program(void)
{
	const char *origin, *s;
	struct error err;
	const struct config *c = global_config(&err);

	s = config_value(c, "pager", &origin);
	if (!s)
		s = getenv("PAGER");
	return s && *s ? s : "less";
}

static int start(pid_t *ret, const char *command, int in)
{
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)command, NULL };
	posix_spawn_file_actions_t actions;
	int r = posix_spawn_file_actions_init(&actions);

	if (r)
		return r;
	r = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	/* what git and gh give less: leave short text alone, keep colours */
	(void)setenv("LESS", "FRX", 0);
	if (!r)
		r = posix_spawnp(ret, "sh", &actions, NULL, argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	return r;
}

void pager_open(struct pager *p, struct ctx *ctx)
{
	int fds[2];
	const char *command;

	*p = (struct pager){ .out = ctx->out };
	if (!ctx->out_tty || ctx->no_pager)
		return;
	command = program();
	if (!strcmp(command, "cat") || pipe2(fds, O_CLOEXEC) < 0)
		return;
	if (start(&p->pid, command, fds[0]) == 0)
		p->out = fdopen(fds[1], "w");
	else
		p->pid = 0;
	(void)close(fds[0]);
	if (!p->pid || !p->out) {
		(void)close(fds[1]);
		p->out = ctx->out;
		return;
	}
	/* who quits the pager early has seen enough */
	(void)sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	/* the interrupt is for the pager */
	(void)sigaction(SIGINT, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void pager_close(struct pager *p)
{
	if (!p->pid)
		return;
	(void)fclose(p->out);
	(void)wait_for(p->pid);
	p->pid = 0;
}

int pager_run(char *const *argv, bool silent)
{
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int r = posix_spawn_file_actions_init(&actions);

	if (r)
		return -1;
	for (int fd = STDOUT_FILENO; silent && !r && fd <= STDERR_FILENO; fd++)
		r = posix_spawn_file_actions_addopen(&actions, fd, "/dev/null",
						     O_WRONLY, 0);
	if (!r)
		r = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	return r ? -1 : wait_for(pid);
}
