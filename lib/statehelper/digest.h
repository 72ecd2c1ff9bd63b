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

struct digest {
	struct hash full, plain;
	uint64_t entries, bytes;
};

void digest_begin(struct digest *d);
/* content: what the file's bytes are, or NULL to read them here. */
int digest_add(struct digest *d, const struct walk_entry *e, struct hash *content,
	       struct error *err) _must_check_;
void digest_end(struct digest *d, char ret[DIGEST_TEXT]);

/* One block of a file's content, at its place. */
void digest_block(struct hash *content, uint64_t at, const void *data, size_t len);

int digest_layer(int dir, const struct walk_owners *owners, char ret[DIGEST_TEXT],
		 struct error *err) _must_check_;
void digest_chain(const char *below, const char *digest, char ret[HASH_TEXT]);
/* Are they of the same content? owners: do those count? */
bool digest_same(const char *a, const char *b, bool owners);

#endif
