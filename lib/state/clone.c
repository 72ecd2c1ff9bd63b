#include "lib/state/clone.h"

#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fault.h"
#include "lib/state/copy.h"
#include "lib/state/layer.h"
#include "lib/state/paths.h"

enum { DEPTH_MAX = 200 };

/* A file with more names than one, and the first that it was copied to. */
struct known {
	dev_t dev;
	ino_t ino;
	char path[];
};

struct cloning {
	bool user;			/* marks are user.overlay.*, as without root */
	int to;				/* the layer's folder */
	int depth;
	char path[VIEW_PATH];		/* in it, of what is being copied */
	void *files;			/* struct known: tsearch(3) */
	struct clone_size size;
	void (*each)(const struct clone_size *so_far);
};

static int by_inode(const void *a, const void *b)
{
	const struct known *x = a, *y = b;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	return x->ino < y->ino ? -1 : x->ino > y->ino;
}

/* 1: it has a name in the copy already, and this is one more; 0: it is to be copied. */
static int add_name(struct cloning *c, const struct stat *st, int to, const char *name,
		    struct error *err)
{
	size_t len = strlen(c->path) + 1;
	struct known *k, **found;

	if (st->st_nlink < 2)
		return 0;
	k = malloc(sizeof(*k) + len);
	if (!k)
		return err_sys(err, ENOMEM, "copy a layer");
	k->dev = st->st_dev;
	k->ino = st->st_ino;
	memcpy(k->path, c->path, len);
	found = tsearch(k, &c->files, by_inode);
	if (!found || *found != k)
		free(k);
	if (!found)
		return err_sys(err, ENOMEM, "copy a layer");
	if (*found == k)
		return 0;
	if (linkat(c->to, (*found)->path, to, name, 0) < 0)
		return err_sys(err, errno, "link it");
	return 1;
}

static int copy_file(struct cloning *c, int from, int to, const char *name, const struct stat *st,
		     struct error *err)
{
	cleanup_close int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	cleanup_close int out = -1;

	if (in < 0)
		return err_sys(err, errno, "read it");
	out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out < 0)
		return err_sys(err, errno, "create it");
	c->size.bytes += (uint64_t)st->st_size;
	if (copy_content(in, out, err) < 0)
		return -1;
	return copy_metadata(in, out, c->user, err);
}

static int copy_link(int from, int to, const char *name, struct error *err)
{
	char target[VIEW_PATH];
	ssize_t n = readlinkat(from, name, target, sizeof(target));

	if (n < 0 || n == sizeof(target))
		return err_sys(err, n < 0 ? errno : ENAMETOOLONG, "read the link");
	target[n] = '\0';
	return symlinkat(target, to, name) < 0 ? err_sys(err, errno, "create it") : 0;
}

/* Of what is not opened: links, whiteouts, sockets and the like. */
static int set_metadata(const struct cloning *c, int to, const char *name,
			const struct stat *st, struct error *err)
{
	const struct timespec times[2] = { st->st_atim, st->st_mtim };

	if ((fchownat(to, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0 &&
	     !copy_owner_given(c->user)) ||
	    (!S_ISLNK(st->st_mode) && fchmodat(to, name, st->st_mode & 07777, 0) < 0) ||
	    utimensat(to, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(err, errno, "set its owner, mode and times");
	return 0;
}

static int copy_folder(struct cloning *c, int from, int to, const char *name, struct error *err);

static int copy_entry(struct cloning *c, int from, int to, const char *name, struct error *err)
{
	struct stat st;
	int r;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(err, errno, "look at it");
	c->size.entries++;
	if (S_ISDIR(st.st_mode))
		return copy_folder(c, from, to, name, err);
	r = add_name(c, &st, to, name, err);
	if (r)
		return r < 0 ? -1 : 0;
	if (S_ISREG(st.st_mode))
		return copy_file(c, from, to, name, &st, err);
	if (S_ISLNK(st.st_mode))
		r = copy_link(from, to, name, err);
	else if (mknodat(to, name, (st.st_mode & S_IFMT) | 0600, st.st_rdev) < 0)
		r = err_sys(err, errno, "create it");
	return r < 0 ? -1 : set_metadata(c, to, name, &st, err);
}

static int step(struct cloning *c, int from, int to, const char *name, struct error *err)
{
	size_t len = strlen(c->path), n = strlen(name);
	int r;

	if (len + n + 2 > sizeof(c->path))
		return err_set(err, ERR_LIMIT, "a path is longer than %d bytes", VIEW_PATH);
	(void)snprintf(c->path + len, sizeof(c->path) - len, "%s%s", len ? "/" : "", name);
	r = fault("state.clone");
	r = r ? err_sys(err, r, "copy it") : copy_entry(c, from, to, name, err);
	c->path[len] = '\0';
	if (c->each)
		c->each(&c->size);
	return r;
}

/* What is in it, then its own attributes, which what came into it has changed. */
static int copy_inside(struct cloning *c, int from, int to, struct error *err)
{
	CLEANUP(paths_release) struct paths *names = &(struct paths){ 0 };

	if (c->depth == DEPTH_MAX)
		return err_set(err, ERR_LIMIT, "folders are nested deeper than %d", DEPTH_MAX);
	if (paths_list(names, from, err) < 0)
		return -1;
	c->depth++;
	for (size_t i = 0; i < names->n; i++)
		if (step(c, from, to, names->v[i], err) < 0)
			return c->depth > 1 ? -1 : err_wrap(err, "copy '/%.200s'", names->v[i]);
	c->depth--;
	return copy_metadata(from, to, c->user, err);
}

static int copy_folder(struct cloning *c, int from, int to, const char *name, struct error *err)
{
	const struct view_layer marks = { .user = c->user };
	cleanup_close int in = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	cleanup_close int out = -1;

	if (in < 0)
		return err_sys(err, errno, "read it");
	if (mkdirat(to, name, 0700) < 0)
		return err_sys(err, errno, "create it");
	out = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (out < 0)
		return err_sys(err, errno, "create it");
	if (view_is_opaque(&marks, in) && copy_mark_opaque(out, c->user) < 0)
		return err_sys(err, errno, "mark a folder that hides others");
	return copy_inside(c, in, out, err);
}

int clone_layer(int from, int to, struct clone_size *ret,
		void (*each)(const struct clone_size *so_far), struct error *err)
{
	CLEANUP(paths_release) struct paths *names = &(struct paths){ 0 };
	struct cloning c = { .user = geteuid() != 0, .to = to, .each = each };
	int r = paths_list(names, from, err);

	for (size_t i = 0; i < names->n && !r; i++)
		if (layer_is_part(names->v[i]))
			r = step(&c, from, to, names->v[i], err);
	tdestroy(c.files, free);
	*ret = c.size;
	return r;
}
