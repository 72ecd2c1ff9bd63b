#ifndef FAAS_ARCHIVE_PACK_H
#define FAAS_ARCHIVE_PACK_H

/*
 * From a tree to a tar, through libarchive: in the order of the names, so that the same
 * tree makes the same tar. Hard links and times are kept; sockets, FIFOs and devices are
 * left out and counted. Only in a confined process, whose root is the tree.
 */

#include "lib/archive/report.h"
#include "lib/base/error.h"

/* filter: "none", "gzip" or "zstd" */
int pack(int root, int out, const char *filter, unsigned int max_depth, struct report *r,
	 struct error *err) _must_check_;

#endif
