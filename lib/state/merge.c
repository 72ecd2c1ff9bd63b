#include "lib/state/merge.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/state/copy.h"
#include "lib/state/diff.h"

void merge_release(struct merge *m)
{
	paths_release(&m->paths);
	free(m->items);
	m->items = NULL;
	m->n = 0;
}

int merge_lookup(const struct merge *m, enum merge_from side, const char *path,
		 struct view_entry *ret, struct error *err)
{
	const struct merge_side *s = &m->side[side];
	char full[VIEW_PATH];
	int r;

	if ((size_t)snprintf(full, sizeof(full), "%s%s%s", s->below, *s->below ? "/" : "", path) >=
	    sizeof(full))
		return err_set(err, ERR_LIMIT, "a path of more than %d bytes", VIEW_PATH);
	r = view_lookup(s->view, full, ret, err);
	if (r > 0 && m->no_owners) {
		ret->st.st_uid = ret->st.st_gid = 0;
		ret->st.st_mode &= ~(mode_t)(S_ISUID | S_ISGID);
	}
	return r;
}

/* ---- one path ---- */

struct three {
	struct view_entry e[3];
};

static void three_release(struct three *t)
{
	for (int i = 0; i < 3; i++)
		if (t->e[i].fd >= 0)
			(void)close(t->e[i].fd);
}
DEFINE_CLEANUP(struct three *, three_release);

static int look(const struct merge *m, const char *path, struct three *t, struct error *err)
{
	for (int i = 0; i < 3; i++) {
		int r = merge_lookup(m, (enum merge_from)i, path, &t->e[i], err);

		if (r > 0)
			continue;
		t->e[i] = (struct view_entry){ .fd = -1 };
		if (r < 0)
			return -1;
	}
	return 0;
}

static int same(const struct view_entry *a, const struct view_entry *b, const char *path,
		bool *ret, struct error *err)
{
	int r = 1;

	if (!a->st.st_mode || !b->st.st_mode)
		r = a->st.st_mode == b->st.st_mode;
	else
		r = diff_same(a, b, path, err);
	*ret = r > 0;
	return r < 0 ? -1 : 0;
}

static int open_three(const struct three *t, int fds[3], struct error *err)
{
	for (int i = 0; i < 3; i++) {
		fds[i] = -1;
		if (!S_ISREG(t->e[i].st.st_mode))
			continue;
		fds[i] = copy_reopen(t->e[i].fd);
		if (fds[i] < 0)
			return err_sys(err, errno, "read it");
	}
	return 0;
}

static int run_text(const struct merge *m, const char *path, const struct three *t, char **ret,
		    size_t *len, struct error *err)
{
	int fds[3] = { -1, -1, -1 };
	int r = open_three(t, fds, err);

	if (!r)
		r = m->text(m, fds, ret, len, err);
	for (int i = 0; i < 3; i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
	return r < 0 ? err_wrap(err, "merge '/%.300s'", path) : r;
}

/* What theirs did is in ours already, as after an earlier merge. */
static bool is_text(const struct view_entry *e, const char *text, size_t len)
{
	cleanup_close int fd = copy_reopen(e->fd);
	char block[4096];
	size_t done = 0;
	ssize_t n;

	if (fd < 0 || (size_t)e->st.st_size != len)
		return false;
	while ((n = read(fd, block, sizeof(block))) > 0) {
		if ((size_t)n > len - done || memcmp(block, text + done, (size_t)n))
			return false;
		done += (size_t)n;
	}
	return !n && done == len;
}

static int try_text(const struct merge *m, const char *path, const struct three *t,
		    struct merge_choice *choice, struct error *err)
{
	cleanup_free char *text = NULL;
	size_t len = 0;
	int r = run_text(m, path, t, &text, &len, err);

	if (r < 0)
		return -1;
	if (r == TEXT_MERGED) {
		if (is_text(&t->e[FROM_OURS], text, len))
			choice->content = FROM_OURS;
		return 0;
	}
	if (r == TEXT_CONFLICT && m->markers && choice->text_conflict) {
		choice->marked = choice->text_conflict;
		return 0;
	}
	choice->content = choice->if_not;
	if (!choice->text_conflict)
		return 0;
	choice->conflict = r == TEXT_BINARY && choice->text_conflict == CONFLICT_CONTENT
		? CONFLICT_BINARY : choice->text_conflict;
	return 0;
}

/* All lines of both are new: what they have alike stands outside of the marks. */
static void put_together(struct merge_choice *c)
{
	c->text_conflict = c->conflict;
	c->conflict = CONFLICT_NONE;
	c->content = FROM_TEXT;
	c->if_not = FROM_OURS;
	c->present = true;
}

static int plan_one(struct merge *m, struct merge_item *item, struct error *err)
{
	CLEANUP(three_release) struct three *t = &(struct three){
		{ { .fd = -1 }, { .fd = -1 }, { .fd = -1 } }
	};
	const char *path = item->path;
	struct merge_input in = { 0 };

	if (look(m, path, t, err) < 0)
		return -1;
	for (int i = 0; i < 3; i++)
		in.st[i] = item->st[i] = t->e[i].st;
	if (same(&t->e[FROM_BASE], &t->e[FROM_OURS], path, &in.base_ours, err) < 0 ||
	    same(&t->e[FROM_BASE], &t->e[FROM_THEIRS], path, &in.base_theirs, err) < 0 ||
	    same(&t->e[FROM_OURS], &t->e[FROM_THEIRS], path, &in.ours_theirs, err) < 0)
		return -1;
	item->choice = merge_decide(m->strategy, &in);
	if (m->markers && item->choice.conflict == CONFLICT_ADDED &&
	    S_ISREG(in.st[FROM_OURS].st_mode) && S_ISREG(in.st[FROM_THEIRS].st_mode))
		put_together(&item->choice);
	return item->choice.content == FROM_TEXT ? try_text(m, path, t, &item->choice, err) : 0;
}

/* ---- folders ---- */

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct merge_item *)a)->path, ((const struct merge_item *)b)->path);
}

/* The item of the folder that path is in; NULL when nobody touched it. */
static struct merge_item *folder_of(const struct merge *m, const char *path)
{
	const char *slash = strrchr(path, '/');
	char above[VIEW_PATH];
	struct merge_item key = { .path = above };

	if (!slash || !m->items)
		return NULL;
	(void)snprintf(above, sizeof(above), "%.*s", (int)(slash - path), path);
	return bsearch(&key, m->items, m->n, sizeof(key), by_path);
}

static mode_t result_type(const struct merge_item *item)
{
	enum merge_from from = item->choice.content == FROM_TEXT ? FROM_OURS : item->choice.content;

	return item->choice.present ? item->st[from].st_mode & S_IFMT : 0;
}

bool merge_has_folder(const struct merge *m, const char *path)
{
	const struct merge_item *folder = folder_of(m, path);

	return !folder || S_ISDIR(result_type(folder));
}

static void take(struct merge_item *item, enum merge_from side)
{
	item->choice = (struct merge_choice){
		.present = item->st[side].st_mode != 0,
		.content = side, .mode = side, .owner = side,
	};
}

/* What stays needs the folder that it is in, though one of them deleted that. */
static void revive(struct merge *m)
{
	static const enum merge_from order[] = { FROM_OURS, FROM_THEIRS, FROM_BASE };

	/* from the end: a folder comes before what is in it */
	for (size_t i = m->n; i-- > 0;) {
		struct merge_item *folder = folder_of(m, m->items[i].path);

		if (!m->items[i].choice.present || !folder || folder->choice.present ||
		    folder->choice.conflict)
			continue;
		for (size_t j = 0; j < ARRAY_SIZE(order); j++)
			if (S_ISDIR(folder->st[order[j]].st_mode)) {
				take(folder, order[j]);
				break;
			}
	}
}

/* One of them has a file or a link where the other changed something in a folder. */
static void collide(const struct merge *m, struct merge_item *folder, struct merge_item *item)
{
	enum merge_from wins = m->strategy == MERGE_OURS ? FROM_OURS : FROM_THEIRS;

	if (m->strategy != MERGE_OURS && m->strategy != MERGE_THEIRS)
		folder->choice.conflict = CONFLICT_TYPE;
	else if (S_ISDIR(folder->st[wins].st_mode))
		take(folder, wins);
	else
		take(item, wins);
}

static void fit(struct merge *m)
{
	revive(m);
	for (size_t i = 0; i < m->n; i++) {
		struct merge_item *item = &m->items[i], *folder = folder_of(m, item->path);

		if (!folder || !item->choice.present)
			continue;
		if (folder->choice.conflict)
			continue;
		if (!folder->choice.present)
			item->choice = (struct merge_choice){ .content = FROM_BASE };
		else if (!S_ISDIR(result_type(folder)))
			collide(m, folder, item);
	}
}

/* ---- all of them ---- */

/* What went with a folder that is to stay: union keeps it, intersection gives it back. */
static int add_deleted(struct merge *m, struct error *err)
{
	size_t n = m->paths.n;

	if (m->strategy != MERGE_UNION && m->strategy != MERGE_INTERSECTION)
		return 0;
	for (size_t i = 0; i < n; i++) {
		CLEANUP(three_release) struct three *t = &(struct three){
			{ { .fd = -1 }, { .fd = -1 }, { .fd = -1 } }
		};

		if (look(m, m->paths.v[i], t, err) < 0)
			return -1;
		if (S_ISDIR(t->e[FROM_BASE].st.st_mode) &&
		    (!S_ISDIR(t->e[FROM_OURS].st.st_mode) ||
		     !S_ISDIR(t->e[FROM_THEIRS].st.st_mode)) &&
		    paths_below(&m->paths, m->side[FROM_BASE].view, m->paths.v[i], err) < 0)
			return -1;
	}
	paths_sort(&m->paths);
	return 0;
}

static int find_paths(struct merge *m, struct error *err)
{
	const struct view *base = m->side[FROM_BASE].view;

	if (paths_touched(&m->paths, base, m->side[FROM_OURS].view, err) < 0 ||
	    paths_touched(&m->paths, base, m->side[FROM_THEIRS].view, err) < 0)
		return -1;
	return add_deleted(m, err);
}

static bool differs(const struct merge_item *item)
{
	const struct stat *ours = &item->st[FROM_OURS];
	const struct merge_choice *c = &item->choice;

	if (!c->present)
		return ours->st_mode != 0;
	return c->content != FROM_OURS || item->st[c->mode].st_mode != ours->st_mode ||
		item->st[c->owner].st_uid != ours->st_uid ||
		item->st[c->owner].st_gid != ours->st_gid;
}

static void count(struct merge *m, struct merge_item *item)
{
	const struct merge_choice *c = &item->choice;

	if (c->conflict) {
		m->n_conflicts++;
		return;
	}
	item->changes = differs(item);
	if (!item->changes)
		return;
	m->n_marked += c->marked != CONFLICT_NONE;
	m->texts += c->content == FROM_TEXT && !c->marked;
	if (!c->present)
		m->deleted++;
	else if (!item->st[FROM_OURS].st_mode)
		m->added++;
	else
		m->changed++;
}

int merge_plan(struct merge *m, struct error *err)
{
	if (!m->given && find_paths(m, err) < 0)
		return -1;
	m->items = calloc(m->paths.n + 1, sizeof(*m->items));
	if (!m->items)
		return err_sys(err, ENOMEM, "merge");
	for (; m->n < m->paths.n; m->n++) {
		m->items[m->n].path = m->paths.v[m->n];
		if (plan_one(m, &m->items[m->n], err) < 0)
			return -1;
	}
	fit(m);
	for (size_t i = 0; i < m->n; i++)
		count(m, &m->items[i]);
	return 0;
}

/* ---- the result ---- */

int merge_entry(const struct merge *m, const struct merge_item *item, struct view_entry *ret,
		struct error *err)
{
	const struct merge_choice *c = &item->choice;
	enum merge_from from = c->content == FROM_TEXT ? FROM_OURS : c->content;
	int r = merge_lookup(m, from, item->path, ret, err);

	if (r <= 0)
		return r < 0 ? -1 : err_set(err, ERR_CONFLICT, "'/%.300s' has gone meanwhile",
					    item->path);
	/* a link has no mode, and its type is its own */
	if (!S_ISLNK(ret->st.st_mode))
		ret->st.st_mode = (ret->st.st_mode & S_IFMT) | (item->st[c->mode].st_mode & 07777);
	ret->st.st_uid = item->st[c->owner].st_uid;
	ret->st.st_gid = item->st[c->owner].st_gid;
	if (c->content == FROM_TEXT)
		(void)clock_gettime(CLOCK_REALTIME, &ret->st.st_mtim);
	return 0;
}

int merge_lines(const struct merge *m, const struct merge_item *item, char **ret, size_t *len,
		struct error *err)
{
	CLEANUP(three_release) struct three *t = &(struct three){
		{ { .fd = -1 }, { .fd = -1 }, { .fd = -1 } }
	};
	int r;

	if (look(m, item->path, t, err) < 0)
		return -1;
	r = run_text(m, item->path, t, ret, len, err);
	if (r >= 0 && r != (item->choice.marked ? TEXT_CONFLICT : TEXT_MERGED))
		return err_set(err, ERR_CONFLICT, "'/%.300s' was changed meanwhile", item->path);
	return r < 0 ? -1 : 0;
}

static int write_one(const struct merge *m, struct writer *w, const struct merge_item *item,
		     struct error *err)
{
	struct view_entry e = { .fd = -1 };
	cleanup_free char *text = NULL;
	size_t len = 0;
	int r;

	if (!item->choice.present)
		/* it is hidden already when what it was in is */
		return merge_has_folder(m, item->path) ? writer_whiteout(w, item->path, err) : 0;
	if (merge_entry(m, item, &e, err) < 0)
		return -1;
	if (item->choice.content == FROM_TEXT) {
		r = merge_lines(m, item, &text, &len, err);
		if (!r)
			r = writer_put_text(w, item->path, &e, text, len, err);
	} else {
		r = writer_put(w, item->path, &e, err);
	}
	(void)close(e.fd);
	return r;
}

int merge_write(const struct merge *m, struct writer *w, struct error *err)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->items[i].changes && write_one(m, w, &m->items[i], err) < 0)
			return -1;
	return writer_finish(w, err);
}
