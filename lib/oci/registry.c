#include "lib/oci/registry.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/oci/digest.h"

enum {
	TOKEN_REPLY = 1 << 20,
	PING_REPLY = 64 << 10,
	FORM_LIMIT = 64 << 10,
	TOKENS_MAX = 8,		/* in one pull: they expire, but not all the time */
};

/* docker.io is a name, and not where its registry is. */
static const char *host_of(const struct image_ref *ref)
{
	return strcmp(ref->registry, "docker.io") ? ref->registry : "registry-1.docker.io";
}

static int probe(struct registry *r, struct http_reply *reply, struct error *err)
{
	char url[REGISTRY_URL];
	CURL *curl;

	(void)snprintf(url, sizeof(url), "%.300s/v2/", r->base);
	*reply = (struct http_reply){ .body = STRBUF(0) };
	curl = http_handle(&r->http, url, reply, err);
	if (!curl)
		return -1;
	curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	http_take(curl, curl_easy_perform(curl), reply);
	curl_easy_cleanup(curl);
	return 0;
}

/* Somebody is there, and speaks the other one of HTTP and HTTPS? */
static bool speaks_other(const struct http_reply *reply, bool loopback)
{
	switch (reply->code) {
	case CURLE_OK:
		return loopback && reply->status == 400;
	case CURLE_OPERATION_TIMEDOUT:
		return !loopback;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_UNSUPPORTED_PROTOCOL:
		return true;
	default:
		return false;
	}
}

/*
 * HTTPS; to this machine, and elsewhere with --insecure, HTTP as well. On this machine it
 * is tried first: what waits for it would wait for the end of a line of TLS for ever.
 */
int registry_open(const struct oci_request *req, struct registry *ret, struct error *err)
{
	const char *host = host_of(&req->ref);
	bool loopback = image_host_is_loopback(host);
	struct http_reply reply;

	*ret = (struct registry){
		.http = { .req = req, .plain = req->insecure || loopback },
	};
	(void)snprintf(ret->base, sizeof(ret->base), "%s://%s", loopback ? "http" : "https",
		       host);
	if (!ret->http.plain)
		return 0;
	if (probe(ret, &reply, err) < 0)
		return -1;
	if (speaks_other(&reply, loopback))
		(void)snprintf(ret->base, sizeof(ret->base), "%s://%s",
			       loopback ? "https" : "http", host);
	else if (reply.code != CURLE_OK)
		return http_error(&reply, host, err);
	return 0;
}

/* http://here:1/... of a token server: a password may go there unencrypted. */
static bool is_here(const char *url)
{
	char host[IMAGE_REGISTRY];

	if (strncmp(url, "http://", 7))
		return false;
	(void)snprintf(host, sizeof(host), "%.*s", (int)strcspn(url + 7, "/?#") & 255, url + 7);
	return !strchr(host, '@') && image_host_is_loopback(host);
}

void registry_release(struct registry *r)
{
	if (r->token)
		explicit_bzero(r->token, strlen(r->token));
	free(r->token);
	r->token = NULL;
	r->http.bearer = NULL;
}

void registry_blob_url(const struct registry *r, const char *digest, char url[REGISTRY_URL])
{
	(void)snprintf(url, REGISTRY_URL, "%.300s/v2/%s/blobs/%s", r->base,
		       r->http.req->ref.repository, digest);
}

static void add_field(struct strbuf *to, const char *name, const char *value)
{
	char *text = curl_easy_escape(NULL, value, 0);

	strbuf_addf(to, "%s=%s", name, text ? text : "");
	if (text)
		explicit_bzero(text, strlen(text));
	curl_free(text);
}

/* To log in is to ask for nothing. */
static void add_scope(const struct registry *r, const struct image_challenge *c,
		      struct strbuf *to)
{
	char scope[IMAGE_REPOSITORY + 32];

	(void)snprintf(scope, sizeof(scope), "repository:%s:pull", r->http.req->ref.repository);
	if (c->service[0]) {
		add_field(to, "service", c->service);
		strbuf_adds(to, "&");
	}
	if (!r->checking || c->scope[0])
		add_field(to, "scope", c->scope[0] ? c->scope : scope);
}

static int token_url(const struct registry *r, const struct image_challenge *c,
		     struct strbuf *url, struct error *err)
{
	strbuf_adds(url, c->realm);
	strbuf_addf(url, "%c", strchr(c->realm, '?') ? '&' : '?');
	add_scope(r, c, url);
	return strbuf_failed(url) ?
		err_set(err, ERR_PROTOCOL, "the address of the token server is too long") : 0;
}

/* What a token that gets others is handed in with: RFC 6749, 6. */
static int token_form(const struct registry *r, const struct image_challenge *c,
		      struct strbuf *form, struct error *err)
{
	strbuf_adds(form, "grant_type=refresh_token&client_id=faas&");
	add_scope(r, c, form);
	strbuf_adds(form, "&");
	add_field(form, "refresh_token", r->http.req->password);
	return strbuf_failed(form) ? err_set(err, ERR_LIMIT, "the token is too long") : 0;
}

static int take_token(struct registry *r, const struct http_reply *reply, struct error *err)
{
	json_t *j = json_loadb(reply->body.buf, reply->body.len, 0, NULL);
	const char *token = json_string_value(json_object_get(j, "token"));

	if (!token)
		token = json_string_value(json_object_get(j, "access_token"));
	registry_release(r);
	/* it becomes part of a header */
	if (token && *token && strcspn(token, "\r\n \t") == strlen(token))
		r->token = strdup(token);
	json_decref(j);
	r->http.bearer = r->token;
	return r->token ? 0 : err_set(err, ERR_PROTOCOL, "the token server gave no token");
}

static int get_token(struct registry *r, const struct image_challenge *c, struct error *err)
{
	cleanup_strbuf struct strbuf url = STRBUF(8192), form = STRBUF(FORM_LIMIT);
	cleanup_reply struct http_reply reply = { .body = STRBUF(0) };
	const struct oci_request *req = r->http.req;
	bool identity = req->identity && req->password;
	struct http http = r->http;
	int got;

	http.bearer = NULL;
	http.plain = req->insecure || is_here(c->realm);
	http.username = req->password && !identity ? req->username : NULL;
	http.password = req->password;
	if (identity ? token_form(r, c, &form, err) < 0 : token_url(r, c, &url, err) < 0)
		return -1;
	http.form = identity ? form.buf : NULL;
	got = http_get(&http, identity ? c->realm : url.buf, "application/json", TOKEN_REPLY,
		       "the token server", &reply, err);
	if (form.len)
		explicit_bzero(form.buf, form.len);
	if (got < 0)
		return -1;
	if (reply.status == 200)
		return take_token(r, &reply, err);
	return http_error(&reply, "the token server", err);
}

int registry_login(struct registry *r, const struct http_reply *reply, const char *what,
		   struct error *err)
{
	const struct oci_request *req = r->http.req;

	if (reply->challenge.scheme == AUTH_BEARER && r->tokens++ < TOKENS_MAX)
		return get_token(r, &reply->challenge, err);
	if (reply->challenge.scheme == AUTH_BASIC && req->username && req->password &&
	    !req->identity && !r->http.username) {
		r->http.username = req->username;
		r->http.password = req->password;
		return 0;
	}
	return http_error(reply, what, err);
}

/* GET with a second try after 401. */
static int get(struct registry *r, const char *url, const char *accept, size_t limit,
	       const char *what, struct http_reply *reply, struct error *err)
{
	bool again = false;

	for (;;) {
		if (http_get(&r->http, url, accept, limit, what, reply, err) < 0)
			return -1;
		if (reply->status == 200)
			return 0;
		if (reply->status != 401 || again)
			return http_error(reply, what, err);
		if (registry_login(r, reply, what, err) < 0)
			return -1;
		http_reply_release(reply);
		again = true;
	}
}

static int get_document(struct registry *r, const char *ref, struct http_reply *reply,
			struct error *err)
{
	char url[REGISTRY_URL], what[IMAGE_REPOSITORY + IMAGE_TAG + 64];

	(void)snprintf(url, sizeof(url), "%.300s/v2/%s/manifests/%s", r->base,
		       r->http.req->ref.repository, ref);
	(void)snprintf(what, sizeof(what), "the manifest of '%.255s' (%.128s)",
		       r->http.req->ref.repository, ref);
	return get(r, url, IMAGE_ACCEPT, IMAGE_MANIFEST_BYTES, what, reply, err);
}

int registry_check(struct registry *r, bool *ret_asked, struct error *err)
{
	cleanup_reply struct http_reply reply = { .body = STRBUF(0) };
	char url[REGISTRY_URL];

	r->checking = true;
	*ret_asked = false;
	(void)snprintf(url, sizeof(url), "%.300s/v2/", r->base);
	if (get(r, url, "application/json", PING_REPLY, r->http.req->ref.registry, &reply,
		err) < 0)
		return -1;
	*ret_asked = r->http.bearer || r->http.username;
	return 0;
}

/* What was asked for by digest has it, and what was not has what its header says. */
static int check_document(const struct http_reply *reply, const struct image_blob *want,
			  char got[IMAGE_DIGEST], struct error *err)
{
	CLEANUP(digest_free) struct digest *d = digest_new();
	const char *expected = want->digest[0] ? want->digest :
		image_digest_valid(reply->digest) ? reply->digest : NULL;

	if (!d)
		return err_set(err, ERR_LIMIT, "no memory for a digest");
	digest_add(d, reply->body.buf, reply->body.len);
	digest_end(d, got);
	if (expected && strcmp(got, expected))
		return err_set(err, ERR_PROTOCOL, "the manifest that came for '%s' has the digest "
			       "'%s'", expected, got);
	if (want->size >= 0 && (int64_t)reply->body.len != want->size)
		return err_set(err, ERR_PROTOCOL, "the manifest has %zu bytes, and the index says "
			       "%lld", reply->body.len, (long long)want->size);
	return 0;
}

int registry_manifest(struct registry *r, struct image_manifest *ret,
		      char digest[IMAGE_DIGEST], struct error *err)
{
	const struct image_ref *ref = &r->http.req->ref;
	struct image_blob want = { .size = -1 };

	memcpy(want.digest, ref->digest, sizeof(want.digest));
	for (int depth = 0; depth < IMAGE_INDEX_DEPTH; depth++) {
		cleanup_reply struct http_reply reply = { .body = STRBUF(0) };
		enum image_document kind;
		char got[IMAGE_DIGEST];

		if (get_document(r, want.digest[0] ? want.digest : ref->tag, &reply, err) < 0 ||
		    check_document(&reply, &want, got, err) < 0 ||
		    image_document_kind(reply.body.buf, reply.body.len, &kind, err) < 0)
			return -1;
		if (!depth)
			memcpy(digest, got, IMAGE_DIGEST);
		if (kind == IMAGE_DOC_MANIFEST)
			return image_manifest_parse(reply.body.buf, reply.body.len, ret, err);
		if (image_index_pick(reply.body.buf, reply.body.len, &r->http.req->platform, NULL,
				     &want, err) < 0)
			return -1;
	}
	return err_set(err, ERR_PROTOCOL, "indexes in indexes, more than %d deep",
		       IMAGE_INDEX_DEPTH);
}
