#ifndef FAAS_BASE_REMOVE_H
#define FAAS_BASE_REMOVE_H

/*
 * Removing trees that hostile code made
 * =====================================
 *
 *	if (tree_remove(staging_fd, "upload-17", err) < 0)
 *		return err_wrap(err, "clean up");
 *
 * Any depth and any number of entries, with a bounded number of descriptors and
 * no recursion: what lies too deep is first moved up to the top of the tree.
 * Symbolic links are removed, never followed. A mount inside is never entered:
 * it is ERR_BUSY, and what is below it is untouched. Directories without
 * permissions are made accessible first (only ever inside the tree), and so are
 * immutable and append-only ones when the caller may change that.
 *
 * Concurrent changes to the tree cannot redirect the removal. They can make it
 * fail with ERR_BUSY when entries keep appearing; calling again is safe.
 */

#include "lib/base/error.h"

/*
 * Removes dirfd/name, which may be of any type. name is one component, not a
 * path. Already gone is success.
 */
int tree_remove(int dirfd, const char *name, struct error *err) _must_check_;

/* Removes everything in the directory and keeps the directory. */
int tree_empty(int dirfd, struct error *err) _must_check_;

#endif
