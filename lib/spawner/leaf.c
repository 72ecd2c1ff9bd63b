#include "lib/spawner/spawner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * A sandbox's leaf in each cgroup hierarchy that there is. Limits are files in
 * it; v1 and v2 differ in their names only, so a limit is a row.
 */

enum value { VALUE_MEMORY, VALUE_SWAP, VALUE_PIDS, VALUE_CPU, VALUE_IO_READ, VALUE_IO_WRITE, VALUE_IO };

static const struct limit_file {
	enum cgroup_kind kind;
	enum value value;
	const char *name;
	bool optional;		/* older kernels lack the file */
} limit_files[] = {
	{ CGROUP_UNIFIED, VALUE_MEMORY, "memory.max", false },
	{ CGROUP_UNIFIED, VALUE_SWAP, "memory.swap.max", true },
	{ CGROUP_UNIFIED, VALUE_PIDS, "pids.max", false },
	{ CGROUP_UNIFIED, VALUE_CPU, "cpu.max", false },
	{ CGROUP_UNIFIED, VALUE_IO, "io.max", true },
	{ CGROUP_MEMORY, VALUE_MEMORY, "memory.limit_in_bytes", false },
	{ CGROUP_MEMORY, VALUE_MEMORY, "memory.memsw.limit_in_bytes", true },
	{ CGROUP_PIDS, VALUE_PIDS, "pids.max", false },
	{ CGROUP_CPU, VALUE_CPU, "cpu.cfs_quota_us", false },
	{ CGROUP_BLKIO, VALUE_IO_READ, "blkio.throttle.read_bps_device", true },
	{ CGROUP_BLKIO, VALUE_IO_WRITE, "blkio.throttle.write_bps_device", true },
};

enum {
	CPU_PERIOD_US = 100000,
	LIMIT_TEXT = 128,
	LEFT_MAX = 512 << 10,	/* bytes that the next one may start with, */
	LEFT_CPU = 256 << 10,	/* and what each processor keeps charged (MEMCG_CHARGE_BATCH) */
};

static bool unified_limits(void)
{
	return spawner.cgroups[CGROUP_MEMORY] < 0;
}

static int open_file(struct leaf *leaf, enum cgroup_kind v1, const char *name)
{
	int dir = leaf->dir[unified_limits() ? CGROUP_UNIFIED : v1];

	return dir < 0 ? -1 : openat(dir, name, O_RDONLY | O_CLOEXEC);
}

/* To be written to, which forgets it, if the kernel lets us. */
static int open_peak(struct leaf *leaf)
{
	const char *name = unified_limits() ? "memory.peak" : "memory.max_usage_in_bytes";
	int dir = leaf->dir[unified_limits() ? CGROUP_UNIFIED : CGROUP_MEMORY];
	int fd = dir < 0 ? -1 : openat(dir, name, O_RDWR | O_CLOEXEC);

	return fd >= 0 ? fd : open_file(leaf, CGROUP_MEMORY, name);
}

int leaf_make(struct leaf *leaf, const char *name, struct msg_status *st)
{
	(void)snprintf(leaf->name, sizeof(leaf->name), "%s", name);
	leaf->peak = leaf->oom = leaf->forks = -1;
	for (int i = 0; i < CGROUP__MAX; i++)
		leaf->dir[i] = -1;
	for (int i = 0; i < CGROUP__MAX; i++) {
		if (spawner.cgroups[i] < 0 || i == CGROUP_FREEZER)
			continue;
		if (mkdirat(spawner.cgroups[i], name, 0755) < 0)
			return fail(st, "create cgroup '%s'", name);
		leaf->dir[i] = openat(spawner.cgroups[i], name,
				      O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (leaf->dir[i] < 0)
			return fail(st, "open cgroup '%s'", name);
	}
	/* opened now, when nobody waits */
	leaf->peak = open_peak(leaf);
	leaf->oom = open_file(leaf, CGROUP_MEMORY, unified_limits() ? "memory.events" :
			      "memory.oom_control");
	leaf->forks = open_file(leaf, CGROUP_PIDS, "pids.events");
	/* the whole sandbox ends when one of it runs out of memory */
	if (leaf->dir[CGROUP_UNIFIED] >= 0 && unified_limits())
		(void)write_file_at(leaf->dir[CGROUP_UNIFIED], "memory.oom.group", "1");
	return 0;
}

/* The text for one file; false when this limit is as it already was. */
static bool limit_text(char text[LIMIT_TEXT], enum value value, const struct limits *have,
		       const struct limits *want)
{
	unsigned long long dev_major = want->io_major, dev_minor = want->io_minor;
	unsigned long long n;

	switch (value) {
	case VALUE_MEMORY:
	case VALUE_PIDS:
		n = value == VALUE_MEMORY ? want->memory : want->pids;
		if (n == (value == VALUE_MEMORY ? have->memory : have->pids))
			return false;
		if (n)
			(void)snprintf(text, LIMIT_TEXT, "%llu", n);
		else
			(void)snprintf(text, LIMIT_TEXT, "%s",
				       value == VALUE_PIDS || unified_limits() ? "max" : "-1");
		return true;
	case VALUE_SWAP:
		/* in v1 it counts as memory; here there would be as much as the machine has */
		if (want->memory == have->memory)
			return false;
		(void)snprintf(text, LIMIT_TEXT, want->memory ? "0" : "max");
		return true;
	case VALUE_CPU:
		if (want->cpu_millis == have->cpu_millis)
			return false;
		n = want->cpu_millis * CPU_PERIOD_US / 1000;
		if (unified_limits())
			(void)snprintf(text, LIMIT_TEXT, n ? "%llu %d" : "max", n, CPU_PERIOD_US);
		else
			(void)snprintf(text, LIMIT_TEXT, n ? "%llu" : "-1", n);
		return true;
	case VALUE_IO:
	case VALUE_IO_READ:
	case VALUE_IO_WRITE:
		n = want->io_bps;
		if (n == have->io_bps || !dev_major)
			return false;
		if (value == VALUE_IO && n)
			(void)snprintf(text, LIMIT_TEXT, "%llu:%llu rbps=%llu wbps=%llu", dev_major,
				       dev_minor, n, n);
		else if (value == VALUE_IO)
			(void)snprintf(text, LIMIT_TEXT, "%llu:%llu rbps=max wbps=max", dev_major,
				       dev_minor);
		else
			(void)snprintf(text, LIMIT_TEXT, "%llu:%llu %llu", dev_major, dev_minor, n);
		return true;
	}
	return false;
}

int leaf_limits(struct leaf *leaf, const struct limits *want, struct msg_status *st)
{
	size_t n = ARRAY_SIZE(limit_files);
	/* v1: memory with swap is never less than memory, so it goes up first and down last */
	bool up = !want->memory || (leaf->limits.memory && want->memory > leaf->limits.memory);

	for (size_t i = 0; i < n; i++) {
		const struct limit_file *f = &limit_files[up ? n - 1 - i : i];
		char text[LIMIT_TEXT];

		if (leaf->dir[f->kind] < 0 ||
		    (f->kind == CGROUP_UNIFIED && !unified_limits()) ||
		    !limit_text(text, f->value, &leaf->limits, want))
			continue;
		if (write_file_at(leaf->dir[f->kind], f->name, text) < 0 && !f->optional)
			return fail(st, "limit %s to %s", f->name, text);
	}
	leaf->limits = *want;
	return 0;
}

/*
 * A thread that moves itself, by "0", holds up nobody else's fork or exec; to move
 * any other process the kernel waits for an RCU grace period first, which can take
 * longer than all the rest of a sandbox (cgroup_procs_write_start() in kernel/cgroup).
 */
int leaf_enter(const struct leaf *leaf, struct msg_status *st)
{
	for (int i = 0; i < CGROUP__MAX; i++) {
		/* there by CLONE_INTO_CGROUP, or only while it is frozen */
		if (leaf->dir[i] < 0 || i == CGROUP_UNIFIED || i == CGROUP_FREEZER)
			continue;
		if (write_file_at(leaf->dir[i], "tasks", "0") < 0)
			return fail(st, "enter cgroup '%s'", leaf->name);
	}
	return 0;
}

static ssize_t read_kept(int fd, char *buf, size_t size)
{
	ssize_t n = fd < 0 ? -1 : pread(fd, buf, size - 1, 0);

	buf[n > 0 ? n : 0] = '\0';
	return n;
}

void leaf_usage(struct leaf *leaf, struct msg_ended *end)
{
	char text[512];

	if (read_kept(leaf->peak, text, sizeof(text)) > 0) {
		end->usage.memory_peak = number_in(text, NULL);
		end->flags &= ~(uint32_t)END_MEMORY_IS_RSS;
	}
	if (read_kept(leaf->oom, text, sizeof(text)) > 0 && number_in(text, "oom_kill"))
		end->flags |= END_OOM;
	if (read_kept(leaf->forks, text, sizeof(text)) > 0 && number_in(text, "max"))
		end->flags |= END_PIDS_LIMIT;
}

static uint64_t left_max(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	return LEFT_MAX + (uint64_t)LEFT_CPU * (cpus > 0 ? (uint64_t)cpus : 1);
}

bool leaf_renew(struct leaf *leaf)
{
	struct msg_ended end = { 0 };
	char text[64];
	int now;

	leaf_usage(leaf, &end);
	if (end.flags & (END_OOM | END_PIDS_LIMIT))
		return false;
	/* which device it was about is not remembered */
	if (leaf->limits.io_bps)
		return false;
	/* without a cgroup there is nothing in it */
	if (leaf->peak < 0)
		return leaf->dir[CGROUP_MEMORY] < 0 && leaf->dir[CGROUP_UNIFIED] < 0;
	now = open_file(leaf, CGROUP_MEMORY, unified_limits() ? "memory.current" :
			"memory.usage_in_bytes");
	if (read_kept(now, text, sizeof(text)) <= 0)
		text[0] = '\0';
	if (now >= 0)
		(void)close(now);
	if (!*text || number_in(text, NULL) > left_max())
		return false;
	/* v2 forgets for this descriptor only, and since Linux 6.12 */
	return pwrite(leaf->peak, "0", 1, 0) == 1;
}

void leaf_remove(struct leaf *leaf)
{
	for (int i = 0; i < CGROUP__MAX; i++) {
		if (leaf->dir[i] < 0)
			continue;
		(void)close(leaf->dir[i]);
		leaf->dir[i] = -1;
		/* the last task may still be on its way out */
		for (int tries = 0; tries < 200; tries++) {
			if (!unlinkat(spawner.cgroups[i], leaf->name, AT_REMOVEDIR) ||
			    errno != EBUSY)
				break;
			(void)usleep(tries < 20 ? 500 : 10000);
		}
	}
}

/* Leaves of monitors that were killed: empty ones only, the kernel sees to that. */
static void remove_strays(int fd)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (e->d_type == DT_DIR && e->d_name[0] != '.')
			(void)unlinkat(fd, e->d_name, AT_REMOVEDIR);
	if (d)
		(void)closedir(d);
}

/* Folder i of all leaves, by its own name in the one above it. */
static bool remove_folder(int fd)
{
	char link[64], path[4096];
	const char *base;
	bool gone;
	ssize_t n;
	int up;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0)
		return false;
	path[n] = '\0';
	base = strrchr(path, '/');
	if (!base || strncmp(base + 1, "faas-", 5))
		return false;
	up = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (up < 0)
		return false;
	/* not empty: the last monitor does it */
	gone = !unlinkat(up, base + 1, AT_REMOVEDIR) || errno == ENOENT;
	(void)close(up);
	return gone;
}

void leaf_remove_folders(void)
{
	int lock = openat(spawner.run_dir, "executor.lock", O_RDWR | O_CLOEXEC);
	/* the freezer's is empty until somebody needs it: it goes when the others do */
	bool gone = true;

	if (lock < 0 ? errno == ENOENT : !flock(lock, LOCK_EX | LOCK_NB))
		for (int i = 0; i < CGROUP__MAX && (gone || i != CGROUP_FREEZER); i++)
			if (spawner.cgroups[i] >= 0) {
				remove_strays(spawner.cgroups[i]);
				gone &= remove_folder(spawner.cgroups[i]);
			}
	if (lock >= 0)
		(void)close(lock);
}
