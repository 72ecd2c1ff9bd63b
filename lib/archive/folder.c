#include "lib/archive/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/base/beneath.h"
#include "lib/base/cleanup.h"

/* A file with several names, and the first of them that was copied. */
struct inode {
	dev_t dev;
	ino_t ino;
	char path[];
};

struct copy {
	const struct folder *f;
	const struct policy_limits *limits;
	struct tree *t;
	struct policy_verdict verdict;
	void *inodes;		/* tsearch(3) tree of struct inode */
	dev_t root_dev;		/* of the tree that is filled */
	ino_t root_ino;
	char path[POLICY_PATH_MAX + 1];	/* of what is being copied */
	size_t len;
};

static void closedirp(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

static int compare_inodes(const void *a, const void *b)
{
	const struct inode *x = a, *y = b;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	return x->ino < y->ino ? -1 : x->ino > y->ino;
}

/* The earlier name of the same file, or NULL; then this one is remembered. */
static const char *earlier_name(struct copy *c, const struct stat *st)
{
	struct inode *new, **found;

	new = malloc(sizeof(*new) + c->len + 1);
	if (!new)
		return NULL;	/* a copy instead of a link is not wrong */
	*new = (struct inode){ st->st_dev, st->st_ino };
	memcpy(new->path, c->path, c->len + 1);
	found = tsearch(new, &c->inodes, compare_inodes);
	if (found && *found == new)
		return NULL;
	free(new);
	return found ? (*found)->path : NULL;
}

static struct tree_attrs attrs_of(const struct copy *c, const struct stat *st)
{
	uint32_t offset = c->f->id_offset;

	return (struct tree_attrs){
		.uid = st->st_uid >= offset ? st->st_uid - offset : UINT32_MAX,
		.gid = st->st_gid >= offset ? st->st_gid - offset : UINT32_MAX,
		.mode = c->verdict.mode,
		.mtime = st->st_mtim,
	};
}

/*
 * The permissions for what follows: the reader's, or ours again. The kernel takes
 * the capabilities over files away with the first and gives them back with the
 * second.
 */
static void as_reader(const struct copy *c, bool reader)
{
	int saved = errno;

	if (c->f->as_reader) {
		(void)setfsgid(reader ? c->f->reader_gid : 0);
		(void)setfsuid(reader ? c->f->reader_uid : 0);
	}
	errno = saved;
}

static int check_reader(const struct copy *c, struct error *err)
{
	int uid, gid;

	if (!c->f->as_reader)
		return 0;
	as_reader(c, true);
	uid = setfsuid((uid_t)-1);
	gid = setfsgid((gid_t)-1);
	as_reader(c, false);
	if ((uint32_t)uid != c->f->reader_uid || (uint32_t)gid != c->f->reader_gid ||
	    setfsuid((uid_t)-1) != 0)
		return err_set(err, ERR_UNSUPPORTED,
			       "cannot read with the rights of another");
	return 0;
}

static int open_as_reader(const struct copy *c, int dir, const char *name, int flags)
{
	int fd;

	as_reader(c, true);
	fd = open_beneath_cross(dir, name, flags, 0, c->f->cross_mounts);
	as_reader(c, false);
	return fd;
}

static int err_changed(struct error *err)
{
	return err_set(err, ERR_CONFLICT, "the folder changes while it is copied");
}

/* Up to len bytes at the same offset; a file that became shorter ends early. */
static int copy_range(struct copy *c, int from, int to, off_t at, off_t end,
		      struct error *err)
{
	while (at < end) {
		off_t in = at, out = at;
		size_t step = (size_t)(end - at < 1 << 24 ? end - at : 1 << 24);
		ssize_t n = copy_file_range(from, &in, to, &out, step, 0);

		if (n < 0 && (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP ||
			      errno == ENOSYS)) {
			char buf[65536];

			n = pread(from, buf, step < sizeof(buf) ? step : sizeof(buf), at);
			if (n > 0)
				n = pwrite(to, buf, (size_t)n, at);
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, errno, "copy");
		if (n == 0)
			break;
		at += n;
		if (tree_count_bytes(c->t, (uint64_t)n, UINT64_MAX, err) < 0)
			return -1;
	}
	return 0;
}

static int copy_content(struct copy *c, int from, int to, const struct stat *st,
			struct error *err)
{
	uint64_t used = (uint64_t)st->st_blocks * 512;
	off_t at = 0;

	if (used > (uint64_t)st->st_size)
		used = (uint64_t)st->st_size;
	/* within the limit before it is shared, which cannot be stopped half way */
	if (c->t->report->bytes + used <= c->t->limits.max_bytes &&
	    ioctl(to, FICLONE, from) == 0)
		return tree_count_bytes(c->t, used, UINT64_MAX, err);

	while (at < st->st_size) {
		off_t data = lseek(from, at, SEEK_DATA), hole;

		if (data < 0 && errno == ENXIO)
			break;
		if (data < 0)
			return copy_range(c, from, to, at, st->st_size, err);
		hole = lseek(from, data, SEEK_HOLE);
		if (hole < 0 || hole > st->st_size)
			hole = st->st_size;
		if (copy_range(c, from, to, data, hole, err) < 0)
			return -1;
		at = hole > data ? hole : data + 1;
	}
	return ftruncate(to, st->st_size) < 0 ? err_sys(err, errno, "set the size") : 0;
}

static void count_stripped(struct copy *c, int fd)
{
	unsigned int mask = c->verdict.stripped;

	if (fd >= 0 && flistxattr(fd, NULL, 0) > 0)
		mask |= 1 << STRIP_XATTR;
	report_strip(c->t->report, mask);
}

static int copy_file(struct copy *c, int dir, const char *name, struct stat *st,
		     struct error *err)
{
	cleanup_close int from = -1, to = -1;
	struct tree_attrs attrs;
	const char *earlier;

	/* NONBLOCK: it may have become a FIFO */
	from =
	    open_as_reader(c, dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (from < 0 && errno == EXDEV) {
		c->t->report->skipped[SKIP_MOUNT]++;
		return 0;
	}
	if (from < 0 && (errno == ELOOP || errno == ENOENT || errno == ENXIO))
		return err_changed(err);
	if (from < 0)
		return err_sys(err, errno, "open");
	if (fstat(from, st) < 0 || !S_ISREG(st->st_mode))
		return err_changed(err);
	if (st->st_nlink > 1 && (earlier = earlier_name(c, st)))
		return tree_link(c->t, c->verdict.path, earlier, err);
	attrs = attrs_of(c, st);
	count_stripped(c, from);
	if (tree_file(c->t, c->verdict.path, &to, err) < 0 ||
	    copy_content(c, from, to, st, err) < 0)
		return -1;
	return tree_file_done(c->t, to, &attrs, err);
}

static int copy_dir(struct copy *c, int fd, const struct stat *st, struct error *err);

static int copy_subdir(struct copy *c, int dir, const char *name, const struct stat *st,
		       struct error *err)
{
	struct stat now;
	int fd = open_as_reader(c, dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);

	if (fd < 0 && errno == EXDEV) {
		struct tree_attrs attrs = attrs_of(c, st);

		c->t->report->skipped[SKIP_MOUNT]++;
		return tree_dir(c->t, c->verdict.path, &attrs, err);
	}
	if (fd < 0 && (errno == ELOOP || errno == ENOENT || errno == ENOTDIR))
		return err_changed(err);
	if (fd < 0)
		return err_sys(err, errno, "open");
	if (fstat(fd, &now) < 0) {
		int saved = errno;

		(void)close(fd);
		return err_sys(err, saved, "stat");
	}
	return copy_dir(c, fd, &now, err);
}

static int copy_symlink(struct copy *c, const struct stat *st, struct error *err)
{
	struct tree_attrs attrs = attrs_of(c, st);

	return tree_symlink(c->t, c->verdict.path, c->verdict.link, &attrs, err);
}

static enum entry_type type_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return ENTRY_FILE;
	case S_IFDIR:
		return ENTRY_DIR;
	case S_IFLNK:
		return ENTRY_SYMLINK;
	case S_IFCHR:
	case S_IFBLK:
		return ENTRY_DEVICE;
	case S_IFIFO:
		return ENTRY_FIFO;
	case S_IFSOCK:
		return ENTRY_SOCKET;
	default:
		return ENTRY_OTHER;
	}
}

/* c->path is its path; what it is may change between any two lines. */
static int copy_entry(struct copy *c, int dir, const char *name, struct error *err)
{
	char target[POLICY_PATH_MAX + 1];
	struct policy_entry e = { .path = c->path };
	struct stat st;
	int r;

	report_entry(c->t->report, c->path);
	as_reader(c, true);
	r = fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW);
	as_reader(c, false);
	if (r < 0)
		return errno == ENOENT ? 0 : err_sys(err, errno, "stat");
	if (tree_count_entry(c->t, err) < 0)
		return -1;
	e.type = type_of(st.st_mode);
	e.mode = st.st_mode;
	e.size = e.type == ENTRY_FILE ? st.st_size : 0;
	if (e.type == ENTRY_SYMLINK) {
		ssize_t n;

		as_reader(c, true);
		n = readlinkat(dir, name, target, sizeof(target) - 1);
		as_reader(c, false);
		if (n < 0 && (errno == EINVAL || errno == ENOENT))
			return err_changed(err);
		if (n < 0)
			return err_sys(err, errno, "read a link");
		target[n] = '\0';
		e.link = target;
	}
	if (policy_decide(&e, c->limits, &c->verdict, err) < 0)
		return -1;
	if (c->verdict.action == POLICY_SKIP) {
		c->t->report->skipped[c->verdict.skip]++;
		return 0;
	}
	if (e.type == ENTRY_DIR)
		return copy_subdir(c, dir, name, &st, err);
	if (e.type == ENTRY_SYMLINK)
		return copy_symlink(c, &st, err);
	return copy_file(c, dir, name, &st, err);
}

static int copy_entries(struct copy *c, DIR *dir, struct error *err)
{
	size_t len = c->len;

	for (;;) {
		struct dirent *e;
		size_t name_len;

		errno = 0;
		e = readdir(dir);
		if (!e)
			return errno ? err_sys(err, errno, "read the folder") : 0;
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		name_len = strlen(e->d_name);
		if (len + 1 + name_len > POLICY_PATH_MAX)
			return err_set(err, ERR_LIMIT, "a path is longer than %d bytes",
				       POLICY_PATH_MAX);
		if (len)
			c->path[c->len++] = '/';
		memcpy(c->path + c->len, e->d_name, name_len + 1);
		c->len += name_len;
		if (copy_entry(c, dirfd(dir), e->d_name, err) < 0)
			return -1;
		c->len = len;
		c->path[len] = '\0';
	}
}

/* Takes fd over. The depth of the recursion is limited by the policy. */
static int copy_dir(struct copy *c, int fd, const struct stat *st, struct error *err)
{
	struct tree_attrs attrs = attrs_of(c, st);
	__attribute__((cleanup(closedirp))) DIR *dir = fdopendir(fd);
	int r;

	if (!dir) {
		(void)close(fd);
		return err_set(err, ERR_LIMIT, "no memory to read the folder");
	}
	if (st->st_dev == c->root_dev && st->st_ino == c->root_ino)
		return err_set(err, ERR_USAGE,
			       "the folder contains the place it is copied to");
	count_stripped(c, fd);
	r = c->len ? tree_dir(c->t, c->path, &attrs, err) : tree_root(c->t, &attrs, err);
	return r < 0 ? -1 : copy_entries(c, dir, err);
}

int folder_copy(const struct folder *f, const struct policy_limits *limits,
		struct tree *t, struct error *err)
{
	cleanup_free struct copy *c = calloc(1, sizeof(*c));
	struct policy_entry root = { .type = ENTRY_DIR, .path = "." };
	struct stat st;
	int fd;

	if (!c)
		return err_set(err, ERR_LIMIT, "no memory to read the folder");
	c->f = f;
	c->limits = limits;
	c->t = t;
	if (fstat(t->root, &st) < 0)
		return err_sys(err, errno, "stat the new root");
	c->root_dev = st.st_dev;
	c->root_ino = st.st_ino;
	if (check_reader(c, err) < 0)
		return -1;

	fd = open_as_reader(c, f->fd, ".", O_RDONLY | O_DIRECTORY);
	if (fd < 0 || fstat(fd, &st) < 0) {
		int saved = errno;

		if (fd >= 0)
			(void)close(fd);
		return err_sys(err, saved, "open the folder");
	}
	root.mode = st.st_mode;
	if (policy_decide(&root, limits, &c->verdict, err) < 0) {
		(void)close(fd);
		return -1;
	}
	/* the inodes live until the process ends, which is now */
	return copy_dir(c, fd, &st, err);
}
