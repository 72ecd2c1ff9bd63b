#ifndef FAAS_TESTS_UNIT_STATE_H
#define FAAS_TESTS_UNIT_STATE_H

/* For tests of lib/state: "root" below two layers, "one" and over it "two". */

#include <errno.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "lib/base/remove.h"
#include "lib/state/view.h"
#include "tests/unit/tempdir.h"

static struct error err;
static struct tempdir *dir;
static struct view view;

static inline void folder(const char *path)
{
	check(!mkdirat(dir->fd, path, 0755) || errno == EEXIST);
}

static inline void begin(void)
{
	static const char *const made[] = { "root", "one", "one/u", "two", "two/u" };

	dir = tempdir_new();
	for (size_t i = 0; i < ARRAY_SIZE(made); i++)
		folder(made[i]);
}

static inline void put(const char *in, const char *name, const char *text)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", in, name);
	fd = openat(dir->fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	check(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static inline void whiteout(const char *path)
{
	check(!mknodat(dir->fd, path, S_IFCHR, makedev(0, 0)));
}

static inline void opaque(const char *path)
{
	char full[512];

	snprintf(full, sizeof(full), "%s/%s", dir->path, path);
	check(!setxattr(full, geteuid() ? "user.overlay.opaque" : "trusted.overlay.opaque", "y",
			1, 0));
}

static inline void open_layers(struct view *v, int n)
{
	static const char *const names[] = { "two", "one" };
	char root[128];

	snprintf(root, sizeof(root), "%s/root", dir->path);
	check(!view_open(dir->fd, names + 2 - n, n, root, 0, v, &err));
}

static inline void look(void)
{
	open_layers(&view, 2);
}

static inline void end(void)
{
	view_close(&view);
	check(!tree_empty(dir->fd, &err));
	tempdir_remove(dir);
}

#endif
