#ifndef FAAS_IMAGE_AUTHFILE_H
#define FAAS_IMAGE_AUTHFILE_H

/*
 * Where registries' credentials are, in the order they are looked at:
 * $REGISTRY_AUTH_FILE alone, if it is set; else our own file, of `faas env login`, and
 * those of `docker login`, `podman login` and `skopeo login`:
 * $XDG_RUNTIME_DIR/containers/auth.json, $XDG_CONFIG_HOME/containers/auth.json (or
 * ~/.config), $DOCKER_CONFIG/config.json (or ~/.docker). The first that knows the
 * registry wins, be it by a program that keeps credentials.
 */

#include "lib/image/credential.h"

/*
 * own: our file, or NULL. 1: found; 0: nobody knows it; -1: a file cannot be read or is
 * damaged, or a program fails.
 */
int image_credential_load(const char *own, const struct image_ref *ref,
			  struct image_credential *ret, struct error *err) _must_check_;

/*
 * Keeps them in the file own, or in $REGISTRY_AUTH_FILE; what else is there stays. c
 * NULL: forgets them. *ret_path, to be freed, is the file. The key is a registry, or a
 * registry and a part of its repositories' names.
 */
int image_credential_keep(const char *own, const char *key, const struct image_credential *c,
			  char **ret_path, struct error *err) _must_check_;

#endif
