#ifndef FAAS_CRYPTO_DIGEST_H
#define FAAS_CRYPTO_DIGEST_H

/*
 * Digests of content
 * ==================
 *
 * BLAKE2b with 256 bits, by libsodium: what has the same digest is the same.
 *
 *	char hex[DIGEST_HEX];
 *
 *	digest_bytes(text, strlen(text), hex);
 *	if (digest_file(fd, hex, err) < 0)
 *		return err_wrap(err, "read '%s'", path);
 */

#include <stddef.h>

#include "lib/base/error.h"

enum { DIGEST_SIZE = 32, DIGEST_HEX = 2 * DIGEST_SIZE + 1 };

void digest_bytes(const void *data, size_t size, char ret[DIGEST_HEX]);
/* Of all of the file, from its beginning to its end; where it stands does not matter. */
int digest_file(int fd, char ret[DIGEST_HEX], struct error *err) _must_check_;

#endif
