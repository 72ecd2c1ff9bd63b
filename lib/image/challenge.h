#ifndef FAAS_IMAGE_CHALLENGE_H
#define FAAS_IMAGE_CHALLENGE_H

/*
 * What a registry asks for with 401: the value of WWW-Authenticate,
 *
 *	Bearer realm="https://auth.example/token",service="registry",scope="..."
 *	Basic realm="registry"
 *
 * of which several may stand in one line. Bearer is taken before Basic.
 */

#include <stdbool.h>

#include "lib/base/error.h"

enum auth_scheme { AUTH_NONE, AUTH_BASIC, AUTH_BEARER };

enum { CHALLENGE_VALUE = 1024 };

struct image_challenge {
	enum auth_scheme scheme;
	char realm[CHALLENGE_VALUE];	/* of Bearer: where tokens are */
	char service[CHALLENGE_VALUE];
	char scope[CHALLENGE_VALUE];
};

/* False, and AUTH_NONE, when there is none that is known, or it is malformed. */
bool image_challenge_parse(const char *header, struct image_challenge *ret) _nonnull_;

#endif
