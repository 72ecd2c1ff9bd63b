#include "lib/environment/find.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/remove.h"
#include "tests/unit/test.h"

struct tree {
	char name[64];
	int tmp, root;
};

static struct tree begin(void)
{
	struct tree t = { .tmp = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC) };
	char path[64] = "/tmp/faas-find-XXXXXX";

	check(mkdtemp(path));
	(void)snprintf(t.name, sizeof(t.name), "%s", path + strlen("/tmp/"));
	t.root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	check(t.tmp >= 0 && t.root >= 0);
	return t;
}

static void end(struct tree *t)
{
	struct error err;

	check(tree_remove(t->tmp, t->name, &err) == 0);
	check(close(t->root) == 0);
	check(close(t->tmp) == 0);
}

/* A file with its folders; what leads up to it may be there. */
static void put(int root, const char *path, mode_t mode)
{
	char dir[256];
	int fd;

	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		(void)snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path), path);
		(void)mkdirat(root, dir, 0700);
	}
	fd = openat(root, path, O_WRONLY | O_CREAT | O_CLOEXEC, mode);
	check(fd >= 0);
	check(close(fd) == 0);
}

static bool has(const struct tree *t, const char *what)
{
	return environment_has(t->root, what);
}

TEST(programs_are_in_the_folders_of_path)
{
	__attribute__((cleanup(end))) struct tree t = begin();

	put(t.root, "usr/bin/lua", 0700);
	put(t.root, "usr/local/sbin/tool", 0700);
	put(t.root, "bin/words", 0600);
	put(t.root, "opt/other", 0700);
	check(mkdirat(t.root, "usr/bin/folder", 0700) == 0);
	check(has(&t, "lua") && has(&t, "tool"));
	check(!has(&t, "words") && !has(&t, "other") && !has(&t, "folder"));
	check(has(&t, "/opt/other") && !has(&t, "/bin/words") && !has(&t, "/opt"));
	check(!has(&t, "") && !has(&t, "/") && !has(&t, "*"));
}

TEST(a_star_is_any_part_of_a_name)
{
	__attribute__((cleanup(end))) struct tree t = begin();

	put(t.root, "usr/lib/gcc/arch/11/cc1", 0700);
	put(t.root, "usr/lib64/gcc/arch/12/cc1obj", 0600);
	put(t.root, "usr/lib64/gcc/arch/.13/hidden", 0600);
	check(has(&t, "/usr/lib*/gcc/*/*/cc1obj"));
	check(has(&t, "/usr/*/gcc/a*h/1*/cc1*"));
	check(has(&t, "/usr/lib64/gcc/arch/12/cc*"));
	check(has(&t, "/*/lib/gcc/arch/11/cc1"));
	check(!has(&t, "/usr/lib/gcc/*/*/cc1obj"));
	check(!has(&t, "/usr/lib*/gcc/*/cc1obj"));
	check(!has(&t, "/usr/lib*/gcc/*/*/hidden"));
	/* a folder is not what is looked for */
	check(!has(&t, "/usr/lib*/gcc/*"));
	check(!has(&t, "/nosuch*/x") && !has(&t, "/nosuch/*") && !has(&t, "/*/"));
}

TEST(links_stay_inside)
{
	__attribute__((cleanup(end))) struct tree t = begin();

	put(t.root, "usr/bin/real", 0700);
	put(t.root, "usr/lib/x/file", 0600);
	check(symlinkat("/usr/bin/real", t.root, "usr/bin/absolute") == 0);
	check(symlinkat("../../../../../../usr/bin/real", t.root, "usr/bin/up") == 0);
	check(symlinkat("/etc/passwd", t.root, "usr/bin/outside") == 0);
	check(symlinkat("/usr/lib", t.root, "lib") == 0);
	check(symlinkat("/etc", t.root, "usr/etc") == 0);
	check(symlinkat("loop", t.root, "usr/bin/loop") == 0);
	check(has(&t, "absolute") && has(&t, "up") && has(&t, "/lib/*/file"));
	check(!has(&t, "outside") && !has(&t, "loop") && !has(&t, "/usr/etc/pass*"));
	check(!has(&t, "/../../../../etc/pass*"));
}

TEST(what_is_too_long_is_not_there)
{
	__attribute__((cleanup(end))) struct tree t = begin();
	char long_one[300];

	memset(long_one, 'a', sizeof(long_one));
	long_one[sizeof(long_one) - 1] = '\0';
	check(!has(&t, long_one));
	long_one[0] = '/';
	long_one[1] = '*';
	check(!has(&t, long_one));
}

TEST_MAIN;
