#ifndef FAAS_OCI_REQUEST_H
#define FAAS_OCI_REQUEST_H

/*
 * What the helper is asked for: one JSON object on a descriptor, because it may hold a
 * password, which has no place on a command line.
 *
 *	{"reference":"docker.io/library/alpine:3","platform":"linux/amd64",
 *	 "username":"u","password":"p","insecure":false,"patience_ms":30000,
 *	 "proxy":"http://proxy:3128","http_proxy":"http://proxy:3128","no_proxy":"localhost",
 *	 "identity":false,"ca":"-----BEGIN CERTIFICATE-----..."}
 *
 * "identity": the password is a token that gets others. "ca": who is believed besides
 * those whom this machine believes. With a folder, "tag" says which image of it, and "reference" is not used.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/error.h"
#include "lib/image/platform.h"
#include "lib/image/reference.h"

struct oci_request {
	json_t *doc;		/* what the texts below are parts of */
	struct image_ref ref;
	struct image_platform platform;
	const char *tag;	/* "" for the only one */
	const char *username, *password;	/* NULL, or both */
	const char *proxy, *http_proxy, *no_proxy;	/* NULL: none */
	const char *ca;				/* PEM, or NULL */
	bool insecure, identity;
	uint64_t patience_ms;
};

int oci_request_read(int fd, bool registry, struct oci_request *ret, struct error *err)
	_must_check_;
void oci_request_release(struct oci_request *req);

#endif
