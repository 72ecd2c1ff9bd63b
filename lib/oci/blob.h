#ifndef FAAS_OCI_BLOB_H
#define FAAS_OCI_BLOB_H

/*
 * The store of blobs
 * ==================
 *
 *	sha256/HEX	whole, checked and on the disk
 *	partial/HEX	what has come so far; locked by who fetches it
 *
 * A blob gets its name when its bytes have that digest. What has come of one that was
 * interrupted stays, and the next one goes on with it.
 */

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/cleanup.h"
#include "lib/base/error.h"
#include "lib/image/manifest.h"
#include "lib/oci/digest.h"

struct blobs {
	int whole, partial;	/* the two folders */
};

int blobs_open(int dir, struct blobs *ret, struct error *err) _must_check_;
/* Is it there, and of that size? */
bool blobs_have(const struct blobs *b, const struct image_blob *blob);
/* Reads a whole one of at most limit bytes; to be freed. */
char *blobs_read(const struct blobs *b, const struct image_blob *blob, size_t limit,
		 struct error *err);

struct blob_file {
	const struct blobs *store;
	struct image_blob blob;	/* digest "" for one that is not known yet */
	char name[IMAGE_DIGEST];
	int fd;
	int64_t at;		/* bytes that have come */
	bool resumed;		/* some of them came earlier */
	struct digest *digest;
};

/* 1: begun, at whatever there is; 0: another process fetches it, ask again later. */
int blob_begin(const struct blobs *b, const struct image_blob *blob, struct blob_file *ret,
	       struct error *err) _must_check_;
/* More than the blob's size is ERR_PROTOCOL. */
int blob_write(struct blob_file *f, const void *data, size_t len, struct error *err)
	_must_check_;
/* From the first byte again. */
int blob_restart(struct blob_file *f, struct error *err) _must_check_;
/* Whole: checks it and gives it its name, or removes it: ERR_PROTOCOL. Ends f. */
int blob_commit(struct blob_file *f, struct error *err) _must_check_;
/* Ends f and keeps what has come; does nothing to one that has ended. */
void blob_end(struct blob_file *f);

#endif
