#ifndef FAAS_OCI_HTTP_H
#define FAAS_OCI_HTTP_H

/*
 * libcurl, as a registry is spoken to: HTTPS, or HTTP where that was allowed; few
 * redirects, and credentials never go to another host with them; a server that says
 * nothing is given up.
 */

#include <curl/curl.h>
#include <stdbool.h>

#include "lib/base/error.h"
#include "lib/base/strbuf.h"
#include "lib/image/challenge.h"
#include "lib/oci/request.h"

enum {
	HTTP_TRIES = 5,			/* of a question that fails for a while */
	HTTP_WAIT_MAX_MS = 20000,	/* a server that wants us to wait longer is not waited for */
	HTTP_REDIRECTS = 5,
};

struct http {
	const struct oci_request *req;
	bool plain;			/* HTTP is allowed, to this host */
	const char *bearer;		/* NULL, or what to say who we are */
	const char *username, *password;	/* the same, for Basic */
	const char *form;		/* NULL, or what to POST */
};

struct http_reply {
	long status;			/* 0: none came */
	CURLcode code;
	curl_off_t wait_s;		/* Retry-After */
	struct image_challenge challenge;
	char digest[IMAGE_DIGEST];	/* Docker-Content-Digest, or "" */
	char range[96];			/* Content-Range */
	char location[256];		/* where it came from at last, for messages */
	char why[CURL_ERROR_SIZE];
	struct strbuf body;		/* with its limit */
};

/* A handle with all of that set, that fills reply but not its body. */
CURL *http_handle(const struct http *h, const char *url, struct http_reply *reply,
		  struct error *err);
/* After the transfer: what reply has from the handle. */
void http_take(CURL *curl, CURLcode code, struct http_reply *reply);

/*
 * Asks for url, and again when that may help. 0 with the reply, whatever its status;
 * -1 when none came, or its body is larger than limit bytes. what is for messages.
 */
int http_get(const struct http *h, const char *url, const char *accept, size_t limit,
	     const char *what, struct http_reply *reply, struct error *err) _must_check_;
void http_reply_release(struct http_reply *reply);
#define cleanup_reply	__attribute__((cleanup(http_reply_release)))

/* Is it worth asking again? After how long: *ret_ms; try counts from 0. */
bool http_again(const struct http_reply *reply, unsigned int try, uint64_t *ret_ms);
/* The reply as an error: status, and what the registry says of it. */
int http_error(const struct http_reply *reply, const char *what, struct error *err);

#endif
