#ifndef FAAS_ARCHIVE_FOLDER_H
#define FAAS_ARCHIVE_FOLDER_H

/*
 * From a folder to a tree, by the same policy as from an archive. Everything is
 * opened relative to a held directory and without following links, so a writer
 * that swaps names meanwhile can change what is copied but not where it is from.
 * Holes, hard links inside the folder, times and permission bits are kept;
 * content is shared with the source where the file system can.
 *
 * Another file system below the folder is an empty directory in the copy, and
 * counted as skipped, unless cross_mounts. A folder that contains the tree is
 * refused.
 *
 * A privileged caller names the reader it works for, who then has to be allowed to
 * read what is copied: of a folder that somebody else handed in, root would
 * otherwise copy what that somebody must not see.
 */

#include "lib/archive/policy.h"
#include "lib/archive/tree.h"

struct folder {
	int fd;
	bool cross_mounts;
	uint32_t id_offset;	/* how much higher than inside the ids are that we see */
	bool as_reader;
	uint32_t reader_uid, reader_gid;	/* as we see them: with the offset */
};

int folder_copy(const struct folder *f, const struct policy_limits *limits,
		struct tree *t, struct error *err) _must_check_;

#endif
