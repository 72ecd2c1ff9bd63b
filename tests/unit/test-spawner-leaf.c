#include "lib/spawner/spawner.h"

#include <errno.h>
#include <sys/stat.h>

#include "lib/base/remove.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

/*
 * Folders stand in for cgroups. What a kernel would have put in a leaf is made
 * here; only a real cgroup is removed with files in it.
 */

static struct msg_status st;
static struct leaf leaf;
static struct tempdir *dir;

static void begin(unsigned int kinds)
{
	dir = tempdir_new();
	leaf = (struct leaf){ 0 };
	st = (struct msg_status){ 0 };
	for (int i = 0; i < CGROUP__MAX; i++) {
		char name[8];

		spawner.cgroups[i] = -1;
		if (!(kinds & 1u << i))
			continue;
		(void)snprintf(name, sizeof(name), "%d", i);
		check(!mkdirat(dir->fd, name, 0755));
		spawner.cgroups[i] =
		    openat(dir->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
}

static void end(void)
{
	struct error err;

	leaf_remove(&leaf);
	for (int i = 0; i < CGROUP__MAX; i++) {
		if (spawner.cgroups[i] >= 0)
			close(spawner.cgroups[i]);
		spawner.cgroups[i] = -1;
	}
	check(!tree_empty(dir->fd, &err));
	tempdir_remove(dir);
}

static void put(int kind, const char *name, const char *text)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%d/x/%s", kind, name);
	put_file(dir, path, text, strlen(text));
}

static const char *get(int kind, const char *name)
{
	static char text[256];
	char path[128], *data;
	size_t len;

	(void)snprintf(path, sizeof(path), "%d/x/%s", kind, name);
	data = get_file(dir, path, &len);
	check(data);
	(void)snprintf(text, sizeof(text), "%.*s", (int)len, data);
	free(data);
	return text;
}

static void put_empty(int kind, const char *const *names)
{
	for (; *names; names++)
		put(kind, *names, "");
}

static const char *const unified_files[] = {"memory.max", "memory.swap.max", "pids.max",
					    "cpu.max", "io.max",
					    NULL};

TEST(limits_of_a_unified_leaf)
{
	struct limits want = { .memory = 1 << 30, .pids = 64, .cpu_millis = 1500 };

	begin(1u << CGROUP_UNIFIED);
	check(!leaf_make(&leaf, "x", &st) && leaf.dir[CGROUP_UNIFIED] >= 0);
	check(leaf.dir[CGROUP_MEMORY] == -1);
	put_empty(CGROUP_UNIFIED, unified_files);
	check(!leaf_limits(&leaf, &want, &st));
	check_str(get(CGROUP_UNIFIED, "memory.max"), "1073741824");
	check_str(get(CGROUP_UNIFIED, "memory.swap.max"), "0");
	check_str(get(CGROUP_UNIFIED, "pids.max"), "64");
	check_str(get(CGROUP_UNIFIED, "cpu.max"), "150000 100000");
	check_str(get(CGROUP_UNIFIED, "io.max"), "");

	/* only what differs is written again */
	put_empty(CGROUP_UNIFIED, unified_files);
	want.pids = 0;
	want.cpu_millis = 0;
	want.io_bps = 5;
	want.io_major = 8;
	want.io_minor = 16;
	check(!leaf_limits(&leaf, &want, &st));
	check_str(get(CGROUP_UNIFIED, "memory.max"), "");
	check_str(get(CGROUP_UNIFIED, "pids.max"), "max");
	check_str(get(CGROUP_UNIFIED, "cpu.max"), "max");
	check_str(get(CGROUP_UNIFIED, "io.max"), "8:16 rbps=5 wbps=5");
	want.io_bps = 0;
	check(!leaf_limits(&leaf, &want, &st));
	check(!strncmp(get(CGROUP_UNIFIED, "io.max"), "8:16 rbps=max wbps=max", 22));
	end();
}

TEST(limits_of_split_leaves)
{
	static const char *const memory[] = { "memory.limit_in_bytes",
					      "memory.memsw.limit_in_bytes", NULL };
	static const char *const pids[] = { "pids.max", NULL };
	static const char *const cpu[] = { "cpu.cfs_quota_us", NULL };
	static const char *const blkio[] = { "blkio.throttle.read_bps_device",
					     "blkio.throttle.write_bps_device", NULL };
	struct limits want = { .memory = 4096, .pids = 2, .cpu_millis = 10, .io_bps = 7,
			       .io_major = 8 };

	/* a v2 tree beside them has no controllers: nothing is written there */
	begin((1u << CGROUP__MAX) - 1);
	check(!leaf_make(&leaf, "x", &st));
	put_empty(CGROUP_UNIFIED, unified_files);
	put_empty(CGROUP_MEMORY, memory);
	put_empty(CGROUP_PIDS, pids);
	put_empty(CGROUP_CPU, cpu);
	put_empty(CGROUP_BLKIO, blkio);
	check(!leaf_limits(&leaf, &want, &st));
	check_str(get(CGROUP_UNIFIED, "memory.max"), "");
	check_str(get(CGROUP_MEMORY, "memory.limit_in_bytes"), "4096");
	check_str(get(CGROUP_MEMORY, "memory.memsw.limit_in_bytes"), "4096");
	check_str(get(CGROUP_PIDS, "pids.max"), "2");
	check_str(get(CGROUP_CPU, "cpu.cfs_quota_us"), "1000");
	check_str(get(CGROUP_BLKIO, "blkio.throttle.write_bps_device"), "8:0 7");
	put_empty(CGROUP_MEMORY, memory);
	put_empty(CGROUP_CPU, cpu);
	want.memory = want.cpu_millis = 0;
	check(!leaf_limits(&leaf, &want, &st));
	check_str(get(CGROUP_MEMORY, "memory.limit_in_bytes"), "-1");
	check_str(get(CGROUP_CPU, "cpu.cfs_quota_us"), "-1");
	end();
}

TEST(what_fails_is_named)
{
	struct limits want = { .memory = 4096 };

	begin(1u << CGROUP_UNIFIED);
	check(!leaf_make(&leaf, "x", &st));
	check(leaf_limits(&leaf, &want, &st) == -1 && st.errnum == ENOENT);
	check(strstr(st.text, "memory.max") && strstr(st.text, "4096"));
	check(!leaf.limits.memory);
	struct leaf second;

	check(leaf_make(&second, "x", &st) == -1 && st.errnum == EEXIST);
	end();
}

TEST(a_process_enters_the_split_ones_by_itself)
{
	begin(1u << CGROUP_UNIFIED | 1u << CGROUP_MEMORY | 1u << CGROUP_PIDS);
	check(!leaf_make(&leaf, "x", &st));
	put(CGROUP_MEMORY, "tasks", "");
	check(leaf_enter(&leaf, &st) == -1);
	put(CGROUP_MEMORY, "tasks", "");
	put(CGROUP_PIDS, "tasks", "");
	check(!leaf_enter(&leaf, &st));
	check_str(get(CGROUP_MEMORY, "tasks"), "0");
	check_str(get(CGROUP_PIDS, "tasks"), "0");
	end();
}

static int opened(int kind, const char *name, const char *text)
{
	char path[128];
	int fd;

	put(kind, name, text);
	(void)snprintf(path, sizeof(path), "%d/x/%s", kind, name);
	fd = openat(dir->fd, path, O_RDONLY | O_CLOEXEC);
	check(fd >= 0);
	return fd;
}

TEST(usage)
{
	struct msg_ended m = { .flags = END_MEMORY_IS_RSS, .usage.memory_peak = 5 };

	begin(1u << CGROUP_UNIFIED);
	check(!leaf_make(&leaf, "x", &st));
	check(leaf.peak == -1 && leaf.oom == -1 && leaf.forks == -1);
	leaf_usage(&leaf, &m);
	check(m.flags == END_MEMORY_IS_RSS && m.usage.memory_peak == 5);
	leaf.peak = opened(CGROUP_UNIFIED, "memory.peak", "12345\n");
	leaf.oom = opened(CGROUP_UNIFIED, "memory.events", "low 0\noom 3\noom_kill 0\n");
	leaf.forks = opened(CGROUP_UNIFIED, "pids.events", "max 0\n");
	leaf_usage(&leaf, &m);
	check(!m.flags && m.usage.memory_peak == 12345);
	put(CGROUP_UNIFIED, "memory.events", "low 0\noom 3\noom_kill 1\n");
	put(CGROUP_UNIFIED, "pids.events", "max 2\n");
	leaf_usage(&leaf, &m);
	check(m.flags == (END_OOM | END_PIDS_LIMIT));
	put(CGROUP_UNIFIED, "memory.events",
	    "oom_kill_disable 7\nunder_oom 8\noom_kill 0");
	m.flags = 0;
	leaf_usage(&leaf, &m);
	check(m.flags == END_PIDS_LIMIT);
	close(leaf.peak);
	close(leaf.oom);
	close(leaf.forks);
	end();
}

TEST(renewed_when_nothing_is_left_in_it)
{
	begin(1u << CGROUP_UNIFIED | 1u << CGROUP_MEMORY);
	check(!leaf_make(&leaf, "x", &st));
	put(CGROUP_MEMORY, "memory.max_usage_in_bytes", "900000000");
	put(CGROUP_MEMORY, "memory.usage_in_bytes", "4096\n");
	leaf.peak = openat(leaf.dir[CGROUP_MEMORY], "memory.max_usage_in_bytes",
			   O_RDWR | O_CLOEXEC);
	check(leaf.peak >= 0 && leaf_renew(&leaf));
	check(get(CGROUP_MEMORY, "memory.max_usage_in_bytes")[0] == '0');
	put(CGROUP_MEMORY, "memory.usage_in_bytes", "900000000\n");
	check(!leaf_renew(&leaf));
	put(CGROUP_MEMORY, "memory.usage_in_bytes", "4096\n");
	leaf.limits.io_bps = 1;
	check(!leaf_renew(&leaf));
	leaf.limits.io_bps = 0;
	check(leaf_renew(&leaf));
	leaf.oom = opened(CGROUP_MEMORY, "memory.oom_control", "oom_kill 1\n");
	check(!leaf_renew(&leaf));
	close(leaf.oom);
	leaf.oom = -1;
	/* a peak that cannot be forgotten would be the next run's */
	close(leaf.peak);
	leaf.peak = openat(leaf.dir[CGROUP_MEMORY], "memory.max_usage_in_bytes",
			   O_RDONLY | O_CLOEXEC);
	check(!leaf_renew(&leaf));
	close(leaf.peak);
	leaf.peak = -1;
	check(!leaf_renew(&leaf));
	end();
	begin(0);
	check(!leaf_make(&leaf, "x", &st) && leaf_renew(&leaf));
	end();
}

TEST(limits_of_memory_go_up_last_and_down_first)
{
	struct limits low = { .memory = 4096 }, high = { .memory = 8192 };

	begin(1u << CGROUP_UNIFIED | 1u << CGROUP_MEMORY);
	check(!leaf_make(&leaf, "x", &st));
	/* without the first of the two that are written, nothing is */
	put(CGROUP_MEMORY, "memory.memsw.limit_in_bytes", "");
	check(leaf_limits(&leaf, &low, &st) == -1);
	check_str(get(CGROUP_MEMORY, "memory.memsw.limit_in_bytes"), "");
	leaf.limits = low;
	check(leaf_limits(&leaf, &high, &st) == -1);
	check_str(get(CGROUP_MEMORY, "memory.memsw.limit_in_bytes"), "8192");
	end();
}

TEST(nothing_is_left)
{
	begin(1u << CGROUP_UNIFIED | 1u << CGROUP_MEMORY);
	check(!leaf_make(&leaf, "y", &st));
	leaf_remove(&leaf);
	check(faccessat(dir->fd, "0/y", F_OK, 0) < 0 &&
	      faccessat(dir->fd, "1/y", F_OK, 0) < 0);
	check(leaf.dir[CGROUP_UNIFIED] == -1);
	leaf_remove(&leaf);
	end();
	/* no cgroups at all */
	begin(0);
	check(!leaf_make(&leaf, "x", &st) && !leaf_enter(&leaf, &st));
	check(!leaf_limits(&leaf, &(struct limits){ .memory = 1 }, &st));
	end();
}

TEST_MAIN;
