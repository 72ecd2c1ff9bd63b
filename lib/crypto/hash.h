#ifndef FAAS_CRYPTO_HASH_H
#define FAAS_CRYPTO_HASH_H

/*
 * BLAKE2b of 32 bytes (RFC 7693), and its text.
 *
 *	struct hash h;
 *
 *	hash_begin(&h);
 *	hash_add(&h, data, len);
 *	hash_end(&h, text);
 */

#include <sodium/crypto_generichash.h>
#include <stddef.h>

#include "lib/base/error.h"

enum { HASH_BYTES = 32, HASH_TEXT = 2 * HASH_BYTES + 1 };

struct hash {
	crypto_generichash_state state;
};

void hash_begin(struct hash *h);
void hash_add(struct hash *h, const void *data, size_t len);
/* A number, in the same bytes on every machine. */
void hash_add_u64(struct hash *h, unsigned long long n);
/* With its length first, so that two texts are not one. */
void hash_add_text(struct hash *h, const char *text);
void hash_raw(struct hash *h, unsigned char ret[HASH_BYTES]);
void hash_end(struct hash *h, char ret[HASH_TEXT]);

/* The whole at once. */
void hash_bytes(const void *data, size_t len, char ret[HASH_TEXT]);
/* Of all of the file, from its beginning to its end; where it stands does not matter. */
int hash_file(int fd, char ret[HASH_TEXT], struct error *err) _must_check_;

#endif
