#include "lib/client/files.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "lib/base/remove.h"
#include "lib/spawner/protocol.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

static struct error err;

struct channel {
	int ours, theirs;
	struct tempdir *dir;
	int out;		/* dir/out, that artifacts may not leave */
	int missing;
};

static struct channel channel(void)
{
	struct channel c = { .dir = tempdir_new() };
	int sv[2];

	check(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv));
	c.ours = sv[0];
	c.theirs = sv[1];
	check(!mkdirat(c.dir->fd, "out", 0755));
	c.out = openat(c.dir->fd, "out", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err = (struct error){ 0 };
	return c;
}

static void finish(struct channel *c)
{
	close(c->ours);
	close(c->theirs);
	check(!tree_empty(c->out, &err));
	close(c->out);
	tempdir_remove(c->dir);
}

static int file_of(const char *text)
{
	int fd = memfd_create("t", MFD_CLOEXEC);

	check(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	return fd;
}

/* What a sandbox sends: a header, then bytes, and n times the same descriptor. */
static void send_raw(struct channel *c, const struct file_header *h, const void *data,
		     size_t len, int fd, int n)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int) * 2)];
	} control = { .buf = { 0 } };
	struct iovec iov[2] = { { (void *)(uintptr_t)h, sizeof(*h) },
				{ (void *)(uintptr_t)data, len } };
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = 2 };

	if (n) {
		int fds[2] = { fd, fd };

		mh.msg_control = control.buf;
		mh.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)n);
		CMSG_FIRSTHDR(&mh)->cmsg_level = SOL_SOCKET;
		CMSG_FIRSTHDR(&mh)->cmsg_type = SCM_RIGHTS;
		CMSG_FIRSTHDR(&mh)->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)n);
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&mh)), fds, sizeof(int) * (size_t)n);
	}
	check(sendmsg(c->theirs, &mh, 0) == (ssize_t)(sizeof(*h) + len));
}

static int receive(struct channel *c, const char *want)
{
	return files_receive(c->ours, c->out, &want, 1, &c->missing, &err);
}

static int open_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* One file named path arrives for what was wanted; 1 when it was kept. */
static bool kept(struct channel *c, const char *want, const char *path)
{
	struct file_header h = { .type = FILE_REGULAR, .mode = 06755 };
	int fd = file_of("data"), before = open_fds(), missing = c->missing;

	send_raw(c, &h, path, strlen(path) + 1, fd, 1);
	check(receive(c, want) == 1);
	check(open_fds() == before);
	close(fd);
	return c->missing == missing;
}

static bool is_file(struct channel *c, const char *path, const char *text)
{
	char got[64];
	int fd = openat(c->dir->fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, got, sizeof(got));

	if (fd >= 0)
		close(fd);
	return n == (ssize_t)strlen(text) && !memcmp(got, text, (size_t)n);
}

TEST(an_artifact_lands_under_its_last_name)
{
	struct channel c = channel();
	struct stat st;

	check(kept(&c, "/a/b/c.txt", "") && is_file(&c, "out/c.txt", "data"));
	check(!fstatat(c.out, "c.txt", &st, 0) && (st.st_mode & 07777) == 0755);
	check(kept(&c, "d", "x/y/z") && is_file(&c, "out/d/x/y/z", "data"));
	check(kept(&c, "e/", "f") && is_file(&c, "out/e/f", "data"));
	check(kept(&c, "g//", "..f") && is_file(&c, "out/g/..f", "data"));
	/* whole, over what was there */
	check(kept(&c, "c.txt", "") && is_file(&c, "out/c.txt", "data"));
	finish(&c);
}

TEST(names_that_must_be_refused)
{
	static const char *const wants[] = {"",	    "/",   "..", ".",
					    "a/..", "a/.", "//", "../"};
	static const char *const paths[] = {
	    "/etc/x", "..",   "../x",  "a/../../x", "a/..", ".",
	    "./x",    "a//b", "a/./b", "/",	    "//",
	};
	struct channel c = channel();

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		check(!kept(&c, "d", paths[i]));
	for (size_t i = 0; i < ARRAY_SIZE(wants); i++)
		check(!kept(&c, wants[i], "") && !kept(&c, wants[i], "x"));
	check(c.missing == ARRAY_SIZE(paths) + 2 * ARRAY_SIZE(wants));
	/* the first is the one that is named */
	check(strstr(err.msg, "/etc/x"));
	check(faccessat(c.out, "d", F_OK, 0) < 0);
	finish(&c);
}

/* Bytes of any kind, and '/' and '.' often: nothing appears outside of out. */
TEST(odd_names_stay_inside)
{
	struct channel c = channel();
	unsigned int seed = 1;

	for (int i = 0; i < 3000; i++) {
		char name[16];
		size_t len;

		seed = seed * 1103515245 + 12345;
		len = seed >> 16 & 15;
		for (size_t k = 0; k < len; k++) {
			seed = seed * 1103515245 + 12345;
			name[k] = "/../.a\xff\n"[seed >> 16 & 7];
		}
		name[len] = '\0';
		(void)kept(&c, i & 1 ? "d" : name, i & 1 ? name : "");
	}
	DIR *d = opendir(c.dir->path);

	for (struct dirent *e; (e = readdir(d));)
		check(!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") ||
		      !strcmp(e->d_name, "out"));
	closedir(d);
	finish(&c);
}

static bool link_kept(struct channel *c, const char *path, const char *target)
{
	struct file_header h = { .type = FILE_SYMLINK };
	char data[256];
	int missing = c->missing;
	int n = snprintf(data, sizeof(data), "%s%c%s", path, '\0', target);

	send_raw(c, &h, data, (size_t)n + 1, -1, 0);
	check(receive(c, "d") == 1);
	return c->missing == missing;
}

TEST(links_that_lead_out_are_refused)
{
	struct channel c = channel();

	check(kept(&c, "d", "x"));
	check(link_kept(&c, "l", "x") && is_file(&c, "out/d/x", "data"));
	check(!link_kept(&c, "m", "/etc/passwd"));
	check(!link_kept(&c, "m", "../x") && !link_kept(&c, "m", "a/../../x"));
	check(!link_kept(&c, "m", "") && !link_kept(&c, "../m", "x"));
	/* a link that is there already is not gone through */
	check(!symlinkat(c.dir->path, c.out, "d/away"));
	check(!kept(&c, "d", "away/x") && !link_kept(&c, "away/l", "x"));
	check(!symlinkat("../..", c.out, "e") && !kept(&c, "e", "x"));
	check(faccessat(c.dir->fd, "x", F_OK, 0) < 0);
	/* nor written to */
	check(!symlinkat("../file", c.out, "f") && kept(&c, "f", ""));
	check(faccessat(c.dir->fd, "file", F_OK, 0) < 0 && is_file(&c, "out/f", "data"));
	finish(&c);
}

TEST(what_is_not_a_file)
{
	struct channel c = channel();
	struct file_header h = {.type = FILE_REGULAR},
			   bad = {.type = FILE_REGULAR, .want = 7};
	int before = open_fds(), fds[2];

	check(!pipe2(fds, O_CLOEXEC));
	send_raw(&c, &h, "", 1, -1, 0);
	check(receive(&c, "d") == -1 && err.code == ERR_PROTOCOL);
	send_raw(&c, &h, "", 1, fds[0], 1);
	check(receive(&c, "d") == -1 && err.code == ERR_PROTOCOL);
	close(fds[0]);
	close(fds[1]);
	check(send(c.theirs, "x", 1, 0) == 1 && receive(&c, "d") == -1);

	/* two descriptors, and an artifact that nobody asked for */
	fds[0] = file_of("x");
	send_raw(&c, &h, "", 1, fds[0], 2);
	check(receive(&c, "d") == 1 && !c.missing);
	send_raw(&c, &bad, "", 1, fds[0], 1);
	check(receive(&c, "d") == 1 && c.missing == 1);
	close(fds[0]);
	check(open_fds() == before);
	finish(&c);
}

TEST(what_could_not_be_had)
{
	struct channel c = channel();
	struct file_header h = {.type = FILE_ERROR, .errnum = 2},
			   end = {.type = FILE_END};

	send_raw(&c, &h, "d", 2, -1, 0);
	check(receive(&c, "d") == 1 && c.missing == 1 && err.code == ERR_NOT_FOUND);
	check(strstr(err.msg, "get artifact 'd'"));
	h.errnum = 13;
	send_raw(&c, &h, "sub", 4, -1, 0);
	check(receive(&c, "d") == 1 && c.missing == 2 && err.code == ERR_NOT_FOUND);
	send_raw(&c, &end, "", 1, -1, 0);
	check(receive(&c, "d") == 0);
	close(c.theirs);
	c.theirs = -1;
	check(receive(&c, "d") == 0);
	finish(&c);
}

/* "type path[>target][=content]", and what comes with it is closed. */
static const char *sent(struct channel *c)
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
	int n = 0, fd;

	check(recvmsg(c->theirs, &mh, MSG_CMSG_CLOEXEC) >= (ssize_t)sizeof(m.h));
	n = snprintf(text, sizeof(text), "%u %o %s", m.h.type, m.h.mode, m.path);
	if (m.h.type == FILE_SYMLINK)
		n += snprintf(text + n, sizeof(text) - (size_t)n, ">%s",
			      m.path + strlen(m.path) + 1);
	if (CMSG_FIRSTHDR(&mh)) {
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&mh)), sizeof(int));
		text[n++] = '=';
		n += (int)pread(fd, text + n, 16, 0);
		text[n] = '\0';
		close(fd);
	}
	return text;
}

TEST(files_folders_and_links_go_in)
{
	struct channel c = channel();
	char from[96];
	struct execution_file files[] = {
		{ .path = from, .fd = -1, .to = "/in" },
		{ .fd = file_of("code"), .to = "main.py", .mode = 0755 },
	};
	static const char *const wants[] = { "out", "/tmp/x" };
	int before;

	(void)snprintf(from, sizeof(from), "%s/out", c.dir->path);
	put_file(c.dir, "x", "hi", 2);
	check(!renameat(c.dir->fd, "x", c.out, "x") && !fchmodat(c.out, "x", 0640, 0));
	before = open_fds();
	check(!files_send(c.ours, files, 2, wants, 2, &err));
	check(open_fds() == before);
	check_str(sent(&c), "2 755 /in");
	check_str(sent(&c), "1 640 /in/x=hi");
	check_str(sent(&c), "1 755 main.py=code");
	check_str(sent(&c), "4 0 out");
	check_str(sent(&c), "4 0 /tmp/x");
	check_str(sent(&c), "0 0 ");

	/* links inside are sent, and not looked through */
	check(!unlinkat(c.out, "x", 0) && !symlinkat("/etc/shadow", c.out, "l"));
	check(!files_send(c.ours, files, 1, NULL, 0, &err));
	check_str(sent(&c), "2 755 /in");
	check_str(sent(&c), "3 0 /in/l>/etc/shadow");
	check_str(sent(&c), "0 0 ");
	close(files[1].fd);
	finish(&c);
}

TEST(what_cannot_go_in)
{
	struct channel c = channel();
	struct execution_file file = { .path = "/no/such", .fd = -1, .to = "x" };
	char deep[5000];

	check(files_send(c.ours, &file, 1, NULL, 0, &err) == -1 &&
	      err.code == ERR_NOT_FOUND);
	check(strstr(err.msg, "/no/such"));
	file.path = "/dev/null";
	check(files_send(c.ours, &file, 1, NULL, 0, &err) == -1 && err.code == ERR_USAGE);
	memset(deep, 'x', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	file.path = "/etc/passwd";
	file.to = deep;
	check(files_send(c.ours, &file, 1, NULL, 0, &err) == -1 && err.code == ERR_LIMIT);
	/* a sandbox that gave up says why itself */
	close(c.theirs);
	c.theirs = -1;
	file.to = "x";
	check(files_send(c.ours, &file, 1, NULL, 0, &err) == 0);
	finish(&c);
}

TEST_MAIN;
