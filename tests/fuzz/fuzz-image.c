/*
 * What registries and layouts send: whatever it is, each parser takes it or says what is
 * wrong, and what it took holds what its header promises.
 *
 * The input: one byte that says which parser, then its text.
 */

#include <stdlib.h>
#include <string.h>

#include "lib/image/challenge.h"
#include "lib/image/credential.h"
#include "lib/image/manifest.h"

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void blob_is_good(const struct image_blob *blob)
{
	require(image_digest_valid(blob->digest) && blob->size >= 0);
}

static void manifest(const char *text, size_t len)
{
	static struct image_manifest m;
	struct error err = { 0 };

	if (image_manifest_parse(text, len, &m, &err) < 0) {
		require(err.code && err.msg[0]);
		return;
	}
	require(m.n > 0 && m.n <= IMAGE_LAYERS && m.config.size <= IMAGE_CONFIG_BYTES);
	blob_is_good(&m.config);
	for (size_t i = 0; i < m.n; i++)
		blob_is_good(&m.layers[i]);
}

static void index_of(const char *text, size_t len)
{
	const struct image_platform want = { "linux", "amd64", "" };
	enum image_document kind;
	struct error err = { 0 };
	struct image_blob blob;

	if (image_document_kind(text, len, &kind, &err) < 0)
		require(err.code && err.msg[0]);
	if (image_index_pick(text, len, &want, len % 2 ? "v1" : NULL, &blob, &err) < 0)
		require(err.code && err.msg[0]);
	else
		blob_is_good(&blob);
}

static void config(const char *text, size_t len)
{
	struct error err = { 0 };
	json_t *j = NULL;

	if (image_config_parse(text, len, &j, &err) < 0) {
		require(err.code && !j);
		return;
	}
	require(json_is_object(json_object_get(j, "variables")));
	json_decref(j);
}

static void saved(const char *text, size_t len)
{
	struct image_saved s;
	struct error err = { 0 };

	if (image_saved_parse(text, len, len % 2 ? "v1" : "", &s, &err) < 0) {
		require(err.code && err.msg[0]);
		return;
	}
	require(s.config && s.n > 0 && s.n <= IMAGE_LAYERS);
	image_saved_release(&s);
}

static void challenge(const char *text)
{
	struct image_challenge c;

	require(image_challenge_parse(text, &c) == (c.scheme != AUTH_NONE));
	require(c.scheme != AUTH_BEARER || c.realm[0]);
	require(memchr(c.realm, '\0', sizeof(c.realm)) && memchr(c.scope, '\0', sizeof(c.scope)));
}

static void reference(const char *text)
{
	struct image_ref ref, again;
	struct image_platform p;
	struct error err = { 0 };
	char whole[IMAGE_REF];

	if (image_platform_parse(text, &p, &err) == 0)
		require(p.os[0] && p.architecture[0]);
	if (image_ref_parse(text, &ref, &err) < 0) {
		require(err.code == ERR_USAGE);
		return;
	}
	require(ref.tag[0] || ref.digest[0]);
	require(!strstr(ref.repository, "..") && ref.repository[0] != '/');
	require(image_ref_parse(image_ref_format(&ref, whole), &again, &err) == 0);
	require(!memcmp(&ref, &again, sizeof(ref)) || !strcmp(ref.repository, again.repository));
}

static void credential(const char *text, size_t len)
{
	const struct image_ref ref = { .registry = "r.example", .repository = "a/b" };
	struct image_credential c;
	struct image_credential_ask ask;
	struct error err = { 0 };

	if (image_credential_find(text, len, &ref, &c, &ask, &err) < 0)
		require(err.code == ERR_USAGE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (!size)
		return 0;
	text = malloc(size);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	switch (data[0] % 7) {
	case 0:
		manifest(text, size - 1);
		break;
	case 1:
		index_of(text, size - 1);
		break;
	case 2:
		config(text, size - 1);
		break;
	case 3:
		saved(text, size - 1);
		break;
	case 4:
		challenge(text);
		break;
	case 5:
		reference(text);
		break;
	default:
		credential(text, size - 1);
	}
	free(text);
	return 0;
}
