#ifndef FAAS_OCI_DIGEST_H
#define FAAS_OCI_DIGEST_H

/*
 * SHA-256 of what streams by, as "sha256:..." (libcrypto, which knows the machine's
 * own instructions for it).
 */

#include <stddef.h>

#include "lib/base/cleanup.h"
#include "lib/image/reference.h"

struct digest;

struct digest *digest_new(void);	/* NULL: no memory */
void digest_free(struct digest *d);
DEFINE_CLEANUP(struct digest *, digest_free);

void digest_reset(struct digest *d);
void digest_add(struct digest *d, const void *data, size_t len);
/* Ends it; reset before it is used again. */
void digest_end(struct digest *d, char ret[IMAGE_DIGEST]);

#endif
