#ifndef FAAS_IMAGE_REFERENCE_H
#define FAAS_IMAGE_REFERENCE_H

/*
 * Names of images
 * ===============
 *
 *	[REGISTRY/]REPOSITORY[:TAG][@sha256:DIGEST]
 *
 * as everybody writes them: the first part is a registry if it has a '.' or a ':' or is
 * "localhost", and docker.io otherwise, where a name without '/' is in "library"; the tag
 * is "latest" if there is neither a tag nor a digest. A digest wins over a tag.
 */

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/error.h"

enum {
	IMAGE_REGISTRY = 256,
	IMAGE_REPOSITORY = 256,
	IMAGE_TAG = 129,
	IMAGE_DIGEST = 72,	/* "sha256:", 64 digits, NUL */
	IMAGE_REF = IMAGE_REGISTRY + IMAGE_REPOSITORY + IMAGE_TAG + IMAGE_DIGEST + 4,
};

struct image_ref {
	char registry[IMAGE_REGISTRY];		/* host[:port], "docker.io" */
	char repository[IMAGE_REPOSITORY];	/* "library/alpine" */
	char tag[IMAGE_TAG];			/* "" when there is a digest alone */
	char digest[IMAGE_DIGEST];		/* "sha256:..." or "" */
};

int image_ref_parse(const char *text, struct image_ref *ret, struct error *err)
	_must_check_ _nonnull_;
/* The whole name, nothing left out. */
char *image_ref_format(const struct image_ref *ref, char buf[IMAGE_REF]);

/* sha256: and 64 small hexadecimal digits, the only algorithm that is in use. */
bool image_digest_valid(const char *digest);
/* Is host[:port] this machine? Then plain HTTP will do. */
bool image_host_is_loopback(const char *host);

#endif
