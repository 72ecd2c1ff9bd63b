#include "lib/doctor/cgroup.h"

#include "lib/base/remove.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

TEST(a_version_2_mount_is_recognised)
{
	struct cgroup_mount m;

	check(cgroup_parse_mount("30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - "
				 "cgroup2 cgroup2 rw,nsdelegate", &m) == 0);
	check(m.v2);
	check_str(m.root, "/");
	check_str(m.point, "/sys/fs/cgroup");
}

TEST(a_version_1_mount_names_its_controllers)
{
	struct cgroup_mount m;

	check(cgroup_parse_mount("33 30 0:29 /docker/ab /sys/fs/cgroup/cpu,cpuacct rw - "
				 "cgroup cgroup rw,cpu,cpuacct", &m) == 0);
	check(!m.v2);
	check_str(m.root, "/docker/ab");
	check(cgroup_in_list(m.options, ",", "cpu"));
	check(!cgroup_in_list(m.options, ",", "cp"));
}

TEST(other_mounts_and_nonsense_are_not_cgroups)
{
	struct cgroup_mount m;

	check(cgroup_parse_mount("22 1 0:20 / /proc rw - proc proc rw", &m) == -1);
	check(cgroup_parse_mount("no separator", &m) == -1);
	check(cgroup_parse_mount("", &m) == -1);
	check(cgroup_parse_mount("1 2 0:1 / - cgroup", &m) == -1);
}

TEST(the_own_path_is_that_of_the_controller)
{
	check_str(cgroup_own_path("4:memory:/a/b", "memory"), "/a/b");
	check_str(cgroup_own_path("1:cpu,cpuacct:/x", "cpuacct"), "/x");
	check_str(cgroup_own_path("0::/user.slice", NULL), "/user.slice");
	check(!cgroup_own_path("4:memory:/a/b", NULL));
	check(!cgroup_own_path("0::/", "memory"));
	check(!cgroup_own_path("9:name=systemd:/", "systemd"));
	check(!cgroup_own_path("broken", NULL));
}

TEST(a_limit_is_seen)
{
	struct tempdir *dir = tempdir_new();
	struct error err;

	check(!cgroup_is_limited(dir->path) && !cgroup_is_limited("/no/such"));
	put_file(dir, "memory.max", "max\n", 4);
	put_file(dir, "cpu.max", "max 100000\n", 11);
	check(!cgroup_is_limited(dir->path));
	put_file(dir, "memory.high", "4096\n", 5);
	check(cgroup_is_limited(dir->path));
	put_file(dir, "memory.high", "max\n", 4);
	put_file(dir, "cpu.max", "50000 100000\n", 13);
	check(cgroup_is_limited(dir->path));
	check(!tree_empty(dir->fd, &err));
	tempdir_remove(dir);
}

TEST_MAIN;
