#ifndef FAAS_STATEHELPER_DIGEST_H
#define FAAS_STATEHELPER_DIGEST_H

/*
 * Same content, same checksum
 * ===========================
 *
 * A layer has two digests, of everything in it in the order of walk.h: names, types,
 * permissions, sizes, bytes, links, attributes, whiteouts, opaque folders, and of the
 * first also owners (without root there is one owner only). No times, and nothing that
 * depends on the file system: a file with holes is the one that has zeros there.
 *
 * The checksum of a snapshot is that of what is below it, which is another checksum or
 * names an environment, and of its layer's first digest. So two snapshots have the same
 * one when they came to the same files by the same steps.
 */

#include "lib/crypto/hash.h"
#include "lib/statehelper/walk.h"

enum { DIGEST_TEXT = 2 * (HASH_TEXT - 1) + 1 };	/* of both, one after the other */

struct queue;

struct digest {
	struct hash full, plain, content;
	uint64_t bytes;			/* of content */
	struct queue *queue;		/* another thread adds, from the second MiB on */
	bool alone;			/* there can be no other thread */
};

void digest_begin(struct digest *d);
/* Where the next block of a file's content is to be read to: WALK_BLOCK bytes. */
char *digest_room(struct digest *d);
/* The first len bytes of that room are the file's from at on; no longer the caller's then. */
void digest_block(struct digest *d, uint64_t at, const char *room, size_t len);
/* After the blocks of its content. */
void digest_add(struct digest *d, const struct walk_entry *e);
void digest_end(struct digest *d, char ret[DIGEST_TEXT]);
/* Of one that was begun, or is empty: without an end, or after it. */
void digest_release(struct digest *d);
#define cleanup_digest	__attribute__((cleanup(digest_release)))

int digest_layer(int dir, const struct walk_owners *owners, char ret[DIGEST_TEXT],
		 struct error *err) _must_check_;
void digest_chain(const char *below, const char *digest, char ret[HASH_TEXT]);
/* Are they of the same content? owners: do those count? */
bool digest_same(const char *a, const char *b, bool owners);

#endif
