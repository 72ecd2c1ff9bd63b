#include "lib/crypto/hash.h"

#include <endian.h>
#include <sodium/core.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/macro.h"

void hash_begin(struct hash *h)
{
	static bool ready;

	/* it finds out what the processor can do: without, everything works, at half the speed */
	if (!ready)
		ready = sodium_init() >= 0;
	(void)crypto_generichash_init(&h->state, NULL, 0, HASH_BYTES);
}

void hash_add(struct hash *h, const void *data, size_t len)
{
	(void)crypto_generichash_update(&h->state, data, len);
}

void hash_add_u64(struct hash *h, unsigned long long n)
{
	uint64_t le = htole64(n);

	hash_add(h, &le, sizeof(le));
}

void hash_add_text(struct hash *h, const char *text)
{
	size_t len = strlen(text);

	hash_add_u64(h, len);
	hash_add(h, text, len);
}

void hash_raw(struct hash *h, unsigned char ret[HASH_BYTES])
{
	(void)crypto_generichash_final(&h->state, ret, HASH_BYTES);
}

void hash_end(struct hash *h, char ret[HASH_TEXT])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char raw[HASH_BYTES];

	hash_raw(h, raw);
	for (size_t i = 0; i < HASH_BYTES; i++) {
		ret[2 * i] = digits[raw[i] >> 4];
		ret[2 * i + 1] = digits[raw[i] & 15];
	}
	ret[HASH_TEXT - 1] = '\0';
}
