#include "lib/helper/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

enum { LINE_LIMIT = 1 << 20 };	/* bytes of one status line */

int helper_path(const char *program, char path[4096], struct error *err)
{
	static const char *const places[] = { "", "../libexec/faas/" };
	ssize_t n = readlink("/proc/self/exe", path, 3900);
	char *name;

	if (n < 0)
		return err_sys(err, errno, "find this program");
	path[n] = '\0';
	name = strrchr(path, '/');
	if (!name)
		return err_set(err, ERR_BUG, "this program has no directory");
	name++;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		(void)snprintf(name, 4096 - (size_t)(name - path), "%s%s", places[i], program);
		if (access(path, X_OK) == 0)
			return 0;
	}
	*name = '\0';
	(void)err_set(err, ERR_UNSUPPORTED, "no %s in '%.300s'", program, path);
	return err_hint(err, "it is built and installed with faas; install it again");
}

static bool among(int fd, const int fds[], size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fds[i] == fd)
			return true;
	return false;
}

char *const *helper_environment(void)
{
#ifdef FAAS_FAULTS
	/* a helper's failure points are asked for there too */
	return environ;
#else
	static char *const none_of_ours[] = { (char *)"LC_ALL=C", NULL };

	return none_of_ours;
#endif
}

int helper_spawn(pid_t *ret_pid, const char *path, char *const argv[], const int fds[],
		 size_t n, struct error *err)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int r;

	if (posix_spawn_file_actions_init(&actions) || posix_spawnattr_init(&attr))
		return err_set(err, ERR_LIMIT, "no memory to start %s", argv[0]);
	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	/* a group of its own: the terminal's interrupt is for us to pass on */
	r = posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK |
						POSIX_SPAWN_SETSIGDEF |
						POSIX_SPAWN_SETPGROUP);
	if (r == 0)
		r = posix_spawnattr_setsigmask(&attr, &none);
	if (r == 0)
		r = posix_spawnattr_setsigdefault(&attr, &all);
	for (int std = 0; std < 2 && r == 0; std++)
		if (!among(std, fds, n))
			r = posix_spawn_file_actions_addopen(&actions, std, "/dev/null",
							     O_RDWR, 0);
	/* the same number, but no longer close-on-exec */
	for (size_t i = 0; i < n && r == 0; i++)
		if (fds[i] >= 0)
			r = posix_spawn_file_actions_adddup2(&actions, fds[i], fds[i]);
	if (r == 0)
		r = posix_spawn(ret_pid, path, &actions, &attr, argv, helper_environment());
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)posix_spawnattr_destroy(&attr);
	return r ? err_sys(err, r, "start '%.300s'", path) : 0;
}

int helper_open(struct helper *h, const char *program, struct error *err)
{
	int ends[2];

	*h = (struct helper){
		.program = program, .fd = -1, .write_fd = -1, .line = STRBUF(LINE_LIMIT),
		.progress = h->progress, .data = h->data,
	};
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, errno, "make a pipe");
	h->fd = ends[0];
	h->write_fd = ends[1];
	return fcntl(h->fd, F_SETFL, O_NONBLOCK) < 0 ? err_sys(err, errno, "make a pipe") : 0;
}

int helper_start(struct helper *h, const char *path, char *const argv[], const int fds[],
		 size_t n, struct error *err)
{
	cleanup_close int write_end = TAKE_FD(h->write_fd);
	cleanup_free int *all = calloc(n + 1, sizeof(*all));
	char found[4096];

	if (!all)
		return err_set(err, ERR_LIMIT, "no memory to start %s", h->program);
	if (n)
		memcpy(all, fds, n * sizeof(*all));
	all[n] = write_end;
	if (!path && helper_path(h->program, found, err) < 0)
		return -1;
	return helper_spawn(&h->pid, path ? path : found, argv, all, n + 1, err);
}

static void take_line(struct helper *h)
{
	json_t *line = json_loads(h->line.buf, JSON_REJECT_DUPLICATES, NULL), *progress;

	progress = json_object_get(line, "progress");
	if (progress && h->progress)
		h->progress(h->data, progress);
	if (json_is_boolean(json_object_get(line, "ok")) && !h->last) {
		h->last = line;
		return;
	}
	h->broken |= !progress;
	json_decref(line);
}

bool helper_read(struct helper *h)
{
	char buf[4096];

	for (;;) {
		ssize_t n = read(h->fd, buf, sizeof(buf));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno != EAGAIN;
		if (n == 0)
			return true;
		for (ssize_t i = 0; i < n; i++) {
			if (buf[i] != '\n') {
				strbuf_addc(&h->line, buf[i]);
				continue;
			}
			h->broken |= strbuf_failed(&h->line);
			take_line(h);
			strbuf_clear(&h->line);
		}
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

int helper_result(struct helper *h, struct error *err)
{
	int status = reap(h);
	const char *code, *message, *entry, *hint;

	(void)helper_read(h);
	code = json_string_value(json_object_get(h->last, "code"));
	message = json_string_value(json_object_get(h->last, "message"));
	entry = json_string_value(json_object_get(h->last, "entry"));
	hint = json_string_value(json_object_get(h->last, "hint"));
	if (h->last && json_is_false(json_object_get(h->last, "ok")) && code && message) {
		(void)err_set(err, err_by_name(code), "%s", message);
		if (hint)
			(void)err_hint(err, "%s", hint);
		return entry ? err_wrap(err, "entry '%.200s'", entry) : -1;
	}
	if (WIFSIGNALED(status))
		return err_set(err, ERR_SYSTEM, "%s was killed by signal %d", h->program,
			       WTERMSIG(status));
	if (!json_is_true(json_object_get(h->last, "ok")) || h->broken || status != 0)
		return err_set(err, ERR_PROTOCOL, "%s ended without a result", h->program);
	return 0;
}

void helper_release(struct helper *h)
{
	if (h->pid > 0)
		(void)kill(h->pid, SIGKILL);
	(void)reap(h);
	if (h->fd >= 0)
		(void)close(h->fd);
	if (h->write_fd >= 0)
		(void)close(h->write_fd);
	h->fd = h->write_fd = -1;
	json_decref(TAKE_PTR(h->last));
	strbuf_release(&h->line);
}

uint64_t helper_u64(const json_t *object, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(object, key));

	return n > 0 ? (uint64_t)n : 0;
}
