#ifndef FAAS_IMAGE_CREDENTIAL_H
#define FAAS_IMAGE_CREDENTIAL_H

/*
 * Who we are to a registry: the "auths" of ~/.docker/config.json or of containers'
 * auth.json, {"auths":{"registry.example":{"auth":"dXNlcjpwYXNz"}}}. The most exact
 * entry wins: one for the repository, one for a part of its path, one for the registry.
 */

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/error.h"
#include "lib/image/reference.h"

enum { CREDENTIAL_SIZE = 4096 };

struct image_credential {
	char username[256];
	char password[CREDENTIAL_SIZE];
};

/* 1: found; 0: there is none; -1: the text is not of that form. Wipe it after use. */
int image_credential_find(const char *text, size_t len, const struct image_ref *ref,
			  struct image_credential *ret, struct error *err) _must_check_;

#endif
