#ifndef FAAS_IMAGE_AUTHFILE_H
#define FAAS_IMAGE_AUTHFILE_H

/*
 * Where `docker login`, `podman login` and `skopeo login` keep what they were told, in
 * the order they are looked at: $REGISTRY_AUTH_FILE alone, if it is set; else
 * $XDG_RUNTIME_DIR/containers/auth.json, $XDG_CONFIG_HOME/containers/auth.json (or
 * ~/.config), $DOCKER_CONFIG/config.json (or ~/.docker). The first that knows the
 * registry wins. Programs that keep credentials (credsStore) are not asked.
 */

#include "lib/image/credential.h"

/* 1: found; 0: nobody knows it; -1: a file cannot be read or is damaged. */
int image_credential_load(const struct image_ref *ref, struct image_credential *ret,
			  struct error *err) _must_check_;

#endif
