#include "lib/base/remove.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/beneath.h"
#include "lib/base/cleanup.h"

#ifndef SYS_fchmodat2
#define SYS_fchmodat2	452	/* the same number on every architecture */
#endif

enum {
	LEVELS = 32,		/* directories open at once */
	ROUNDS = 1000,		/* passes without progress before giving up */
};

struct level {
	DIR *dir;
	char name[256];		/* in the level above; unused for the first */
};

struct removal {
	struct level level[LEVELS];
	int depth;		/* levels in use */
	uint64_t moved;		/* directories moved up so far */
	uint64_t removed;
	int blocked;		/* errno of something that stayed, or 0 */
};

static int top_fd(const struct removal *r)
{
	return dirfd(r->level[r->depth - 1].dir);
}

static void removal_release(struct removal *r)
{
	int saved = errno;

	while (r->depth > 0)
		(void)closedir(r->level[--r->depth].dir);
	errno = saved;
}

/* Immutable and append-only; what cannot be cleared fails at its removal. */
static void clear_flags(int fd)
{
	int flags;

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0 ||
	    !(flags & (FS_IMMUTABLE_FL | FS_APPEND_FL)))
		return;
	flags &= ~(FS_IMMUTABLE_FL | FS_APPEND_FL);
	(void)ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

/* chmod of the directory behind an O_PATH descriptor: never of what replaced it */
static int make_accessible(int path_fd)
{
	char proc[40];

	if (syscall(SYS_fchmodat2, path_fd, "", 0700, AT_EMPTY_PATH) == 0)
		return 0;
	if (errno != ENOSYS && errno != EPERM)
		return -1;
	(void)snprintf(proc, sizeof(proc), "/proc/self/fd/%d", path_fd);
	return chmod(proc, 0700);
}

static int open_dir(int parent, const char *name)
{
	cleanup_close int path_fd = -1;
	struct stat st;
	int fd;

	fd = open_beneath(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (fd < 0 && errno == EACCES) {
		path_fd =
		    open_beneath(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
		if (path_fd < 0 || make_accessible(path_fd) < 0)
			return -1;
		fd = openat(path_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (fd < 0)
		return -1;
	clear_flags(fd);
	if (fstat(fd, &st) == 0 && (st.st_mode & 0700) != 0700)
		(void)fchmod(fd, 0700);
	return fd;
}

static int push(struct removal *r, int fd, const char *name)
{
	struct level *l = &r->level[r->depth];

	l->dir = fdopendir(fd);
	if (!l->dir) {
		int saved = errno;

		(void)close(fd);
		errno = saved;
		return -1;
	}
	(void)snprintf(l->name, sizeof(l->name), "%s", name);
	r->depth++;
	return 0;
}

/* To the first level, under a name that nothing else there has. */
static int move_up(struct removal *r, const char *name)
{
	int from_fd = top_fd(r), to_fd = dirfd(r->level[0].dir);
	char to[48];

	for (int tries = 0; tries < 1000; tries++) {
		(void)snprintf(to, sizeof(to), ".faas-remove-%llu",
			       (unsigned long long)r->moved++);
		if (renameat2(from_fd, name, to_fd, to, RENAME_NOREPLACE) == 0)
			return 0;
		/* without the flag it can only replace an empty directory: no loss */
		if (errno == EINVAL)
			return renameat(from_fd, name, to_fd, to);
		if (errno != EEXIST)
			return -1;
	}
	return -1;
}

static int remove_subdir(struct removal *r, const char *name)
{
	int fd = open_dir(top_fd(r), name);

	if (fd < 0)
		return -1;
	if (r->depth < LEVELS)
		return push(r, fd, name);
	(void)close(fd);
	return move_up(r, name);
}

static int remove_file(int dir, const char *name)
{
	cleanup_close int fd = -1;

	if (unlinkat(dir, name, 0) == 0)
		return 0;
	if (errno != EPERM)
		return -1;
	/* a directory, on some file systems, or something immutable */
	fd = open_beneath(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	if (fd < 0) {
		errno = EPERM;
		return -1;
	}
	clear_flags(fd);
	return unlinkat(dir, name, 0);
}

static int remove_entry(struct removal *r, const struct dirent *e)
{
	if (e->d_type != DT_DIR) {
		if (remove_file(top_fd(r), e->d_name) == 0) {
			r->removed++;
			return 0;
		}
		if (errno != EISDIR && errno != EPERM)
			return -1;
	}
	if (remove_subdir(r, e->d_name) == 0)
		return 0;
	/* it was a directory a moment ago: the next pass sees what it is now */
	return errno == ENOTDIR || errno == ELOOP ? 0 : -1;
}

/* The deepest level has no more entries to read: goes back to the one above. */
static void pop(struct removal *r)
{
	struct level *l = &r->level[--r->depth];

	(void)closedir(l->dir);
	/* not empty when entries were added meanwhile: the next pass sees them */
	if (unlinkat(top_fd(r), l->name, AT_REMOVEDIR) == 0)
		r->removed++;
	else if (errno == EBUSY || errno == EPERM || errno == EACCES)
		r->blocked = errno;
}

/*
 * One pass over the first level and all that hangs on it. *ret_seen says
 * whether the first level had any entry: none means that the tree is empty.
 */
static int pass(struct removal *r, bool *ret_seen)
{
	bool seen = false;

	rewinddir(r->level[0].dir);
	for (;;) {
		struct dirent *e;

		errno = 0;
		e = readdir(r->level[r->depth - 1].dir);
		if (!e && errno)
			return -1;
		if (!e && r->depth == 1)
			break;
		if (!e) {
			pop(r);
			continue;
		}
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		seen = true;
		if (remove_entry(r, e) < 0 && errno != ENOENT)
			return -1;
	}
	*ret_seen = seen;
	return 0;
}

static int report(int errnum, struct error *err)
{
	if (errnum == EXDEV || errnum == EBUSY)
		return err_set(err, ERR_BUSY, "something is mounted inside the tree");
	return err_sys(err, errnum, "remove an entry");
}

/* Takes the descriptor over. */
static int empty(int fd, struct error *err)
{
	__attribute__((cleanup(removal_release))) struct removal r = { .depth = 0 };
	int rounds = 0;
	bool seen = true;

	if (push(&r, fd, "") < 0)
		return err_sys(err, errno, "read the directory");
	while (seen) {
		uint64_t before = r.removed + r.moved;

		r.blocked = 0;
		if (pass(&r, &seen) < 0)
			return report(errno, err);
		if (r.removed + r.moved != before)
			rounds = 0;
		else if (seen && (r.blocked || ++rounds > ROUNDS))
			return report(r.blocked ? r.blocked : ENOTEMPTY, err);
	}
	return 0;
}

int tree_empty(int dirfd, struct error *err)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == EACCES && make_accessible(dirfd) == 0)
		fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, errno, "open the directory");
	clear_flags(fd);
	return empty(fd, err);
}

int tree_remove(int dirfd, const char *name, struct error *err)
{
	int fd;

	if (!name[0] || strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, ".."))
		return err_set(err, ERR_USAGE,
			       "'%s' is not the name of a directory entry", name);

	for (int tries = 0; tries < ROUNDS; tries++) {
		if (remove_file(dirfd, name) == 0 || errno == ENOENT)
			return 0;
		if (errno != EISDIR && errno != EPERM)
			return err_sys(err, errno, "remove '%s'", name);
		fd = open_dir(dirfd, name);
		if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
			continue;
		if (fd < 0 && errno == EXDEV)
			return err_set(err, ERR_BUSY, "'%s' is a mount point", name);
		if (fd < 0)
			return err_sys(err, errno, "open '%s'", name);
		if (empty(fd, err) < 0)
			return err_wrap(err, "remove '%s'", name);
		if (unlinkat(dirfd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
			return 0;
		if (errno != ENOTEMPTY && errno != EEXIST)
			return err_sys(err, errno, "remove '%s'", name);
	}
	return err_set(err, ERR_BUSY, "remove '%s': it keeps changing", name);
}
