#ifndef FAAS_STATE_WRITER_H
#define FAAS_STATE_WRITER_H

/*
 * Writes a layer: the folder `layers/ID`, entry by entry
 * ======================================================
 *
 *	writer_open(&w, fd, &like, err)		fd: the layer's folder, empty
 *	writer_put(&w, "etc/motd", &entry, err)	as it is in some view
 *	writer_whiteout(&w, "etc/issue", err)	it is not there any more
 *	writer_finish(&w, err)			on the disk
 *	writer_close(&w)
 *
 * A path is written once, a folder before or after what is in it: folders above it
 * that the layer does not have yet are made as `like` has them, which is also where
 * the layer's form is from: its parts (lib/state/layer.h), and whether its marks are
 * root's. Two names of one file stay two names of one file. Nothing is followed, and
 * until writer_finish() has returned nothing may count on what was written.
 */

#include <stdint.h>

#include "lib/state/view.h"

struct writer {
	int fd;				/* the layer's folder; the caller's */
	const struct view *like;	/* borrowed */
	bool user;
	char **parts;			/* "usr", ... */
	int n_parts;
	void *files;			/* of more than one name: tsearch(3) */
	struct writer_folder {
		char *path;
		struct timespec times[2];
	} *folders;			/* whose times are to be set at the end */
	size_t n_folders, room;
	uint64_t entries;		/* written so far */
};

int writer_open(struct writer *w, int fd, const struct view *like,
		struct error *err) _must_check_;
void writer_close(struct writer *w);
DEFINE_CLEANUP(struct writer *, writer_close);

/* Any type but a whiteout, with owner, mode, times and attributes. ERR_EXISTS. */
int writer_put(struct writer *w, const char *path, const struct view_entry *entry,
	       struct error *err) _must_check_;
/* A regular file with other content; all else is as entry has it. */
int writer_put_text(struct writer *w, const char *path, const struct view_entry *entry,
		    const void *text, size_t len, struct error *err) _must_check_;
int writer_whiteout(struct writer *w, const char *path, struct error *err) _must_check_;
/* The folder, which was written, hides what layers below have in it. */
int writer_opaque(struct writer *w, const char *path, struct error *err) _must_check_;
/* Times of folders; then all of it is on the disk. */
int writer_finish(struct writer *w, struct error *err) _must_check_;

#endif
