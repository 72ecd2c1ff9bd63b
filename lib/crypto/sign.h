#ifndef FAAS_CRYPTO_SIGN_H
#define FAAS_CRYPTO_SIGN_H

/*
 * Ed25519 (RFC 8032), with keys as OpenSSL writes them (RFC 8410):
 *
 *	openssl genpkey -algorithm ed25519 -out key.pem
 *	openssl pkey -in key.pem -pubout -out public.pem
 *
 * ERR_USAGE for a file that is no such key; ERR_DENIED for a signature that is wrong.
 */

#include <stddef.h>

#include "lib/base/error.h"

enum { SIGN_BYTES = 64, SIGN_KEY = 64, SIGN_PUBLIC = 32 };

int sign_read_private(int fd, unsigned char ret[SIGN_KEY], struct error *err) _must_check_;
int sign_read_public(int fd, unsigned char ret[SIGN_PUBLIC], struct error *err) _must_check_;
void sign_forget(unsigned char key[SIGN_KEY]);

int sign_make(const unsigned char key[SIGN_KEY], const void *data, size_t len,
	      unsigned char ret[SIGN_BYTES], struct error *err) _must_check_;
int sign_check(const unsigned char key[SIGN_PUBLIC], const void *data, size_t len,
	       const unsigned char *signature, size_t signature_len, struct error *err)
	_must_check_;

#endif
