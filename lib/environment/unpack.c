#include "lib/environment/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/remove.h"
#include "lib/helper/helper.h"

enum {
	ARGS_MAX = 32 + 2 * UNPACK_LAYERS,
	ARG_SIZE = 24,
};

struct unpack {
	const struct unpack_request *req;
	struct helper helper;
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
	for (size_t i = 0; i < req->layers; i++)
		arg_number(a, "--layer-fd", (uint64_t)req->layer_fds[i]);
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
	if (req->snapshot)
		arg(a, "--snapshot");
}

static void on_line(void *data, const json_t *progress)
{
	const struct unpack_request *req = ((struct unpack *)data)->req;

	if (req->progress)
		req->progress(req->data, helper_u64(progress, "bytes"),
			      helper_u64(progress, "entries"));
}

static int start_helper(struct unpack *u, int root_fd, struct error *err)
{
	const struct unpack_request *req = u->req;
	struct argv argv = { .n = 0 };
	int fds[3 + UNPACK_LAYERS] = { root_fd, req->archive_fd, req->source_fd };

	if (req->layers > UNPACK_LAYERS) {
		(void)err_set(err, ERR_LIMIT, "more than %d layers", UNPACK_LAYERS);
		return -1;
	}
	for (size_t i = 0; i < req->layers; i++)
		fds[3 + i] = req->layer_fds[i];
	u->helper = (struct helper){ .progress = on_line, .data = u };
	if (helper_open(&u->helper, "faas-archive", err) < 0)
		return -1;
	make_argv(&argv, req, root_fd, u->helper.write_fd);
	return helper_start(&u->helper, req->helper, argv.v, fds, 3 + req->layers, err);
}

int unpack_start(const struct unpack_request *req, struct unpack **ret,
		 struct error *err)
{
	cleanup_close int root_fd = -1;
	struct unpack *u = calloc(1, sizeof(*u));

	if (!u)
		return err_set(err, ERR_LIMIT, "no memory to unpack");
	*u = (struct unpack){ .req = req, .helper = { .fd = -1, .write_fd = -1,
						      .line = STRBUF(0) } };
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
	return u->helper.fd;
}

bool unpack_read(struct unpack *u)
{
	return helper_read(&u->helper);
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

static void release(struct unpack *u)
{
	helper_release(&u->helper);
	free(u);
}

int unpack_finish(struct unpack *u, struct unpack_result *ret, struct error *err)
{
	const json_t *last;

	if (helper_result(&u->helper, err) < 0) {
		unpack_free(u);
		return -1;
	}
	last = u->helper.last;
	*ret = (struct unpack_result){
		.entries = helper_u64(last, "entries"), .bytes = helper_u64(last, "bytes"),
	};
	get_counts(json_object_get(last, "skipped"), ret->skipped);
	get_counts(json_object_get(last, "stripped"), ret->stripped);
	release(u);
	return 0;
}

void unpack_free(struct unpack *u)
{
	struct error ignored;

	if (!u)
		return;
	helper_release(&u->helper);
	/* what stays is found by the next start's sweep of unfinished names */
	if (tree_remove(u->req->parent_fd, u->req->name, &ignored) < 0)
		errno = EBUSY;
	free(u);
}

void unpack_abandon(struct unpack *u)
{
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
	if (helper_path("faas-archive", path, err) < 0)
		return -1;
	(void)snprintf(number, sizeof(number), "%d", parent_fd);
	return helper_spawn(&removals[at], path, argv, (const int[]){ parent_fd }, 1, err);
}
