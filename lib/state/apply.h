#ifndef FAAS_STATE_APPLY_H
#define FAAS_STATE_APPLY_H

/*
 * Makes a folder of somebody's what a merge says, path by path: each is as it was or as
 * it is to be, whenever this ends. Nothing is followed, nothing outside of the folder
 * is touched, no file gets set-user-ID, and what was changed since the plan is
 * not replaced: ERR_CONFLICT.
 */

#include "lib/state/merge.h"

/*
 * What is to be looked at: paths below `below` that `theirs` changed, without it. Of a
 * folder that it has not any more, all that was in it.
 */
int apply_paths(const struct view *base, const struct view *theirs, const char *below,
		struct paths *ret, struct error *err) _must_check_;
/* Adds what is in the folder, which is a view by itself, and what base has there. */
int apply_all_paths(const struct view *base, const struct view *folder, const char *below,
		    struct paths *ret, struct error *err) _must_check_;
/* A view of the folder by itself; fd stays the caller's. */
struct view apply_view(int fd);
int apply_merge(const struct merge *m, int fd, struct error *err) _must_check_;

#endif
