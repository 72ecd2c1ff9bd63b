#include "lib/spawner/spawner.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/*
 * The file channel, seen from inside: paths are the sandbox's, resolved in its
 * own root by a process that is confined to it. Before the run nothing hostile
 * has written here but the environment's layers; after it everything else is dead.
 */

enum { DEPTH_MAX = 64, SEND_TIMEOUT_S = 60 };

static struct files_wants own_wants, *wants = &own_wants;

struct entry {
	struct file_header h;
	char path[2 * PATH_MAX];
} __attribute__((packed));

static int receive(int channel, struct entry *e, size_t *path_len, int *fd)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { e, sizeof(*e) - 1 };
	struct msghdr mh = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.buf, .msg_controllen = sizeof(control.buf),
	};
	struct cmsghdr *c;
	ssize_t n;

	*fd = -1;
	do
		n = recvmsg(channel, &mh, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < (ssize_t)sizeof(e->h) || (mh.msg_flags & MSG_TRUNC)) {
		if (n >= 0)
			errno = n ? EPROTO : EPIPE;
		return -1;
	}
	c = CMSG_FIRSTHDR(&mh);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(fd, CMSG_DATA(c), sizeof(int));
	*path_len = (size_t)n - sizeof(e->h);
	e->path[*path_len] = '\0';
	return 0;
}

static int open_in_root(const char *path, uint64_t flags, unsigned int mode)
{
	struct open_how how = {
		/* openat2 refuses with O_PATH what means nothing to it */
		.flags = flags | O_CLOEXEC | (flags & O_PATH ? 0 : O_NOCTTY | O_NONBLOCK),
		.mode = flags & O_CREAT ? mode : 0,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), fd, saved;

	if (root < 0)
		return -1;
	fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
	saved = errno;
	(void)close(root);
	errno = saved;
	return fd;
}

/* A relative path is the working directory's; "" when both are too long. */
static const char *absolute(char buf[PATH_MAX * 2], const char *path, const char *workdir)
{
	if (*path == '/')
		return path;
	if (strlen(workdir) >= PATH_MAX || strlen(path) >= PATH_MAX)
		return "";
	(void)snprintf(buf, PATH_MAX * 2, "%.4095s/%.4095s", workdir, path);
	return buf;
}

/* Makes the folders above path, owned by the run's user. */
static int make_parents(const char *path, uid_t uid, gid_t gid)
{
	char dir[PATH_MAX * 2];

	if (!*path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	(void)snprintf(dir, sizeof(dir), "%s", path);
	for (char *p = dir + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		if (!mkdir(dir, 0755))
			(void)!chown(dir, uid, gid);
		else if (errno != EEXIST)
			return -1;
		*p = '/';
	}
	return 0;
}

static int copy_data(int from, int to)
{
	static char buf[64 * 1024];
	off_t at = 0, hole;
	struct stat st;
	ssize_t n = 1;

	if (fstat(from, &st) < 0)
		return -1;
	/* holes stay holes */
	while (n > 0 && S_ISREG(st.st_mode) && at < st.st_size &&
	       (at = lseek(from, at, SEEK_DATA)) >= 0) {
		hole = lseek(from, at, SEEK_HOLE);
		if (hole < 0 || lseek(to, at, SEEK_SET) < 0)
			return -1;
		while (n > 0 && at < hole)
			n = sendfile(to, from, &at, (size_t)(hole - at < 1 << 30 ? hole - at
									  : 1 << 30));
	}
	if (n >= 0 && S_ISREG(st.st_mode) && (at >= 0 || errno == ENXIO))
		return ftruncate(to, st.st_size);
	/* a pipe, or a file system without splice; the search for holes moved it */
	if (S_ISREG(st.st_mode) && (at > 0 || (errno != EINVAL && errno != ENOSYS) ||
				    lseek(from, 0, SEEK_SET) < 0))
		return -1;
	while ((n = read(from, buf, sizeof(buf))) > 0)
		for (ssize_t done = 0, w; done < n; done += w)
			if ((w = write(to, buf + done, (size_t)(n - done))) < 0)
				return -1;
	return n < 0 ? -1 : 0;
}

static int put(const struct entry *e, const char *path, int from, uid_t uid, gid_t gid)
{
	const struct timespec times[2] = {
		{ .tv_nsec = UTIME_NOW },
		{ e->h.mtime_s, e->h.mtime_ns },
	};
	int fd, r;

	if (make_parents(path, uid, gid) < 0)
		return -1;
	if (e->h.type == FILE_DIRECTORY) {
		if (mkdir(path, e->h.mode & 0777) < 0 && errno != EEXIST)
			return -1;
		return chown(path, uid, gid);
	}
	if (e->h.type == FILE_SYMLINK) {
		(void)unlink(path);
		return symlink(e->path + strlen(e->path) + 1, path);
	}
	fd = open_in_root(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0)
		return -1;
	r = copy_data(from, fd);
	if (!r)
		r = fchown(fd, uid, gid);
	if (!r)
		r = fchmod(fd, e->h.mode & 0777);
	if (!r && e->h.mtime_s)
		(void)futimens(fd, times);
	(void)close(fd);
	return r;
}

int files_folder(const char *path, uid_t uid, gid_t gid, struct msg_status *st)
{
	static char below[PATH_MAX * 2];
	struct stat sb;

	(void)snprintf(below, sizeof(below), "%s/x", path);
	if (make_parents(below, uid, gid) < 0)
		return fail(st, "create the folder '%.100s'", path);
	if (!stat(path, &sb) && !S_ISDIR(sb.st_mode)) {
		errno = ENOTDIR;
		return fail(st, "create the folder '%.100s'", path);
	}
	return 0;
}

void files_use(struct files_wants *shared)
{
	wants = shared;
}

int files_in(int channel, uid_t uid, gid_t gid, const char *workdir, struct msg_status *st)
{
	static struct entry e;
	static char abs[PATH_MAX * 2];
	const char *path;
	size_t len;
	int fd, r = 0;

	wants->n = 0;
	while (!r) {
		if (receive(channel, &e, &len, &fd) < 0)
			return fail(st, "receive files from the client");
		if (e.h.type == FILE_END)
			return 0;
		if (len < 2 || e.path[len - 1] || strlen(e.path) >= PATH_MAX) {
			errno = EPROTO;
			r = fail(st, "receive a file's name");
		} else if (e.h.type == FILE_WANT) {
			if (wants->n == FILES_WANTS) {
				errno = E2BIG;
				r = fail(st, "take more than %d artifacts", FILES_WANTS);
			} else {
				memcpy(wants->path[wants->n++], e.path, strlen(e.path) + 1);
			}
		} else {
			path = absolute(abs, e.path, workdir);
			if (put(&e, path, fd, uid, gid) < 0)
				r = fail(st, "put file '%.160s' in the sandbox", path);
		}
		if (fd >= 0)
			(void)close(fd);
	}
	return r;
}

static int send_entry(int channel, struct file_header *h, const char *path,
		      const char *target, int fd)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov[3] = {
		{ h, sizeof(*h) },
		{ (void *)(uintptr_t)path, strlen(path) + 1 },
		{ (void *)(uintptr_t)target, target ? strlen(target) + 1 : 0 },
	};
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = target ? 3 : 2 };

	if (fd >= 0) {
		struct cmsghdr *c;

		mh.msg_control = control.buf;
		mh.msg_controllen = sizeof(control.buf);
		c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(int));
	}
	return sendmsg(channel, &mh, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

static void send_error(int channel, unsigned int want, const char *path, int errnum)
{
	struct file_header h = { .type = FILE_ERROR, .errnum = errnum, .want = want };

	(void)send_entry(channel, &h, path, NULL, -1);
}

static void send_tree(int channel, unsigned int want, int dir, const char *name,
		      const char *path, int depth);

static void send_children(int channel, unsigned int want, int fd, const char *path,
			  int depth)
{
	DIR *d = fdopendir(fd);
	struct dirent *e;

	if (!d) {
		send_error(channel, want, path, errno);
		(void)close(fd);
		return;
	}
	while ((e = readdir(d))) {
		char *sub;

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (asprintf(&sub, "%s%s%s", path, *path ? "/" : "", e->d_name) < 0)
			break;
		send_tree(channel, want, dirfd(d), e->d_name, sub, depth + 1);
		free(sub);
	}
	(void)closedir(d);
}

/* Sends the entry `name` of dir as `path`, and what is below it. Not a symlink's
 * target: the client gets the link, and decides. */
static void send_tree(int channel, unsigned int want, int dir, const char *name,
		      const char *path, int depth)
{
	struct file_header h = { .want = want };
	char target[PATH_MAX];
	struct stat st;
	int fd;

	if (depth > DEPTH_MAX || strlen(path) >= PATH_MAX) {
		send_error(channel, want, path, ENAMETOOLONG);
		return;
	}
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		send_error(channel, want, path, errno);
		return;
	}
	h.mode = st.st_mode & 0777;
	h.mtime_s = st.st_mtim.tv_sec;
	h.mtime_ns = st.st_mtim.tv_nsec;
	h.size = (uint64_t)st.st_size;
	if (S_ISLNK(st.st_mode)) {
		ssize_t n = readlinkat(dir, name, target, sizeof(target) - 1);

		if (n < 0)
			return;
		target[n] = '\0';
		h.type = FILE_SYMLINK;
		(void)send_entry(channel, &h, path, target, -1);
		return;
	}
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
		send_error(channel, want, path, ENOTSUP);
		return;
	}
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		send_error(channel, want, path, errno);
		return;
	}
	if (S_ISREG(st.st_mode)) {
		h.type = FILE_REGULAR;
		(void)send_entry(channel, &h, path, NULL, fd);
		(void)close(fd);
		return;
	}
	h.type = FILE_DIRECTORY;
	(void)send_entry(channel, &h, path, NULL, -1);
	send_children(channel, want, fd, path, depth);
}

void files_out(int channel, const char *workdir)
{
	static char abs[PATH_MAX * 2];
	struct timeval patience = { .tv_sec = SEND_TIMEOUT_S };
	struct file_header end = { .type = FILE_END };

	/* a client that stops reading must not keep the sandbox for ever */
	(void)setsockopt(channel, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	for (int i = 0; i < wants->n; i++) {
		const char *path = absolute(abs, wants->path[i], workdir);
		int fd = open_in_root(path, O_PATH, 0);
		struct stat st;

		if (fd < 0 || fstat(fd, &st) < 0) {
			send_error(channel, (unsigned int)i, wants->path[i], errno);
		} else if (S_ISDIR(st.st_mode)) {
			int dir = open_in_root(path, O_RDONLY | O_DIRECTORY, 0);

			if (dir < 0)
				send_error(channel, (unsigned int)i, wants->path[i], errno);
			else
				send_children(channel, (unsigned int)i, dir, "", 0);
		} else {
			struct file_header h = {
				.type = FILE_REGULAR, .mode = st.st_mode & 0777,
				.want = (uint32_t)i, .size = (uint64_t)st.st_size,
				.mtime_s = st.st_mtim.tv_sec, .mtime_ns = st.st_mtim.tv_nsec,
			};
			int data = S_ISREG(st.st_mode) ? open_in_root(path, O_RDONLY, 0) : -1;

			if (data < 0)
				send_error(channel, (unsigned int)i, wants->path[i],
					   S_ISREG(st.st_mode) ? errno : ENOTSUP);
			else
				(void)send_entry(channel, &h, "", NULL, data);
			if (data >= 0)
				(void)close(data);
		}
		if (fd >= 0)
			(void)close(fd);
	}
	(void)send_entry(channel, &end, "", NULL, -1);
}
