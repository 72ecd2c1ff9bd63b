#include "lib/oci/http.h"

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { BUFFER = 256 << 10, CONNECT_MS = 15000 };

void http_reply_release(struct http_reply *reply)
{
	strbuf_release(&reply->body);
}

/* The value of a header of that name, without its end; NULL for another header. */
static const char *value_of(const char *line, size_t len, const char *name, size_t *ret_len)
{
	size_t n = strlen(name);

	if (len <= n || strncasecmp(line, name, n) || line[n] != ':')
		return NULL;
	line += n + 1;
	len -= n + 1;
	while (len && (*line == ' ' || *line == '\t'))
		line++, len--;
	while (len && (line[len - 1] == '\r' || line[len - 1] == '\n' || line[len - 1] == ' '))
		len--;
	*ret_len = len;
	return line;
}

static size_t on_header(char *line, size_t size, size_t n, void *data)
{
	struct http_reply *reply = data;
	struct image_challenge challenge;
	char text[4096];
	const char *v;
	size_t len;

	n *= size;
	/* of a redirect's replies, the last one counts */
	if (n > 5 && !strncmp(line, "HTTP/", 5)) {
		reply->challenge = (struct image_challenge){ .scheme = AUTH_NONE };
		reply->digest[0] = reply->range[0] = '\0';
	}
	if ((v = value_of(line, n, "WWW-Authenticate", &len)) && len < sizeof(text)) {
		(void)snprintf(text, sizeof(text), "%.*s", (int)len, v);
		if (image_challenge_parse(text, &challenge) &&
		    challenge.scheme > reply->challenge.scheme)
			reply->challenge = challenge;
	}
	if ((v = value_of(line, n, "Docker-Content-Digest", &len)) && len < IMAGE_DIGEST)
		(void)snprintf(reply->digest, sizeof(reply->digest), "%.*s", (int)len, v);
	if ((v = value_of(line, n, "Content-Range", &len)) && len < sizeof(reply->range))
		(void)snprintf(reply->range, sizeof(reply->range), "%.*s", (int)len, v);
	return n;
}

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
	struct http_reply *reply = arg;

	strbuf_add(&reply->body, data, size * n);
	return strbuf_failed(&reply->body) ? 0 : size * n;
}

static void set_patience(CURL *curl, uint64_t ms)
{
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
			 (long)(ms < CONNECT_MS ? ms : CONNECT_MS));
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)((ms + 999) / 1000));
}

static void set_credentials(CURL *curl, const struct http *h)
{
	if (h->bearer) {
		curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
		curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, h->bearer);
	} else if (h->username) {
		curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		curl_easy_setopt(curl, CURLOPT_USERNAME, h->username);
		curl_easy_setopt(curl, CURLOPT_PASSWORD, h->password);
	}
	curl_easy_setopt(curl, CURLOPT_UNRESTRICTED_AUTH, 0L);
}

/* A bundle of its own is instead of the machine's file, and besides its folder. */
static void set_trust(CURL *curl, const struct oci_request *req)
{
	struct curl_blob ca = { .flags = CURL_BLOB_COPY };

	if (req->insecure) {
		curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
	} else if (req->ca) {
		ca.data = (void *)(uintptr_t)req->ca;
		ca.len = strlen(req->ca);
		curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &ca);
	}
}

/* As curl itself has it: one for each of the two. */
static void set_proxy(CURL *curl, const struct oci_request *req, const char *url)
{
	const char *proxy = strncmp(url, "http://", 7) ? req->proxy : req->http_proxy;

	curl_easy_setopt(curl, CURLOPT_PROXY, proxy ? proxy : "");
	curl_easy_setopt(curl, CURLOPT_NOPROXY, req->no_proxy ? req->no_proxy : "");
}

CURL *http_handle(const struct http *h, const char *url, struct http_reply *reply,
		  struct error *err)
{
	const char *protocols = h->plain ? "http,https" : "https";
	CURL *curl = curl_easy_init();

	if (!curl) {
		(void)err_set(err, ERR_LIMIT, "no memory to ask the registry");
		return NULL;
	}
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, protocols);
	curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, protocols);
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(curl, CURLOPT_MAXREDIRS, (long)HTTP_REDIRECTS);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "faas/" FAAS_VERSION);
	curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, (long)BUFFER);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reply->why);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, reply);
	if (h->form)
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, h->form);
	set_proxy(curl, h->req, url);
	set_trust(curl, h->req);
	set_patience(curl, h->req->patience_ms);
	set_credentials(curl, h);
	return curl;
}

void http_take(CURL *curl, CURLcode code, struct http_reply *reply)
{
	char *url = NULL;

	reply->code = code;
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply->status);
	curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &reply->wait_s);
	curl_easy_getinfo(curl, CURLINFO_EFFECTIVE_URL, &url);
	if (url)	/* what follows '?' may be a signature */
		(void)snprintf(reply->location, sizeof(reply->location), "%.*s",
			       (int)strcspn(url, "?") > 250 ? 250 : (int)strcspn(url, "?"), url);
	if (!reply->why[0])
		(void)snprintf(reply->why, sizeof(reply->why), "%s", curl_easy_strerror(code));
}

bool http_again(const struct http_reply *reply, unsigned int try, uint64_t *ret_ms)
{
	static const CURLcode passing[] = {
		CURLE_COULDNT_RESOLVE_HOST, CURLE_PARTIAL_FILE, CURLE_SEND_ERROR,
		CURLE_RECV_ERROR, CURLE_GOT_NOTHING, CURLE_HTTP2, CURLE_HTTP2_STREAM,
		CURLE_OPERATION_TIMEDOUT,
	};
	bool again = reply->status == 429 || reply->status == 500 || reply->status == 502 ||
		reply->status == 503 || reply->status == 504 || reply->status == 408;

	if (reply->code != CURLE_OK)
		again = false;
	for (size_t i = 0; i < ARRAY_SIZE(passing); i++)
		again |= reply->code == passing[i];
	*ret_ms = UINT64_C(200) << try;
	if (reply->wait_s > 0 && reply->code == CURLE_OK)
		*ret_ms = reply->wait_s > HTTP_WAIT_MAX_MS ? UINT64_MAX :
			(uint64_t)reply->wait_s * 1000;
	return again && try + 1 < HTTP_TRIES && *ret_ms <= HTTP_WAIT_MAX_MS;
}

static int no_reply(const struct http_reply *reply, const char *what, struct error *err)
{
	switch (reply->code) {
	case CURLE_TOO_MANY_REDIRECTS:
		return err_set(err, ERR_PROTOCOL, "%s: more than %d redirects", what,
			       HTTP_REDIRECTS);
	case CURLE_UNSUPPORTED_PROTOCOL:
		(void)err_set(err, ERR_DENIED, "%s: it leads to a place without HTTPS", what);
		return err_hint(err, "'--insecure' allows that, if you trust the network");
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
		(void)err_set(err, ERR_UNAVAILABLE, "%s: %s", what, reply->why);
		return err_hint(err, "'--ca-file' names who signed its certificate; '--insecure' "
				"goes without, and without HTTPS, if you trust the network");
	case CURLE_OPERATION_TIMEDOUT:
		(void)err_set(err, ERR_UNAVAILABLE, "%s: the registry says nothing (%s)", what,
			      reply->why);
		return err_hint(err, "try again; '--timeout' waits longer");
	default:
		(void)err_set(err, ERR_UNAVAILABLE, "%s: %s", what, reply->why);
		return err_hint(err, "is the name of the registry right, and the network up?");
	}
}

/* {"errors":[{"code","message"}]} of the body, "" when it has none. */
static void message_of(const struct http_reply *reply, char ret[160])
{
	json_t *j = json_loadb(reply->body.buf, reply->body.len, 0, NULL);
	const json_t *first = json_array_get(json_object_get(j, "errors"), 0);
	const char *text = json_string_value(json_object_get(first, "message"));
	const char *code = json_string_value(json_object_get(first, "code"));

	ret[0] = '\0';
	if (text || code)
		(void)snprintf(ret, 160, ": %.150s", text && *text ? text : code ? code : "");
	json_decref(j);
}

int http_error(const struct http_reply *reply, const char *what, struct error *err)
{
	char said[160];

	if (!reply->status || (reply->code != CURLE_OK && reply->code != CURLE_WRITE_ERROR))
		return no_reply(reply, what, err);
	message_of(reply, said);
	switch (reply->status) {
	case 401:
		(void)err_set(err, ERR_AUTH, "%s: the registry wants to know who asks%s", what,
			      said);
		return err_hint(err, "log in with 'faas env login', or say '--username' and "
				"'--password-stdin'; is the name right?");
	case 403:
		(void)err_set(err, ERR_DENIED, "%s: the registry does not allow it%s", what, said);
		return err_hint(err, "ask as another, with '--username' and '--password-stdin'");
	case 404:
		(void)err_set(err, ERR_NOT_FOUND, "%s: the registry has no such thing%s", what,
			      said);
		return err_hint(err, "is the name right, and the tag?");
	case 429:
		(void)err_set(err, ERR_LIMIT, "%s: too many questions (status 429)%s", what, said);
		break;
	default:
		(void)err_set(err, reply->status >= 500 ? ERR_UNAVAILABLE : ERR_PROTOCOL,
			      "%s: status %ld%s", what, reply->status, said);
	}
	if (reply->wait_s > 0)
		return err_hint(err, "try again in %lld s", (long long)reply->wait_s);
	return err_hint(err, "try again later");
}

static void wait_ms(uint64_t ms)
{
	struct timespec t = { (time_t)(ms / 1000), (long)(ms % 1000) * 1000000 };

	while (nanosleep(&t, &t) < 0)
		;
}

static int ask(const struct http *h, const char *url, const char *accept,
	       struct http_reply *reply, struct error *err)
{
	struct curl_slist *headers = NULL;
	CURL *curl = http_handle(h, url, reply, err);
	char line[512];

	if (!curl)
		return -1;
	(void)snprintf(line, sizeof(line), "Accept: %s", accept ? accept : "*/*");
	headers = curl_slist_append(NULL, line);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, reply);
	/* drop by drop does not last for ever either */
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(h->req->patience_ms * 4));
	http_take(curl, curl_easy_perform(curl), reply);
	curl_easy_cleanup(curl);
	curl_slist_free_all(headers);
	return 0;
}

int http_get(const struct http *h, const char *url, const char *accept, size_t limit,
	     const char *what, struct http_reply *reply, struct error *err)
{
	for (unsigned int try = 0;; try++) {
		uint64_t ms;

		*reply = (struct http_reply){ .body = STRBUF(limit) };
		if (ask(h, url, accept, reply, err) < 0)
			return -1;
		if (strbuf_failed(&reply->body)) {
			http_reply_release(reply);
			return err_set(err, ERR_LIMIT, "%s is larger than %zu bytes", what, limit);
		}
		if (!http_again(reply, try, &ms))
			break;
		/* who is not there at once may be so for a reason, and a silent one stays silent */
		if (reply->code == CURLE_OPERATION_TIMEDOUT ||
		    (reply->code == CURLE_COULDNT_RESOLVE_HOST && try > 0))
			break;
		http_reply_release(reply);
		wait_ms(ms);
	}
	return reply->code == CURLE_OK ? 0 : http_error(reply, what, err);
}
