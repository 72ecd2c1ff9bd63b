#ifndef FAAS_ARCHIVE_ATTRIBUTES_H
#define FAAS_ARCHIVE_ATTRIBUTES_H

/*
 * What entries of an exported snapshot have besides their content: attributes of users,
 * which are set, and the mark of an opaque folder, which only the caller may set: the
 * names of such folders go to the file POLICY_OPAQUE_LIST of the tree.
 */

#include <archive.h>
#include <archive_entry.h>

#include "lib/archive/tree.h"

/* fd: the file, or -1 for the folder of that name. */
int attributes_set(struct tree *t, struct archive_entry *e, const char *path, int fd,
		     struct error *err) _must_check_;

#endif
