#ifndef FAAS_STATE_DIFF_H
#define FAAS_STATE_DIFF_H

/*
 * What differs between two views of one environment. Only what a layer that they do
 * not share has touched is looked at, so the cost is that of the changes and not of
 * the size.
 */

#include <stdbool.h>

#include "lib/state/view.h"

enum difference_kind { DIFFERENCE_ADDED = 'A', DIFFERENCE_CHANGED = 'C',
		       DIFFERENCE_DELETED = 'D' };

struct difference {
	enum difference_kind kind;
	const char *path;		/* relative to the root */
	struct stat before, after;	/* zero where there is none; owners as in layers */
	bool content;			/* not only mode, owner or attributes */
	bool attributes;		/* only those */
};

/*
 * Calls each, in the order of paths, for what differs from a to b, at paths that come
 * later than `after`, or at all with NULL; it returns 0 to go on, another value to stop.
 * ERR_LIMIT for more than PATHS_MAX touched paths.
 */
int diff_views(const struct view *a, const struct view *b, const char *after,
	       int (*each)(void *arg, const struct difference *d), void *arg,
	       struct error *err) _must_check_;

/*
 * 1 when what the two are made of is the same, 0 when not, -1 with *err; mode and
 * owner are not looked at.
 */
int diff_same(const struct view_entry *a, const struct view_entry *b, const char *path,
	      struct error *err) _must_check_;

#endif
