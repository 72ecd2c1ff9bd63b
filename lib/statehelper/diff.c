#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/state/copy.h"
#include "lib/state/diff.h"
#include "lib/statehelper/confine.h"
#include "lib/statehelper/sides.h"
#include "lib/statehelper/text.h"
#include "lib/statehelper/verb.h"

/* The answer is one frame of 16 MiB: of what has more, less is to be asked. */
enum { ROWS_MAX = 40000, BYTES_MAX = 10 << 20 };

struct comparing {
	const struct view *from, *to;
	const json_t *paths;
	bool lines, patch;
	json_t *rows;
	size_t bytes;
	struct error *err;
	bool failed;
};

/* Is it, or is it below, one of the paths that are asked for? */
static bool wanted(const struct comparing *c, const char *path)
{
	json_t *one;
	size_t i;

	json_array_foreach(c->paths, i, one) {
		const char *p = json_string_value(one);
		size_t n;

		p += strspn(p, "/");
		n = strlen(p);
		while (n && p[n - 1] == '/')
			n--;
		if (!n || (!strncmp(path, p, n) && (!path[n] || path[n] == '/')))
			return true;
	}
	return !json_array_size(c->paths);
}

static json_t *side(const struct stat *st)
{
	if (!st->st_mode)
		return json_null();
	return json_pack("{s:I,s:I,s:I,s:I}", "mode", (json_int_t)st->st_mode, "size",
			 (json_int_t)st->st_size, "uid", (json_int_t)st->st_uid, "gid",
			 (json_int_t)st->st_gid);
}

/* A file to be read as text, or the text of a link; -1 for what has none. */
static int text_of(const struct comparing *c, const struct view *v, const char *path,
		   const struct stat *st, struct text_side *ret)
{
	struct view_entry e;
	int r;

	*ret = (struct text_side){ .fd = -1 };
	if (!S_ISREG(st->st_mode) && !S_ISLNK(st->st_mode))
		return 0;
	r = view_lookup(v, path, &e, c->err);
	if (r <= 0)
		return r;
	if (S_ISLNK(st->st_mode)) {
		ssize_t n = readlinkat(e.fd, "", ret->link, sizeof(ret->link));

		ret->link_len = n > 0 ? (size_t)n : 0;
	} else {
		ret->fd = copy_reopen(e.fd);
	}
	r = S_ISREG(st->st_mode) && ret->fd < 0
		? err_sys(c->err, errno, "read '/%.300s'", path) : 0;
	(void)close(e.fd);
	return r;
}

static int add_lines(struct comparing *c, const struct difference *d, json_t *row)
{
	cleanup_strbuf struct strbuf patch = STRBUF(BYTES_MAX);
	struct text_side from = { .fd = -1 }, to = { .fd = -1 };
	struct text_diff t = { 0 };
	int r = text_of(c, c->from, d->path, &d->before, &from);

	if (r >= 0)
		r = text_of(c, c->to, d->path, &d->after, &to);
	if (r >= 0)
		r = text_compare(&from, &to, &t, c->patch ? &patch : NULL, c->err);
	if (from.fd >= 0)
		(void)close(from.fd);
	if (to.fd >= 0)
		(void)close(to.fd);
	if (r < 0)
		return -1;
	json_object_set_new(row, "binary", json_boolean(t.binary));
	json_object_set_new(row, "lines_added", json_integer((json_int_t)t.added));
	json_object_set_new(row, "lines_deleted", json_integer((json_int_t)t.deleted));
	c->bytes += patch.len;
	if (strbuf_failed(&patch) || c->bytes > BYTES_MAX) {
		(void)err_set(c->err, ERR_LIMIT, "there is more than %d MiB of differences",
			      BYTES_MAX >> 20);
		return err_hint(c->err, "name paths after '--', or see --stat");
	}
	if (c->patch && !t.binary)
		json_object_set_new(row, "patch", say_text(patch.buf, patch.len));
	return 0;
}

static int add(void *arg, const struct difference *d)
{
	const char kind[] = { (char)d->kind, '\0' };
	struct comparing *c = arg;
	json_t *row;

	if (!wanted(c, d->path))
		return 0;
	say_progress(json_array_size(c->rows), 0);
	c->bytes += strlen(d->path) + 200;
	if (json_array_size(c->rows) == ROWS_MAX || c->bytes > BYTES_MAX) {
		(void)err_set(c->err, ERR_LIMIT, "more than %zu paths differ",
			      json_array_size(c->rows));
		(void)err_hint(c->err, "name paths after '--'");
		c->failed = true;
		return 1;
	}
	row = json_pack("{s:s,s:o,s:b,s:o,s:o}", "kind", kind, "path",
			say_text(d->path, strlen(d->path)), "content", d->content, "before",
			side(&d->before), "after", side(&d->after));
	json_array_append_new(c->rows, row);
	if (c->lines && d->content)
		c->failed = add_lines(c, d, row) < 0;
	return c->failed;
}

int verb_diff(const json_t *ask, json_t *result, struct error *err)
{
	static const char *const names[] = { "from", "to" };
	CLEANUP(sides_release) struct sides *s = &(struct sides){ .n = 0 };
	struct confine c = { .write = -1 };
	struct comparing comparing = {
		.paths = json_object_get(ask, "paths"), .rows = json_array(), .err = err,
		.patch = json_is_true(json_object_get(ask, "patch")),
	};

	comparing.lines = comparing.patch || json_is_true(json_object_get(ask, "lines"));
	json_object_set_new(result, "differences", comparing.rows);
	if (sides_open(s, ask, names, 2, err) < 0)
		return -1;
	sides_confine(s, &c);
	if (confine(&c, err) < 0)
		return -1;
	comparing.from = &s->view[0];
	comparing.to = &s->view[1];
	if (diff_views(comparing.from, comparing.to, add, &comparing, err) < 0)
		return -1;
	return comparing.failed ? -1 : 0;
}
