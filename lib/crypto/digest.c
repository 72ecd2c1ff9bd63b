#include "lib/crypto/digest.h"

#include <sodium.h>
#include <string.h>

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
