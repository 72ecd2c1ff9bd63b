#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/base64.h"
#include "lib/state/copy.h"
#include "lib/state/diff.h"
#include "lib/statehelper/confine.h"
#include "lib/statehelper/sides.h"
#include "lib/statehelper/summary.h"
#include "lib/statehelper/text.h"
#include "lib/statehelper/verb.h"

/* The answer is one frame of 16 MiB: what there is more of is on the next page. */
enum { ROWS_MAX = 40000, BYTES_MAX = 10 << 20 };

struct comparing {
	const struct view *from, *to;
	const json_t *paths;
	bool lines, patch;
	json_t *rows;
	size_t bytes, most;
	char last[VIEW_PATH];		/* path of the last row */
	struct summary *summary;	/* instead of rows, or NULL */
	struct error *err;
	bool failed, more;
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

/* One that no page could hold: whoever reads it is told. */
static void leave_out(json_t *row)
{
	(void)json_object_del(row, "patch");
	json_object_set_new(row, "patch_omitted", json_true());
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
	if (c->patch && !t.binary && !strbuf_failed(&patch))
		json_object_set_new(row, "patch", say_text(patch.buf, patch.len));
	else if (c->patch && !t.binary)
		leave_out(row);
	return 0;
}

static json_t *make_row(struct comparing *c, const struct difference *d)
{
	const char kind[] = { (char)d->kind, '\0' };
	json_t *row = json_pack("{s:s,s:o,s:b,s:b,s:o,s:o}", "kind", kind, "path",
				say_text(d->path, strlen(d->path)), "content", d->content,
				"attributes", d->attributes, "before", side(&d->before), "after",
				side(&d->after));

	if (c->lines && d->content && add_lines(c, d, row) < 0) {
		json_decref(row);
		return NULL;
	}
	if (json_dumpb(row, NULL, 0, JSON_COMPACT) > BYTES_MAX)
		leave_out(row);
	return row;
}

static int add(void *arg, const struct difference *d)
{
	struct comparing *c = arg;
	json_t *row;
	size_t size;

	if (!wanted(c, d->path))
		return 0;
	if (c->summary) {
		say_progress(c->summary->n, 0);
		c->failed = summary_add(c->summary, d, c->err) < 0;
		return c->failed;
	}
	say_progress(json_array_size(c->rows), 0);
	c->more = json_array_size(c->rows) == c->most;
	if (c->more)
		return 1;
	row = make_row(c, d);
	c->failed = !row;
	if (c->failed)
		return 1;
	size = json_dumpb(row, NULL, 0, JSON_COMPACT) + 1;
	c->more = c->bytes && c->bytes + size > BYTES_MAX;
	if (c->more) {
		json_decref(row);
		return 1;
	}
	c->bytes += size;
	json_array_append_new(c->rows, row);
	(void)snprintf(c->last, sizeof(c->last), "%s", d->path);
	return 0;
}

/* Where the page before this one ended: its path, in base64. NULL: this is the first. */
static int read_after(const json_t *ask, char ret[VIEW_PATH], const char **ret_after,
		      struct error *err)
{
	const char *text = json_string_value(json_object_get(ask, "after"));
	ssize_t n;

	*ret_after = NULL;
	if (!text)
		return 0;
	n = strlen(text) < VIEW_PATH ? base64_decode(text, ret) : -1;
	if (n < 0)
		return err_set(err, ERR_USAGE, "'after' is none of our cursors");
	ret[n] = '\0';
	*ret_after = ret;
	return 0;
}

static void put_next(const struct comparing *c, json_t *result)
{
	char text[BASE64_SIZE(VIEW_PATH)];

	base64_encode(c->last, strlen(c->last), text);
	json_object_set_new(result, "next", c->more ? json_string(text) : json_null());
}

static void put_summary(struct summary *s, json_t *result)
{
	char digest[HASH_TEXT];

	summary_end(s, digest);
	json_object_set_new(result, "n", json_integer((json_int_t)s->n));
	json_object_set_new(result, "digest", json_string(digest));
}

int verb_diff(const json_t *ask, json_t *result, struct error *err)
{
	static const char *const names[] = { "from", "to" };
	CLEANUP(sides_release) struct sides *s = &(struct sides){ .n = 0 };
	json_int_t limit = json_integer_value(json_object_get(ask, "limit"));
	struct confine c = { .write = -1 };
	char path[VIEW_PATH];
	struct summary summary;
	const char *after;
	struct comparing comparing = {
		.paths = json_object_get(ask, "paths"), .rows = json_array(), .err = err,
		.patch = json_is_true(json_object_get(ask, "patch")),
	};

	if (json_is_true(json_object_get(ask, "summary")))
		comparing.summary = &summary;
	comparing.most = limit > 0 && limit < ROWS_MAX ? (size_t)limit : ROWS_MAX;
	comparing.lines = comparing.patch || json_is_true(json_object_get(ask, "lines"));
	json_object_set_new(result, "differences", comparing.rows);
	if (read_after(ask, path, &after, err) < 0 || sides_open(s, ask, names, 2, err) < 0)
		return -1;
	sides_confine(s, &c);
	if (confine(&c, err) < 0)
		return -1;
	comparing.from = &s->view[0];
	comparing.to = &s->view[1];
	summary_begin(&summary, comparing.to);
	if (diff_views(comparing.from, comparing.to, after, add, &comparing, err) < 0 ||
	    comparing.failed)
		return -1;
	put_next(&comparing, result);
	if (comparing.summary)
		put_summary(&summary, result);
	return 0;
}
