#ifndef FAAS_STATE_MERGE_H
#define FAAS_STATE_MERGE_H

/*
 * Merges two states that have a third as their base
 * =================================================
 *
 *	struct merge m = { .base = .., .ours = .., .theirs = .., .strategy = .. };
 *
 *	merge_plan(&m, err)		looks at what either has touched
 *	if (!m.n_conflicts)
 *		merge_write(&m, &writer, err)	a layer over ours
 *	merge_release(&m)
 *
 * A side is a view, or what is below a folder of one. Lines of text are merged by
 * the caller's function: the library for it is not in every program.
 */

#include "lib/state/paths.h"
#include "lib/state/resolve.h"
#include "lib/state/writer.h"

/* A view, below a folder of it: "" for all. */
struct merge_side {
	const struct view *view;
	const char *below;
};

enum { TEXT_MERGED = 1, TEXT_CONFLICT = 0, TEXT_BINARY = 2 };

struct merge;

/*
 * Three descriptors of files, of which the base may be -1. TEXT_MERGED, TEXT_CONFLICT,
 * TEXT_BINARY: not text, or too large; -1: *err. *ret, with TEXT_MERGED, and with
 * TEXT_CONFLICT when the merge wants marks, is the caller's to free.
 */
typedef int merge_text(const struct merge *m, const int fds[3], char **ret, size_t *len,
		       struct error *err);

struct merge_item {
	const char *path;
	struct merge_choice choice;
	struct stat st[3];
	bool changes;			/* ours is not the result */
};

struct merge {
	struct merge_side side[3];	/* by enum merge_from */
	enum merge_strategy strategy;
	enum merge_markers markers;
	const char *label[3];		/* of the marks; NULL: "base", "ours", "theirs" */
	merge_text *text;
	bool no_owners;			/* all belongs to whoever merges, and runs as nobody else */
	bool given;			/* paths are the caller's, not all that was touched */
	struct paths paths;
	struct merge_item *items;	/* in the order of paths; of each, its own */
	size_t n, n_conflicts;		/* of those left: nothing is to be written */
	size_t n_marked;		/* besides those: in the files */
	size_t added, changed, deleted, texts;	/* in ours, by the result */
};

void merge_release(struct merge *m);
DEFINE_CLEANUP(struct merge *, merge_release);
int merge_plan(struct merge *m, struct error *err) _must_check_;
int merge_write(const struct merge *m, struct writer *w, struct error *err) _must_check_;

/* What the side has at the item's path: as view_lookup(). */
int merge_lookup(const struct merge *m, enum merge_from side, const char *path,
		 struct view_entry *ret, struct error *err) _must_check_;
/* The entry that the result is made of, its mode and owner being the result's. */
int merge_entry(const struct merge *m, const struct merge_item *item, struct view_entry *ret,
		struct error *err) _must_check_;
/* The merged lines, maybe with marks, of an item whose content is FROM_TEXT. */
int merge_lines(const struct merge *m, const struct merge_item *item, char **ret, size_t *len,
		struct error *err) _must_check_;
/* Is there, in the result, a folder for this path to be in? */
bool merge_has_folder(const struct merge *m, const char *path);

#endif
