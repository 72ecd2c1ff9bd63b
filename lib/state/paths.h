#ifndef FAAS_STATE_PATHS_H
#define FAAS_STATE_PATHS_H

/* Sets of paths: what layers have touched, and what is below a folder of a view. */

#include <stddef.h>

#include "lib/state/view.h"

enum { PATHS_MAX = 1 << 22 };

struct paths {
	char **v;
	size_t n, room;
};

void paths_release(struct paths *p);
DEFINE_CLEANUP(struct paths *, paths_release);
int paths_add(struct paths *p, const char *path, struct error *err) _must_check_;
/* Adds the names in a folder, which stays the caller's. */
int paths_list(struct paths *p, int folder, struct error *err) _must_check_;
/* In the order of bytes, each once: a folder comes before what is in it. */
void paths_sort(struct paths *paths);
/*
 * Adds, and sorts, every path that may differ between the two: what a layer has
 * that not both have. ERR_LIMIT for more than PATHS_MAX.
 */
int paths_touched(struct paths *paths, const struct view *a, const struct view *b,
		  struct error *err) _must_check_;
/* Adds everything below a folder of v; "": of one that is a folder by itself. */
int paths_below(struct paths *paths, const struct view *v, const char *path,
		struct error *err) _must_check_;

#endif
