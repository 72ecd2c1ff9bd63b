/*
 * Folders of a temporary one stand in for the tree of version 2. What a kernel does there
 * (which write fails, what appears in a new folder) is in tests/guest/20-cgroup2.bats.
 */
#include <stdio.h>

#define cgroup_mount	fake_mount
#define cgroup_own	fake_own
#define cgroup_unified	tested_unified

#include "lib/executor/unified.c"

#include "lib/base/remove.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

static struct tempdir *dir;
static const char *own;
static uint32_t kinds;
static struct error err;

int fake_mount(const char *controller, char *ret, size_t size)
{
	check(!controller);
	(void)snprintf(ret, size, "%s", dir->path);
	return own ? 0 : -1;
}

void fake_own(const char *controller, char *ret, size_t size)
{
	check(!controller);
	(void)snprintf(ret, size, "%s", own);
}

/* A cgroup that offers these, and has a file to enable them in unless it is busy. */
static void put_group(const char *path, const char *offered, bool enables)
{
	char file[256];

	(void)mkdirat(dir->fd, path, 0755);
	(void)snprintf(file, sizeof(file), "%s/cgroup.controllers", path);
	put_file(dir, file, offered, strlen(offered));
	(void)snprintf(file, sizeof(file), "%s/cgroup.subtree_control", path);
	if (enables)
		put_file(dir, file, "", 0);
}

static bool is_there(const char *path)
{
	return !faccessat(dir->fd, path, F_OK, 0);
}

static void begin(const char *where)
{
	dir = tempdir_new();
	own = where;
	kinds = 77;
}

static void end(int fd)
{
	if (fd >= 0)
		close(fd);
	check(!tree_empty(dir->fd, &err));
	tempdir_remove(dir);
}

TEST(in_the_own_cgroup)
{
	int fd;

	begin("/user/me");
	put_group("user", "cpu memory pids\n", true);
	put_group("user/me", "cpu memory pids\n", true);
	put_group("user/me/faas", "memory pids\n", true);
	fd = cgroup_unified("faas", &kinds);
	check(fd >= 0 && !is_there("user/faas") && !is_there("user/me/" ASIDE));
	check(kinds == (1u << CGROUP_UNIFIED | 1u << CGROUP_MEMORY | 1u << CGROUP_PIDS));
	end(fd);
}

TEST(beside_one_that_gives_nothing_to_children)
{
	int fd;

	begin("/user/me");
	put_group("user", "cpu io memory pids\n", true);
	put_group("user/me", "cpu memory pids\n", false);
	put_group("user/faas", "cpu io memory pids\n", true);
	fd = cgroup_unified("faas", &kinds);
	check(fd >= 0 && !is_there("user/me/faas"));
	check(kinds == (1u << CGROUP_UNIFIED | 1u << CGROUP_MEMORY | 1u << CGROUP_PIDS |
			1u << CGROUP_CPU | 1u << CGROUP_BLKIO));
	end(fd);
}

TEST(not_out_of_a_limit)
{
	static const char *const files[] = { "user/me/memory.max", "user/me/memory.high",
					     "user/me/cpu.max" };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		begin("/user/me");
		put_group("user", "cpu memory pids\n", true);
		put_group("user/me", "cpu memory pids\n", false);
		put_group("user/faas", "memory pids\n", true);
		put_file(dir, files[i], "5000 100000\n", 12);
		check(cgroup_unified("faas", &kinds) == -1);
		end(-1);
	}
}

TEST(where_it_has_stepped_aside_already)
{
	int fd;

	begin("/unit/" ASIDE);
	put_group("unit", "memory pids\n", true);
	put_group("unit/" ASIDE, "memory pids\n", true);
	put_group("unit/faas", "memory pids\n", true);
	fd = cgroup_unified("faas", &kinds);
	check(fd >= 0 && !is_there("unit/" ASIDE "/faas"));
	end(fd);
}

TEST(beside_a_service_unless_that_is_limited)
{
	int fd;

	begin("/slice/x.service");
	put_group("slice", "memory pids\n", true);
	put_group("slice/x.service", "memory pids\n", true);
	put_group("slice/faas", "memory pids\n", true);
	put_group("slice/x.service/faas", "memory pids\n", true);
	fd = cgroup_unified("faas", &kinds);
	check(fd >= 0 && !unlinkat(fd, "cgroup.controllers", 0));
	check(!is_there("slice/faas/cgroup.controllers"));
	(void)close(fd);
	put_file(dir, "slice/x.service/memory.max", "4096\n", 5);
	fd = cgroup_unified("faas", &kinds);
	check(fd >= 0 && !unlinkat(fd, "cgroup.controllers", 0));
	check(!is_there("slice/x.service/faas/cgroup.controllers"));
	end(fd);
	/* in its own after all */
	begin("/slice/x.service");
	put_group("slice", "memory pids\n", false);
	put_group("slice/x.service", "memory pids\n", true);
	put_group("slice/x.service/faas", "memory pids\n", true);
	fd = cgroup_unified("faas", &kinds);
	check(fd >= 0 && !is_there("slice/faas"));
	end(fd);
}

TEST(nowhere)
{
	begin(NULL);
	check(cgroup_unified("faas", &kinds) == -1);
	end(-1);
	begin("/../elsewhere");
	put_group(".", "memory pids\n", true);
	check(cgroup_unified("faas", &kinds) == -1);
	end(-1);
	/* no memory to limit, or no folder of ours that passes it on */
	begin("");
	put_group(".", "cpu memoryx pids\n", true);
	check(cgroup_unified("faas", &kinds) == -1);
	put_group(".", "memory pids\n", true);
	check(cgroup_unified("faas", &kinds) == -1 && !is_there("faas"));
	end(-1);
}

TEST_MAIN;
