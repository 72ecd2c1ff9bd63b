#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/doctor/cgroup.h"
#include "lib/executor/cgroup.h"
#include "lib/executor/executor.h"

/*
 * The v2 tree. There a cgroup that has processes gives no memory controller to its
 * children. If those in ours are only we, we step aside into one of its children;
 * else (somebody's login session) our folder goes beside ours, or higher, as long as
 * what we leave behind has no limits that ours would then escape.
 */

#define ASIDE	"faas-executor"		/* the units in scripts/systemd say it, too */

enum { PLACE = 2100 };

static const struct {
	const char *name;
	enum cgroup_kind kind;
	bool needed;			/* every sandbox is limited in it */
} controllers[] = {
	{ "memory", CGROUP_MEMORY, true },
	{ "pids", CGROUP_PIDS, true },
	{ "cpu", CGROUP_CPU, false },
	{ "io", CGROUP_BLKIO, false },
};

static int write_text(const char *dir, const char *file, const char *text)
{
	char path[PLACE + 300];
	cleanup_close int fd = -1;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 || write(fd, text, strlen(text)) < 0 ? -1 : 0;
}

static char *read_text(const char *dir, const char *file)
{
	char path[PLACE + 300];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, file);
	return cgroup_read(path);
}

static bool offers(const char *dir, bool all)
{
	cleanup_free char *list = read_text(dir, "cgroup.controllers");

	for (size_t i = 0; i < ARRAY_SIZE(controllers); i++)
		if ((all || controllers[i].needed) &&
		    (!list || !cgroup_has_word(list, controllers[i].name, " \n")))
			return false;
	return true;
}

/* Gives the controllers to the children of dir: those that are needed first. */
static int enable(const char *dir)
{
	for (size_t i = 0; i < ARRAY_SIZE(controllers); i++) {
		char text[32];

		(void)snprintf(text, sizeof(text), "+%s", controllers[i].name);
		if (write_text(dir, "cgroup.subtree_control", text) < 0 && controllers[i].needed)
			return -1;
	}
	return 0;
}

/*
 * What nobody wanted so far (mostly io) is not passed down from the top, which a user who
 * may can change.
 */
static void pass_down(const char *mount, char *path)
{
	for (size_t len = strlen(mount); path[len]; len += 1 + strcspn(path + len + 1, "/")) {
		char c = path[len];

		path[len] = '\0';
		(void)enable(path);
		path[len] = c;
	}
}

static int move_to(const char *dir)
{
	char pid[24];

	(void)snprintf(pid, sizeof(pid), "%d", getpid());
	return write_text(dir, "cgroup.procs", pid);
}

/* Enables them in our own cgroup, if nobody but us is in it. */
static int enable_own(const char *own)
{
	char aside[PLACE + 32];

	if (!enable(own))
		return 0;
	if (errno != EBUSY)
		return -1;
	(void)snprintf(aside, sizeof(aside), "%s/%s", own, ASIDE);
	if (mkdir(aside, 0755) < 0 && errno != EEXIST)
		return -1;
	if (!move_to(aside) && !enable(own))
		return 0;
	(void)move_to(own);
	(void)rmdir(aside);
	return -1;
}

static uint32_t kinds_in(const char *folder)
{
	cleanup_free char *list = read_text(folder, "cgroup.controllers");
	uint32_t kinds = 1u << CGROUP_UNIFIED;

	for (size_t i = 0; i < ARRAY_SIZE(controllers); i++)
		if (list && cgroup_has_word(list, controllers[i].name, " \n"))
			kinds |= 1u << controllers[i].kind;
	return kinds;
}

static int open_in(const char *dir, const char *name, uint32_t *ret_kinds)
{
	char folder[PLACE + 160];

	(void)snprintf(folder, sizeof(folder), "%s/%.128s", dir, name);
	if (mkdir(folder, 0755) < 0 && errno != EEXIST)
		return -1;
	if (enable(folder) < 0) {
		(void)rmdir(folder);
		return -1;
	}
	*ret_kinds = kinds_in(folder);
	return open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* From path, which is changed, up to mount. */
static int look_up(const char *mount, const char *own, char *path, const char *name,
		   uint32_t *ret_kinds)
{
	int fd = -1;

	for (;;) {
		if (!offers(path, true))
			pass_down(mount, path);
		if (access(path, W_OK) == 0 && offers(path, false) &&
		    (strcmp(path + strlen(mount), own) ? enable(path) : enable_own(path)) == 0)
			fd = open_in(path, name, ret_kinds);
		if (fd >= 0 || strlen(path) <= strlen(mount) || cgroup_is_limited(path))
			return fd;
		*strrchr(path, '/') = '\0';
	}
}

static bool is_service(const char *own)
{
	static const char end[] = ".service";
	size_t len = strlen(own);

	return len > strlen(end) && !strcmp(own + len - strlen(end), end);
}

int cgroup_unified(const char *name, uint32_t *ret_kinds)
{
	char mount[1024], own[1024], path[PLACE], *last;
	int fd;

	if (cgroup_mount(NULL, mount, sizeof(mount)) < 0)
		return -1;
	cgroup_own(NULL, own, sizeof(own));
	/* out of what this namespace shows */
	if (strstr(own, "/.."))
		return -1;
	(void)snprintf(path, sizeof(path), "%s%s", mount, own);
	last = strrchr(own, '/');
	if (last && !strcmp(last + 1, ASIDE)) {
		/* where a unit, or an executor before us, has us step aside from the beginning */
		*last = '\0';
	} else if (is_service(own) && !cgroup_is_limited(path)) {
		/* sandboxes in it would keep a systemd before 254 from starting it again */
		*strrchr(path, '/') = '\0';
		fd = look_up(mount, own, path, name, ret_kinds);
		if (fd >= 0)
			return fd;
	}
	(void)snprintf(path, sizeof(path), "%s%s", mount, own);
	return look_up(mount, own, path, name, ret_kinds);
}
