#include "lib/helper/task.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/helper/helper.h"

enum { LINE_MAX_BYTES = 16 << 20, ABOVE = 100 };

struct task {
	struct helper helper;
	char name[64];
};

/* What it is asked, as a file that is read from its beginning. */
static int ask_file(const json_t *ask, struct error *err)
{
	cleanup_close int fd = memfd_create("ask", MFD_CLOEXEC);

	if (fd < 0 || json_dumpfd(ask, fd, JSON_COMPACT) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(err, errno ? errno : ENOMEM, "ask a helper");
	return TAKE_FD(fd);
}

/* Its descriptors come from numbers that none of them is to have. */
static int arrange(posix_spawn_file_actions_t *actions, const int *fds, int n, int above[],
		   struct error *err)
{
	int r = 0;

	for (int i = 0; i < n; i++)
		above[i] = -1;
	for (int i = 0; i < n && !r; i++) {
		above[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, ABOVE);
		if (above[i] < 0)
			return err_sys(err, errno, "start a helper");
		/* 0 and 1, then 3 and on: 2 stays ours */
		r = posix_spawn_file_actions_adddup2(actions, above[i], i < 2 ? i : i + 1);
	}
	return r ? err_sys(err, r, "start a helper") : 0;
}

static int spawn(struct task *t, const char *path, const int *fds, int n, struct error *err)
{
	char *const argv[] = { t->name, NULL };
	posix_spawn_file_actions_t actions;
	int above[TASK_FDS_MAX + 2], r;
	posix_spawnattr_t attr;
	sigset_t none, all;

	if (posix_spawn_file_actions_init(&actions) || posix_spawnattr_init(&attr))
		return err_sys(err, ENOMEM, "start a helper");
	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	(void)posix_spawnattr_setsigmask(&attr, &none);
	(void)posix_spawnattr_setsigdefault(&attr, &all);
	/* a group of its own: the terminal's interrupt is for us to pass on */
	(void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
					      POSIX_SPAWN_SETPGROUP);
	r = arrange(&actions, fds, n, above, err);
	if (!r) {
		r = posix_spawn(&t->helper.pid, path, &actions, &attr, argv, helper_environment());
		if (r) {
			t->helper.pid = 0;
			r = err_sys(err, r, "start '%.300s'", path);
		}
	}
	for (int i = 0; i < n; i++)
		if (above[i] >= 0)
			(void)close(above[i]);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)posix_spawnattr_destroy(&attr);
	return r;
}

int task_start(const struct task_request *req, struct task **ret, struct error *err)
{
	CLEANUP(task_free) struct task *t = calloc(1, sizeof(*t));
	cleanup_close int ask = -1;
	int fds[TASK_FDS_MAX + 2];
	char path[4096];

	if (!t)
		return err_sys(err, ENOMEM, "start a helper");
	t->helper = (struct helper){
		.fd = -1, .write_fd = -1, .progress = req->progress, .data = req->data,
	};
	if (req->n_fds > TASK_FDS_MAX)
		return err_sys(err, E2BIG, "start a helper");
	(void)snprintf(t->name, sizeof(t->name), "%s", req->program);
	(void)snprintf(path, sizeof(path), "%s", req->program);
	if (*path != '/' && helper_path(req->program, path, err) < 0)
		return -1;
	ask = ask_file(req->ask, err);
	if (ask < 0 || helper_open(&t->helper, t->name, err) < 0)
		return -1;
	/* what it found, too, comes as one line */
	t->helper.line.limit = LINE_MAX_BYTES;
	fds[0] = ask;
	fds[1] = t->helper.write_fd;
	memcpy(fds + 2, req->fds, sizeof(*fds) * (size_t)req->n_fds);
	if (spawn(t, path, fds, req->n_fds + 2, err) < 0)
		return -1;
	(void)close(TAKE_FD(t->helper.write_fd));
	*ret = TAKE_PTR(t);
	return 0;
}

int task_fd(const struct task *t)
{
	return t->helper.fd;
}

pid_t task_pid(const struct task *t)
{
	return t->helper.pid;
}

bool task_read(struct task *t)
{
	return helper_read(&t->helper);
}

int task_finish(struct task *t, json_t **ret, struct error *err)
{
	int r = helper_result(&t->helper, err);

	if (!r)
		*ret = json_incref(t->helper.last);
	task_free(t);
	return r;
}

void task_free(struct task *t)
{
	if (!t)
		return;
	helper_release(&t->helper);
	free(t);
}
