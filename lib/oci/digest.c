#include "lib/oci/digest.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

struct digest {
	EVP_MD_CTX *ctx;
	bool failed;
};

struct digest *digest_new(void)
{
	struct digest *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->ctx = EVP_MD_CTX_new();
	if (!d->ctx) {
		free(d);
		return NULL;
	}
	digest_reset(d);
	return d;
}

void digest_free(struct digest *d)
{
	if (!d)
		return;
	EVP_MD_CTX_free(d->ctx);
	free(d);
}

void digest_reset(struct digest *d)
{
	d->failed = EVP_DigestInit_ex(d->ctx, EVP_sha256(), NULL) != 1;
}

void digest_add(struct digest *d, const void *data, size_t len)
{
	d->failed |= EVP_DigestUpdate(d->ctx, data, len) != 1;
}

/* What failed is all zeros, the digest of nothing that anybody has. */
void digest_end(struct digest *d, char ret[IMAGE_DIGEST])
{
	unsigned char sum[EVP_MAX_MD_SIZE] = { 0 };
	unsigned int len = 0;
	size_t at = (size_t)snprintf(ret, IMAGE_DIGEST, "sha256:");

	d->failed |= EVP_DigestFinal_ex(d->ctx, sum, &len) != 1;
	for (unsigned int i = 0; i < 32; i++)
		at += (size_t)snprintf(ret + at, IMAGE_DIGEST - at, "%02x",
				       d->failed ? 0 : sum[i]);
}
