#include "lib/crypto/digest.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

enum { PIECE = 256 * 1024 };

static void to_hex(const unsigned char digest[DIGEST_SIZE], char ret[DIGEST_HEX])
{
	(void)sodium_bin2hex(ret, DIGEST_HEX, digest, DIGEST_SIZE);
}

void digest_bytes(const void *data, size_t size, char ret[DIGEST_HEX])
{
	unsigned char digest[DIGEST_SIZE];

	(void)crypto_generichash(digest, sizeof(digest), data, size, NULL, 0);
	to_hex(digest, ret);
}

int digest_file(int fd, char ret[DIGEST_HEX], struct error *err)
{
	cleanup_free unsigned char *piece = malloc(PIECE);
	unsigned char digest[DIGEST_SIZE];
	crypto_generichash_state state;
	off_t at = 0;
	ssize_t n;

	if (!piece)
		return err_sys(err, ENOMEM, "read a file");
	/* without it the hash is as right, and slower */
	(void)!sodium_init();
	(void)crypto_generichash_init(&state, NULL, 0, sizeof(digest));
	while ((n = pread(fd, piece, PIECE, at)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, errno, "read a file");
		(void)crypto_generichash_update(&state, piece, (unsigned long long)n);
		at += n;
	}
	(void)crypto_generichash_final(&state, digest, sizeof(digest));
	to_hex(digest, ret);
	return 0;
}
