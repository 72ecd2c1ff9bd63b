#include "lib/state/apply.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/beneath.h"
#include "lib/base/fault.h"
#include "lib/base/id.h"
#include "lib/state/copy.h"

struct view apply_view(int fd)
{
	return (struct view){ .root = fd, .bare = true };
}

/* ---- what to look at ---- */

static int keep_below(struct paths *all, const char *below, struct paths *ret, struct error *err)
{
	size_t n = strlen(below);

	for (size_t i = 0; i < all->n; i++)
		if (!strncmp(all->v[i], below, n) && all->v[i][n] == '/' &&
		    paths_add(ret, all->v[i] + n + 1, err) < 0)
			return -1;
	paths_sort(ret);
	return 0;
}

static int is_folder(const struct view *v, const char *path, struct error *err)
{
	struct view_entry e;
	int r = view_lookup(v, path, &e, err);

	if (r <= 0)
		return r;
	(void)close(e.fd);
	return S_ISDIR(e.st.st_mode);
}

int apply_paths(const struct view *base, const struct view *theirs, const char *below,
		struct paths *ret, struct error *err)
{
	CLEANUP(paths_release) struct paths *all = &(struct paths){ 0 };
	size_t n;

	if (paths_touched(all, base, theirs, err) < 0)
		return -1;
	n = all->n;
	for (size_t i = 0; i < n; i++) {
		int was = is_folder(base, all->v[i], err), is = was <= 0 ? was
			: is_folder(theirs, all->v[i], err);

		if (was < 0 || is < 0)
			return -1;
		if (was && !is && paths_below(all, base, all->v[i], err) < 0)
			return -1;
	}
	return keep_below(all, below, ret, err);
}

int apply_all_paths(const struct view *base, const struct view *folder, const char *below,
		    struct paths *ret, struct error *err)
{
	CLEANUP(paths_release) struct paths *all = &(struct paths){ 0 };
	int r = is_folder(base, below, err);

	if (r < 0 || (r && paths_below(all, base, below, err) < 0) ||
	    paths_below(ret, folder, "", err) < 0)
		return -1;
	return keep_below(all, below, ret, err);
}

/* ---- places ---- */

struct spot {
	int folder;
	char name[NAME_MAX + 1];
};

static void spot_release(struct spot *s)
{
	if (s->folder >= 0)
		(void)close(s->folder);
}
DEFINE_CLEANUP(struct spot *, spot_release);

static int fail(struct error *err, int errnum, const char *path)
{
	return err_sys(err, errnum, "change '%.300s'", path);
}

static int find_spot(int root, const char *path, struct spot *ret, struct error *err)
{
	const char *slash = strrchr(path, '/');
	char above[VIEW_PATH];

	(void)snprintf(above, sizeof(above), "%.*s", slash ? (int)(slash - path) : 1,
		       slash ? path : ".");
	if ((size_t)snprintf(ret->name, sizeof(ret->name), "%s", slash ? slash + 1 : path) >=
	    sizeof(ret->name))
		return fail(err, ENAMETOOLONG, path);
	ret->folder = open_beneath_cross(root, above, O_RDONLY | O_DIRECTORY, 0, true);
	return ret->folder < 0 ? fail(err, errno, path) : 0;
}

/* Is it still what was looked at when the merge was planned? */
static int check_same(const struct spot *s, const struct merge_item *item, struct error *err)
{
	const struct stat *was = &item->st[FROM_OURS];
	struct stat is = { 0 };

	if (fstatat(s->folder, s->name, &is, AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT)
		return fail(err, errno, item->path);
	is.st_mode &= ~(mode_t)(S_ISUID | S_ISGID);
	if (is.st_mode == was->st_mode &&
	    (!is.st_mode || S_ISDIR(is.st_mode) ||
	     (is.st_ino == was->st_ino && is.st_size == was->st_size &&
	      is.st_mtim.tv_sec == was->st_mtim.tv_sec &&
	      is.st_mtim.tv_nsec == was->st_mtim.tv_nsec)))
		return 0;
	(void)err_set(err, ERR_CONFLICT, "'%.300s' was changed meanwhile", item->path);
	return err_hint(err, "merge again: what was done already is found");
}

/* ---- entries ---- */

/* What replaces a file keeps its owner, which a privileged caller's would not. */
static void keep_owner(const struct spot *s, int fd)
{
	struct stat st;

	if (!fstatat(s->folder, s->name, &st, AT_SYMLINK_NOFOLLOW))
		(void)!fchown(fd, st.st_uid, st.st_gid);
}

static int write_all(int fd, const char *text, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = write(fd, text + done, len - done);

		if (n < 0)
			return -1;
		done += (size_t)n;
	}
	return 0;
}

static int fill(const struct merge *m, const struct merge_item *item, const struct view_entry *e,
		int to, struct error *err)
{
	cleanup_free char *text = NULL;
	cleanup_close int from = -1;
	size_t len = 0;

	if (item->choice.content != FROM_TEXT) {
		from = copy_reopen(e->fd);
		return from < 0 ? fail(err, errno, item->path) : copy_content(from, to, err);
	}
	if (merge_lines(m, item, &text, &len, err) < 0)
		return -1;
	return write_all(to, text, len) < 0 ? fail(err, errno, item->path) : 0;
}

static int make_file(const struct merge *m, const struct merge_item *item,
		     const struct view_entry *e, const struct spot *s, const char *temporary,
		     struct error *err)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	cleanup_close int to = openat(s->folder, temporary, flags, 0600);
	int r = fault("apply.write");

	if (to < 0 || r)
		return fail(err, r ? r : errno, item->path);
	if (fill(m, item, e, to, err) < 0)
		return -1;
	keep_owner(s, to);
	/* what ran in a sandbox does not make programs that run as somebody */
	if (fchmod(to, e->st.st_mode & 0777) < 0 || fsync(to) < 0)
		return fail(err, errno, item->path);
	return 0;
}

static int make_link(const struct view_entry *e, const struct spot *s, const char *temporary)
{
	char target[VIEW_PATH];
	ssize_t n = readlinkat(e->fd, "", target, sizeof(target) - 1);

	if (n < 0)
		return -1;
	target[n] = '\0';
	return symlinkat(target, s->folder, temporary);
}

static int make_folder(const struct view_entry *e, const struct spot *s)
{
	cleanup_close int fd = -1;

	if (mkdirat(s->folder, s->name, 0700) < 0 && errno != EEXIST)
		return -1;
	fd = openat(s->folder, s->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -1 : fchmod(fd, e->st.st_mode & 01777);
}

static int not_for_folders(const struct merge_item *item, struct error *err)
{
	(void)err_set(err, ERR_UNSUPPORTED, "'%.300s' is a socket or a device: it is not put into "
		      "a folder", item->path);
	return err_hint(err, "remove it on the branch: faas branch exec BRANCH 'rm ...'");
}

static int replace(const struct merge *m, const struct merge_item *item,
		   const struct view_entry *e, const struct spot *s, struct error *err)
{
	char temporary[ID_SIZE + 8], id[ID_SIZE];
	int r = 0;

	id_make(id);
	(void)snprintf(temporary, sizeof(temporary), ".faas-%s", id);
	if (S_ISREG(e->st.st_mode))
		r = make_file(m, item, e, s, temporary, err);
	else if (S_ISLNK(e->st.st_mode))
		r = make_link(e, s, temporary) < 0 ? fail(err, errno, item->path) : 0;
	else if (S_ISFIFO(e->st.st_mode))
		r = mkfifoat(s->folder, temporary, e->st.st_mode & 0777) < 0
			? fail(err, errno, item->path) : 0;
	else
		return not_for_folders(item, err);
	if (!r && (r = fault("apply.rename")))
		r = fail(err, r, item->path);
	if (!r && renameat(s->folder, temporary, s->folder, s->name) < 0)
		r = fail(err, errno, item->path);
	if (r < 0)
		(void)unlinkat(s->folder, temporary, 0);
	return r;
}

static int put(const struct merge *m, int root, const struct merge_item *item, struct error *err)
{
	CLEANUP(spot_release) struct spot *s = &(struct spot){ .folder = -1 };
	struct view_entry e;
	int r;

	if (merge_entry(m, item, &e, err) < 0)
		return -1;
	r = find_spot(root, item->path, s, err);
	if (!r && S_ISDIR(e.st.st_mode))
		r = make_folder(&e, s) < 0 ? fail(err, errno, item->path) : 0;
	else if (!r)
		r = replace(m, item, &e, s, err);
	(void)close(e.fd);
	return r;
}

/* Is what ours has there in the way of the result? */
static bool to_remove(const struct merge *m, const struct merge_item *item)
{
	mode_t was = item->st[FROM_OURS].st_mode;
	const struct merge_choice *c = &item->choice;
	enum merge_from from = c->content == FROM_TEXT ? FROM_OURS : c->content;

	(void)m;
	if (!item->changes || !was)
		return false;
	return !c->present || S_ISDIR(was) != S_ISDIR(item->st[from].st_mode);
}

static int take_away(int root, const struct merge_item *item, struct error *err)
{
	CLEANUP(spot_release) struct spot *s = &(struct spot){ .folder = -1 };
	bool folder = S_ISDIR(item->st[FROM_OURS].st_mode);

	if (find_spot(root, item->path, s, err) < 0 || check_same(s, item, err) < 0)
		return -1;
	if (!unlinkat(s->folder, s->name, folder ? AT_REMOVEDIR : 0))
		return 0;
	/* something of the user's is in it: it stays, unless a file is to be there */
	if (folder && errno == ENOTEMPTY && !item->choice.present)
		return 0;
	return fail(err, errno, item->path);
}

static bool can_be_put(const struct merge_item *item)
{
	const struct merge_choice *c = &item->choice;
	mode_t mode = item->st[c->content == FROM_TEXT ? FROM_OURS : c->content].st_mode;

	return !item->changes || !c->present || S_ISREG(mode) || S_ISLNK(mode) ||
		S_ISDIR(mode) || S_ISFIFO(mode);
}

/* Before anything is changed. */
static int check_all(const struct merge *m, int root, struct error *err)
{
	for (size_t i = 0; i < m->n; i++) {
		CLEANUP(spot_release) struct spot *s = &(struct spot){ .folder = -1 };
		const struct merge_item *item = &m->items[i];

		if (!can_be_put(item))
			return not_for_folders(item, err);
		if (!item->changes || !item->st[FROM_OURS].st_mode)
			continue;
		if (find_spot(root, item->path, s, err) < 0 || check_same(s, item, err) < 0)
			return -1;
	}
	return 0;
}

int apply_merge(const struct merge *m, int fd, struct error *err)
{
	if (check_all(m, fd, err) < 0)
		return -1;
	for (size_t i = m->n; i-- > 0;)
		if (to_remove(m, &m->items[i]) && take_away(fd, &m->items[i], err) < 0)
			return -1;
	for (size_t i = 0; i < m->n; i++)
		if (m->items[i].changes && m->items[i].choice.present &&
		    put(m, fd, &m->items[i], err) < 0)
			return -1;
	return 0;
}
