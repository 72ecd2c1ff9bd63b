#ifndef FAAS_CRYPTO_DIGEST_H
#define FAAS_CRYPTO_DIGEST_H

/*
 * BLAKE2b of bytes that come in pieces
 * ====================================
 *
 *	struct digest d;
 *	char hex[DIGEST_HEX];
 *
 *	digest_init(&d);
 *	digest_add(&d, data, size);
 *	digest_end(&d, hex);
 */

#include <stddef.h>
#include <stdint.h>

#include "lib/base/error.h"

enum { DIGEST_BYTES = 32, DIGEST_HEX = 2 * DIGEST_BYTES + 1 };

struct digest {
	_Alignas(64) unsigned char state[384];	/* libsodium's */
};

void digest_init(struct digest *d);
void digest_add(struct digest *d, const void *data, size_t size);
/* The text with its NUL, and a number: no two different lists of fields are the same. */
void digest_add_text(struct digest *d, const char *text);
void digest_add_number(struct digest *d, uint64_t n);
void digest_end(struct digest *d, char ret[DIGEST_HEX]);

/* The whole at once. */
void digest_bytes(const void *data, size_t size, char ret[DIGEST_HEX]);
/* Of all of the file, from its beginning to its end; where it stands does not matter. */
int digest_file(int fd, char ret[DIGEST_HEX], struct error *err) _must_check_;

#endif
