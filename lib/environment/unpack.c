#include "lib/environment/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/remove.h"
#include "lib/base/strbuf.h"

enum {
	STATUS_LIMIT = 8192,	/* bytes of one status line */
	ARGS_MAX = 32,
	ARG_SIZE = 24,
};

struct unpack {
	const struct unpack_request *req;
	pid_t pid;		/* 0 when it has been waited for */
	int status_fd;
	struct strbuf line;
	json_t *last;		/* the line with "ok", or NULL */
	bool broken;		/* it sent what is not ours */
};

struct argv {
	char *v[ARGS_MAX + 1];
	char numbers[ARGS_MAX][ARG_SIZE];
	int n;
};

static void arg(struct argv *a, const char *text)
{
	if (a->n < ARGS_MAX)
		a->v[a->n++] = (char *)text;
}

static void arg_number(struct argv *a, const char *name, uint64_t value)
{
	char *text = a->numbers[a->n];

	arg(a, name);
	(void)snprintf(text, ARG_SIZE, "%" PRIu64, value);
	arg(a, text);
}

static void arg_limit(struct argv *a, const char *name, uint64_t value)
{
	if (value)
		arg_number(a, name, value);
}

static void make_argv(struct argv *a, const struct unpack_request *req, int root_fd,
		      int status_fd)
{
	arg(a, "faas-archive");
	arg(a, "unpack");
	arg_number(a, "--root-fd", (uint64_t)root_fd);
	arg_number(a, "--status-fd", (uint64_t)status_fd);
	if (req->archive_fd >= 0)
		arg_number(a, "--archive-fd", (uint64_t)req->archive_fd);
	if (req->source_fd >= 0)
		arg_number(a, "--source-dir-fd", (uint64_t)req->source_fd);
	if (req->uid_count) {
		arg_number(a, "--uid-base", req->uid_base);
		arg_number(a, "--uid-count", req->uid_count);
	}
	if (req->as_reader && req->source_fd >= 0) {
		arg_number(a, "--source-uid", req->reader_uid);
		arg_number(a, "--source-gid", req->reader_gid);
	}
	arg_limit(a, "--max-bytes", req->max_bytes);
	arg_limit(a, "--max-entries", req->max_entries);
	arg_limit(a, "--max-ratio", req->max_ratio);
	arg_limit(a, "--max-depth", req->max_depth);
	if (req->cross_mounts)
		arg(a, "--cross-mounts");
	if (req->skip_special)
		arg(a, "--skip-special");
	if (req->layers)
		arg(a, "--layers");
}

/* Beside this program as it was built, or where it is installed. */
static int find_helper(char path[4096], struct error *err)
{
	static const char *const places[] = {"faas-archive",
					     "../libexec/faas/faas-archive"};
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
		(void)snprintf(name, 4096 - (size_t)(name - path), "%s", places[i]);
		if (access(path, X_OK) == 0)
			return 0;
	}
	*name = '\0';
	(void)err_set(err, ERR_UNSUPPORTED, "no faas-archive in '%.300s'", path);
	return err_hint(err, "it is built and installed with faas; install it again");
}

static bool among(int fd, const int fds[], size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fds[i] == fd)
			return true;
	return false;
}

static int spawn(pid_t *ret_pid, const char *path, char *const argv[], const int fds[],
		 size_t n, struct error *err)
{
	char *const envp[] = { (char *)"LC_ALL=C", NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int r;

	if (posix_spawn_file_actions_init(&actions) || posix_spawnattr_init(&attr))
		return err_set(err, ERR_LIMIT, "no memory to start faas-archive");
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
		r = posix_spawn(ret_pid, path, &actions, &attr, argv, envp);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)posix_spawnattr_destroy(&attr);
	return r ? err_sys(err, r, "start '%.300s'", path) : 0;
}

static int start_helper(struct unpack *u, int root_fd, struct error *err)
{
	char path[4096];
	const struct unpack_request *req = u->req;
	cleanup_close int read_end = -1, write_end = -1;
	struct argv argv = { .n = 0 };
	int ends[2];

	if (!req->helper && find_helper(path, err) < 0)
		return -1;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, errno, "make a pipe");
	read_end = ends[0];
	write_end = ends[1];
	if (fcntl(read_end, F_SETFL, O_NONBLOCK) < 0)
		return err_sys(err, errno, "make a pipe");
	make_argv(&argv, req, root_fd, write_end);
	if (spawn(&u->pid, req->helper ? req->helper : path, argv.v,
		  (const int[]){root_fd, write_end, req->archive_fd, req->source_fd}, 4,
		  err) < 0)
		return -1;
	u->status_fd = TAKE_FD(read_end);
	return 0;
}

int unpack_start(const struct unpack_request *req, struct unpack **ret,
		 struct error *err)
{
	cleanup_close int root_fd = -1;
	struct unpack *u = calloc(1, sizeof(*u));

	if (!u)
		return err_set(err, ERR_LIMIT, "no memory to unpack");
	*u = (struct unpack){ .req = req, .status_fd = -1, .line = STRBUF(STATUS_LIMIT) };
	if (mkdirat(req->parent_fd, req->name, 0700) < 0) {
		(void)err_sys(err, errno, "make '%s'", req->name);
		free(u);
		return -1;
	}
	root_fd = openat(req->parent_fd, req->name,
			 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (root_fd < 0)
		(void)err_sys(err, errno, "open '%s'", req->name);
	if (root_fd < 0 || start_helper(u, root_fd, err) < 0) {
		unpack_free(u);
		return -1;
	}
	*ret = u;
	return 0;
}

int unpack_fd(const struct unpack *u)
{
	return u->status_fd;
}

static uint64_t get_u64(const json_t *object, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(object, key));

	return n > 0 ? (uint64_t)n : 0;
}

static void take_line(struct unpack *u)
{
	json_t *line = json_loads(u->line.buf, JSON_REJECT_DUPLICATES, NULL), *progress;

	progress = json_object_get(line, "progress");
	if (progress && u->req->progress)
		u->req->progress(u->req->data, get_u64(progress, "bytes"),
				 get_u64(progress, "entries"));
	if (json_is_boolean(json_object_get(line, "ok")) && !u->last) {
		u->last = line;
		return;
	}
	u->broken |= !progress;
	json_decref(line);
}

bool unpack_read(struct unpack *u)
{
	char buf[4096];

	for (;;) {
		ssize_t n = read(u->status_fd, buf, sizeof(buf));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno != EAGAIN;
		if (n == 0)
			return true;
		for (ssize_t i = 0; i < n; i++) {
			if (buf[i] != '\n') {
				strbuf_addc(&u->line, buf[i]);
				continue;
			}
			u->broken |= strbuf_failed(&u->line);
			take_line(u);
			strbuf_clear(&u->line);
		}
	}
}

static int reap(struct unpack *u)
{
	int status = 0;

	while (u->pid > 0 && waitpid(u->pid, &status, 0) < 0)
		if (errno != EINTR)
			break;
	u->pid = 0;
	return status;
}

static void get_counts(const json_t *object, struct unpack_count counts[UNPACK_COUNTS])
{
	json_t *value;
	const char *name;
	size_t i = 0;

	json_object_foreach((json_t *)object, name, value) {
		if (i == UNPACK_COUNTS)
			return;
		(void)snprintf(counts[i].name, sizeof(counts[i].name), "%s", name);
		counts[i++].n = (uint64_t)json_integer_value(value);
	}
}

/* The helper's last line, checked against how it ended. */
static int outcome(const struct unpack *u, int status, struct unpack_result *ret,
		   struct error *err)
{
	const char *code = json_string_value(json_object_get(u->last, "code"));
	const char *message = json_string_value(json_object_get(u->last, "message"));
	const char *entry = json_string_value(json_object_get(u->last, "entry"));

	if (u->last && json_is_false(json_object_get(u->last, "ok")) && code && message) {
		(void)err_set(err, err_by_name(code), "%s", message);
		return entry ? err_wrap(err, "entry '%.200s'", entry) : -1;
	}
	if (WIFSIGNALED(status))
		return err_set(err, ERR_SYSTEM, "faas-archive was killed by signal %d",
			       WTERMSIG(status));
	if (!json_is_true(json_object_get(u->last, "ok")) || u->broken || status != 0)
		return err_set(err, ERR_PROTOCOL, "faas-archive ended without a result");
	*ret = (struct unpack_result){
		.entries = get_u64(u->last, "entries"),
		.bytes = get_u64(u->last, "bytes"),
	};
	get_counts(json_object_get(u->last, "skipped"), ret->skipped);
	get_counts(json_object_get(u->last, "stripped"), ret->stripped);
	return 0;
}

static void release(struct unpack *u)
{
	if (u->status_fd >= 0)
		(void)close(u->status_fd);
	json_decref(u->last);
	strbuf_release(&u->line);
	free(u);
}

int unpack_finish(struct unpack *u, struct unpack_result *ret, struct error *err)
{
	struct unpack_result result;
	int status = reap(u);

	(void)unpack_read(u);
	if (outcome(u, status, &result, err) < 0) {
		unpack_free(u);
		return -1;
	}
	*ret = result;
	release(u);
	return 0;
}

void unpack_free(struct unpack *u)
{
	struct error ignored;

	if (!u)
		return;
	if (u->pid > 0)
		(void)kill(u->pid, SIGKILL);
	(void)reap(u);
	/* what stays is found by the next start's sweep of unfinished names */
	if (tree_remove(u->req->parent_fd, u->req->name, &ignored) < 0)
		errno = EBUSY;
	release(u);
}

int environment_unpack(const struct unpack_request *req, struct unpack_result *ret,
		       struct error *err)
{
	struct pollfd p = { .events = POLLIN };
	struct unpack *u;

	if (unpack_start(req, &u, err) < 0)
		return -1;
	p.fd = unpack_fd(u);
	do
		(void)poll(&p, 1, -1);
	while (!unpack_read(u));
	return unpack_finish(u, ret, err);
}

/* ---- removal ---- */

enum { REMOVALS_MAX = 64 };

static pid_t removals[REMOVALS_MAX];

int unpack_reap(void)
{
	int n = 0;

	for (int i = 0; i < REMOVALS_MAX; i++) {
		if (removals[i] > 0 && waitpid(removals[i], NULL, WNOHANG) != 0)
			removals[i] = 0;
		n += removals[i] > 0;
	}
	return n;
}

int unpack_remove(int parent_fd, const char *name, struct error *err)
{
	char path[4096], number[16];
	char *argv[] = {
		path, (char *)"remove", (char *)"--root-fd", number, (char *)"--name",
		(char *)(uintptr_t)name, NULL
	};
	int at = 0;

	(void)unpack_reap();
	while (at < REMOVALS_MAX && removals[at] > 0)
		at++;
	if (at == REMOVALS_MAX)
		return err_set(err, ERR_BUSY, "%d trees are being removed", REMOVALS_MAX);
	if (find_helper(path, err) < 0)
		return -1;
	(void)snprintf(number, sizeof(number), "%d", parent_fd);
	return spawn(&removals[at], path, argv, (const int[]){ parent_fd }, 1, err);
}
