#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/parse.h"
#include "lib/executor/cgroup.h"
#include "lib/executor/instance.h"

/*
 * All processes of a sandbox frozen, by the kernel, so that they notice nothing. Where
 * sandboxes are in the tree of cgroup v2 that is a file of their leaf. Elsewhere (v1 for
 * limits, or no cgroups) they are moved to a group made for it: v2 freezes even where it
 * has no controllers, and v1 has the freezer.
 */

enum { STOP_WAIT_MS = 200, PASSES = 20 };

struct group {
	char path[4200];
	bool v1;
};

/* The folder of groups made for this, in either kind of tree. */
static void own_group(const struct executor *x, const char *mount, const char *below,
		      const char *id, char *ret, size_t size)
{
	uint32_t hash = journal_check(x->state_path, (uint32_t)strlen(x->state_path));

	(void)snprintf(ret, size, "%s%s/faas-%u-%08x.paused.%s", mount, below, geteuid(), hash, id);
}

static int write_file(const char *dir, const char *name, const char *text)
{
	char path[4400];
	cleanup_close int fd = -1;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 || write(fd, text, strlen(text)) < 0 ? -1 : 0;
}

/* ---- who is in it ---- */

static bool same_namespace(const char *pid, const char *wanted)
{
	char path[300], link[64];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%.200s/ns/pid", pid);
	n = readlink(path, link, sizeof(link) - 1);
	link[n > 0 ? n : 0] = '\0';
	return n > 0 && !strcmp(link, wanted);
}

static bool is_inside(const struct group *g, const char *pid)
{
	char path[300], text[4096];
	const char *base = strrchr(g->path, '/');
	cleanup_close int fd = -1;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%.200s/cgroup", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	/* one that is gone needs to be nowhere */
	if (n <= 0)
		return true;
	text[n] = '\0';
	return strstr(text, base);
}

/* Moves those that are not in it yet: how many, or -1. */
static int move_all(const struct group *g, const char *namespace)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	int n = d ? 0 : -1;

	while (n >= 0 && (e = readdir(d))) {
		if (!isdigit((unsigned char)*e->d_name) || !same_namespace(e->d_name, namespace) ||
		    is_inside(g, e->d_name))
			continue;
		if (!write_file(g->path, "cgroup.procs", e->d_name))
			n++;
		else if (errno != ESRCH)
			n = -1;
	}
	if (d)
		(void)closedir(d);
	return n;
}

/* Whoever forks while we look is found the next time, as is its child. */
static int gather(const struct group *g, pid_t init, struct error *err)
{
	char path[64], namespace[64], pid[16];
	ssize_t len;
	int n = 1;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/pid", init);
	len = readlink(path, namespace, sizeof(namespace) - 1);
	if (len <= 0)
		return err_sys(err, errno, "look into the sandbox");
	namespace[len] = '\0';
	(void)snprintf(pid, sizeof(pid), "%d", init);
	if (!is_inside(g, pid) && write_file(g->path, "cgroup.procs", pid) < 0)
		n = -1;
	for (int pass = 0; n > 0 && pass < PASSES; pass++)
		n = move_all(g, namespace);
	if (!n)
		return 0;
	return n < 0 ? err_sys(err, errno, "move its processes to a group that can be frozen")
		     : err_set(err, ERR_BUSY, "its processes are made faster than they can be "
			       "stopped");
}

/* ---- the group ---- */

/* Is the sandbox in the tree of v2 by itself? Then that is it. */
static bool own_leaf(const struct executor *x, pid_t init, struct group *ret)
{
	uint32_t hash = journal_check(x->state_path, (uint32_t)strlen(x->state_path));
	char mount[1024], path[64], ours[64];
	cleanup_free char *text = NULL;
	const char *at;

	if (x->cgroups[CGROUP_UNIFIED] < 0 || cgroup_mount(NULL, mount, sizeof(mount)) < 0)
		return false;
	(void)snprintf(path, sizeof(path), "/proc/%d/cgroup", init);
	text = cgroup_read(path);
	at = text ? strstr(text, "0::/") : NULL;
	/* made by an executor without cgroups, it is where that was, with much else */
	(void)snprintf(ours, sizeof(ours), "/faas-%u-%08x/", geteuid(), hash);
	if (!at || !strstr(at, ours))
		return false;
	(void)snprintf(ret->path, sizeof(ret->path), "%s%.*s", mount, (int)strcspn(at + 3, "\n"),
		       at + 3);
	ret->v1 = false;
	return true;
}

static int missing(struct error *err)
{
	(void)err_set(err, ERR_UNSUPPORTED, "freeze it: this user may write neither to a cgroup v2 "
		      "tree nor to the freezer of v1");
	return err_hint(err, "run faas as root, or mount cgroup2; see 'faas doctor cgroup'");
}

static bool try_tree(const struct executor *x, const char *controller, const char *id, bool make,
		     struct group *ret)
{
	char mount[1024], own[1024];

	if (cgroup_mount(controller, mount, sizeof(mount)) < 0)
		return false;
	cgroup_own(controller, own, sizeof(own));
	own_group(x, mount, own, id, ret->path, sizeof(ret->path));
	ret->v1 = controller;
	if (!access(ret->path, F_OK))
		return true;
	if (!make || mkdir(ret->path, 0755) < 0)
		return false;
	(void)snprintf(own, sizeof(own), "%.900s/%s", ret->path,
		       ret->v1 ? "freezer.state" : "cgroup.freeze");
	if (!access(own, W_OK))
		return true;
	(void)rmdir(ret->path);
	return false;
}

static int find_group(const struct executor *x, pid_t init, const char *id, bool make,
		      struct group *ret, struct error *err)
{
	if (own_leaf(x, init, ret) || try_tree(x, NULL, id, make, ret) ||
	    try_tree(x, "freezer", id, make, ret))
		return 0;
	return missing(err);
}

/* ---- freeze and thaw ---- */

static bool is(const struct group *g, bool frozen)
{
	char path[4400];
	cleanup_free char *text = NULL;

	(void)snprintf(path, sizeof(path), "%s/%s", g->path,
		       g->v1 ? "freezer.state" : "cgroup.events");
	text = cgroup_read(path);
	if (!text)
		return !frozen;
	if (g->v1)
		return !strncmp(text, frozen ? "FROZEN" : "THAWED", 6);
	return strstr(text, frozen ? "frozen 1" : "frozen 0");
}

static int set(const struct group *g, bool frozen, struct error *err)
{
	const char *file = g->v1 ? "freezer.state" : "cgroup.freeze";
	const char *value = g->v1 ? frozen ? "FROZEN" : "THAWED" : frozen ? "1" : "0";

	if (write_file(g->path, file, value) < 0)
		return err_sys(err, errno, "write '%s/%s'", g->path, file);
	for (int i = 0; !is(g, frozen); i++) {
		if (i == STOP_WAIT_MS * 5) {
			(void)err_set(err, ERR_BUSY, "a process of it does not stop within %d ms",
				      STOP_WAIT_MS);
			return err_hint(err, "it waits in the kernel, for a disk or a network; try "
					"again");
		}
		(void)poll(NULL, 0, i < 50 ? 0 : 1);
		/* v1 freezes those that were forked meanwhile when asked again */
		if (g->v1 && i % 50 == 49)
			(void)write_file(g->path, file, value);
	}
	return 0;
}

int pause_set(struct executor *x, pid_t init, const char *id, bool frozen, struct error *err)
{
	struct group g;
	struct error ignored;

	if (find_group(x, init, id, frozen, &g, err) < 0)
		/* what nobody ever froze is not frozen */
		return frozen ? -1 : 0;
	/* one that is moved while it is frozen elsewhere would be thawed */
	if (frozen && !own_leaf(x, init, &g) && gather(&g, init, err) < 0)
		return -1;
	if (!set(&g, frozen, err))
		return 0;
	if (frozen)
		(void)set(&g, false, &ignored);
	return -1;
}

int pause_sweep(const struct executor *x)
{
	static const char *const trees[] = { NULL, "freezer" };
	int left = 0;

	for (size_t i = 0; i < ARRAY_SIZE(trees); i++) {
		char mount[1024], own[1024], group[4200], *slash;
		struct dirent *e;
		DIR *d;

		if (cgroup_mount(trees[i], mount, sizeof(mount)) < 0)
			continue;
		cgroup_own(trees[i], own, sizeof(own));
		own_group(x, mount, own, "", group, sizeof(group));
		slash = strrchr(group, '/');
		*slash = '\0';
		d = opendir(*group ? group : "/");
		while (d && (e = readdir(d)))
			if (!strncmp(e->d_name, slash + 1, strlen(slash + 1)) &&
			    unlinkat(dirfd(d), e->d_name, AT_REMOVEDIR) < 0)
				left++;
		if (d)
			(void)closedir(d);
	}
	return left;
}
