#ifndef FAAS_ARCHIVE_EXTRACT_H
#define FAAS_ARCHIVE_EXTRACT_H

/*
 * From an archive to a tree, through libarchive: every format and filter that it
 * reads by itself, but mtree (which names other files) and raw (which is not an
 * archive). Only in a confined process.
 *
 * Names of tar and cpio archives keep their exact bytes. The other formats say
 * what their encoding is, and get UTF-8; when their names are not ASCII the
 * archive must be a seekable file.
 *
 * What follows the end of a tar is ignored; an archive that stops before its
 * end is refused, even between two entries.
 */

#include "lib/archive/policy.h"
#include "lib/archive/tree.h"

/* Loads what cannot be loaded later. Before confine_fork(). */
void extract_prepare(void);
/* From now on, names are UTF-8 where a format wants to know. */
void extract_use_utf8(void);

int extract(int fd, const struct policy_limits *limits, struct tree *t,
	    struct error *err) _must_check_;

#endif
