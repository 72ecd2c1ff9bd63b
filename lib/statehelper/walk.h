#ifndef FAAS_STATEHELPER_WALK_H
#define FAAS_STATEHELPER_WALK_H

/*
 * Everything in a layer, in one order
 * ===================================
 *
 * Calls back for every entry of `u` and `u.NAME` of a layer's folder, those themselves
 * first: folders before what is in them, names in the order of their bytes. What two
 * machines cannot have alike is not told: sockets, attributes other than user.*, and
 * those of overlay, but for the mark of an opaque folder. Layers are what strangers'
 * programs wrote, so nothing is followed.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "lib/base/cleanup.h"
#include "lib/base/error.h"

enum { WALK_PATH = 4096, WALK_XATTRS = 64 };

struct walk_xattr {
	char name[256];			/* "user.x" */
	void *value;
	size_t len;
};

struct walk_entry {
	const char *path;		/* "u/work/x" */
	struct stat st;			/* owners as inside of a sandbox */
	int fd;				/* of a file or a folder, to be read; else -1 */
	const char *target;		/* of a symbolic link */
	const char *same;		/* path of an earlier name of this file, or NULL */
	bool whiteout, opaque;
	struct walk_xattr xattrs[WALK_XATTRS];	/* by name */
	int n_xattrs;
};

struct walk_owners {
	uint32_t shift;			/* to take away from owners */
	bool nobody;			/* everything is root's: made without root */
};

/* dir: the layer's folder. each returns 0, or -1 and *err. */
int walk_layer(int dir, const struct walk_owners *owners,
	       int (*each)(void *arg, const struct walk_entry *e, struct error *err), void *arg,
	       struct error *err) _must_check_;

/* What may be said of permissions: set-user-ID and the like mean nothing in a sandbox. */
enum { WALK_MODE = 01777 };

/*
 * The parts of a file that are not zero, in blocks of WALK_BLOCK from its beginning (the
 * last may be shorter): the same for a file with holes and one without. The first one at
 * *at or after it: where it is, and how long; 0 when there is none, as there is none of
 * what has no content of its own.
 */
enum { WALK_BLOCK = 65536 };
ssize_t walk_read(const struct walk_entry *e, uint64_t *at, char block[WALK_BLOCK],
		  struct error *err) _must_check_;

#endif
