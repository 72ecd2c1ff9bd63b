#include "lib/state/merge.h"

#include <unistd.h>

#include "tests/unit/state.h"

/* "one" is the base; over it "ours", and over it "theirs". */
static struct view views[3];
static struct merge merged;
static enum merge_markers markers;
static char found[4096];

/* "a" and "b" give "ab"; what begins with '!' cannot be merged, '0' is no text. */
static int join(const struct merge *m, const int fds[3], char **ret, size_t *len,
		struct error *e)
{
	char text[3][16] = { "", "", "" };

	(void)e;
	for (int i = 0; i < 3; i++)
		if (fds[i] >= 0)
			check(read(fds[i], text[i], 15) >= 0);
	if (text[1][0] == '0')
		return TEXT_BINARY;
	if (text[1][0] == '!' && !m->markers)
		return TEXT_CONFLICT;
	*len = (size_t)asprintf(ret, "%s%s", text[1], text[2]);
	return text[1][0] == '!' ? TEXT_CONFLICT : TEXT_MERGED;
}

static void three(void)
{
	begin();
	folder("ours");
	folder("ours/u");
	folder("theirs");
	folder("theirs/u");
	folder("new");
}

static void plan(enum merge_strategy strategy)
{
	static const char *const names[3][2] = {
		{ "one" }, { "ours", "one" }, { "theirs", "one" },
	};
	char root[128];

	snprintf(root, sizeof(root), "%s/root", dir->path);
	merged = (struct merge){ .text = join, .strategy = strategy, .markers = markers };
	for (int i = 0; i < 3; i++) {
		check(!view_open(dir->fd, names[i], i ? 2 : 1, root, 0, &views[i], &err));
		merged.side[i] = (struct merge_side){ &views[i], "" };
	}
	check(!merge_plan(&merged, &err));
}

/* What is in conflict, or else what is to change in ours. */
static const char *outcome(void)
{
	found[0] = '\0';
	for (size_t i = 0; i < merged.n; i++) {
		const struct merge_item *item = &merged.items[i];
		size_t len = strlen(found);

		if (item->choice.conflict)
			snprintf(found + len, sizeof(found) - len, "%s!%s %s", len ? ", " : "",
				 merge_conflict_name(item->choice.conflict), item->path);
		else if (item->changes && !merged.n_conflicts)
			snprintf(found + len, sizeof(found) - len, "%s%c %s", len ? ", " : "",
				 item->choice.present ? "bot~"[item->choice.content] : '-',
				 item->path);
	}
	return found;
}

static void done(void)
{
	merge_release(&merged);
	for (int i = 0; i < 3; i++)
		view_close(&views[i]);
}

/* The layer is written over ours, and what is at path is read. */
static const char *written(const char *path)
{
	static char text[64];
	struct view v;
	struct view_entry e;
	struct writer w;
	char root[128], name[64];
	int fd, r;

	if (faccessat(dir->fd, "new/u", F_OK, 0) < 0) {
		int layer = openat(dir->fd, "new", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		check(!writer_open(&w, layer, &views[FROM_OURS], &err));
		check(!merge_write(&merged, &w, &err));
		writer_close(&w);
		close(layer);
	}
	snprintf(root, sizeof(root), "%s/root", dir->path);
	check(!view_open(dir->fd, (const char *const[]){ "new", "ours", "one" }, 3, root, 0, &v,
			 &err));
	r = view_lookup(&v, path, &e, &err);
	check(r >= 0);
	view_close(&v);
	if (!r)
		return "-";
	if (S_ISDIR(e.st.st_mode)) {
		close(e.fd);
		return "/";
	}
	snprintf(name, sizeof(name), "/proc/self/fd/%d", e.fd);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	r = (int)read(fd, text, sizeof(text) - 1);
	check(r >= 0);
	text[r] = '\0';
	close(fd);
	close(e.fd);
	return text;
}

TEST(what_one_side_changed_is_taken)
{
	if (geteuid())
		return;
	three();
	put("one/u", "both", "x");
	put("one/u", "gone", "x");
	put("one/u", "mine", "x");
	put("one/u", "same", "x");
	put("ours/u", "both", "a");
	put("theirs/u", "both", "b");
	put("ours/u", "mine", "y");
	put("theirs/u", "new", "n");
	put("ours/u", "same", "z");
	put("theirs/u", "same", "z");
	whiteout("theirs/u/gone");
	plan(MERGE_THREE_WAY);
	check_str(outcome(), "~ both, - gone, t new");
	check(merged.added == 1 && merged.changed == 1 && merged.deleted == 1 && merged.texts == 1);
	check_str(written("both"), "ab");
	check_str(written("gone"), "-");
	check_str(written("new"), "n");
	check_str(written("mine"), "y");
	done();
	end();
}

TEST(conflicts_are_listed)
{
	if (geteuid())
		return;
	three();
	put("one/u", "lines", "x");
	put("one/u", "binary", "x");
	put("one/u", "deleted", "x");
	put("ours/u", "lines", "!");
	put("theirs/u", "lines", "b");
	put("ours/u", "binary", "0");
	put("theirs/u", "binary", "b");
	whiteout("ours/u/deleted");
	put("theirs/u", "deleted", "b");
	put("ours/u", "new", "1");
	put("theirs/u", "new", "2");
	put("ours/u", "type", "1");
	folder("theirs/u/type");
	plan(MERGE_THREE_WAY);
	check_str(outcome(), "!binary binary, !deleted deleted, !content lines, !added new, !added type");
	done();
	plan(MERGE_THEIRS);
	check_str(outcome(), "t binary, t deleted, t lines, t new, t type");
	done();
	end();
}

TEST(text_in_conflict_is_marked_when_asked_for)
{
	if (geteuid())
		return;
	three();
	put("one/u", "lines", "x");
	put("ours/u", "lines", "!");
	put("theirs/u", "lines", "b");
	put("ours/u", "new", "!1");
	put("theirs/u", "new", "2");
	markers = MARKERS_MERGE;
	plan(MERGE_THREE_WAY);
	check_str(outcome(), "~ lines, ~ new");
	check(!merged.n_conflicts && merged.n_marked == 2 && !merged.texts);
	check_str(written("lines"), "!b");
	done();
	put("ours/u", "binary", "0");
	put("theirs/u", "binary", "b");
	plan(MERGE_THREE_WAY);
	check_str(outcome(), "!added binary");
	check(merged.n_conflicts == 1 && merged.n_marked == 2);
	done();
	markers = MARKERS_NONE;
	end();
}

TEST(a_folder_stays_for_what_is_put_into_it)
{
	if (geteuid())
		return;
	three();
	folder("one/u/d");
	put("one/u/d", "old", "x");
	whiteout("ours/u/d");
	folder("theirs/u/d");
	folder("theirs/u/d/e");
	put("theirs/u/d/e", "new", "n");
	plan(MERGE_THREE_WAY);
	check_str(outcome(), "t d, t d/e, t d/e/new");
	check_str(written("d/e/new"), "n");
	/* ours deleted it, and nobody changed it */
	check_str(written("d/old"), "-");
	done();
	end();
}

TEST(a_folder_that_is_deleted_takes_all_with_it)
{
	if (geteuid())
		return;
	three();
	folder("one/u/d");
	put("one/u/d", "a", "x");
	folder("ours/u/d");
	put("ours/u/d", "a", "x");
	whiteout("theirs/u/d");
	plan(MERGE_THREE_WAY);
	check_str(outcome(), "- d, - d/a");
	check_str(written("d"), "-");
	done();
	end();
}

TEST(union_and_intersection_give_back_what_was_in_a_folder)
{
	if (geteuid())
		return;
	three();
	folder("one/u/d");
	put("one/u/d", "a", "x");
	put("one/u", "f", "x");
	whiteout("ours/u/d");
	put("ours/u", "mine", "m");
	put("theirs/u", "f", "y");
	plan(MERGE_UNION);
	check_str(outcome(), "b d, b d/a, t f");
	check_str(written("d/a"), "x");
	done();
	plan(MERGE_INTERSECTION);
	check_str(outcome(), "b d, b d/a, - mine");
	done();
	end();
}

TEST(a_file_where_the_other_has_a_folder_with_changes)
{
	if (geteuid())
		return;
	three();
	folder("one/u/d");
	put("one/u/d", "a", "x");
	put("ours/u", "d", "file");
	folder("theirs/u/d");
	put("theirs/u/d", "new", "n");
	plan(MERGE_THREE_WAY);
	check_str(outcome(), "!type d");
	done();
	plan(MERGE_LATEST);
	check_str(outcome(), "!type d");
	done();
	plan(MERGE_OURS);
	check_str(outcome(), "");
	done();
	plan(MERGE_THEIRS);
	check_str(outcome(), "t d, t d/new");
	check_str(written("d/new"), "n");
	check_str(written("d/a"), "-");
	done();
	end();
}

TEST(mode_of_one_and_content_of_the_other)
{
	struct view_entry e;
	struct view v;
	char root[128];

	three();
	put("one/u", "f", "x");
	put("ours/u", "f", "x");
	check(!fchmodat(dir->fd, "ours/u/f", 0700, 0));
	put("theirs/u", "f", "y");
	plan(MERGE_THREE_WAY);
	check_str(outcome(), "t f");
	check_str(written("f"), "y");
	snprintf(root, sizeof(root), "%s/root", dir->path);
	check(!view_open(dir->fd, (const char *const[]){ "new" }, 1, root, 0, &v, &err));
	check(view_lookup(&v, "f", &e, &err) == 1 && (e.st.st_mode & 07777) == 0700);
	close(e.fd);
	view_close(&v);
	done();
	end();
}

TEST_MAIN;
