#include "lib/state/paths.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/state/layer.h"

enum { DEPTH_MAX = 200 };

void paths_release(struct paths *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->v[i]);
	free(p->v);
	*p = (struct paths){ 0 };
}
int paths_add(struct paths *p, const char *path, struct error *err)
{
	if (p->n == PATHS_MAX)
		return err_set(err, ERR_LIMIT, "more than %d names", PATHS_MAX);
	if (p->n == p->room) {
		size_t room = p->room ? p->room * 2 : 64;
		char **v = realloc(p->v, room * sizeof(*v));

		if (!v)
			return err_sys(err, ENOMEM, "list names");
		p->v = v;
		p->room = room;
	}
	p->v[p->n] = strdup(path);
	if (!p->v[p->n])
		return err_sys(err, ENOMEM, "list names");
	p->n++;
	return 0;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void paths_sort(struct paths *paths)
{
	size_t n = 0;

	if (!paths->n)
		return;
	qsort(paths->v, paths->n, sizeof(*paths->v), by_path);
	for (size_t i = 0; i < paths->n; i++) {
		if (n && !strcmp(paths->v[i], paths->v[n - 1]))
			free(paths->v[i]);
		else
			paths->v[n++] = paths->v[i];
	}
	paths->n = n;
}

int paths_list(struct paths *p, int folder, struct error *err)
{
	int own = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = own < 0 ? NULL : fdopendir(own);
	struct dirent *e;
	int r = 0;

	if (!d) {
		(void)err_sys(err, errno, "read a folder");
		if (own >= 0)
			(void)close(own);
		return -1;
	}
	/* what readdir() leaves in it is of the last call only */
	for (errno = 0; !r && (e = readdir(d)); errno = 0)
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			r = paths_add(p, e->d_name, err);
	if (!r && errno)
		r = err_sys(err, errno, "read a folder");
	(void)closedir(d);
	return r;
}

struct walk {
	struct paths *paths;
	char path[VIEW_PATH];
	int depth;
};

static int walk_folder(struct walk *w, int fd, struct error *err);

/* One name of a folder that is open as fd. */
static int walk_name(struct walk *w, int fd, const char *name, struct error *err)
{
	size_t len = strlen(w->path), n = strlen(name);
	int sub, r = 0;
	struct stat st;

	if (len + n + 2 >= sizeof(w->path) - 8)
		return err_set(err, ERR_LIMIT, "a path is longer than %d bytes", VIEW_PATH);
	(void)snprintf(w->path + len, sizeof(w->path) - len, "%s%s", len ? "/" : "", name);
	if (paths_add(w->paths, w->path, err) < 0)
		return -1;
	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT)
			return err_sys(err, errno, "look at '/%s'", w->path);
		st.st_mode = 0;
	}
	if (S_ISDIR(st.st_mode)) {
		sub = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (sub < 0)
			return err_sys(err, errno, "read '/%s'", w->path);
		r = walk_folder(w, sub, err);
	}
	w->path[len] = '\0';
	return r;
}

/* Takes fd. */
static int walk_folder(struct walk *w, int fd, struct error *err)
{
	DIR *d = fdopendir(fd);
	struct dirent *e;
	int r = 0;

	if (!d || w->depth == DEPTH_MAX) {
		if (d)
			(void)closedir(d);
		else
			(void)close(fd);
		return err_set(err, ERR_LIMIT, "folders are nested deeper than %d", DEPTH_MAX);
	}
	w->depth++;
	while (!r && (e = readdir(d)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			r = walk_name(w, dirfd(d), e->d_name, err);
	w->depth--;
	(void)closedir(d);
	return r;
}

/* What a layer has: in "u", and in "u.NAME" for each part. */
static int walk_layer(struct paths *paths, const struct view_layer *l, struct error *err)
{
	int fd = openat(l->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	int r = 0;

	if (!d) {
		(void)err_sys(err, errno, "read layer '%s'", l->name);
		if (fd >= 0)
			(void)close(fd);
		return -1;
	}
	while (!r && (e = readdir(d))) {
		struct walk w = { .paths = paths };
		int sub;

		if (!layer_is_part(e->d_name))
			continue;
		if (e->d_name[1])
			(void)snprintf(w.path, sizeof(w.path), "%s", e->d_name + 2);
		sub = openat(fd, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		r = sub < 0 ? err_sys(err, errno, "read layer '%s'", l->name)
			    : walk_folder(&w, sub, err);
	}
	(void)closedir(d);
	return r;
}

/* Everything below a folder of a view that another one may have hidden at once. */
static int walk_view(struct paths *paths, const struct view *v, const char *path, int depth,
		     struct error *err)
{
	struct paths names = { 0 };
	int r = 0;

	for (int i = 0; !r && i <= v->n && depth < DEPTH_MAX; i++) {
		int at = i < v->n ? view_layer_at(&v->layers[i], path) : -1, fd;
		struct view_entry e;
		struct dirent *de;
		DIR *d;

		/* the bottom, when nothing above hides it */
		if (i == v->n) {
			struct view bottom = { .root = v->root, .host = v->host, .bare = v->bare };

			if (!*path)
				at = openat(v->root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
			else if (view_lookup(&bottom, path, &e, err) > 0)
				at = e.fd;
		}
		if (at < 0)
			continue;
		fd = openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		(void)close(at);
		d = fd < 0 ? NULL : fdopendir(fd);
		while (d && !r && (de = readdir(d)))
			if (strcmp(de->d_name, ".") && strcmp(de->d_name, ".."))
				r = paths_add(&names, de->d_name, err);
		if (d)
			(void)closedir(d);
		else if (fd >= 0)
			(void)close(fd);
	}
	/* once each, however many layers have it: what is below would be walked as often */
	paths_sort(&names);
	for (size_t i = 0; !r && i < names.n; i++) {
		char sub[VIEW_PATH];
		struct view_entry e;

		if ((size_t)snprintf(sub, sizeof(sub), "%s%s%s", path, *path ? "/" : "",
				     names.v[i]) >= sizeof(sub) - 8)
			continue;
		r = view_lookup(v, sub, &e, err);
		if (r <= 0)
			continue;
		(void)close(e.fd);
		r = paths_add(paths, sub, err);
		if (!r && S_ISDIR(e.st.st_mode))
			r = walk_view(paths, v, sub, depth + 1, err);
	}
	paths_release(&names);
	return r < 0 ? -1 : 0;
}

/* Folders of this layer that hide those below: what was in them may be gone. */
static int walk_hidden(struct paths *paths, const struct view_layer *l, const struct view *other,
		       size_t from, size_t to, struct error *err)
{
	for (size_t i = from; i < to; i++) {
		int fd = view_layer_at(l, paths->v[i]);
		bool opaque = fd >= 0 && view_is_opaque(l, fd);

		if (fd >= 0)
			(void)close(fd);
		if (opaque && walk_view(paths, other, paths->v[i], 0, err) < 0)
			return -1;
	}
	return 0;
}

/* Layers at the bottom that both have. */
static int shared(const struct view *a, const struct view *b)
{
	int n = 0;

	while (n < a->n && n < b->n &&
	       !strcmp(a->layers[a->n - 1 - n].name, b->layers[b->n - 1 - n].name))
		n++;
	return n;
}

static int own_paths(const struct view *v, int own, const struct view *other, struct paths *paths,
		   struct error *err)
{
	for (int i = 0; i < own; i++) {
		size_t from = paths->n;

		if (walk_layer(paths, &v->layers[i], err) < 0 ||
		    walk_hidden(paths, &v->layers[i], other, from, paths->n, err) < 0)
			return -1;
	}
	return 0;
}

int paths_touched(struct paths *paths, const struct view *a, const struct view *b,
		  struct error *err)
{
	int common = shared(a, b);

	if (own_paths(a, a->n - common, b, paths, err) < 0 ||
	    own_paths(b, b->n - common, a, paths, err) < 0)
		return -1;
	paths_sort(paths);
	return 0;
}

int paths_below(struct paths *paths, const struct view *v, const char *path, struct error *err)
{
	return walk_view(paths, v, path, 0, err);
}
