#include "lib/state/view.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/spawner/shown.h"

static int open_beneath(int dir, const char *path, uint64_t flags)
{
	struct open_how how = {
		.flags = flags | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, dir, *path ? path : ".", &how, sizeof(how));
}

int view_open(int layers_fd, const char *const *names, int n, const char *root,
	      unsigned int shift, struct view *ret, struct error *err)
{
	CLEANUP(view_close) struct view *v = &(struct view){ .root = -1, .shift = shift };

	v->host = !*root;
	v->layers = calloc((size_t)n + 1, sizeof(*v->layers));
	if (!v->layers)
		return err_sys(err, ENOMEM, "open a snapshot");
	for (int i = 0; i < n; i++) {
		struct view_layer *l = &v->layers[v->n];
		struct stat st;

		(void)snprintf(l->name, sizeof(l->name), "%s", names[i]);
		l->fd = open_beneath(layers_fd, names[i], O_RDONLY | O_DIRECTORY);
		if (l->fd < 0)
			return err_sys(err, errno, "open layer '%s'", names[i]);
		v->n++;
		if (fstat(l->fd, &st) < 0)
			return err_sys(err, errno, "open layer '%s'", names[i]);
		l->user = st.st_uid != 0;
	}
	v->root = open(v->host ? "/" : root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (v->root < 0)
		return err_sys(err, errno, "open '%s'", root);
	*ret = *v;
	*v = (struct view){ .root = -1 };
	return 0;
}

void view_close(struct view *v)
{
	for (int i = 0; i < v->n; i++)
		(void)close(v->layers[i].fd);
	free(v->layers);
	if (v->root >= 0)
		(void)close(v->root);
	*v = (struct view){ .root = -1 };
}

bool view_is_whiteout(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0);
}

bool view_is_opaque(const struct view_layer *layer, int fd)
{
	char path[64], value[4];

	/* an O_PATH descriptor has no attributes but by its name in /proc */
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return getxattr(path, layer->user ? "user.overlay.opaque" : "trusted.overlay.opaque",
			value, sizeof(value)) == 1 && *value == 'y';
}

int view_layer_at(const struct view_layer *layer, const char *path)
{
	char at[VIEW_PATH + 8];
	size_t first = strcspn(path, "/");
	int fd;

	/* a folder that is overlaid by itself has a part of its own (struct host_parts) */
	if (*path) {
		(void)snprintf(at, sizeof(at), "u.%s", path);
		fd = open_beneath(layer->fd, at, O_PATH);
		if (fd >= 0)
			return fd;
		at[2 + first] = '\0';
		fd = open_beneath(layer->fd, at, O_PATH);
		if (fd >= 0) {
			(void)close(fd);
			errno = ENOENT;
			return -1;
		}
	}
	(void)snprintf(at, sizeof(at), "u/%s", path);
	return open_beneath(layer->fd, at, O_PATH);
}

/*
 * Does something above path in this layer say that nothing below it is there? Any of
 * them may: a folder that is made in an opaque one is not marked by itself.
 */
static bool hides(const struct view_layer *layer, const char *path)
{
	char above[VIEW_PATH];
	size_t len = strlen(path);

	(void)snprintf(above, sizeof(above), "%s", path);
	for (;;) {
		struct stat st;
		bool ends;
		int fd;

		while (len && above[len - 1] != '/')
			len--;
		if (!len)
			return false;
		above[--len] = '\0';
		fd = view_layer_at(layer, above);
		if (fd < 0)
			continue;
		ends = fstat(fd, &st) < 0 || !S_ISDIR(st.st_mode) ||
			view_is_opaque(layer, fd);
		(void)close(fd);
		if (ends)
			return true;
	}
}

static bool shown(const char *path)
{
	char first[256];
	size_t len = strcspn(path, "/");

	if (!*path)
		return true;
	if (len >= sizeof(first))
		return false;
	memcpy(first, path, len);
	first[len] = '\0';
	if (!host_shows(first))
		return false;
	if (!strcmp(first, "etc") && path[len] == '/') {
		const char *rest = path + len + 1;

		for (const char *const *s = host_secrets; *s; s++) {
			size_t n = strlen(*s);

			if (!strncmp(rest, *s, n) && (!rest[n] || rest[n] == '/'))
				return false;
		}
		if (!strncmp(rest, "ssl/private", 11) && (!rest[11] || rest[11] == '/'))
			return false;
	}
	return true;
}

/* Folders that a sandbox gets where its environment has none. */
static int made_for_it(const struct view *v, const char *path, struct view_entry *ret)
{
	static const char *const names[] = { "dev", "proc", "work", "tmp" };
	struct stat root;

	if (v->host || v->bare || fstat(v->root, &root) < 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(path, names[i])) {
			ret->fd = open("/proc/self/fdinfo", O_PATH | O_CLOEXEC);
			/* they are root's, as it is */
			ret->st = (struct stat){ .st_mode = S_IFDIR | (i == 3 ? 01777 : 0755),
						 .st_uid = root.st_uid, .st_gid = root.st_gid };
			return ret->fd >= 0;
		}
	return 0;
}

static int look_in_root(const struct view *v, const char *path, struct view_entry *ret,
			struct error *err)
{
	for (const struct host_folder *f = host_folders; v->host && f->name; f++)
		if (!strcmp(f->name, path) && strcmp(path, "etc")) {
			/* an empty folder; what is read of it is its attributes */
			ret->fd = open("/proc/self/fdinfo", O_PATH | O_CLOEXEC);
			ret->st = (struct stat){ .st_mode = S_IFDIR | f->mode,
						 .st_uid = v->shift, .st_gid = v->shift };
			return ret->fd < 0 ? err_sys(err, errno, "look at '/%s'", path) : 1;
		}
	if (v->host && !shown(path))
		return 0;
	ret->fd = open_beneath(v->root, path, O_PATH);
	if (ret->fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
		return made_for_it(v, path, ret);
	if (ret->fd < 0)
		return err_sys(err, errno, "look at '/%s' of the environment", path);
	if (fstat(ret->fd, &ret->st) < 0) {
		(void)err_sys(err, errno, "look at '/%s' of the environment", path);
		(void)close(ret->fd);
		return -1;
	}
	ret->st.st_uid += v->shift;
	ret->st.st_gid += v->shift;
	return 1;
}

int view_lookup(const struct view *v, const char *path, struct view_entry *ret,
		struct error *err)
{
	if (strlen(path) >= VIEW_PATH - 8)
		return err_set(err, ERR_LIMIT, "a path of %zu bytes", strlen(path));
	for (int i = 0; i < v->n; i++) {
		const struct view_layer *l = &v->layers[i];

		ret->fd = view_layer_at(l, path);
		if (ret->fd >= 0) {
			if (fstat(ret->fd, &ret->st) < 0 || view_is_whiteout(&ret->st)) {
				(void)close(ret->fd);
				return 0;
			}
			return 1;
		}
		/* ELOOP: a link is where another layer has a folder */
		if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
			return err_sys(err, errno, "look at '/%s' in layer '%s'", path, l->name);
		if (hides(l, path))
			return 0;
	}
	return look_in_root(v, path, ret, err);
}
