#include "lib/spawner/spawner.h"

#include <errno.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "lib/base/remove.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

/* Without a sandbox the root is our own: everything goes below a folder of /tmp. */

static struct msg_status st;
static struct tempdir *dir;
static int ours, theirs;

static void begin(void)
{
	int sv[2];

	dir = tempdir_new();
	check(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv));
	ours = sv[0];
	theirs = sv[1];
	st = (struct msg_status){ 0 };
}

static void end(void)
{
	struct error err;

	close(ours);
	close(theirs);
	check(!tree_empty(dir->fd, &err));
	tempdir_remove(dir);
}

static void send_raw(const void *h, size_t size, const void *data, size_t len, int fd)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control = { .buf = { 0 } };
	struct iovec iov[2] = {{(void *)(uintptr_t)h, size},
			       {(void *)(uintptr_t)data, len}};
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = 2 };

	if (fd >= 0) {
		mh.msg_control = control.buf;
		mh.msg_controllen = sizeof(control.buf);
		CMSG_FIRSTHDR(&mh)->cmsg_level = SOL_SOCKET;
		CMSG_FIRSTHDR(&mh)->cmsg_type = SCM_RIGHTS;
		CMSG_FIRSTHDR(&mh)->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&mh)), &fd, sizeof(int));
	}
	check(sendmsg(theirs, &mh, 0) == (ssize_t)(size + len));
}

static void send_entry(unsigned int type, unsigned int mode, const char *path, int fd)
{
	struct file_header h = { .type = type, .mode = mode, .mtime_s = 1000000000 };

	send_raw(&h, sizeof(h), path, strlen(path) + 1, fd);
}

static int take_in(void)
{
	return files_in(ours, geteuid(), getegid(), dir->path, &st);
}

static int file_of(const char *text)
{
	int fd = memfd_create("t", MFD_CLOEXEC);

	check(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	return fd;
}

static bool has(const char *name, const char *text, unsigned int mode)
{
	size_t len;
	char *data = get_file(dir, name, &len);
	bool ok = data && len == strlen(text) && !memcmp(data, text, len);
	struct stat s;

	free(data);
	return ok && !fstatat(dir->fd, name, &s, AT_SYMLINK_NOFOLLOW) &&
		(s.st_mode & 07777) == mode;
}

TEST(what_goes_in)
{
	char abs[128];
	int fd, fds[2];
	struct stat s;

	begin();
	(void)snprintf(abs, sizeof(abs), "%s/abs/x", dir->path);
	fd = file_of("code");
	check(!pipe2(fds, O_CLOEXEC) && write(fds[1], "piped", 5) == 5);
	close(fds[1]);
	send_entry(FILE_REGULAR, 06755, "a/b/main.py", fd);
	send_entry(FILE_REGULAR, 0600, abs, fd);
	send_entry(FILE_REGULAR, 0644, "p", fds[0]);
	send_entry(FILE_DIRECTORY, 0750, "d", -1);
	send_entry(FILE_DIRECTORY, 0750, "d", -1);
	struct file_header link = { .type = FILE_SYMLINK };

	send_raw(&link, sizeof(link), "l\0a/b/main.py", 14, -1);
	send_entry(FILE_END, 0, "", -1);
	check(!take_in());
	check(has("a/b/main.py", "code", 0755) && has("abs/x", "code", 0600));
	check(has("p", "piped", 0644));
	check(!fstatat(dir->fd, "a/b/main.py", &s, 0) && s.st_mtim.tv_sec == 1000000000);
	check(!fstatat(dir->fd, "d", &s, 0) && S_ISDIR(s.st_mode));
	check(!fstatat(dir->fd, "l", &s, AT_SYMLINK_NOFOLLOW) && S_ISLNK(s.st_mode));
	close(fd);
	close(fds[0]);
	end();
}

TEST(a_file_is_written_anew)
{
	int fd;

	begin();
	put_file(dir, "f", "something longer", 16);
	fd = file_of("new");
	send_entry(FILE_REGULAR, 0644, "f", fd);
	send_entry(FILE_END, 0, "", -1);
	check(!take_in() && has("f", "new", 0644));
	close(fd);
	end();
}

static void refused(int errnum, const char *why)
{
	check(take_in() == -1);
	check(st.errnum == errnum && strstr(st.text, why));
	end();
}

TEST(what_is_refused)
{
	struct file_header h = { .type = FILE_REGULAR };
	char path[5000];

	begin();
	send_raw("x", 1, "", 0, -1);
	refused(EPROTO, "receive files");
	begin();
	close(theirs);
	theirs = -1;
	refused(EPIPE, "receive files");
	begin();
	send_raw(&h, sizeof(h), "", 1, -1);
	refused(EPROTO, "name");
	begin();
	send_raw(&h, sizeof(h), "abc", 3, -1);	/* no NUL */
	refused(EPROTO, "name");
	begin();
	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	send_entry(FILE_REGULAR, 0644, path, -1);
	refused(EPROTO, "name");
	begin();
	send_entry(FILE_REGULAR, 0644, "f", -1);	/* no descriptor */
	refused(EBADF, "put file");
	begin();
	send_entry(FILE_REGULAR, 0644, "f/", file_of("x"));
	check(take_in() == -1);
	end();
	begin();
	put_file(dir, "f", "x", 1);
	send_entry(FILE_REGULAR, 0644, "f/g", file_of("x"));
	check(take_in() == -1);
	end();
}

TEST(a_working_directory_that_is_too_long)
{
	char workdir[5000];

	begin();
	memset(workdir, 'w', sizeof(workdir));
	workdir[0] = '/';
	workdir[sizeof(workdir) - 1] = '\0';
	send_entry(FILE_DIRECTORY, 0755, "d", -1);
	check(files_in(ours, 0, 0, workdir, &st) == -1 && st.errnum == ENAMETOOLONG);
	end();
}

TEST(too_many_artifacts)
{
	begin();
	for (int i = 0; i < 65; i++)
		send_entry(FILE_WANT, 0, "x", -1);
	refused(E2BIG, "64 artifacts");
}

/* "want type path[>target][=content]"; "" at the end. */
static const char *next(void)
{
	static char text[512];
	static struct {
		struct file_header h;
		char path[9000];
	} m;
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { &m, sizeof(m) };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf,
			     .msg_controllen = sizeof(control.buf) };
	int n, fd;

	check(recvmsg(theirs, &mh, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) >
	      (ssize_t)sizeof(m.h));
	if (m.h.type == FILE_END)
		return "";
	n = snprintf(text, sizeof(text), "%u %u %.300s", m.h.want, m.h.type, m.path);
	if (m.h.type == FILE_SYMLINK)
		n += snprintf(text + n, sizeof(text) - (size_t)n, ">%.100s",
			      m.path + strlen(m.path) + 1);
	if (m.h.type == FILE_ERROR)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "!%d", m.h.errnum);
	if (CMSG_FIRSTHDR(&mh)) {
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&mh)), sizeof(int));
		text[n++] = '=';
		n += (int)pread(fd, text + n, 16, 0);
		text[n] = '\0';
		close(fd);
	}
	return text;
}

static void want(const char *path)
{
	send_entry(FILE_WANT, 0, path, -1);
}

static void take_out(void)
{
	send_entry(FILE_END, 0, "", -1);
	check(!take_in());
	files_out(ours, dir->path);
}

TEST(artifacts_come_out)
{
	begin();
	put_file(dir, "f", "data", 4);
	check(!mkdirat(dir->fd, "d", 0755) && !mkdirat(dir->fd, "d/s", 0755));
	put_file(dir, "d/s/g", "deep", 4);
	want("f");
	want("d");
	want("missing");
	take_out();
	check_str(next(), "0 1 =data");
	check_str(next(), "1 2 s");
	check_str(next(), "1 1 s/g=deep");
	check_str(next(), "2 5 missing!2");
	check_str(next(), "");
	end();
}

TEST(links_pipes_and_devices)
{
	char link[32];

	begin();
	check(!mkdirat(dir->fd, "d", 0755) && !symlinkat("/etc/passwd", dir->fd, "d/l"));
	check(!mkfifoat(dir->fd, "p", 0644) && !symlinkat("d", dir->fd, "to"));
	(void)snprintf(link, sizeof(link), "/dev/null");
	want("d");
	want("p");
	want(link);
	want("to");		/* who asks for a link gets what it leads to */
	take_out();
	check_str(next(), "0 3 l>/etc/passwd");
	check_str(next(), "1 5 p!95");
	check_str(next(), "2 5 /dev/null!95");
	check_str(next(), "3 3 l>/etc/passwd");
	check_str(next(), "");
	end();
}

TEST(a_tree_that_is_too_deep)
{
	int at;

	begin();
	at = openat(dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < 80; i++) {
		int sub;

		check(!mkdirat(at, "d", 0755));
		sub = openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(at);
		at = sub;
	}
	close(at);
	want("d");
	take_out();
	for (int i = 0; i < 64; i++)
		check(!strncmp(next(), "0 2 d", 5));
	check(strstr(next(), "!36"));
	check_str(next(), "");
	end();
}

TEST(nobody_takes_them)
{
	begin();
	put_file(dir, "f", "data", 4);
	want("f");
	send_entry(FILE_END, 0, "", -1);
	check(!take_in());
	close(theirs);
	theirs = -1;
	files_out(ours, dir->path);
	end();
}

TEST_MAIN;
