#ifndef FAAS_ARCHIVE_TREE_H
#define FAAS_ARCHIVE_TREE_H

/*
 * The tree that is being filled
 * =============================
 *
 * The only code that writes. It gets names that policy_decide() has cleaned, and
 * still trusts none: every parent is opened with openat2 beneath the root and
 * without symbolic links, every new thing is made exclusively.
 *
 *	tree_file(t, "bin/sh", &fd, err)		then write to fd, then
 *	tree_file_done(t, fd, &attrs, err)
 *
 * A later entry of the same name replaces an earlier one, except that a directory
 * is only ever "replaced" by a directory. Missing parents are made, 0755.
 * Directories stay accessible until tree_apply() gives them their modes and
 * times, deepest first; tree_finish() does that and flushes the file system.
 *
 * The layers of an image are archives that come one over another: lib/archive/layer.h.
 */

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "lib/archive/report.h"
#include "lib/base/error.h"
#include "lib/base/strbuf.h"

struct tree_limits {
	uint64_t max_bytes;	/* of content, holes not counted */
	uint64_t max_entries;	/* skipped ones are counted too */
	uint64_t max_ratio;	/* content to input, once past TREE_RATIO_FLOOR */
};
#define TREE_RATIO_HINT	"if that is meant, decompress the archive first, and give what comes out"
enum { TREE_RATIO_FLOOR = 64 << 20 };

struct tree_attrs {
	uint64_t uid, gid;	/* as seen inside; what is not mapped is nobody */
	unsigned int mode;
	struct timespec mtime;	/* tv_nsec may be UTIME_OMIT */
};

struct layer;

struct tree {
	int root;
	uint64_t id_count;	/* ids that can be given; 0: owners are ignored */
	struct tree_limits limits;
	struct report *report;	/* counts entries and bytes there */
	struct layer *layer;	/* what is being written is one of several, or NULL */
	uint64_t input;		/* bytes of the archives before this one */
	/* private */
	struct strbuf dirs;	/* struct dir_record and path, one after another */
	size_t dir_count;
	int parent_fd;		/* of parent, or -1: most entries share it */
	char parent[POLICY_PATH_MAX + 1];
};

void tree_init(struct tree *t, int root, struct report *report);
void tree_release(struct tree *t);

/* One more entry, or n more bytes written from input bytes: within the limits? */
int tree_count_entry(struct tree *t, struct error *err) _must_check_;
int tree_count_bytes(struct tree *t, uint64_t n, uint64_t input, struct error *err)
	_must_check_;

/* The attributes of the root itself; its owner always keeps access. */
int tree_root(struct tree *t, const struct tree_attrs *a, struct error *err) _must_check_;
int tree_dir(struct tree *t, const char *path, const struct tree_attrs *a,
	     struct error *err) _must_check_;
int tree_symlink(struct tree *t, const char *path, const char *target,
		 const struct tree_attrs *a, struct error *err) _must_check_;
/* target: the clean name of something that was written before */
int tree_link(struct tree *t, const char *path, const char *target, struct error *err)
	_must_check_;
int tree_file(struct tree *t, const char *path, int *ret_fd, struct error *err)
	_must_check_;
/* The content of a hard link that brings its own: truncates what it names. */
int tree_reopen(struct tree *t, const char *path, int *ret_fd, struct error *err)
	_must_check_;
int tree_file_done(struct tree *t, int fd, const struct tree_attrs *a, struct error *err)
	_must_check_;
int tree_apply(struct tree *t, struct error *err) _must_check_;
/* A whiteout (S_IFCHR) or a FIFO (S_IFIFO). */
int tree_node(struct tree *t, const char *path, unsigned int type,
	      const struct tree_attrs *a, struct error *err) _must_check_;
int tree_finish(struct tree *t, struct error *err) _must_check_;

/* For layer.c: a directory or the like below the root; and what is held is forgotten. */
int tree_open(struct tree *t, const char *path, int flags);
void tree_forget(struct tree *t);

#endif
