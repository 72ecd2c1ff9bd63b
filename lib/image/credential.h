#ifndef FAAS_IMAGE_CREDENTIAL_H
#define FAAS_IMAGE_CREDENTIAL_H

/*
 * Who we are to a registry: the "auths" of ~/.docker/config.json or of containers'
 * auth.json, {"auths":{"registry.example":{"auth":"dXNlcjpwYXNz"}}}. The most exact
 * entry wins: one for the repository, one for a part of its path, one for the registry.
 * "credHelpers" and "credsStore" name programs that know (lib/image/credhelper.h): of a
 * registry that is asked before the entries, and of all of them after.
 */

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/error.h"
#include "lib/image/reference.h"

enum { CREDENTIAL_SIZE = 4096 };

struct image_credential {
	char username[256];
	char password[CREDENTIAL_SIZE];
	bool identity;			/* the password is a token that gets others (OAuth 2) */
};

/* A program that keeps credentials, "" for none; first: what it knows counts more. */
struct image_credential_ask {
	char program[64], server[IMAGE_REGISTRY + 32];
	bool first;
};

/*
 * 1: found; 0: there is none; -1: the text is not of that form. *ask is who else is to be
 * asked. Wipe *ret after use.
 */
int image_credential_find(const char *text, size_t len, const struct image_ref *ref,
			  struct image_credential *ret, struct image_credential_ask *ask,
			  struct error *err) _must_check_;

#endif
