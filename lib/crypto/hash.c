#include "lib/crypto/hash.h"

#include <endian.h>
#include <errno.h>
#include <sodium/core.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

enum { PIECE = 256 * 1024 };

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

void hash_bytes(const void *data, size_t len, char ret[HASH_TEXT])
{
	struct hash h;

	hash_begin(&h);
	hash_add(&h, data, len);
	hash_end(&h, ret);
}

int hash_file(int fd, char ret[HASH_TEXT], struct error *err)
{
	cleanup_free unsigned char *piece = malloc(PIECE);
	struct hash h;
	off_t at = 0;
	ssize_t n;

	if (!piece)
		return err_sys(err, ENOMEM, "read a file");
	hash_begin(&h);
	while ((n = pread(fd, piece, PIECE, at)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, errno, "read a file");
		hash_add(&h, piece, (size_t)n);
		at += n;
	}
	hash_end(&h, ret);
	return 0;
}
