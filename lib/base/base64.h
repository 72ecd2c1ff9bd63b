#ifndef FAAS_BASE_BASE64_H
#define FAAS_BASE_BASE64_H

/*
 * Base64 (RFC 4648, section 4), for bytes that JSON text cannot hold.
 */

#include <stddef.h>
#include <sys/types.h>

/* Bytes that base64_encode() writes, its NUL included. */
#define BASE64_SIZE(len)	(((len) + 2) / 3 * 4 + 1)

void base64_encode(const void *data, size_t len, char *ret);
/* Decodes a whole string into ret (strlen(s) bytes suffice): bytes, or -EINVAL. */
ssize_t base64_decode(const char *s, void *ret);

#endif
