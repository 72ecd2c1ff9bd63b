/*
 * What /proc says is made up here, and folders of a temporary one stand in for
 * hierarchies: the file is compiled into this test under other names.
 */
#include <stdio.h>

FILE *fake_fopen(const char *path, const char *mode);

#define fopen		fake_fopen
#define cgroups_open	tested_open
#define cgroups_sweep	tested_sweep
#define cgroups_thaw	tested_thaw
#define cgroup_mount	tested_mount
#define cgroup_own	tested_own
#define cgroup_read	tested_read

#include "lib/executor/cgroup.c"

#undef fopen

#include "lib/base/remove.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

static struct tempdir *dir;
static char mounts[4096], own[1024];
static int dirs[CGROUP__MAX];
static uint32_t kinds;
static struct error err;

FILE *fake_fopen(const char *path, const char *mode)
{
	char *text = !strcmp(path, "/proc/self/mounts") ? mounts :
		!strcmp(path, "/proc/self/cgroup") ? own : NULL;

	if (!text)
		return fopen(path, mode);
	return *text ? fmemopen(text, strlen(text), "r") : NULL;
}

static void begin(void)
{
	dir = tempdir_new();
	mounts[0] = own[0] = '\0';
	kinds = 77;
}

static void end(void)
{
	for (int i = 0; i < CGROUP__MAX; i++)
		if (dirs[i] >= 0)
			close(dirs[i]);
	check(!tree_empty(dir->fd, &err));
	tempdir_remove(dir);
}

/* A line of /proc/self/mounts for the folder of that name, which is made. */
static void mounted(const char *name, const char *type, const char *options)
{
	size_t n = strlen(mounts);

	(void)mkdirat(dir->fd, name, 0755);
	(void)snprintf(mounts + n, sizeof(mounts) - n, "x %s/%s %s %s 0 0\n", dir->path,
		       name, type, options);
}

static bool is_there(const char *path)
{
	return !faccessat(dir->fd, path, F_OK, 0);
}

TEST(no_cgroups)
{
	begin();
	check(!cgroups_open("faas", dirs, &kinds, &err) && !kinds);
	for (int i = 0; i < CGROUP__MAX; i++)
		check(dirs[i] == -1);
	(void)snprintf(mounts, sizeof(mounts), "broken\n\nproc /proc proc rw 0 0\n");
	(void)snprintf(own, sizeof(own), "broken\n:\n0:\n");
	check(!cgroups_open("faas", dirs, &kinds, &err) && !kinds);
	end();
}

TEST(a_unified_tree)
{
	begin();
	mounted("v2", "cgroup2", "rw,nsdelegate");
	check(!mkdirat(dir->fd, "v2/user", 0755) &&
	      !mkdirat(dir->fd, "v2/user/me", 0755));
	(void)snprintf(own, sizeof(own), "0::/user/me\n");
	/* without the memory controller it is no use */
	check(!cgroups_open("faas", dirs, &kinds, &err) && !kinds);
	put_file(dir, "v2/user/me/cgroup.controllers", "cpu io memory pids\n", 19);
	put_file(dir, "v2/user/me/cgroup.subtree_control", "", 0);
	check(!cgroups_open("faas", dirs, &kinds, &err));
	check(kinds == 1u << CGROUP_UNIFIED && dirs[CGROUP_UNIFIED] >= 0);
	check(dirs[CGROUP_MEMORY] == -1 && is_there("v2/user/me/faas"));
	end();
	begin();
	/* "memory" is a word, not a part of one */
	mounted("v2", "cgroup2", "rw");
	(void)snprintf(own, sizeof(own), "0::/\n");
	put_file(dir, "v2/cgroup.controllers", "cpu memoryx pids\n", 17);
	check(!cgroups_open("faas", dirs, &kinds, &err) && !kinds);
	put_file(dir, "v2/cgroup.controllers", "memory\n", 7);
	check(!cgroups_open("faas", dirs, &kinds, &err) && kinds == 1u << CGROUP_UNIFIED);
	check(is_there("v2/faas"));
	end();
}

TEST(split_hierarchies)
{
	begin();
	mounted("v2", "cgroup2", "rw");
	mounted("cpu", "cgroup", "rw,cpu,cpuacct");
	mounted("mem", "cgroup", "rw,relatime,memory");
	mounted("cpuset", "cgroup", "rw,cpuset");
	mounted("pids", "cgroup", "rw,pids");
	check(!mkdirat(dir->fd, "mem/a", 0755));
	put_file(dir, "v2/cgroup.controllers", "\n", 1);
	(void)snprintf(
	    own, sizeof(own),
	    "9:memory:/a\n8:cpu,cpuacct:/\n7:cpuset:/gone\n6:pids:/not/here\n0::/\n");
	check(!cgroups_open("faas", dirs, &kinds, &err));
	/* what is not writable, or not mounted, is done without */
	check(kinds == (1u << CGROUP_MEMORY | 1u << CGROUP_CPU));
	check(is_there("mem/a/faas") && is_there("cpu/faas") && !is_there("pids/faas"));
	check(!is_there("cpuset/faas") && dirs[CGROUP_UNIFIED] == -1 &&
	      dirs[CGROUP_BLKIO] == -1);
	end();
}

TEST(leaves_that_nobody_is_in_are_swept)
{
	begin();
	mounted("mem", "cgroup", "rw,memory");
	(void)snprintf(own, sizeof(own), "9:memory:/\n");
	check(!cgroups_open("faas", dirs, &kinds, &err) && kinds == 1u << CGROUP_MEMORY);
	check(cgroups_sweep(dirs) == 0);
	check(!mkdirat(dirs[CGROUP_MEMORY], "a", 0755) &&
	      !mkdirat(dirs[CGROUP_MEMORY], "b", 0755));
	check(!mkdirat(dirs[CGROUP_MEMORY], "b/busy", 0755));
	put_file(dir, "mem/faas/memory.stat", "x", 1);
	check(cgroups_sweep(dirs) == 1);
	check(!is_there("mem/faas/a") && is_there("mem/faas/b") &&
	      is_there("mem/faas/memory.stat"));
	end();
}

TEST(what_is_frozen_goes_on)
{
	static const char *const leaves[] = { "one", "two" };
	char text[32] = "";
	int state;

	begin();
	for (int i = 0; i < CGROUP__MAX; i++)
		dirs[i] = -1;
	dirs[CGROUP_FREEZER] = open(dir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < ARRAY_SIZE(leaves); i++) {
		check(!mkdirat(dir->fd, leaves[i], 0755));
		(void)snprintf(text, sizeof(text), "%s/freezer.state", leaves[i]);
		put_file(dir, text, "FROZEN", 6);
	}
	check(cgroups_thaw(-1) == 0 && cgroups_thaw(dirs[CGROUP_FREEZER]) == 2);
	state = openat(dir->fd, "two/freezer.state", O_RDONLY | O_CLOEXEC);
	check(read(state, text, sizeof(text)) == 6 && !memcmp(text, "THAWED", 6) && !close(state));
	end();
}

TEST_MAIN;
