/*
 * faas-archive: fills, packs or removes a directory that the executor holds
 *
 *	faas-archive unpack --root-fd N --status-fd N
 *		(--archive-fd N | --layer-fd N... | --source-dir-fd N [--cross-mounts]
 *		[--source-uid N --source-gid N])
 *		[--uid-base N --uid-count N] [--max-bytes N] [--max-entries N]
 *		[--max-ratio N] [--max-depth N] [--skip-special] [--snapshot]
 *	faas-archive pack --root-fd N --status-fd N --output-fd N
 *		--filter none|gzip|zstd [--uid-base N --uid-count N] [--max-depth N]
 *	faas-archive remove --root-fd N --name NAME [--status-fd N]
 *
 * A program of its own because it links libarchive, and because it is the part
 * that may be taken over: lib/archive/confine.h says what is left of it then.
 * Not for people: it gets descriptors, says nothing but JSON lines on the
 * status descriptor (lib/archive/report.h), and ends with 0 or 1. When it fails,
 * the staging directory is empty again.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "lib/archive/confine.h"
#include "lib/archive/extract.h"
#include "lib/archive/folder.h"
#include "lib/archive/layer.h"
#include "lib/archive/pack.h"
#include "lib/base/cleanup.h"
#include "lib/base/parse.h"
#include "lib/base/remove.h"

enum {
	REPORTED = 10,		/* the child has sent its error line */
	MAX_DEPTH = 1024,
	MAX_LAYERS = 128,
};

struct args {
	uint64_t root_fd, archive_fd, source_fd, status_fd;
	uint64_t uid_base, uid_count, source_uid, source_gid;
	uint64_t max_bytes, max_entries, max_ratio, max_depth;
	bool cross_mounts, skip_special, snapshot;
	const char *name, *filter;
	uint64_t output_fd;
	uint64_t layer_fds[MAX_LAYERS];
	size_t layers;
};

#define NO_FD	UINT64_MAX
#define NO_ID	UINT64_MAX

static int parse_number(const char *name, const char *text, uint64_t *ret,
			struct error *err)
{
	if (!text || parse_u64(text, ret) < 0)
		return err_set(err, ERR_USAGE, "%s needs a number", name);
	return 0;
}

static int parse_args(int argc, char **argv, struct args *a, struct error *err)
{
	const struct {
		const char *name;
		uint64_t *value;
		bool *flag;
	} options[] = {
		{ "--root-fd", &a->root_fd, NULL },
		{ "--archive-fd", &a->archive_fd, NULL },
		{ "--source-dir-fd", &a->source_fd, NULL },
		{ "--status-fd", &a->status_fd, NULL },
		{ "--output-fd", &a->output_fd, NULL },
		{ "--uid-base", &a->uid_base, NULL },
		{ "--uid-count", &a->uid_count, NULL },
		{ "--source-uid", &a->source_uid, NULL },
		{ "--source-gid", &a->source_gid, NULL },
		{ "--max-bytes", &a->max_bytes, NULL },
		{ "--max-entries", &a->max_entries, NULL },
		{ "--max-ratio", &a->max_ratio, NULL },
		{ "--max-depth", &a->max_depth, NULL },
		{ "--cross-mounts", NULL, &a->cross_mounts },
		{ "--skip-special", NULL, &a->skip_special },
		{ "--snapshot", NULL, &a->snapshot },
	};

	for (int i = 2; i < argc; i++) {
		size_t n;

		if (!strcmp(argv[i], "--name") && argv[i + 1]) {
			a->name = argv[++i];
			continue;
		}
		if (!strcmp(argv[i], "--filter") && argv[i + 1]) {
			a->filter = argv[++i];
			continue;
		}
		if (!strcmp(argv[i], "--layer-fd") && a->layers < MAX_LAYERS) {
			if (parse_number(argv[i], argv[i + 1], &a->layer_fds[a->layers++],
					 err) < 0)
				return -1;
			i++;
			continue;
		}
		for (n = 0; n < ARRAY_SIZE(options); n++)
			if (!strcmp(argv[i], options[n].name))
				break;
		if (n == ARRAY_SIZE(options))
			return err_set(err, ERR_USAGE, "unexpected argument '%.60s'",
				       argv[i]);
		if (options[n].flag) {
			*options[n].flag = true;
			continue;
		}
		if (parse_number(options[n].name, argv[i + 1], options[n].value, err) < 0)
			return -1;
		i++;
	}
	return 0;
}

static int check_args(const struct args *a, bool removing, bool packing, struct error *err)
{
	if (a->root_fd > INT_MAX || (!removing && a->status_fd > INT_MAX))
		return err_set(err, ERR_USAGE, "--root-fd and --status-fd are needed");
	if (removing)
		return a->name ? 0 : err_set(err, ERR_USAGE, "--name is needed");
	if (!packing && (a->archive_fd != NO_FD) + (a->source_fd != NO_FD) + (a->layers > 0) != 1)
		return err_set(err, ERR_USAGE, "one of --archive-fd, --layer-fd and "
			       "--source-dir-fd is needed");
	for (size_t i = 0; i < a->layers; i++)
		if (a->layer_fds[i] > INT_MAX)
			return err_set(err, ERR_USAGE, "--layer-fd needs a descriptor");
	if (a->max_depth == 0 || a->max_depth > MAX_DEPTH)
		return err_set(err, ERR_USAGE, "--max-depth must be 1 to %d", MAX_DEPTH);
	if ((a->source_uid == NO_ID) != (a->source_gid == NO_ID) ||
	    (a->source_uid != NO_ID && (a->source_uid >= a->uid_base ||
					a->source_gid >= a->uid_base)))
		return err_set(err, ERR_USAGE,
			       "--source-uid and --source-gid go together "
			       "and are below --uid-base");
	if (a->uid_base > UINT32_MAX || a->uid_count > UINT32_MAX)
		return err_set(err, ERR_USAGE, "the range of ids is not usable");
	return 0;
}

/* Whatever else we inherited is not ours. */
static void close_others(const struct args *a)
{
	const uint64_t keep[] = {
		a->root_fd, a->archive_fd, a->source_fd, a->status_fd, a->output_fd,
	};
	unsigned int from = 3;

	for (;;) {
		uint64_t next = NO_FD;

		for (size_t i = 0; i < ARRAY_SIZE(keep); i++)
			if (keep[i] >= from && keep[i] < next)
				next = keep[i];
		for (size_t i = 0; i < a->layers; i++)
			if (a->layer_fds[i] >= from && a->layer_fds[i] < next)
				next = a->layer_fds[i];
		if (next > INT_MAX) {
			(void)syscall(SYS_close_range, from, UINT_MAX, 0);
			return;
		}
		if (next > from)
			(void)syscall(SYS_close_range, from, (unsigned int)next - 1, 0);
		from = (unsigned int)next + 1;
	}
}

static int check_empty(int fd, struct error *err)
{
	int dir_fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = dir_fd < 0 ? NULL : fdopendir(dir_fd);
	struct dirent *e;
	bool empty = true;

	if (!dir)
		return err_sys(err, errno, "open the staging directory");
	while ((e = readdir(dir)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			empty = false;
	(void)closedir(dir);
	return empty ? 0
		     : err_set(err, ERR_CONFLICT, "the staging directory is not empty");
}

/* From the lowest up; what one says of those below it is done as it is read. */
static int fill_layers(const struct args *a, const struct policy_limits *limits,
		       struct tree *t, struct error *err)
{
	for (size_t i = 0; i < a->layers; i++) {
		CLEANUP(layer_free) struct layer *layer = t->layer = layer_new();
		int ret;

		if (!layer)
			return err_set(err, ERR_LIMIT, "no memory for the layers");
		ret = extract((int)a->layer_fds[i], limits, t, err);
		if (ret == 0)
			ret = tree_apply(t, err);
		t->layer = NULL;
		tree_forget(t);
		if (ret < 0)
			return err_wrap(err, "layer %zu of %zu", i + 1, a->layers);
	}
	return 0;
}

static int fill(const struct args *a, const struct confine *c, struct report *r,
		struct error *err)
{
	struct policy_limits limits = {
		.max_depth = (unsigned int)a->max_depth,
		.skip_special = a->skip_special,
		.layer = a->layers > 0,
		.snapshot = a->snapshot,
	};
	struct folder folder = {
		.fd = c->source_fd,
		.cross_mounts = a->cross_mounts,
		.id_offset = c->id_count ? CONFINE_HOST_IDS : 0,
		.as_reader = c->change_fsuid,
		.reader_uid = (uint32_t)a->source_uid + CONFINE_HOST_IDS,
		.reader_gid = (uint32_t)a->source_gid + CONFINE_HOST_IDS,
	};
	struct tree t;
	int ret;

	tree_init(&t, c->root_fd, r);
	t.id_count = c->id_count;
	t.limits = (struct tree_limits){ a->max_bytes, a->max_entries, a->max_ratio };
	if (fchmod(c->root_fd, 0755) < 0)
		ret = err_sys(err, errno, "set the mode of the root");
	else if (c->source_fd >= 0)
		ret = folder_copy(&folder, &limits, &t, err);
	else if (a->layers)
		ret = fill_layers(a, &limits, &t, err);
	else
		ret = extract((int)a->archive_fd, &limits, &t, err);
	if (ret == 0)
		ret = tree_finish(&t, err);
	tree_release(&t);
	return ret;
}

static void not_confined(void *data, const struct error *err)
{
	report_error(data, err);
	_exit(REPORTED);
}

/* What ended the child when it could not say so itself. */
static int explain(int status, struct error *err)
{
	int sig = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	if (sig == SIGSYS)
		return err_set(err, ERR_DENIED, "the archive made its reader misbehave");
	if (sig == SIGKILL || sig == SIGXCPU)
		return err_set(err, ERR_LIMIT,
			       "the archive needs too much time or memory");
	if (sig)
		return err_set(err, ERR_USAGE,
			       "the archive made its reader crash (signal %d)", sig);
	/* libarchive leaves on its own when there is no memory */
	return err_set(err, ERR_LIMIT, "the archive needs too much memory");
}

static int wait_for(pid_t pid, struct error *err)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_sys(err, errno, "wait for the reader");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == REPORTED)
		return 1;
	return explain(status, err);
}

static int unpack(const struct args *a, struct report *r, struct error *err)
{
	struct confine c = {
		.root_fd = (int)a->root_fd,
		.source_fd = a->source_fd == NO_FD ? -1 : (int)a->source_fd,
		.cross_mounts = a->cross_mounts,
		.change_fsuid = a->source_uid != NO_ID && a->source_fd != NO_FD,
		.id_base = (uint32_t)a->uid_base,
		.id_count = (uint32_t)a->uid_count,
		.max_fds = (unsigned int)(a->max_depth + 64 + a->layers),
		.snapshot = a->snapshot,
	};
	struct error ignored;
	pid_t pid;
	int ret;

	if (check_empty(c.root_fd, err) < 0)
		return -1;
	extract_prepare();
	pid = confine_fork(&c, not_confined, r, err);
	if (pid < 0)
		return -1;
	if (pid == 0) {
		if (fill(a, &c, r, err) < 0)
			not_confined(r, err);
		report_ok(r);
		_exit(0);
	}
	ret = wait_for(pid, err);
	if (ret != 0 && tree_empty((int)a->root_fd, &ignored) < 0)
		ret = ret < 0 ? err_wrap(err, "not cleaned up") : ret;
	return ret;
}

/* What is packed stays as it is, whatever happens. */
static int pack_tree(const struct args *a, struct report *r, struct error *err)
{
	struct confine c = {
		.root_fd = (int)a->root_fd, .source_fd = -1, .keep_owner = true,
		.id_base = (uint32_t)a->uid_base, .id_count = (uint32_t)a->uid_count,
		.max_fds = (unsigned int)a->max_depth + 64,
	};
	pid_t pid;

	if (a->output_fd > INT_MAX || !a->filter ||
	    (strcmp(a->filter, "none") && strcmp(a->filter, "gzip") && strcmp(a->filter, "zstd")))
		return err_set(err, ERR_USAGE, "--output-fd and --filter are needed");
	extract_prepare();
	pid = confine_fork(&c, not_confined, r, err);
	if (pid < 0)
		return -1;
	if (pid == 0) {
		if (pack(c.root_fd, (int)a->output_fd, a->filter, (unsigned int)a->max_depth, r,
			 err) < 0)
			not_confined(r, err);
		report_ok(r);
		_exit(0);
	}
	return wait_for(pid, err);
}

int main(int argc, char **argv)
{
	struct args a = {
		.root_fd = NO_FD, .archive_fd = NO_FD, .source_fd = NO_FD,
		.status_fd = NO_FD, .output_fd = NO_FD, .source_uid = NO_ID, .source_gid = NO_ID,
		.max_bytes = UINT64_C(32) << 30, .max_entries = 2000000,
		.max_ratio = 200, .max_depth = 256,
	};
	bool removing = argc > 1 && !strcmp(argv[1], "remove");
	bool packing = argc > 1 && !strcmp(argv[1], "pack");
	static struct report report;
	struct error err = { 0 };
	int ret;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	(void)sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	ret = argc > 1 && (removing || packing || !strcmp(argv[1], "unpack")) ? 0 :
		err_set(&err, ERR_USAGE, "the command is unpack, pack or remove");
	if (ret == 0)
		ret = parse_args(argc, argv, &a, &err);
	report.fd = a.status_fd > INT_MAX ? STDERR_FILENO : (int)a.status_fd;
	if (ret == 0)
		ret = check_args(&a, removing, packing, &err);
	if (ret == 0) {
		close_others(&a);
		ret = removing ? tree_remove((int)a.root_fd, a.name, &err) :
			packing ? pack_tree(&a, &report, &err) : unpack(&a, &report, &err);
	}
	if (ret < 0)
		report_error(&report, &err);
	else if (ret == 0 && removing && a.status_fd != NO_FD)
		report_ok(&report);
	return ret == 0 ? 0 : 1;
}
