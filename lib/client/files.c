#include "lib/client/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/spawner/protocol.h"

enum { PATH_LIMIT = 4096, DEPTH_LIMIT = 128 };

static int send_message(int channel, struct file_header *h, const char *path,
			const char *target, int fd, struct error *err)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control = { .buf = { 0 } };
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
	while (sendmsg(channel, &mh, MSG_NOSIGNAL) < 0) {
		if (errno == EPIPE || errno == ECONNRESET)
			return 1;	/* it gave up; the result says why */
		if (errno != EINTR)
			return err_sys(err, errno, "send '%s' to the sandbox", path);
	}
	return 0;
}

static int send_path(int channel, int dir, const char *name, const char *shown,
		     const char *to, unsigned int mode, int depth, struct error *err);

static int send_folder(int channel, int fd, const char *shown, const char *to, int depth,
		       struct error *err)
{
	DIR *d = fdopendir(fd);
	struct dirent *e;
	int r = 0;

	if (!d) {
		(void)close(fd);
		return err_sys(err, errno, "read '%s'", shown);
	}
	while (!r && (e = readdir(d))) {
		cleanup_free char *from = NULL;
		cleanup_free char *there = NULL;

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (asprintf(&from, "%s/%s", shown, e->d_name) < 0 ||
		    asprintf(&there, "%s/%s", to, e->d_name) < 0)
			r = err_sys(err, ENOMEM, "send '%s'", shown);
		else
			r = send_path(channel, dirfd(d), e->d_name, from, there, 0, depth + 1,
				      err);
	}
	(void)closedir(d);
	return r;
}

static int send_fd(int channel, int fd, const struct stat *st, const char *to,
		   unsigned int mode, struct error *err)
{
	struct file_header h = {
		.type = FILE_REGULAR, .mode = mode ? mode : st->st_mode & 0777,
		.mtime_s = st->st_mtim.tv_sec, .mtime_ns = st->st_mtim.tv_nsec,
		.size = (uint64_t)st->st_size,
	};

	return send_message(channel, &h, to, NULL, fd, err);
}

static int send_link(int channel, int dir, const char *name, const char *to,
		     struct error *err)
{
	struct file_header h = { .type = FILE_SYMLINK };
	char target[PATH_LIMIT];
	ssize_t n = readlinkat(dir, name, target, sizeof(target) - 1);

	if (n < 0)
		return err_sys(err, errno, "read the link '%s'", name);
	target[n] = '\0';
	return send_message(channel, &h, to, target, -1, err);
}

static int send_path(int channel, int dir, const char *name, const char *shown,
		     const char *to, unsigned int mode, int depth, struct error *err)
{
	struct file_header h = { .type = FILE_DIRECTORY };
	cleanup_close int fd = -1;
	struct stat st;

	if (depth > DEPTH_LIMIT || strlen(to) >= PATH_LIMIT)
		return err_set(err, ERR_LIMIT, "send '%s': the path is too long", shown);
	/* a link that the user named is followed, one inside a folder is not */
	if (depth && !fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) && S_ISLNK(st.st_mode))
		return send_link(channel, dir, name, to, err);
	fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK |
		    (depth ? O_NOFOLLOW : 0));
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, errno, "open '%s'", shown);
	if (S_ISREG(st.st_mode))
		return send_fd(channel, fd, &st, to, mode, err);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, ERR_USAGE, "send '%s': it is neither a file nor a folder",
			       shown);
	h.mode = st.st_mode & 0777;
	if (send_message(channel, &h, to, NULL, -1, err) < 0)
		return -1;
	return send_folder(channel, TAKE_FD(fd), shown, to, depth, err);
}

int files_send(int channel, const struct execution_file *files, int n,
	       const char *const *wants, int n_wants, struct error *err)
{
	struct file_header end = { .type = FILE_END }, want = { .type = FILE_WANT };
	int r = 0;

	for (int i = 0; !r && i < n; i++) {
		const struct execution_file *f = &files[i];
		struct stat st;

		if (f->path)
			r = send_path(channel, AT_FDCWD, f->path, f->path, f->to, f->mode, 0,
				      err);
		else if (fstat(f->fd, &st) < 0)
			r = err_sys(err, errno, "send '%s'", f->to);
		else
			r = send_fd(channel, f->fd, &st, f->to, f->mode, err);
	}
	for (int i = 0; !r && i < n_wants; i++)
		r = send_message(channel, &want, wants[i], NULL, -1, err);
	if (!r)
		r = send_message(channel, &end, "", NULL, -1, err);
	return r < 0 ? -1 : 0;
}

/* ---- out ---- */

struct received {
	struct file_header h;
	char path[2 * PATH_LIMIT + 2];
} __attribute__((packed));

static int open_below(int dir, const char *path, uint64_t flags, unsigned int mode)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC, .mode = flags & O_CREAT ? mode : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
}

/* "a/b/../c", "/a", "": names that hostile code may send and we never write to. */
static bool safe_name(const char *path)
{
	if (!*path || *path == '/')
		return false;
	while (*path) {
		size_t len = strcspn(path, "/");

		if (!len || (len == 1 && *path == '.') || (len == 2 && !strncmp(path, "..", 2)))
			return false;
		path += len + (path[len] == '/');
	}
	return true;
}

static int make_folders(int dir, const char *path, bool last)
{
	char part[2 * PATH_LIMIT];

	for (const char *p = path; *p;) {
		size_t len = strcspn(p, "/"), upto = (size_t)(p - path) + len;
		cleanup_close int parent = -1;
		char *slash;

		if (!p[len] && !last)
			break;
		memcpy(part, path, upto);
		part[upto] = '\0';
		slash = strrchr(part, '/');
		if (slash)
			*slash = '\0';
		parent = open_below(dir, slash ? part : ".", O_PATH | O_DIRECTORY, 0);
		if (parent < 0 ||
		    (mkdirat(parent, slash ? slash + 1 : part, 0755) < 0 && errno != EEXIST))
			return -1;
		p += len + (p[len] == '/');
	}
	return 0;
}

/* What is written of a file; its holes, of which there may be exabytes, stay holes. */
static int copy_sparse(int to, int from, off_t size)
{
	off_t at = 0, hole;
	ssize_t n = 1;

	while (n > 0 && at < size && (at = lseek(from, at, SEEK_DATA)) >= 0) {
		hole = lseek(from, at, SEEK_HOLE);
		if (hole < 0 || lseek(to, at, SEEK_SET) < 0)
			return -1;
		while (n > 0 && at < hole)
			n = sendfile(to, from, &at, (size_t)(hole - at < 1 << 30 ? hole - at
									  : 1 << 30));
	}
	if (n < 0 || (at < 0 && errno != ENXIO))
		return -1;
	return ftruncate(to, size);
}

/* Beside its name, then renamed: an old file is replaced whole or not at all. */
static int write_file(int dir, const char *path, const struct file_header *h, int from)
{
	char folder[2 * PATH_LIMIT], temp[64];
	const char *base = strrchr(path, '/');
	const struct timespec times[2] = { { .tv_nsec = UTIME_NOW },
					   { h->mtime_s, h->mtime_ns } };
	cleanup_close int parent = -1;
	cleanup_close int fd = -1;
	struct stat st;

	(void)snprintf(folder, sizeof(folder), "%.*s", base ? (int)(base - path) : 1,
		       base ? path : ".");
	base = base ? base + 1 : path;
	parent = open_below(dir, folder, O_RDONLY | O_DIRECTORY, 0);
	if (parent < 0)
		return -1;
	(void)snprintf(temp, sizeof(temp), ".faas-%ld.tmp", syscall(SYS_gettid));
	(void)unlinkat(parent, temp, 0);
	fd = openat(parent, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -1;
	if (fstat(from, &st) < 0 || copy_sparse(fd, from, st.st_size) < 0 || fchmod(fd, h->mode & 0777) < 0 || futimens(fd, times) < 0 ||
	    renameat(parent, temp, parent, base) < 0) {
		int saved = errno;

		(void)unlinkat(parent, temp, 0);
		errno = saved;
		return -1;
	}
	return 0;
}

/* A link is only kept when it stays among what was asked for. */
static int write_link(int dir, const char *path, const char *target)
{
	char folder[2 * PATH_LIMIT];
	const char *base = strrchr(path, '/');
	cleanup_close int parent = -1;

	if (!safe_name(target)) {
		errno = EXDEV;
		return -1;
	}
	(void)snprintf(folder, sizeof(folder), "%.*s", base ? (int)(base - path) : 1,
		       base ? path : ".");
	parent = open_below(dir, folder, O_PATH | O_DIRECTORY, 0);
	if (parent < 0)
		return -1;
	base = base ? base + 1 : path;
	(void)unlinkat(parent, base, 0);
	return symlinkat(target, parent, base);
}

static int keep(int dir, struct received *m, int fd, const char *want)
{
	size_t len = strlen(want), start;
	char path[2 * PATH_LIMIT];

	/* an artifact lands under its last name, what is below it below that */
	while (len && want[len - 1] == '/')
		len--;
	for (start = len; start && want[start - 1] != '/';)
		start--;
	if ((size_t)snprintf(path, sizeof(path), "%.*s%s%s", (int)(len - start), want + start,
			     *m->path ? "/" : "", m->path) >= sizeof(path) ||
	    !safe_name(path)) {
		errno = EXDEV;
		return -1;
	}
	if (make_folders(dir, path, m->h.type == FILE_DIRECTORY) < 0)
		return -1;
	if (m->h.type == FILE_REGULAR) {
		struct file_header h = m->h;

		return write_file(dir, path, &h, fd);
	}
	if (m->h.type == FILE_SYMLINK)
		return write_link(dir, path, m->path + strlen(m->path) + 1);
	return 0;
}

static ssize_t receive(int channel, struct received *m, int *ret_fd)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { &m->h, sizeof(*m) - 2 };
	struct msghdr mh = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.buf, .msg_controllen = sizeof(control.buf),
	};
	struct cmsghdr *c;
	ssize_t n;

	do
		n = recvmsg(channel, &mh, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n;
	c = CMSG_FIRSTHDR(&mh);
	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return n;
	/* the padding has room for a second one, which nobody asked for */
	for (size_t i = 0; CMSG_LEN((i + 1) * sizeof(int)) <= c->cmsg_len; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
		if (i)
			(void)close(fd);
		else
			*ret_fd = fd;
	}
	return n;
}

int files_receive(int channel, int dir, const char *const *wants, int n_wants,
		  int *ret_missing, struct error *err)
{
	struct received m;
	cleanup_close int fd = -1;
	ssize_t n = receive(channel, &m, &fd);
	const char *want;
	struct stat st;

	if (n <= 0)
		return 0;
	if (n < (ssize_t)sizeof(m.h))
		return err_set(err, ERR_PROTOCOL, "an artifact came without its header");
	m.path[n - (ssize_t)sizeof(m.h)] = '\0';
	m.path[n - (ssize_t)sizeof(m.h) + 1] = '\0';
	if (m.h.type == FILE_END)
		return 0;
	want = m.h.want < (uint32_t)n_wants ? wants[m.h.want] : "";
	if (m.h.type == FILE_ERROR) {
		if (!(*ret_missing)++)
			(void)err_sys(err, m.h.errnum, "get artifact '%s%s%s'", want,
				      *m.path && strcmp(m.path, want) ? "/" : "",
				      strcmp(m.path, want) ? m.path : "");
		return 1;
	}
	/* the sender is the sandbox's pid 1, but a file is what it must be */
	if (m.h.type == FILE_REGULAR && (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)))
		return err_set(err, ERR_PROTOCOL, "artifact '%s' is not a file", want);
	if (keep(dir, &m, fd, want) < 0 && !(*ret_missing)++)
		(void)err_sys(err, errno, "keep artifact '%s%s%s'", want, *m.path ? "/" : "",
			      m.path);
	return 1;
}
