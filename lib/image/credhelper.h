#ifndef FAAS_IMAGE_CREDHELPER_H
#define FAAS_IMAGE_CREDHELPER_H

/*
 * Programs that keep credentials: docker-credential-NAME, found in $PATH, which gets the
 * registry on standard input of `get` and answers {"Username", "Secret"}. It is the
 * user's, so it gets the user's variables, and its words on standard error are shown.
 */

#include "lib/image/credential.h"

enum { CREDHELPER_MS = 30000 };

/* 1: it knows; 0: it does not; -1: it cannot be asked, or says nothing in that time. */
int credhelper_get(const char *name, const char *server, int timeout_ms,
		   struct image_credential *ret, struct error *err) _must_check_;

#endif
