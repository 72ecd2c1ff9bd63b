#include "lib/base/remove.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/test.h"

/* A new folder, held: everything here goes by descriptor. */
static int scratch(char path[64])
{
	const char *tmp = getenv("TMPDIR");
	int fd;

	(void)snprintf(path, 64, "%.30s/faas-remove-XXXXXX",
		       tmp ? tmp : access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	check(mkdtemp(path));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check(fd >= 0);
	return fd;
}

static void finish(int fd, const char *path)
{
	check(close(fd) == 0);
	check(rmdir(path) == 0);
}

static void touch(int dir, const char *name)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	check(fd >= 0);
	check(close(fd) == 0);
}

static int chain(int dir, int levels)
{
	int fd = dup(dir);

	for (int i = 0; i < levels; i++) {
		int next;

		check(mkdirat(fd, "d", 0700) == 0);
		next = openat(fd, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		check(next >= 0);
		touch(fd, "f");
		(void)close(fd);
		fd = next;
	}
	return fd;
}

TEST(any_depth)
{
	char path[64];
	int fd = scratch(path);
	struct error err = { 0 };

	(void)close(chain(fd, 100000));
	check(tree_remove(fd, "d", &err) == 0);
	check(tree_remove(fd, "f", &err) == 0);
	finish(fd, path);
}

TEST(a_file_a_link_and_nothing)
{
	char path[64];
	int fd = scratch(path);
	struct error err = { 0 };

	touch(fd, "f");
	check(mkdirat(fd, "keep", 0700) == 0);
	check(symlinkat("keep", fd, "l") == 0);
	check(tree_remove(fd, "l", &err) == 0);
	check(faccessat(fd, "keep", F_OK, 0) == 0);
	check(tree_remove(fd, "f", &err) == 0);
	check(tree_remove(fd, "no such thing", &err) == 0);
	check(tree_remove(fd, "keep", &err) == 0);
	finish(fd, path);
}

TEST(links_inside_are_not_followed)
{
	char path[64];
	int fd = scratch(path);
	struct error err = { 0 };

	check(mkdirat(fd, "outside", 0700) == 0 && mkdirat(fd, "t", 0700) == 0);
	touch(fd, "outside/precious");
	check(symlinkat("../outside", fd, "t/l") == 0);
	check(symlinkat("/", fd, "t/root") == 0);
	check(tree_remove(fd, "t", &err) == 0);
	check(faccessat(fd, "outside/precious", F_OK, 0) == 0);
	check(tree_remove(fd, "outside", &err) == 0);
	finish(fd, path);
}

TEST(only_one_component)
{
	static const char *const bad[] = { "", ".", "..", "a/b", "/", "../x" };
	struct error err;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		check(tree_remove(AT_FDCWD, bad[i], &err) == -1);
		check(err.code == ERR_USAGE);
	}
}

/* In a child, as nobody when we are root: root needs no permissions. */
static int without_permissions(int fd)
{
	struct error err = { 0 };

	if (geteuid() == 0 && (fchown(fd, 65534, 65534) < 0 || setegid(65534) < 0 ||
			       seteuid(65534) < 0))
		return 1;
	if (mkdirat(fd, "t", 0700) < 0 || mkdirat(fd, "t/a", 0700) < 0 ||
	    mkdirat(fd, "t/a/b", 0700) < 0)
		return 2;
	touch(fd, "t/a/b/f");
	(void)close(chain(openat(fd, "t/a/b", O_RDONLY | O_DIRECTORY | O_CLOEXEC), 100));
	if (fchmodat(fd, "t/a/b", 0, 0) < 0 || fchmodat(fd, "t/a", 0500, 0) < 0 ||
	    fchmodat(fd, "t", 0, 0) < 0)
		return 3;
	return tree_remove(fd, "t", &err) < 0 ? 4 : 0;
}

TEST(directories_without_permissions)
{
	char path[64];
	int fd = scratch(path), status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(without_permissions(fd));
	check(waitpid(pid, &status, 0) == pid);
	check(status == 0);
	finish(fd, path);
}

static int with_a_mount(const char *path)
{
	struct error err = { 0 };
	int fd, target;

	if (unshare(CLONE_NEWNS) < 0)
		return 0;	/* not root */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 || chdir(path) < 0)
		return 4;
	fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mkdirat(fd, "t/m", 0700) < 0 ||
	    mount("precious", "t/m", NULL, MS_BIND, NULL) < 0)
		return 5;
	if (tree_remove(fd, "t", &err) == 0 || err.code != ERR_BUSY)
		return 1;
	/* the held descriptor sees the mount: what is below it is whole */
	target = openat(fd, "precious/f", O_RDONLY | O_CLOEXEC);
	if (target < 0)
		return 2;
	if (umount2("t/m", MNT_DETACH) < 0 || tree_remove(fd, "t", &err) < 0)
		return 3;
	return 0;
}

TEST(mounts_are_not_entered)
{
	char path[64];
	int fd = scratch(path), status;
	struct error err = { 0 };
	pid_t pid;

	check(mkdirat(fd, "precious", 0700) == 0 && mkdirat(fd, "t", 0700) == 0);
	touch(fd, "precious/f");
	pid = fork();
	if (pid == 0)
		_exit(with_a_mount(path));
	check(waitpid(pid, &status, 0) == pid);
	check(status == 0);
	check(faccessat(fd, "precious/f", F_OK, 0) == 0);
	check(tree_empty(fd, &err) == 0);
	finish(fd, path);
}

TEST(many_entries)
{
	char path[64], name[32];
	int fd = scratch(path);
	struct error err = { 0 };

	check(mkdirat(fd, "t", 0700) == 0);
	for (int i = 0; i < 20000; i++) {
		(void)snprintf(name, sizeof(name), "t/%d", i);
		if (i % 4)
			touch(fd, name);
		else
			check(mkdirat(fd, name, 0700) == 0);
	}
	check(tree_empty(fd, &err) == 0);
	finish(fd, path);
}

TEST_MAIN;
