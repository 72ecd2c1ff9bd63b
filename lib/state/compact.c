#include "lib/state/compact.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lib/state/copy.h"
#include "lib/state/layer.h"
#include "lib/state/paths.h"

enum { DEPTH_MAX = 200 };

struct merge {
	bool user;			/* marks are user.overlay.*, as without root */
	int depth;
};

static int merge_folders(struct merge *m, const int *fds, int n, bool hides, int out,
			 struct error *err);

static int link_one(int from, const char *name, int out, const struct stat *st,
		    struct error *err)
{
	if (!linkat(from, name, out, name, 0))
		return 0;
	/* there are more whiteouts than one file may have names */
	if (errno == EMLINK && S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0) &&
	    !mknodat(out, name, S_IFCHR | (st->st_mode & 07777), makedev(0, 0)))
		return 0;
	return err_sys(err, errno, "link '%.200s'", name);
}

static int open_folder(int parent, const char *name)
{
	return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/*
 * Folders that lie upon each other are one, down to the first that hides what is below
 * it, or to a layer where the name is something else.
 */
static int merge_folder(struct merge *m, const int *fds, int n, const char *name, int out,
			struct error *err)
{
	const struct view_layer marks = { .user = m->user };
	int subs[COMPACT_LAYERS_MAX], count = 0, to, r = 0;
	bool hides = false;

	for (int i = 0; i < n && !hides && !r; i++) {
		struct stat st;

		if (fstatat(fds[i], name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
			if (errno != ENOENT)
				r = err_sys(err, errno, "look at '%.200s'", name);
			continue;
		}
		if (!S_ISDIR(st.st_mode)) {
			hides = true;
			break;
		}
		subs[count] = open_folder(fds[i], name);
		if (subs[count] < 0)
			r = err_sys(err, errno, "open '%.200s'", name);
		else
			hides = view_is_opaque(&marks, subs[count++]);
	}
	if (!r && mkdirat(out, name, 0700) < 0)
		r = err_sys(err, errno, "create '%.200s'", name);
	to = r ? -1 : open_folder(out, name);
	if (!r && to < 0)
		r = err_sys(err, errno, "open '%.200s'", name);
	if (!r)
		r = merge_folders(m, subs, count, hides, to, err);
	if (to >= 0)
		(void)close(to);
	for (int i = 0; i < count; i++)
		(void)close(subs[i]);
	return r;
}

static int merge_name(struct merge *m, const int *fds, int n, const char *name, int out,
		      struct error *err)
{
	struct stat st;

	for (int i = 0; i < n; i++) {
		if (fstatat(fds[i], name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
			if (errno != ENOENT)
				return err_sys(err, errno, "look at '%.200s'", name);
			continue;
		}
		return S_ISDIR(st.st_mode) ? merge_folder(m, fds + i, n - i, name, out, err)
					   : link_one(fds[i], name, out, &st, err);
	}
	return err_set(err, ERR_CONFLICT, "'%.200s' is not there any more", name);
}

static int merge_folders(struct merge *m, const int *fds, int n, bool hides, int out,
			 struct error *err)
{
	CLEANUP(paths_release) struct paths *names = &(struct paths){ 0 };
	int r = 0;

	if (m->depth == DEPTH_MAX)
		return err_set(err, ERR_LIMIT, "folders are nested deeper than %d", DEPTH_MAX);
	for (int i = 0; i < n && !r; i++)
		r = paths_list(names, fds[i], err);
	paths_sort(names);
	m->depth++;
	for (size_t i = 0; i < names->n && !r; i++)
		r = merge_name(m, fds, n, names->v[i], out, err);
	m->depth--;
	if (!r && hides && copy_mark_opaque(out, m->user) < 0)
		r = err_sys(err, errno, "mark a folder that hides others");
	/* the topmost's: last, because what came into it changed its times */
	return r ? r : copy_metadata(fds[0], out, m->user, err);
}

int compact_layers(const int *fds, int n, int out, struct error *err)
{
	CLEANUP(paths_release) struct paths *names = &(struct paths){ 0 };
	struct merge m = { 0 };
	struct stat st;
	int r = 0;

	if (n < 1 || n > COMPACT_LAYERS_MAX)
		return err_set(err, ERR_USAGE, "%d layers are not merged at once", n);
	if (fstat(fds[0], &st) < 0)
		return err_sys(err, errno, "look at a layer");
	m.user = st.st_uid != 0;
	for (int i = 0; i < n && !r; i++)
		r = paths_list(names, fds[i], err);
	paths_sort(names);
	for (size_t i = 0; i < names->n && !r; i++)
		if (layer_is_part(names->v[i]))
			r = merge_name(&m, fds, n, names->v[i], out, err);
	return r;
}
