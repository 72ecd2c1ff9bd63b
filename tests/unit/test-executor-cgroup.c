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
#define cgroup_has_word	tested_has_word
#define cgroup_unified	fake_unified

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
static int unified = -1;

int fake_unified(const char *name, uint32_t *ret_kinds)
{
	check_str(name, "faas");
	*ret_kinds = unified < 0 ? 0 : 1u << CGROUP_UNIFIED | 1u << CGROUP_MEMORY;
	return unified;
}

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

TEST(a_unified_tree_is_enough)
{
	begin();
	mounted("mem", "cgroup", "rw,memory");
	(void)snprintf(own, sizeof(own), "9:memory:/\n");
	unified = open(dir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check(!cgroups_open("faas", dirs, &kinds, &err));
	check(kinds == (1u << CGROUP_UNIFIED | 1u << CGROUP_MEMORY));
	check(dirs[CGROUP_UNIFIED] == unified && dirs[CGROUP_MEMORY] == -1);
	check(!is_there("mem/faas"));
	unified = -1;
	end();
}

TEST(words_of_a_list)
{
	check(cgroup_has_word("cpu memory\n", "memory", " \n"));
	check(!cgroup_has_word("cpu memoryx pids\n", "memory", " \n"));
	check(!cgroup_has_word("", "memory", " \n") && cgroup_has_word("rw,cpu", "cpu", ","));
}

TEST(split_hierarchies)
{
	begin();
	mounted("v2", "cgroup2", "rw");
	mounted("cpu", "cgroup", "rw,cpu,cpuacct");
	mounted("mem", "cgroup", "rw,relatime,memory");
	mounted("cpuset", "cgroup", "rw,cpuset");
	mounted("pids", "cgroup", "rw,pids");
	mounted("freezer", "cgroup", "rw,freezer");
	check(!mkdirat(dir->fd, "mem/a", 0755));
	(void)snprintf(
	    own, sizeof(own),
	    "9:memory:/a\n8:cpu,cpuacct:/\n7:cpuset:/gone\n6:pids:/not/here\n5:freezer:/\n0::/\n");
	check(!cgroups_open("faas", dirs, &kinds, &err));
	/* what is not writable, or not mounted, is done without */
	check(kinds == (1u << CGROUP_MEMORY | 1u << CGROUP_CPU));
	check(dirs[CGROUP_FREEZER] >= 0 && is_there("freezer/faas"));
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
