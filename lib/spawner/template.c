#include "lib/spawner/spawner.h"
#include "lib/spawner/shown.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/*
 * The template
 * ============
 *
 * Cloning a mount namespace copies every mount in it, so sandboxes are cloned
 * from a narrow one that holds only:
 *
 *	/proc		the host's (monitors write uid maps; new ones must be "seen")
 *	/dev		the devices a sandbox may have, cloned into each
 *	/lower/N/I	layer I of environment N, read-only, ids shifted
 *	/host/skel	empty folders that stand for the machine's private ones
 *	/host/mask	whiteouts of everything of the host that is not shown
 *	/up		where a sandbox mounts what it may write
 *	/state		layers of snapshots; each is upper once, and then only lower
 *	/root		where it mounts its root
 *	/none, /empty	a file and a folder, for what is hidden
 *
 * The wide one is a private copy of the host's mounts, entered to find layers.
 */

static int make_dirs(const char *const *names, struct msg_status *st)
{
	for (; *names; names++)
		if (mkdir(*names, 0755) < 0 && errno != EEXIST)
			return fail(st, "create '%s' in the template", *names);
	return 0;
}

struct device {
	const char *name;
	unsigned int major, minor;
};

static const struct device devices[] = {
	{ "null", 1, 3 }, { "zero", 1, 5 }, { "full", 1, 7 },
	{ "random", 1, 8 }, { "urandom", 1, 9 }, { "tty", 5, 0 },
};

static int make_device(const struct device *d, struct msg_status *st)
{
	struct mount_attr safe = { .attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC };
	char to[64], from[64];
	int fd;

	(void)snprintf(to, sizeof(to), "dev/%s", d->name);
	(void)snprintf(from, sizeof(from), "/dev/%s", d->name);
	if (!spawner.rootless) {
		if (mknod(to, S_IFCHR | 0666, makedev(d->major, d->minor)) < 0)
			return fail(st, "create device '%s'", to);
		return 0;
	}
	fd = open(to, O_CREAT | O_WRONLY | O_CLOEXEC, 0666);
	if (fd < 0)
		return fail(st, "create '%s'", to);
	(void)close(fd);
	if (mount(from, to, NULL, MS_BIND, NULL) < 0 ||
	    mount_setattr(AT_FDCWD, to, 0, &safe, sizeof(safe)) < 0)
		return fail(st, "bind '%s'", from);
	return 0;
}

static int make_dev(struct msg_status *st)
{
	static const char *const links[][2] = {
		{ "/proc/self/fd", "dev/fd" }, { "/proc/self/fd/0", "dev/stdin" },
		{ "/proc/self/fd/1", "dev/stdout" }, { "/proc/self/fd/2", "dev/stderr" },
		{ "pts/ptmx", "dev/ptmx" },
	};
	static const char *const dirs[] = { "dev/pts", "dev/shm", "dev/mqueue", NULL };
	struct mount_attr ro = { .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
		MOUNT_ATTR_NOEXEC };

	if (mount("tmpfs", "dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "size=64k,mode=755") < 0)
		return fail(st, "mount /dev of the template");
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		if (make_device(&devices[i], st) < 0)
			return -1;
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		if (symlink(links[i][0], links[i][1]) < 0)
			return fail(st, "link '%s'", links[i][1]);
	if (make_dirs(dirs, st) < 0)
		return -1;
	if (mount_setattr(AT_FDCWD, "dev", 0, &ro, sizeof(ro)) < 0)
		return fail(st, "make /dev of the template read-only");
	return 0;
}

/* Before anything hides it: the state folder may be below /tmp. */
static int open_layers(const char *path, struct msg_status *st)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID };

	spawner.state = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (spawner.state < 0 ||
	    mount_setattr(spawner.state, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return fail(st, "open the layers of snapshots in '%s'", path);
	return 0;
}

/* A folder without anything in it, which is not worth a mount. */
static bool is_empty(const char *path, const struct stat *sb)
{
	DIR *d = S_ISDIR(sb->st_mode) ? opendir(path) : NULL;
	struct dirent *e;
	bool empty = d;

	while (empty && (e = readdir(d)))
		empty = e->d_name[0] == '.';
	if (d)
		(void)closedir(d);
	return empty;
}

/*
 * What tells of the whole machine, or of other users of it, and not of a process: what
 * docker masks, too. A file that only root may read is out of reach as it is; one of
 * keys shows the user's own, which without root the sandbox's are.
 */
static void find_hidden(void)
{
	static const char *const names[] = {
		"acpi", "asound", "interrupts", "kcore", "latency_stats", "sched_debug", "scsi",
		"timer_list", "timer_stats", "keys", "key-users", NULL
	};

	for (const char *const *n = names; *n; n++) {
		char path[64];
		struct stat sb;

		(void)snprintf(path, sizeof(path), "/proc/%s", *n);
		if (lstat(path, &sb) < 0 || !(sb.st_mode & 0004) || is_empty(path, &sb) ||
		    (!strncmp(*n, "key", 3) && !spawner.rootless))
			continue;
		spawner.hidden[spawner.n_hidden++] =
			(struct hidden){ *n, S_ISDIR(sb.st_mode) };
	}
}

int template_make(const char *state, struct msg_status *st)
{
	static const char *const dirs[] = {
		"proc", "dev", "lower", "host", "up", "root", "state", "empty", NULL
	};

	if (unshare(CLONE_NEWNS) < 0)
		return fail(st, "create a mount namespace");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return fail(st, "make mounts private");
	spawner.wide = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	if (spawner.wide < 0 || unshare(CLONE_NEWNS) < 0)
		return fail(st, "create the narrow mount namespace");
	if (open_layers(state, st) < 0)
		return -1;
	find_hidden();
	if (mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID, "size=16m,mode=755") < 0 ||
	    chdir("/tmp") < 0)
		return fail(st, "mount the template");
	if (make_dirs(dirs, st) < 0)
		return -1;
	if (mknod("none", S_IFREG | 0444, 0) < 0)
		return fail(st, "create an empty file");
	if (mount("/proc", "proc", NULL, MS_BIND | MS_REC, NULL) < 0)
		return fail(st, "bind /proc");
	if (move_mount(spawner.state, "", AT_FDCWD, "state", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return fail(st, "mount the layers of snapshots");
	(void)close(spawner.state);
	spawner.state = -1;
	if (make_dev(st) < 0)
		return -1;
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return fail(st, "pivot into the template");
	if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return fail(st, "leave the host's mounts");
	spawner.narrow = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	if (spawner.narrow < 0)
		return fail(st, "open the narrow mount namespace");
	return 0;
}

/* A layer as a detached mount: read-only, no devices, no setuid, ids shifted. */
static int open_layer(const char *path, bool idmap, struct msg_status *st)
{
	struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID,
	};
	int fd, r;

	if (setns(spawner.wide, CLONE_NEWNS) < 0)
		return fail(st, "enter the host's mounts");
	/* without root, what is mounted below is locked to it and comes along */
	fd = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (fd < 0 && errno == EINVAL && spawner.rootless)
		fd = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
			       AT_RECURSIVE);
	r = fd < 0 ? fail(st, "open layer '%s'", path) : 0;
	if (setns(spawner.narrow, CLONE_NEWNS) < 0 || r < 0) {
		if (fd >= 0)
			(void)close(fd);
		return r < 0 ? r : fail(st, "come back from the host's mounts");
	}
	if (idmap && spawner.idmap >= 0) {
		attr.attr_set |= MOUNT_ATTR_IDMAP;
		attr.userns_fd = (uint64_t)spawner.idmap;
	}
	if (mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0 &&
	    (attr.attr_set & MOUNT_ATTR_IDMAP)) {
		/* This file system cannot: its files will belong to nobody. */
		spawner.lacks |= LACKS_IDMAP;
		attr.attr_set &= ~(uint64_t)MOUNT_ATTR_IDMAP;
		attr.userns_fd = 0;
		if (mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0) {
			(void)fail(st, "make layer '%s' read-only", path);
			(void)close(fd);
			return -1;
		}
	}
	return fd;
}

static int add_layer(const char *path, bool idmap, const char *target,
		     struct msg_status *st)
{
	int fd = open_layer(path, idmap, st), r = 0;

	if (fd < 0)
		return -1;
	if (mkdir(target, 0755) < 0 && errno != EEXIST)
		r = fail(st, "create '%s'", target);
	else if (move_mount(fd, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		r = fail(st, "attach layer '%s'", path);
	(void)close(fd);
	return r;
}

static int whiteout(const char *dir, const char *name)
{
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return mknod(path, S_IFCHR, 0) < 0 && errno != EEXIST ? -1 : 0;
}

/* Inside /etc: what only the host's own services should read. */
static int mask_etc(struct msg_status *st)
{
	if (mkdir("/host/mask/etc", 0755) < 0 && errno != EEXIST)
		return fail(st, "create the mask of /etc");
	for (const char *const *s = host_secrets; *s; s++)
		if (whiteout("/host/mask/etc", *s) < 0)
			return fail(st, "mask '/etc/%s'", *s);
	if (mkdir("/host/mask/etc/ssl", 0755) < 0 && errno != EEXIST)
		return fail(st, "create the mask of /etc/ssl");
	if (whiteout("/host/mask/etc/ssl", "private") < 0)
		return fail(st, "mask '/etc/ssl/private'");
	return 0;
}

static int make_skeleton(struct msg_status *st)
{
	static const char *const links[][2] = {
		{ "/run", "var/run" }, { "/run/lock", "var/lock" },
		{ "/proc/self/mounts", "etc/mtab" },
	};

	for (const struct host_folder *f = host_folders; f->name; f++)
		/* there already, when what follows failed last time */
		if ((mkdir(f->name, f->mode) < 0 && errno != EEXIST) ||
		    lchown(f->name, spawner.uid_base, spawner.uid_base) < 0)
			return fail(st, "create '/%s' of the host environment", f->name);
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		if (symlink(links[i][0], links[i][1]) < 0 && errno != EEXIST)
			return fail(st, "link '%s'", links[i][1]);
	return 0;
}

/* One entry of the host's root, seen from the wide namespace. */
static int host_entry(const char *name, dev_t root, struct msg_status *st)
{
	struct host_parts *parts = spawner.host;
	char path[300], target[300];
	struct stat sb;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/%s", name);
	if (lstat(path, &sb) < 0)
		return 0;
	if (S_ISDIR(sb.st_mode) && (spawner.rootless || sb.st_dev != root) &&
	    parts->n < HOST_PARTS_MAX && strlen(name) < HOST_PART_NAME) {
		memcpy(parts->name[parts->n++], name, strlen(name) + 1);
		return 0;
	}
	if (!S_ISLNK(sb.st_mode) || !spawner.rootless)
		return 0;
	/* "bin" -> "usr/bin": without root no layer below has it */
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return 0;
	target[n] = '\0';
	if (setns(spawner.narrow, CLONE_NEWNS) < 0)
		return fail(st, "come back from the host's mounts");
	(void)snprintf(path, sizeof(path), "/host/skel/%s", name);
	if (symlink(target, path) < 0 && errno != EEXIST)
		return fail(st, "link '/%s' of the host environment", name);
	if (setns(spawner.wide, CLONE_NEWNS) < 0)
		return fail(st, "enter the host's mounts");
	return 0;
}

static int mask_top(struct msg_status *st)
{
	struct dirent *e;
	struct stat root;
	DIR *d;
	int r = 0;

	spawner.host->n = 0;
	if (setns(spawner.wide, CLONE_NEWNS) < 0)
		return fail(st, "enter the host's mounts");
	d = opendir("/");
	if (!d || stat("/", &root) < 0)
		r = fail(st, "list the host's root");
	while (d && !r && (e = readdir(d)))
		if (host_shows(e->d_name))
			r = host_entry(e->d_name, root.st_dev, st);
	if (setns(spawner.narrow, CLONE_NEWNS) < 0)
		r = fail(st, "come back from the host's mounts");
	if (d)
		rewinddir(d);
	while (d && !r && (e = readdir(d)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..") &&
		    !host_shows(e->d_name) && whiteout("/host/mask", e->d_name) < 0)
			r = fail(st, "mask '/%s'", e->d_name);
	if (d)
		(void)closedir(d);
	return r;
}

static int add_parts(unsigned int number, struct msg_status *st)
{
	char path[300], target[300];

	for (unsigned int i = 0; i < spawner.host->n; i++) {
		const char *name = spawner.host->name[i];

		(void)snprintf(path, sizeof(path), "/host/skel/%s", name);
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return fail(st, "create '%s'", path);
		(void)snprintf(path, sizeof(path), "/%s", name);
		(void)snprintf(target, sizeof(target), "/lower/%u/%s", number, name);
		if (add_layer(path, true, target, st) < 0)
			return -1;
	}
	return 0;
}

static int make_host(unsigned int number, struct msg_status *st)
{
	static const char *const folders[] = { "/host/mask", "/host/skel", NULL };
	char target[64];

	if (make_dirs(folders, st) < 0)
		return -1;
	if (chdir("/host/skel") < 0)
		return fail(st, "enter the host environment's folders");
	if (make_skeleton(st) < 0 || mask_top(st) < 0 || mask_etc(st) < 0)
		return -1;
	if (add_parts(number, st) < 0)
		return -1;
	if (spawner.rootless)
		return 0;
	(void)snprintf(target, sizeof(target), "/lower/%u/0", number);
	return add_layer("/", true, target, st);
}

static void remove_layers(unsigned int number)
{
	char path[128];

	for (unsigned int i = 0; i < LAYERS_MAX; i++) {
		(void)snprintf(path, sizeof(path), "/lower/%u/%u", number, i);
		if (umount2(path, MNT_DETACH) < 0 && errno == ENOENT)
			break;
		(void)rmdir(path);
	}
	for (unsigned int i = 0; i < spawner.host->n; i++) {
		(void)snprintf(path, sizeof(path), "/lower/%u/%s", number,
			       spawner.host->name[i]);
		if (!umount2(path, MNT_DETACH))
			(void)rmdir(path);
	}
	(void)snprintf(path, sizeof(path), "/lower/%u", number);
	(void)rmdir(path);
}

int template_layers(const struct message *m, struct msg_status *st)
{
	const struct msg_layers *l = (const void *)m->h;
	const char *p = m->body, *end = m->body + m->h->body;
	char target[64];
	int r = 0;

	if (l->remove) {
		remove_layers(l->environment);
		return 0;
	}
	(void)snprintf(target, sizeof(target), "/lower/%u", l->environment);
	if (mkdir(target, 0755) < 0)
		return fail(st, "create '%s'", target);
	if (l->host)
		r = make_host(l->environment, st);
	for (unsigned int i = 0; !r && !l->host && i < l->count; i++) {
		size_t len = strnlen(p, (size_t)(end - p));

		if (p + len >= end || i >= LAYERS_MAX) {
			errno = EPROTO;
			r = fail(st, "read the list of layers");
			break;
		}
		(void)snprintf(target, sizeof(target), "/lower/%u/%u", l->environment, i);
		r = add_layer(p, l->idmap, target, st);
		p += len + 1;
	}
	st->lacks = spawner.lacks;
	if (r < 0)
		remove_layers(l->environment);
	return r;
}
