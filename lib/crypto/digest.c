#include "lib/crypto/digest.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

enum { PIECE = 256 * 1024 };

_Static_assert(sizeof(struct digest) >= sizeof(crypto_generichash_state), "room for the state");

static crypto_generichash_state *state(struct digest *d)
{
	return (crypto_generichash_state *)(void *)d->state;
}

/* They fail for lengths that are out of range, and ours is not. */
void digest_init(struct digest *d)
{
	(void)crypto_generichash_init(state(d), NULL, 0, DIGEST_BYTES);
}

void digest_add(struct digest *d, const void *data, size_t size)
{
	(void)crypto_generichash_update(state(d), data, size);
}

void digest_add_text(struct digest *d, const char *text)
{
	digest_add(d, text, strlen(text) + 1);
}

void digest_add_number(struct digest *d, uint64_t n)
{
	unsigned char bytes[8];

	for (int i = 0; i < 8; i++)
		bytes[i] = (unsigned char)(n >> 8 * i);
	digest_add(d, bytes, sizeof(bytes));
}

void digest_end(struct digest *d, char ret[DIGEST_HEX])
{
	unsigned char bytes[DIGEST_BYTES];

	(void)crypto_generichash_final(state(d), bytes, sizeof(bytes));
	(void)sodium_bin2hex(ret, DIGEST_HEX, bytes, sizeof(bytes));
}

void digest_bytes(const void *data, size_t size, char ret[DIGEST_HEX])
{
	struct digest d;

	digest_init(&d);
	digest_add(&d, data, size);
	digest_end(&d, ret);
}

int digest_file(int fd, char ret[DIGEST_HEX], struct error *err)
{
	cleanup_free unsigned char *piece = malloc(PIECE);
	struct digest d;
	off_t at = 0;
	ssize_t n;

	if (!piece)
		return err_sys(err, ENOMEM, "read a file");
	/* without it the hash is as right, and slower */
	(void)!sodium_init();
	digest_init(&d);
	while ((n = pread(fd, piece, PIECE, at)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, errno, "read a file");
		digest_add(&d, piece, (size_t)n);
		at += n;
	}
	digest_end(&d, ret);
	return 0;
}
