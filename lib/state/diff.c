#include "lib/state/diff.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/state/attributes.h"
#include "lib/state/copy.h"
#include "lib/state/paths.h"

enum { BLOCK = 65536 };

/* As much as there is of a block. */
static ssize_t read_at(int fd, char *to, off_t at)
{
	size_t done = 0;

	while (done < BLOCK) {
		ssize_t n = pread(fd, to + done, BLOCK - done, at + (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (!n)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

/* Where the next byte is that may not be zero, from at on; behind all files: there is none. */
static off_t next_data(int fd, off_t at)
{
	off_t data = lseek(fd, at, SEEK_DATA);

	if (data < 0)
		return errno == ENXIO ? INT64_MAX : at;
	return data;
}

/* Both are of one size. What is a hole in both takes no time, however large it is. */
static int same_content(int a, int b, const char *path, struct error *err)
{
	static char left[BLOCK], right[BLOCK];
	cleanup_close int x = copy_reopen(a);
	cleanup_close int y = copy_reopen(b);

	if (x < 0 || y < 0)
		return err_sys(err, errno, "read '/%s'", path);
	for (off_t at = 0; at != INT64_MAX;) {
		ssize_t n = read_at(x, left, at), m = read_at(y, right, at);

		if (n < 0 || m < 0)
			return err_sys(err, errno, "read '/%s'", path);
		if (n != m || memcmp(left, right, (size_t)n))
			return 0;
		if (!n)
			break;
		at += n;
		if (!left[0] && !memcmp(left, left + 1, (size_t)n - 1)) {
			off_t p = next_data(x, at), q = next_data(y, at);

			at = p < q ? p : q;
		}
	}
	return 1;
}

int diff_same(const struct view_entry *a, const struct view_entry *b, const char *path,
	      struct error *err)
{
	char left[VIEW_PATH], right[VIEW_PATH];
	ssize_t n;

	if ((a->st.st_mode & S_IFMT) != (b->st.st_mode & S_IFMT))
		return 0;
	switch (a->st.st_mode & S_IFMT) {
	case S_IFDIR:
		return 1;
	case S_IFREG:
		if (a->st.st_size != b->st.st_size)
			return 0;
		if (a->st.st_ino == b->st.st_ino && a->st.st_dev == b->st.st_dev)
			return 1;
		return same_content(a->fd, b->fd, path, err);
	case S_IFLNK:
		n = readlinkat(a->fd, "", left, sizeof(left));
		return n >= 0 && n == readlinkat(b->fd, "", right, sizeof(right)) &&
			!memcmp(left, right, (size_t)n);
	default:
		return a->st.st_rdev == b->st.st_rdev;
	}
}

/* Of two that are otherwise alike: 1 when their attributes are, too. */
static int same_attributes(const struct view *v, const struct view_entry *a,
			   const struct view_entry *b, const char *path, struct error *err)
{
	cleanup_close int x = -1, y = -1;
	int r;

	if ((!S_ISREG(a->st.st_mode) && !S_ISDIR(a->st.st_mode)) || !a->st.st_ino || !b->st.st_ino ||
	    (a->st.st_ino == b->st.st_ino && a->st.st_dev == b->st.st_dev))
		return 1;
	x = copy_reopen(a->fd);
	y = x < 0 ? -1 : copy_reopen(b->fd);
	if (y < 0)
		return err_sys(err, errno, "read '/%s'", path);
	r = attributes_same(x, y, v->n && v->layers[0].user, v->shift, err);
	return r < 0 ? err_wrap(err, "look at '/%s'", path) : r;
}

static int compare(const struct view *a, const struct view *b, const char *path,
		   struct difference *ret, struct error *err)
{
	struct view_entry x = { .fd = -1 }, y = { .fd = -1 };
	int have_x = view_lookup(a, path, &x, err), have_y, r = 0;

	if (have_x < 0)
		return -1;
	have_y = view_lookup(b, path, &y, err);
	*ret = (struct difference){ .path = path };
	if (have_x > 0)
		ret->before = x.st;
	if (have_y > 0)
		ret->after = y.st;
	if (have_y < 0) {
		r = -1;
	} else if (have_x && have_y) {
		int same = diff_same(&x, &y, path, err);

		ret->kind = DIFFERENCE_CHANGED;
		ret->content = !same;
		r = same < 0 ? -1 : !same || x.st.st_mode != y.st.st_mode ||
			x.st.st_uid != y.st.st_uid || x.st.st_gid != y.st.st_gid;
		if (!r) {
			ret->attributes = true;
			r = same_attributes(b->n ? b : a, &x, &y, path, err);
			r = r < 0 ? -1 : !r;
		}
	} else if (have_x || have_y) {
		ret->kind = have_x ? DIFFERENCE_DELETED : DIFFERENCE_ADDED;
		ret->content = true;
		r = 1;
	}
	if (have_x > 0)
		(void)close(x.fd);
	if (have_y > 0)
		(void)close(y.fd);
	return r;
}

int diff_views(const struct view *a, const struct view *b, const char *after,
	       int (*each)(void *arg, const struct difference *d), void *arg,
	       struct error *err)
{
	CLEANUP(paths_release) struct paths *paths = &(struct paths){ 0 };
	int r;

	if (paths_touched(paths, a, b, err) < 0)
		return -1;
	for (size_t i = 0; i < paths->n; i++) {
		struct difference d;

		if (after && strcmp(paths->v[i], after) <= 0)
			continue;
		r = compare(a, b, paths->v[i], &d, err);
		if (r < 0)
			return -1;
		if (r && each(arg, &d))
			return 0;
	}
	return 0;
}
