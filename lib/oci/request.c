#include "lib/oci/request.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/strbuf.h"

enum { REQUEST_LIMIT = 1 << 20, PATIENCE_MS = 30000 };

static const char *text_of(const json_t *j, const char *key)
{
	return json_string_value(json_object_get(j, key));
}

static int load(int fd, json_t **ret, struct error *err)
{
	cleanup_strbuf struct strbuf text = STRBUF(REQUEST_LIMIT);
	char buf[4096];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		strbuf_add(&text, buf, (size_t)n);
	explicit_bzero(buf, sizeof(buf));
	if (n < 0)
		return err_sys(err, errno, "read the request");
	*ret = strbuf_failed(&text) ? NULL : json_loadb(text.buf, text.len, 0, NULL);
	if (text.len)
		explicit_bzero(text.buf, text.len);
	return json_is_object(*ret) ? 0 : err_set(err, ERR_PROTOCOL, "the request is no object");
}

int oci_request_read(int fd, bool registry, struct oci_request *ret, struct error *err)
{
	const char *reference, *tag;
	json_int_t patience;

	*ret = (struct oci_request){ .doc = NULL };
	if (load(fd, &ret->doc, err) < 0)
		return -1;
	reference = text_of(ret->doc, "reference");
	tag = text_of(ret->doc, "tag");
	patience = json_integer_value(json_object_get(ret->doc, "patience_ms"));
	ret->tag = tag ? tag : "";
	ret->username = text_of(ret->doc, "username");
	ret->password = text_of(ret->doc, "password");
	ret->proxy = text_of(ret->doc, "proxy");
	ret->http_proxy = text_of(ret->doc, "http_proxy");
	ret->no_proxy = text_of(ret->doc, "no_proxy");
	ret->ca = text_of(ret->doc, "ca");
	ret->identity = json_is_true(json_object_get(ret->doc, "identity"));
	ret->insecure = json_is_true(json_object_get(ret->doc, "insecure"));
	ret->patience_ms = patience > 0 ? (uint64_t)patience : PATIENCE_MS;
	if (image_platform_parse(text_of(ret->doc, "platform"), &ret->platform, err) < 0)
		return -1;
	return registry ? image_ref_parse(reference ? reference : "", &ret->ref, err) : 0;
}

void oci_request_release(struct oci_request *req)
{
	json_decref(req->doc);
	req->doc = NULL;
}
