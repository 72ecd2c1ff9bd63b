#include "lib/state/writer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lib/base/beneath.h"
#include "lib/base/fault.h"
#include "lib/state/copy.h"

enum { PARTS_MAX = 64 };

/* A file with more names than one, and where its first one was written. */
struct file {
	dev_t dev;
	ino_t ino;
	mode_t mode;			/* two names that are to differ are two files */
	uid_t uid;
	gid_t gid;
	char path[];
};

static int by_inode(const void *a, const void *b)
{
	const struct file *x = a, *y = b;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	if (x->mode != y->mode)
		return x->mode < y->mode ? -1 : 1;
	if (x->uid != y->uid)
		return x->uid < y->uid ? -1 : 1;
	return x->gid < y->gid ? -1 : x->gid > y->gid;
}

static int fail(struct error *err, int errnum, const char *path)
{
	return err_sys(err, errnum, "write '/%.300s'", path);
}

/* ---- the form of the layer ---- */

static int add_part(struct writer *w, const char *name, struct error *err)
{
	char **parts;

	for (int i = 0; i < w->n_parts; i++)
		if (!strcmp(w->parts[i], name))
			return 0;
	if (w->n_parts == PARTS_MAX)
		return err_set(err, ERR_LIMIT, "a layer has more than %d parts", PARTS_MAX);
	parts = realloc(w->parts, sizeof(*parts) * (size_t)(w->n_parts + 1));
	if (!parts)
		return err_sys(err, ENOMEM, "write a layer");
	w->parts = parts;
	parts[w->n_parts] = strdup(name);
	return parts[w->n_parts++] ? 0 : err_sys(err, ENOMEM, "write a layer");
}

/* The newest layer that has this part says what its root is like. */
static int make_part(struct writer *w, const char *part, struct error *err)
{
	for (int i = 0; i < w->like->n; i++) {
		cleanup_close int fd = open_beneath(w->like->layers[i].fd, part,
						    O_RDONLY | O_DIRECTORY, 0);
		cleanup_close int made = -1;
		struct stat st;

		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd < 0 || fstat(fd, &st) < 0 || mkdirat(w->fd, part, 0700) < 0)
			return err_sys(err, errno, "write a layer");
		made = open_beneath(w->fd, part, O_RDONLY | O_DIRECTORY, 0);
		if (made < 0 || (fchown(made, st.st_uid, st.st_gid) < 0 && !w->user) ||
		    fchmod(made, st.st_mode & 07777) < 0)
			return err_sys(err, errno, "write a layer");
		return copy_attributes(fd, made, w->user, err);
	}
	return err_set(err, ERR_CORRUPT, "no layer has '%s'", part);
}

static int read_form(struct writer *w, const struct view_layer *l, struct error *err)
{
	int fd = open_beneath(l->fd, ".", O_RDONLY | O_DIRECTORY, 0), r = 0;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d) {
		(void)err_sys(err, errno, "read layer '%s'", l->name);
		if (fd >= 0)
			(void)close(fd);
		return -1;
	}
	while (!r && (e = readdir(d)))
		if (!strncmp(e->d_name, "u.", 2))
			r = add_part(w, e->d_name + 2, err);
	(void)closedir(d);
	return r;
}

int writer_open(struct writer *w, int fd, const struct view *like, struct error *err)
{
	char part[NAME_MAX + 3];

	*w = (struct writer){ .fd = fd, .like = like };
	if (!like->n)
		return err_set(err, ERR_BUG, "a layer is written like others");
	w->user = like->layers[0].user;
	for (int i = 0; i < like->n; i++)
		if (read_form(w, &like->layers[i], err) < 0)
			return -1;
	if (make_part(w, "u", err) < 0)
		return -1;
	for (int i = 0; i < w->n_parts; i++) {
		(void)snprintf(part, sizeof(part), "u.%s", w->parts[i]);
		if (make_part(w, part, err) < 0)
			return -1;
	}
	return 0;
}

void writer_close(struct writer *w)
{
	for (int i = 0; i < w->n_parts; i++)
		free(w->parts[i]);
	free(w->parts);
	for (size_t i = 0; i < w->n_folders; i++)
		free(w->folders[i].path);
	free(w->folders);
	tdestroy(w->files, free);
	*w = (struct writer){ .fd = -1 };
}

/* ---- places ---- */

/* Names alone: "u/.." would be beneath, and another part. */
static bool plain(const char *path)
{
	for (size_t len;; path += len + 1) {
		len = strcspn(path, "/");
		if (!len || (len == 1 && *path == '.') || (len == 2 && !memcmp(path, "..", 2)))
			return false;
		if (!path[len])
			return true;
	}
}

/* Where a path is in the layer's folder. */
static int place(const struct writer *w, const char *path, char ret[VIEW_PATH + 8],
		 struct error *err)
{
	size_t first = strcspn(path, "/");

	if (!plain(path))
		return err_set(err, ERR_CORRUPT, "'%.300s' is no path in a layer", path);
	if (strlen(path) >= VIEW_PATH - 8)
		return err_set(err, ERR_LIMIT, "a path of %zu bytes", strlen(path));
	(void)snprintf(ret, VIEW_PATH + 8, "u/%s", path);
	for (int i = 0; i < w->n_parts; i++)
		if (strlen(w->parts[i]) == first && !memcmp(w->parts[i], path, first))
			(void)snprintf(ret, VIEW_PATH + 8, "u.%s", path);
	return 0;
}

struct spot {
	int folder;			/* is to be closed */
	char name[NAME_MAX + 1];
};

static void spot_release(struct spot *s)
{
	if (s->folder >= 0)
		(void)close(s->folder);
	s->folder = -1;
}
DEFINE_CLEANUP(struct spot *, spot_release);

static int make_above(struct writer *w, const char *path, struct error *err);

/* The folder in which path is to be, which is made when it is not there. */
static int find_spot(struct writer *w, const char *path, struct spot *ret, struct error *err)
{
	char at[VIEW_PATH + 8], *slash;

	ret->folder = -1;
	if (place(w, path, at, err) < 0)
		return -1;
	slash = strrchr(at, '/');
	/* a part by itself: it is there */
	if (slash)
		*slash = '\0';
	if ((size_t)snprintf(ret->name, sizeof(ret->name), "%s", slash ? slash + 1 : at) >=
	    sizeof(ret->name))
		return fail(err, ENAMETOOLONG, path);
	for (int again = 0;; again++) {
		ret->folder = open_beneath(w->fd, slash ? at : ".", O_RDONLY | O_DIRECTORY, 0);
		if (ret->folder >= 0)
			return 0;
		if (errno != ENOENT || again)
			return fail(err, errno, path);
		if (make_above(w, path, err) < 0)
			return -1;
	}
}

static int make_above(struct writer *w, const char *path, struct error *err)
{
	char above[VIEW_PATH];
	struct view_entry e;
	int r;

	(void)snprintf(above, sizeof(above), "%s", path);
	if (!strrchr(above, '/'))
		return fail(err, ENOENT, path);
	*strrchr(above, '/') = '\0';
	r = view_lookup(w->like, above, &e, err);
	if (r <= 0)
		return r < 0 ? -1 : err_set(err, ERR_BUG, "'/%s' is to be where no folder is", path);
	r = S_ISDIR(e.st.st_mode) ? writer_put(w, above, &e, err)
		: err_set(err, ERR_BUG, "'/%s' is to be where no folder is", path);
	(void)close(e.fd);
	return r;
}

/* ---- entries ---- */

static int set_owner(const struct writer *w, const struct spot *s, const struct stat *st)
{
	if (!fchownat(s->folder, s->name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW))
		return 0;
	return copy_owner_given(w->user) ? 0 : -1;
}

/* fd: of what was made, or -1 for what cannot be opened. */
static int set_rest(const struct writer *w, const struct spot *s, int fd,
		    const struct view_entry *e, struct error *err)
{
	const struct timespec times[2] = { e->st.st_atim, e->st.st_mtim };
	mode_t mode = e->st.st_mode & 07777;
	cleanup_close int from = -1;

	if (set_owner(w, s, &e->st) < 0)
		return err_sys(err, errno, "set the owner");
	if (S_ISLNK(e->st.st_mode))
		goto out;
	/* after the owner, which takes set-user-ID away */
	if ((fd >= 0 ? fchmod(fd, mode) : fchmodat(s->folder, s->name, mode, 0)) < 0)
		return err_sys(err, errno, "set the mode");
	if (fd < 0)
		goto out;
	from = copy_reopen(e->fd);
	if (from < 0)
		return err_sys(err, errno, "read its attributes");
	if (copy_attributes(from, fd, w->user, err) < 0)
		return -1;
out:
	/* a folder that no file system has, only every sandbox: see view.c */
	if (e->st.st_ino && utimensat(s->folder, s->name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(err, errno, "set the times");
	return 0;
}

static int put_file(struct writer *w, const struct spot *s, const struct view_entry *e,
		    const void *text, size_t len, struct error *err)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	cleanup_close int to = openat(s->folder, s->name, flags, 0600);
	cleanup_close int from = -1;

	if (to < 0)
		return err_sys(err, errno, "create it");
	if (!text) {
		from = copy_reopen(e->fd);
		if (from < 0)
			return err_sys(err, errno, "read it");
		if (copy_content(from, to, err) < 0)
			return -1;
	}
	for (size_t done = 0; done < len;) {
		ssize_t n = write(to, (const char *)text + done, len - done);

		if (n < 0)
			return err_sys(err, errno, "write it");
		done += (size_t)n;
	}
	return set_rest(w, s, to, e, err);
}

static int note_folder(struct writer *w, const char *path, const struct stat *st,
		       struct error *err)
{
	if (w->n_folders == w->room) {
		size_t room = w->room ? w->room * 2 : 64;
		struct writer_folder *f = realloc(w->folders, room * sizeof(*f));

		if (!f)
			return err_sys(err, ENOMEM, "write a layer");
		w->folders = f;
		w->room = room;
	}
	w->folders[w->n_folders] = (struct writer_folder){
		strdup(path), { st->st_atim, st->st_mtim },
	};
	if (!w->folders[w->n_folders].path)
		return err_sys(err, ENOMEM, "write a layer");
	w->n_folders++;
	return 0;
}

static int put_folder(struct writer *w, const struct spot *s, const char *path,
		      const struct view_entry *e, struct error *err)
{
	cleanup_close int fd = -1;

	/* what was put into it may have made it */
	if (mkdirat(s->folder, s->name, 0700) < 0 && errno != EEXIST)
		return err_sys(err, errno, "create it");
	fd = openat(s->folder, s->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, errno, "create it");
	if (set_rest(w, s, fd, e, err) < 0)
		return -1;
	return e->st.st_ino ? note_folder(w, path, &e->st, err) : 0;
}

static int put_link(struct writer *w, const struct spot *s, const struct view_entry *e,
		    struct error *err)
{
	char target[VIEW_PATH];
	ssize_t n = readlinkat(e->fd, "", target, sizeof(target));

	if (n < 0 || n == sizeof(target))
		return err_sys(err, n < 0 ? errno : ENAMETOOLONG, "read the link");
	target[n] = '\0';
	if (symlinkat(target, s->folder, s->name) < 0)
		return err_sys(err, errno, "create it");
	return set_rest(w, s, -1, e, err);
}

static int put_special(struct writer *w, const struct spot *s, const struct view_entry *e,
		       struct error *err)
{
	if (mknodat(s->folder, s->name, (e->st.st_mode & S_IFMT) | 0600, e->st.st_rdev) < 0)
		return err_sys(err, errno, "create it");
	return set_rest(w, s, -1, e, err);
}

/* 1: it was another name of what is there already; 0: it is to be written. */
static int put_name(struct writer *w, const struct spot *s, const char *path,
		    const struct view_entry *e, struct error *err)
{
	size_t len = strlen(path) + 1;
	char at[VIEW_PATH + 8], *slash;
	struct file *f, **found;
	int r;

	if (!S_ISREG(e->st.st_mode) || e->st.st_nlink < 2)
		return 0;
	f = malloc(sizeof(*f) + len);
	if (!f)
		return err_sys(err, ENOMEM, "write a layer");
	f->dev = e->st.st_dev;
	f->ino = e->st.st_ino;
	f->mode = e->st.st_mode;
	f->uid = e->st.st_uid;
	f->gid = e->st.st_gid;
	memcpy(f->path, path, len);
	found = tsearch(f, &w->files, by_inode);
	if (!found) {
		free(f);
		return err_sys(err, ENOMEM, "write a layer");
	}
	if (*found == f)
		return 0;
	free(f);
	if (place(w, (*found)->path, at, err) < 0)
		return -1;
	slash = strrchr(at, '/');
	*slash = '\0';

	cleanup_close int folder = open_beneath(w->fd, at, O_RDONLY | O_DIRECTORY, 0);

	r = folder < 0 ? -1 : linkat(folder, slash + 1, s->folder, s->name, 0);
	/* as many names as one can have, or in another part: a copy will do */
	if (r < 0 && errno != EMLINK && errno != EXDEV)
		return err_sys(err, errno, "link it");
	return !r;
}

static int put(struct writer *w, const char *path, const struct view_entry *e, const void *text,
	       size_t len, struct error *err)
{
	CLEANUP(spot_release) struct spot *s = &(struct spot){ .folder = -1 };
	int r = fault("state.write");

	if (r)
		return fail(err, r, path);
	if (find_spot(w, path, s, err) < 0)
		return -1;
	r = text ? 0 : put_name(w, s, path, e, err);
	if (r < 0)
		return err_wrap(err, "write '/%.300s'", path);
	if (!r && S_ISREG(e->st.st_mode))
		r = put_file(w, s, e, text, len, err);
	else if (!r && S_ISDIR(e->st.st_mode))
		r = put_folder(w, s, path, e, err);
	else if (!r && S_ISLNK(e->st.st_mode))
		r = put_link(w, s, e, err);
	else if (!r)
		r = put_special(w, s, e, err);
	if (r < 0)
		return err_wrap(err, "write '/%.300s'", path);
	w->entries++;
	return 0;
}

int writer_put(struct writer *w, const char *path, const struct view_entry *entry,
	       struct error *err)
{
	return put(w, path, entry, NULL, 0, err);
}

int writer_put_text(struct writer *w, const char *path, const struct view_entry *entry,
		    const void *text, size_t len, struct error *err)
{
	if (!S_ISREG(entry->st.st_mode))
		return err_set(err, ERR_BUG, "'/%s' is no file", path);
	return put(w, path, entry, text ? text : "", len, err);
}

int writer_whiteout(struct writer *w, const char *path, struct error *err)
{
	CLEANUP(spot_release) struct spot *s = &(struct spot){ .folder = -1 };
	int r = fault("state.write");

	if (!r && find_spot(w, path, s, err) < 0)
		return -1;
	if (!r && mknodat(s->folder, s->name, S_IFCHR, makedev(0, 0)) < 0)
		r = errno;
	if (r)
		return fail(err, r, path);
	w->entries++;
	return 0;
}

int writer_opaque(struct writer *w, const char *path, struct error *err)
{
	cleanup_close int fd = -1;
	char at[VIEW_PATH + 8];

	if (place(w, path, at, err) < 0)
		return -1;
	fd = open_beneath(w->fd, at, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0 || copy_mark_opaque(fd, w->user) < 0)
		return fail(err, errno, path);
	return 0;
}

int writer_finish(struct writer *w, struct error *err)
{
	int r = fault("state.sync");

	/* what was put into folders changed their times */
	for (size_t i = w->n_folders; i-- > 0;) {
		const struct writer_folder *f = &w->folders[i];
		cleanup_close int fd = -1;
		char at[VIEW_PATH + 8];

		if (place(w, f->path, at, err) < 0)
			return -1;
		fd = open_beneath(w->fd, at, O_RDONLY | O_DIRECTORY, 0);
		if (fd < 0 || futimens(fd, f->times) < 0)
			return fail(err, errno, f->path);
	}
	if (r || syncfs(w->fd) < 0)
		return err_sys(err, r ? r : errno, "write a layer to the disk");
	return 0;
}
