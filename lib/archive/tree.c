#include "lib/archive/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/archive/layer.h"
#include "lib/base/beneath.h"
#include "lib/base/cleanup.h"
#include "lib/base/remove.h"

enum {
	DIRS_LIMIT = 192 << 20,	/* memory for the attributes of directories */
	NOBODY = 65534,
};

struct dir_record {
	uint32_t mode;
	uint32_t depth;
	struct timespec mtime;
	uint32_t path_len;	/* the path and a NUL follow */
};

void tree_init(struct tree *t, int root, struct report *report)
{
	*t = (struct tree){
		.root = root,
		.report = report,
		.dirs = STRBUF(DIRS_LIMIT),
		.parent_fd = -1,
	};
}

/* Over other layers, a folder may be a link of theirs; it cannot leave the root. */
int tree_open(struct tree *t, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC),
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
	};
	int fd = open_beneath(t->root, path, flags, 0);

	if (fd >= 0 || errno != ELOOP || !t->layer)
		return fd;
	return (int)syscall(SYS_openat2, t->root, path, &how, sizeof(how));
}

void tree_forget(struct tree *t)
{
	if (t->parent_fd >= 0)
		(void)close(t->parent_fd);
	t->parent_fd = -1;
}

void tree_release(struct tree *t)
{
	tree_forget(t);
	strbuf_release(&t->dirs);
}

int tree_count_entry(struct tree *t, struct error *err)
{
	if (t->report->entries >= t->limits.max_entries)
		return err_set(err, ERR_LIMIT, "more than %llu entries",
			       (unsigned long long)t->limits.max_entries);
	t->report->entries++;
	report_progress(t->report);
	return 0;
}

int tree_count_bytes(struct tree *t, uint64_t n, uint64_t input, struct error *err)
{
	uint64_t bytes = t->report->bytes;

	if (n > t->limits.max_bytes || bytes > t->limits.max_bytes - n)
		return err_set(err, ERR_LIMIT, "more than %llu bytes",
			       (unsigned long long)t->limits.max_bytes);
	bytes += n;
	if (t->limits.max_ratio && bytes > TREE_RATIO_FLOOR &&
	    bytes / t->limits.max_ratio > input) {
		(void)err_set(err, ERR_LIMIT, "expands to more than %llu times its size",
			      (unsigned long long)t->limits.max_ratio);
		return err_hint(err, TREE_RATIO_HINT);
	}
	t->report->bytes = bytes;
	report_progress(t->report);
	return 0;
}

static int err_open(struct error *err, int errnum, const char *what)
{
	if (errnum == ELOOP || errnum == EXDEV)
		return err_set(err, ERR_USAGE, "the %s goes through a symbolic link",
			       what);
	if (errnum == ENOTDIR)
		return err_set(err, ERR_USAGE, "the %s goes through a file", what);
	return err_sys(err, errnum, "open the %s", what);
}

/* Only the missing ones are made; they are kept accessible and root's own. */
static int make_parents(struct tree *t, const char *path, struct error *err)
{
	char part[POLICY_PATH_MAX + 1];
	size_t len = 0;

	while (path[len]) {
		cleanup_close int fd = -1;
		const char *slash;

		len += strcspn(path + len, "/");
		memcpy(part, path, len);
		part[len] = '\0';
		slash = strrchr(part, '/');
		if (slash) {
			part[slash - part] = '\0';
			fd = tree_open(t, part, O_PATH | O_DIRECTORY);
			if (fd < 0)
				return err_open(err, errno, "name");
		}
		if (mkdirat(slash ? fd : t->root, slash ? slash + 1 : part, 0755) < 0 &&
		    errno != EEXIST)
			return err_sys(err, errno, "make a parent directory");
		len += path[len] == '/';
	}
	return 0;
}

/* The folder to make it in, and its name there. */
static int parent_of(struct tree *t, const char *path, int *ret_fd, const char **ret_name,
		     struct error *err)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;
	int fd;

	*ret_name = slash ? slash + 1 : path;
	if (!slash) {
		*ret_fd = t->root;
		return 0;
	}
	if (t->parent_fd >= 0 && !strncmp(t->parent, path, len) && !t->parent[len]) {
		*ret_fd = t->parent_fd;
		return 0;
	}
	tree_forget(t);
	memcpy(t->parent, path, len);
	t->parent[len] = '\0';
	fd = tree_open(t, t->parent, O_PATH | O_DIRECTORY);
	if (fd < 0 && errno == ENOENT) {
		if (make_parents(t, t->parent, err) < 0)
			return -1;
		fd = tree_open(t, t->parent, O_PATH | O_DIRECTORY);
	}
	if (fd < 0)
		return err_open(err, errno, "name");
	*ret_fd = t->parent_fd = fd;
	return 0;
}

/* Makes room for something that is not a directory. */
static int displace(struct tree *t, const char *path, int parent, const char *name,
		    struct error *err)
{
	if (t->layer && !layer_has(t->layer, path)) {
		if (unlinkat(parent, name, 0) < 0 && errno == EISDIR &&
		    tree_remove(parent, name, err) < 0)
			return -1;
		return layer_add(t->layer, path, err);
	}
	if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno == EISDIR)
		return err_set(err, ERR_USAGE, "it replaces a directory");
	return err_sys(err, errno, "replace an earlier entry");
}

static uint32_t mapped(const struct tree *t, uint64_t id, bool *changed)
{
	if (id < t->id_count)
		return (uint32_t)id;
	*changed = true;
	return t->id_count > NOBODY ? NOBODY : 0;
}

/* Of the thing itself, never of what a link names. name is "" for fd. */
static int own(struct tree *t, int fd, const char *name, const struct tree_attrs *a,
	       struct error *err)
{
	bool changed = false;
	uint32_t uid, gid;

	if (!t->id_count)
		return 0;
	uid = mapped(t, a->uid, &changed);
	gid = mapped(t, a->gid, &changed);
	if (fchownat(fd, name, uid, gid, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) < 0)
		return err_sys(err, errno, "set the owner");
	if (changed)
		report_strip(t->report, 1 << STRIP_OWNER);
	return 0;
}

static int set_times(int fd, const char *name, struct timespec mtime, struct error *err)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, mtime };
	int r;

	if (mtime.tv_nsec == UTIME_OMIT)
		return 0;
	if (mtime.tv_nsec < 0 || mtime.tv_nsec > 999999999)
		times[1].tv_nsec = 0;
	r = name ? utimensat(fd, name, times, AT_SYMLINK_NOFOLLOW) : futimens(fd, times);
	return r < 0 ? err_sys(err, errno, "set the time") : 0;
}

static int remember_dir(struct tree *t, const char *path, const struct tree_attrs *a,
			struct error *err)
{
	struct dir_record rec = {
		.mode = a->mode,
		.mtime = a->mtime,
		.path_len = (uint32_t)strlen(path),
	};

	for (const char *p = path; *p; p++)
		rec.depth += *p == '/';
	strbuf_add(&t->dirs, &rec, sizeof(rec));
	strbuf_add(&t->dirs, path, rec.path_len + 1);
	if (strbuf_failed(&t->dirs))
		return err_set(err, ERR_LIMIT, "too many directories");
	t->dir_count++;
	return 0;
}

int tree_root(struct tree *t, const struct tree_attrs *a, struct error *err)
{
	if (own(t, t->root, "", a, err) < 0)
		return -1;
	if (fchmod(t->root, a->mode | 0700) < 0)
		return err_sys(err, errno, "set the mode of the root");
	return set_times(t->root, NULL, a->mtime, err);
}

int tree_dir(struct tree *t, const char *path, const struct tree_attrs *a,
	     struct error *err)
{
	struct stat st = { 0 };
	const char *name;
	int parent;

	if (parent_of(t, path, &parent, &name, err) < 0)
		return -1;
	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT)
		return err_sys(err, errno, "look for an earlier entry");
	if (mkdirat(parent, name, 0700) < 0) {
		if (errno != EEXIST)
			return err_sys(err, errno, "make a directory");
		if (!S_ISDIR(st.st_mode)) {
			if (displace(t, path, parent, name, err) < 0)
				return -1;
			if (mkdirat(parent, name, 0700) < 0)
				return err_sys(err, errno, "replace it by a directory");
		}
	}
	if (t->layer && layer_add(t->layer, path, err) < 0)
		return -1;
	if (own(t, parent, name, a, err) < 0)
		return -1;
	return remember_dir(t, path, a, err);
}

int tree_symlink(struct tree *t, const char *path, const char *target,
		 const struct tree_attrs *a, struct error *err)
{
	const char *name;
	int parent;

	if (parent_of(t, path, &parent, &name, err) < 0 ||
	    displace(t, path, parent, name, err) < 0)
		return -1;
	if (symlinkat(target, parent, name) < 0)
		return err_sys(err, errno, "make a symbolic link");
	if (own(t, parent, name, a, err) < 0)
		return -1;
	return set_times(parent, name, a->mtime, err);
}

int tree_link(struct tree *t, const char *path, const char *target, struct error *err)
{
	cleanup_close int target_dir = -1;
	const char *slash = strrchr(target, '/'), *name;
	char dir[POLICY_PATH_MAX + 1] = ".";
	int parent;

	if (!strcmp(path, target))
		return 0;
	if (slash) {
		memcpy(dir, target, (size_t)(slash - target));
		dir[slash - target] = '\0';
	}
	target_dir = tree_open(t, dir, O_PATH | O_DIRECTORY);
	if (target_dir < 0 && errno == ENOENT)
		return err_set(err, ERR_USAGE,
			       "a hard link to something not in the archive");
	if (target_dir < 0)
		return err_open(err, errno, "hard link target");
	target = slash ? slash + 1 : target;

	if (parent_of(t, path, &parent, &name, err) < 0)
		return -1;
	if (faccessat(target_dir, target, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(err, ERR_USAGE,
			       "a hard link to something not in the archive");
	if (displace(t, path, parent, name, err) < 0)
		return -1;
	if (linkat(target_dir, target, parent, name, 0) == 0)
		return 0;
	if (errno == EPERM)
		return err_set(err, ERR_USAGE, "a hard link to a directory");
	return err_sys(err, errno, "make a hard link");
}

int tree_file(struct tree *t, const char *path, int *ret_fd, struct error *err)
{
	const char *name;
	int parent, fd;

	if (parent_of(t, path, &parent, &name, err) < 0 ||
	    displace(t, path, parent, name, err) < 0)
		return -1;
	fd = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    0600);
	if (fd < 0)
		return err_sys(err, errno, "make a file");
	*ret_fd = fd;
	return 0;
}

int tree_reopen(struct tree *t, const char *path, int *ret_fd, struct error *err)
{
	int fd = open_beneath(t->root, path, O_WRONLY | O_NONBLOCK | O_NOFOLLOW, 0);
	struct stat st;

	if (fd < 0)
		return err_open(err, errno, "hard link with content");
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || ftruncate(fd, 0) < 0) {
		(void)close(fd);
		return err_set(err, ERR_USAGE,
			       "a hard link with content to what is no file");
	}
	*ret_fd = fd;
	return 0;
}

int tree_file_done(struct tree *t, int fd, const struct tree_attrs *a, struct error *err)
{
	/* the owner first: a change of owner takes mode bits away */
	if (own(t, fd, "", a, err) < 0)
		return -1;
	if (fchmod(fd, a->mode) < 0)
		return err_sys(err, errno, "set the mode");
	return set_times(fd, NULL, a->mtime, err);
}

int tree_node(struct tree *t, const char *path, unsigned int type,
	      const struct tree_attrs *a, struct error *err)
{
	const char *name;
	int parent;

	if (parent_of(t, path, &parent, &name, err) < 0 ||
	    displace(t, path, parent, name, err) < 0)
		return -1;
	/* there is no umask here */
	if (mknodat(parent, name, type | (type == S_IFIFO ? a->mode : 0), 0) < 0)
		return err_sys(err, errno, "make a %s", type == S_IFIFO ? "FIFO" : "whiteout");
	return type == S_IFIFO ? own(t, parent, name, a, err) : 0;
}

static int apply_dir(struct tree *t, const char *record, struct error *err)
{
	const char *path = record + sizeof(struct dir_record);
	cleanup_close int fd = -1;
	struct dir_record rec;

	memcpy(&rec, record, sizeof(rec));
	report_entry(t->report, path);
	fd = tree_open(t, path, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return err_open(err, errno, "directory");
	if (fchmod(fd, rec.mode) < 0)
		return err_sys(err, errno, "set the mode of a directory");
	return set_times(fd, NULL, rec.mtime, err);
}

static int by_depth(const void *a, const void *b)
{
	struct dir_record x, y;
	const char *p = *(const char *const *)a, *q = *(const char *const *)b;

	memcpy(&x, p, sizeof(x));
	memcpy(&y, q, sizeof(y));
	if (x.depth != y.depth)
		return x.depth > y.depth ? -1 : 1;
	/* of the same one, the later entry wins */
	return p < q ? -1 : p > q;
}

int tree_apply(struct tree *t, struct error *err)
{
	cleanup_free const char **order = NULL;
	size_t n = 0, at = 0;

	order = calloc(t->dir_count + 1, sizeof(*order));
	if (!order)
		return err_set(err, ERR_LIMIT, "too many directories");
	while (at < t->dirs.len) {
		struct dir_record rec;

		memcpy(&rec, t->dirs.buf + at, sizeof(rec));
		order[n++] = t->dirs.buf + at;
		at += sizeof(rec) + rec.path_len + 1;
	}
	qsort(order, n, sizeof(*order), by_depth);
	for (size_t i = 0; i < n; i++)
		if (apply_dir(t, order[i], err) < 0)
			return -1;
	report_entry(t->report, NULL);
	strbuf_clear(&t->dirs);
	t->dir_count = 0;
	return 0;
}

int tree_finish(struct tree *t, struct error *err)
{
	if (tree_apply(t, err) < 0)
		return -1;
	if (syncfs(t->root) < 0)
		return err_sys(err, errno, "flush the file system");
	return 0;
}
