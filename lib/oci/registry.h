#ifndef FAAS_OCI_REGISTRY_H
#define FAAS_OCI_REGISTRY_H

/*
 * A repository of a registry, by the distribution API: GET /v2/NAME/manifests/REF and
 * /v2/NAME/blobs/DIGEST, with the credentials or the token that it asks for.
 */

#include "lib/image/manifest.h"
#include "lib/oci/http.h"

enum { REGISTRY_URL = 1024 };

struct registry {
	struct http http;
	char base[REGISTRY_URL];	/* https://host:port */
	char *token;			/* of Bearer, or NULL */
	unsigned int tokens;		/* how often one was asked for */
	bool checking;			/* for no repository */
};

int registry_open(const struct oci_request *req, struct registry *ret, struct error *err)
	_must_check_;
void registry_release(struct registry *r);

/* Does it know us, as far as it asks: ERR_AUTH when it does not. *ret_asked: it did ask. */
int registry_check(struct registry *r, bool *ret_asked, struct error *err) _must_check_;
/* The manifest for the platform; digest is that of what the reference names. */
int registry_manifest(struct registry *r, struct image_manifest *ret,
		      char digest[IMAGE_DIGEST], struct error *err) _must_check_;
void registry_blob_url(const struct registry *r, const char *digest, char url[REGISTRY_URL]);
/* The answer was 401: gets what it asks for. ERR_AUTH when there is nothing more to get. */
int registry_login(struct registry *r, const struct http_reply *reply, const char *what,
		   struct error *err) _must_check_;

#endif
