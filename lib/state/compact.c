#include "lib/state/compact.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/state/view.h"

enum { DEPTH_MAX = 200, NAMES_MAX = 1 << 22 };

struct names {
	char **v;
	size_t n, room;
};

static void names_release(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->v[i]);
	free(names->v);
	*names = (struct names){ 0 };
}
DEFINE_CLEANUP(struct names *, names_release);

static int add_name(struct names *names, const char *name, struct error *err)
{
	if (names->n == NAMES_MAX)
		return err_set(err, ERR_LIMIT, "a folder has more than %d names", NAMES_MAX);
	if (names->n == names->room) {
		size_t room = names->room ? names->room * 2 : 64;
		char **v = realloc(names->v, room * sizeof(*v));

		if (!v)
			return err_sys(err, ENOMEM, "merge layers");
		names->v = v;
		names->room = room;
	}
	names->v[names->n] = strdup(name);
	if (!names->v[names->n])
		return err_sys(err, ENOMEM, "merge layers");
	names->n++;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list(int fd, struct names *names, struct error *err)
{
	int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = own < 0 ? NULL : fdopendir(own);
	struct dirent *e;
	int r = 0;

	if (!d) {
		if (own >= 0)
			(void)close(own);
		return err_sys(err, errno, "read a folder");
	}
	errno = 0;
	while (!r && (e = readdir(d)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			r = add_name(names, e->d_name, err);
	if (!r && errno)
		r = err_sys(err, errno, "read a folder");
	(void)closedir(d);
	return r;
}

/* Each once, in the order of names. */
static void sort(struct names *names)
{
	size_t n = 0;

	if (names->n)
		qsort(names->v, names->n, sizeof(*names->v), by_name);
	for (size_t i = 0; i < names->n; i++)
		if (n && !strcmp(names->v[i], names->v[n - 1]))
			free(names->v[i]);
		else
			names->v[n++] = names->v[i];
	names->n = n;
}

/* What overlay notes for itself is not of the folder's; the caller marks what hides. */
static bool is_overlay_own(const char *attribute, bool user)
{
	return !strncmp(attribute, user ? "user.overlay." : "trusted.overlay.", user ? 13 : 16);
}

/* Its buffers are not for the stack of what calls itself. */
_noinline_
static int copy_attributes(int from, int to, bool user, struct error *err)
{
	char names[65536], value[65536];
	ssize_t n = flistxattr(from, names, sizeof(names));

	if (n < 0)
		return errno == ENOTSUP ? 0 : err_sys(err, errno, "read attributes");
	for (ssize_t at = 0; at < n; at += (ssize_t)strlen(names + at) + 1) {
		ssize_t len;

		if (is_overlay_own(names + at, user))
			continue;
		len = fgetxattr(from, names + at, value, sizeof(value));
		if (len < 0 || fsetxattr(to, names + at, value, (size_t)len, 0) < 0)
			return err_sys(err, errno, "copy attribute '%.100s'", names + at);
	}
	return 0;
}

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

/* Mode, owner, times and attributes are the topmost's. */
static int finish_folder(const struct merge *m, int from, bool hides, int out,
			 struct error *err)
{
	struct stat st;

	if (fstat(from, &st) < 0 || fchown(out, st.st_uid, st.st_gid) < 0 ||
	    fchmod(out, st.st_mode & 07777) < 0)
		return err_sys(err, errno, "copy owner and mode of a folder");
	if (copy_attributes(from, out, m->user, err) < 0)
		return -1;
	if (hides && fsetxattr(out, m->user ? "user.overlay.opaque" : "trusted.overlay.opaque",
			       "y", 1, 0) < 0)
		return err_sys(err, errno, "mark a folder that hides others");
	if (futimens(out, (const struct timespec[]){ st.st_atim, st.st_mtim }) < 0)
		return err_sys(err, errno, "copy times of a folder");
	return 0;
}

static int merge_folders(struct merge *m, const int *fds, int n, bool hides, int out,
			 struct error *err)
{
	CLEANUP(names_release) struct names *names = &(struct names){ 0 };
	int r = 0;

	if (m->depth == DEPTH_MAX)
		return err_set(err, ERR_LIMIT, "folders are nested deeper than %d", DEPTH_MAX);
	for (int i = 0; i < n && !r; i++)
		r = list(fds[i], names, err);
	sort(names);
	m->depth++;
	for (size_t i = 0; i < names->n && !r; i++)
		r = merge_name(m, fds, n, names->v[i], out, err);
	m->depth--;
	return r ? r : finish_folder(m, fds[0], hides, out, err);
}

/* "u", and "u.NAME" for the parts; "w" and "w.NAME" are the kernel's scratch. */
static bool is_part(const char *name)
{
	return name[0] == 'u' && (!name[1] || name[1] == '.');
}

int compact_layers(const int *fds, int n, int out, struct error *err)
{
	CLEANUP(names_release) struct names *names = &(struct names){ 0 };
	struct merge m = { 0 };
	struct stat st;
	int r = 0;

	if (n < 1 || n > COMPACT_LAYERS_MAX)
		return err_set(err, ERR_USAGE, "%d layers are not merged at once", n);
	if (fstat(fds[0], &st) < 0)
		return err_sys(err, errno, "look at a layer");
	m.user = st.st_uid != 0;
	for (int i = 0; i < n && !r; i++)
		r = list(fds[i], names, err);
	sort(names);
	for (size_t i = 0; i < names->n && !r; i++)
		if (is_part(names->v[i]))
			r = merge_name(&m, fds, n, names->v[i], out, err);
	return r;
}
