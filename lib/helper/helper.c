#include "lib/helper/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/macro.h"
#include "lib/base/strbuf.h"

enum { LINE_MAX_BYTES = 16 << 20, ABOVE = 100 };

struct helper {
	struct helper_request req;
	char name[64];
	pid_t pid;			/* 0 when it has been waited for */
	int fd;
	struct strbuf line;
	json_t *last;			/* the line with "ok", or NULL */
	bool broken;			/* it sent what is not ours */
};

/* Beside this program as it was built, or where it is installed. */
static int find(const char *program, char path[4096], struct error *err)
{
	static const char *const places[] = { "%s", "../libexec/faas/%s" };
	ssize_t n = readlink("/proc/self/exe", path, 3900);
	char *name;

	if (*program == '/') {
		(void)snprintf(path, 4096, "%s", program);
		return 0;
	}
	if (n < 0)
		return err_sys(err, errno, "find this program");
	path[n] = '\0';
	name = strrchr(path, '/');
	if (!name)
		return err_set(err, ERR_BUG, "this program has no folder");
	name++;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		(void)snprintf(name, 4096 - (size_t)(name - path), i ? "../libexec/faas/%s" : "%s",
			       program);
		if (!access(path, X_OK))
			return 0;
	}
	*name = '\0';
	(void)err_set(err, ERR_UNSUPPORTED, "no %s in '%.300s'", program, path);
	return err_hint(err, "it is built and installed with faas; install it again");
}

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

static char *const *environment(void)
{
#ifdef FAAS_FAULTS
	/* helpers have failure points, too */
	return environ;
#else
	static char *const clean[] = { (char *)"LC_ALL=C", NULL };

	return clean;
#endif
}

static int spawn(struct helper *h, const char *path, const int *fds, int n, struct error *err)
{
	char *const argv[] = { h->name, NULL };
	posix_spawn_file_actions_t actions;
	int above[HELPER_FDS_MAX + 2], r;
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
		r = posix_spawn(&h->pid, path, &actions, &attr, argv, environment());
		if (r) {
			h->pid = 0;
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

int helper_start(const struct helper_request *req, struct helper **ret, struct error *err)
{
	CLEANUP(helper_free) struct helper *h = calloc(1, sizeof(*h));
	cleanup_close int ask = -1, write_end = -1;
	int fds[HELPER_FDS_MAX + 2], ends[2];
	char path[4096];

	if (!h || req->n_fds > HELPER_FDS_MAX)
		return err_sys(err, h ? E2BIG : ENOMEM, "start a helper");
	h->req = *req;
	h->fd = -1;
	h->line = (struct strbuf)STRBUF(LINE_MAX_BYTES);
	(void)snprintf(h->name, sizeof(h->name), "%s", req->program);
	if (find(req->program, path, err) < 0)
		return -1;
	ask = ask_file(req->ask, err);
	if (ask < 0)
		return -1;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, errno, "make a pipe");
	h->fd = ends[0];
	write_end = ends[1];
	if (fcntl(h->fd, F_SETFL, O_NONBLOCK) < 0)
		return err_sys(err, errno, "make a pipe");
	fds[0] = ask;
	fds[1] = write_end;
	memcpy(fds + 2, req->fds, sizeof(*fds) * (size_t)req->n_fds);
	if (spawn(h, path, fds, req->n_fds + 2, err) < 0)
		return -1;
	*ret = TAKE_PTR(h);
	return 0;
}

int helper_fd(const struct helper *h)
{
	return h->fd;
}

static void take_line(struct helper *h)
{
	json_t *line = strbuf_failed(&h->line) ? NULL
		: json_loads(h->line.buf, JSON_REJECT_DUPLICATES, NULL);
	const json_t *progress = json_object_get(line, "progress");

	if (progress && h->req.progress)
		h->req.progress(h->req.data, progress);
	if (json_is_boolean(json_object_get(line, "ok")) && !h->last) {
		h->last = line;
		return;
	}
	h->broken |= !progress;
	json_decref(line);
}

bool helper_read(struct helper *h)
{
	char buf[16384];

	for (;;) {
		ssize_t n = read(h->fd, buf, sizeof(buf));
		const char *at = buf, *end;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno != EAGAIN;
		if (!n)
			return true;
		while ((end = memchr(at, '\n', (size_t)(buf + n - at)))) {
			strbuf_add(&h->line, at, (size_t)(end - at));
			take_line(h);
			strbuf_clear(&h->line);
			at = end + 1;
		}
		strbuf_add(&h->line, at, (size_t)(buf + n - at));
	}
}

static int reap(struct helper *h)
{
	int status = 0;

	while (h->pid > 0 && waitpid(h->pid, &status, 0) < 0)
		if (errno != EINTR)
			break;
	h->pid = 0;
	return status;
}

/* Its last line, checked against how it ended. */
static int outcome(const struct helper *h, int status, json_t **ret, struct error *err)
{
	const char *code = json_string_value(json_object_get(h->last, "code"));
	const char *message = json_string_value(json_object_get(h->last, "message"));
	const char *hint = json_string_value(json_object_get(h->last, "hint"));

	if (h->last && json_is_false(json_object_get(h->last, "ok")) && code && message) {
		(void)err_set(err, err_by_name(code), "%s", message);
		return hint ? err_hint(err, "%s", hint) : -1;
	}
	if (WIFSIGNALED(status))
		return err_set(err, ERR_SYSTEM, "%s was killed by signal %d", h->name,
			       WTERMSIG(status));
	if (!json_is_true(json_object_get(h->last, "ok")) || h->broken || status)
		return err_set(err, ERR_PROTOCOL, "%s ended without a result", h->name);
	*ret = json_incref(h->last);
	return 0;
}

int helper_finish(struct helper *h, json_t **ret, struct error *err)
{
	int status = reap(h), r;

	(void)helper_read(h);
	r = outcome(h, status, ret, err);
	helper_free(h);
	return r;
}

void helper_free(struct helper *h)
{
	if (!h)
		return;
	if (h->pid > 0)
		(void)kill(h->pid, SIGKILL);
	(void)reap(h);
	if (h->fd >= 0)
		(void)close(h->fd);
	json_decref(h->last);
	strbuf_release(&h->line);
	free(h);
}
