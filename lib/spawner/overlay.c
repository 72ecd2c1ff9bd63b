#include "lib/spawner/spawner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * The root of a sandbox: an overlay of what it may write over the layers of snapshots,
 * if any, over the environment.
 */

enum { LOWER = STACK_MAX * 40 + 1024 };

/* Where what the sandbox writes is kept, and what is below it. */
static struct {
	char upper[MSG_ID + 8];		/* "/up", or a layer in "/state/" */
	const char *stack;		/* names of layers, newest first */
	unsigned int n;
	bool again;			/* what is there is as its programs left it */
} place;

static int make_dir(const char *path, mode_t mode, struct msg_status *st)
{
	if (mkdir(path, mode) < 0)
		return place.again && errno == EEXIST ? 0 : fail(st, "create '%s'", path);
	if (lchown(path, spawner.uid_base, spawner.uid_base) < 0)
		return fail(st, "create '%s'", path);
	return 0;
}

/* ":/state/LAYER/u" for each of the stack; `part` is "u", or "u.usr" where there is one. */
static size_t add_stack(char *to, size_t size, const char *part)
{
	const char *name = place.stack;
	size_t len = 0;

	for (unsigned int i = 0; i < place.n && len < size; i++, name += strlen(name) + 1) {
		char path[128];

		(void)snprintf(path, sizeof(path), "/state/%.40s/%.60s", name, part);
		if (!access(path, F_OK))
			len += (size_t)snprintf(to + len, size - len, "%s:", path);
	}
	return len;
}

/* Each has a "u", if with nothing in it: without one its files would be missed by nobody. */
static int check_stack(struct msg_status *st)
{
	const char *name = place.stack;

	for (unsigned int i = 0; i < place.n; i++, name += strlen(name) + 1) {
		char path[128];

		(void)snprintf(path, sizeof(path), "/state/%.40s/u", name);
		if (access(path, F_OK) < 0) {
			st->code = ERR_CORRUPT;
			return fail(st, "find the files of snapshot '%.40s'", name);
		}
	}
	return 0;
}

/*
 * What the sandbox may write: one tmpfs, so that its size is the disk quota, or a
 * layer on disk, which is a snapshot when the run has ended. Shared memory is a tmpfs.
 */
static int mount_upper(const struct msg_build *b, struct msg_status *st)
{
	char options[128], path[MSG_ID + 16];

	(void)snprintf(options, sizeof(options), "mode=755,size=%llu,nr_inodes=%llu",
		       (unsigned long long)b->limits.disk,
		       (unsigned long long)b->limits.inodes);
	if (mount("tmpfs", "/up", "tmpfs", MS_NODEV | MS_NOSUID, options) < 0)
		return fail(st, "mount the space that the run may write");
	if (make_dir("/up/shm", 01777, st) < 0)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/u", place.upper);
	if (make_dir(path, 0755, st) < 0)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/w", place.upper);
	if (make_dir(path, 0700, st) < 0)
		return -1;
	/* a stack has them already, as its programs left them */
	if (b->stack || place.again)
		return 0;
	(void)snprintf(path, sizeof(path), "%s/u/tmp", place.upper);
	if (make_dir(path, 01777, st) < 0)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/u/work", place.upper);
	return make_dir(path, 0755, st);
}

/*
 * Options as one text have one page, which is about 125 layers; more are given one by
 * one (`lowerdir+`, Linux 6.8).
 */
static int mount_many(char *lower, const char *upper, const char *work, const char *target,
		      struct msg_status *st)
{
	static const char *const root[] = {
		"redirect_dir", "off", "metacopy", "off", "index", "off", NULL
	};
	int fs = fsopen("overlay", FSOPEN_CLOEXEC), mnt = -1, r = 0;

	for (char *at = lower; fs >= 0 && at && !r;) {
		char *end = strchr(at, ':');

		if (end)
			*end++ = '\0';
		r = fsconfig(fs, FSCONFIG_SET_STRING, "lowerdir+", at, 0);
		at = end;
	}
	if (!r)
		r = fsconfig(fs, FSCONFIG_SET_STRING, "upperdir", upper, 0);
	if (!r)
		r = fsconfig(fs, FSCONFIG_SET_STRING, "workdir", work, 0);
	for (const char *const *o = root; !r && !spawner.rootless && *o; o += 2)
		r = fsconfig(fs, FSCONFIG_SET_STRING, o[0], o[1], 0);
	if (!r && spawner.rootless)
		r = fsconfig(fs, FSCONFIG_SET_FLAG, "userxattr", NULL, 0);
	if (!r)
		r = fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	if (!r) {
		mnt = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID);
		r = mnt < 0 ? -1 : move_mount(mnt, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH);
	}
	if (r)
		(void)fail(st, "mount %u layers", place.n);
	if (fs >= 0)
		(void)close(fs);
	if (mnt >= 0)
		(void)close(mnt);
	return r ? -1 : 0;
}

static int mount_overlay(char *lower, const char *upper, const char *work,
			 const char *target, struct msg_status *st)
{
	static char options[4096];
	int n;

	/* whatever the kernel was built with: a layer has whole files, by their names (lib/state) */
	n = snprintf(options, sizeof(options), "lowerdir=%s,upperdir=%s,workdir=%s%s", lower,
		     upper, work, spawner.rootless ? ",userxattr" :
		     ",redirect_dir=off,metacopy=off,index=off");
	if (n >= (int)sizeof(options))
		return mount_many(lower, upper, work, target, st);
	if (mount("overlay", target, "overlay", MS_NODEV | MS_NOSUID, options) < 0)
		return fail(st, "mount the environment's layers");
	return 0;
}

static int too_deep(struct msg_status *st)
{
	errno = E2BIG;
	return fail(st, "stack %u snapshots upon each other,", place.n);
}

/* A folder of the host that is overlaid by itself: see struct host_parts. */
static int mount_part(unsigned int environment, const char *name, struct msg_status *st)
{
	static char lower[LOWER];
	char upper[128], work[128], target[128], skel[128];
	struct stat sb;
	size_t len;
	bool masked;

	(void)snprintf(skel, sizeof(skel), "/host/mask/%s", name);
	masked = !stat(skel, &sb);
	(void)snprintf(upper, sizeof(upper), "u.%s", name);
	len = add_stack(lower, sizeof(lower), upper);
	if (len >= sizeof(lower) - 512)
		return too_deep(st);
	(void)snprintf(lower + len, sizeof(lower) - len, "%s%s%s%s%s/lower/%u/%s",
		       masked ? "/host/skel/" : "", masked ? name : "",
		       masked ? ":/host/mask/" : "", masked ? name : "", masked ? ":" : "",
		       environment, name);
	(void)snprintf(upper, sizeof(upper), "%s/u.%s", place.upper, name);
	(void)snprintf(work, sizeof(work), "%s/w.%s", place.upper, name);
	(void)snprintf(target, sizeof(target), "/root/%s", name);
	if (make_dir(upper, 0755, st) < 0 || make_dir(work, 0700, st) < 0)
		return -1;
	return mount_overlay(lower, upper, work, target, st);
}

/*
 * The host's own layers as an overlay by themselves: the state folder is in the
 * machine's root, and of the layers of one overlay none may be inside of another.
 */
static int mount_host(const struct msg_build *b, struct msg_status *st)
{
	char options[128];

	(void)snprintf(options, sizeof(options), "lowerdir=/host/skel:/host/mask:/lower/%u/0",
		       b->environment);
	if (mkdir("/up/host", 0700) < 0 ||
	    mount("overlay", "/up/host", "overlay", MS_RDONLY | MS_NODEV | MS_NOSUID, options) < 0)
		return fail(st, "mount the machine's own folders");
	return 0;
}

static int mount_root(const struct msg_build *b, struct msg_status *st)
{
	static char lower[LOWER];
	char work[MSG_ID + 16], upper[MSG_ID + 16];
	size_t len = add_stack(lower, sizeof(lower), "u");
	bool nested = !b->layers && !spawner.rootless && (b->stack || b->keep[0]);

	if (len >= sizeof(lower) - 64)
		return too_deep(st);
	for (unsigned int i = 0; i < b->layers && i < LAYERS_MAX; i++)
		len += (size_t)snprintf(lower + len, sizeof(lower) - len, "%s/lower/%u/%u",
					i ? ":" : "", b->environment, i);
	if (nested && mount_host(b, st) < 0)
		return -1;
	if (nested)
		len += (size_t)snprintf(lower + len, sizeof(lower) - len, "/up/host");
	else if (!b->layers && spawner.rootless)
		len += (size_t)snprintf(lower + len, sizeof(lower) - len,
					"/host/skel:/host/mask");
	else if (!b->layers)
		len += (size_t)snprintf(lower + len, sizeof(lower) - len,
					"/host/skel:/host/mask:/lower/%u/0", b->environment);
	if (len >= sizeof(lower))
		return too_deep(st);
	(void)snprintf(upper, sizeof(upper), "%s/u", place.upper);
	(void)snprintf(work, sizeof(work), "%s/w", place.upper);
	if (mount_overlay(lower, upper, work, "/root", st) < 0)
		return -1;
	for (unsigned int i = 0; !b->layers && i < spawner.host->n; i++)
		if (mount_part(b->environment, spawner.host->name[i], st) < 0)
			return -1;
	return 0;
}

int overlay_mount(const struct msg_build *b, const char *stack, struct msg_status *st)
{
	place.stack = stack;
	place.n = b->stack;
	place.again = b->again;
	if (b->keep[0])
		(void)snprintf(place.upper, sizeof(place.upper), "/state/%.39s", b->keep);
	else
		(void)snprintf(place.upper, sizeof(place.upper), "/up");
	return check_stack(st) < 0 || mount_upper(b, st) < 0 ? -1 : mount_root(b, st);
}

int overlay_open_upper(void)
{
	return open(place.upper, O_PATH | O_DIRECTORY | O_CLOEXEC);
}
