#include "lib/crypto/sign.h"

#include <errno.h>
#include <sodium/core.h>
#include <sodium/crypto_sign.h>
#include <sodium/utils.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/base64.h"

enum { PEM_MAX = 4096 };

/* What stands before the 32 bytes, in the two forms that an Ed25519 key has. */
static const unsigned char private_head[] = {
	0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04,
	0x20
};
static const unsigned char public_head[] = {
	0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00
};

static int read_all(int fd, char text[PEM_MAX], struct error *err)
{
	size_t len = 0;

	for (;;) {
		ssize_t n = read(fd, text + len, PEM_MAX - 1 - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, errno, "read a key");
		if (!n || len + (size_t)n == PEM_MAX - 1)
			break;
		len += (size_t)n;
	}
	text[len] = '\0';
	return 0;
}

/* The bytes between the lines of dashes, without line ends. */
static ssize_t decode(char *text, const char *begin, const char *end, unsigned char *ret)
{
	char *from = strstr(text, begin), *to = from ? strstr(from, end) : NULL, *at;
	ssize_t n;

	if (!to)
		return -1;
	*to = '\0';
	from += strlen(begin);
	at = from;
	for (const char *p = from; *p; p++)
		if (*p != '\n' && *p != '\r')
			*at++ = *p;
	*at = '\0';
	n = base64_decode(from, ret);
	sodium_memzero(from, (size_t)(to - from));
	return n;
}

static int read_key(int fd, const char *kind, const unsigned char *head, size_t head_len,
		    unsigned char ret[32], struct error *err)
{
	unsigned char der[PEM_MAX];
	char text[PEM_MAX], begin[64], end[64];
	ssize_t n;

	if (read_all(fd, text, err) < 0)
		return -1;
	(void)snprintf(begin, sizeof(begin), "-----BEGIN %s KEY-----", kind);
	(void)snprintf(end, sizeof(end), "-----END %s KEY-----", kind);
	n = decode(text, begin, end, der);
	if (n != (ssize_t)head_len + 32 || memcmp(der, head, head_len) != 0) {
		sodium_memzero(text, sizeof(text));
		sodium_memzero(der, sizeof(der));
		(void)err_set(err, ERR_USAGE, "the key is not an Ed25519 %s key in PEM form",
			      *kind == 'P' && kind[1] == 'R' ? "private" : "public");
		return err_hint(err, "'openssl genpkey -algorithm ed25519 -out KEY' makes one, and "
				"'openssl pkey -in KEY -pubout' its public half");
	}
	memcpy(ret, der + head_len, 32);
	sodium_memzero(der, sizeof(der));
	return 0;
}

int sign_read_private(int fd, unsigned char ret[SIGN_KEY], struct error *err)
{
	unsigned char seed[crypto_sign_SEEDBYTES], public_half[SIGN_PUBLIC];

	if (sodium_init() < 0)
		return err_set(err, ERR_SYSTEM, "libsodium cannot be used");
	if (read_key(fd, "PRIVATE", private_head, sizeof(private_head), seed, err) < 0)
		return -1;
	(void)crypto_sign_seed_keypair(public_half, ret, seed);
	sodium_memzero(seed, sizeof(seed));
	return 0;
}

int sign_read_public(int fd, unsigned char ret[SIGN_PUBLIC], struct error *err)
{
	if (sodium_init() < 0)
		return err_set(err, ERR_SYSTEM, "libsodium cannot be used");
	return read_key(fd, "PUBLIC", public_head, sizeof(public_head), ret, err);
}

void sign_forget(unsigned char key[SIGN_KEY])
{
	sodium_memzero(key, SIGN_KEY);
}

int sign_make(const unsigned char key[SIGN_KEY], const void *data, size_t len,
	      unsigned char ret[SIGN_BYTES], struct error *err)
{
	return crypto_sign_detached(ret, NULL, data, len, key)
		? err_set(err, ERR_SYSTEM, "libsodium cannot sign") : 0;
}

int sign_check(const unsigned char key[SIGN_PUBLIC], const void *data, size_t len,
	       const unsigned char *signature, size_t signature_len, struct error *err)
{
	if (signature_len != SIGN_BYTES ||
	    crypto_sign_verify_detached(signature, data, len, key) != 0)
		return err_set(err, ERR_DENIED, "the signature is not of this key");
	return 0;
}
