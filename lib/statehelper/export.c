#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/base64.h"
#include "lib/crypto/sign.h"
#include "lib/statehelper/confine.h"
#include "lib/statehelper/digest.h"
#include "lib/statehelper/pack.h"
#include "lib/statehelper/verb.h"

/*
 * A snapshot as one file: manifest, signature, then its layers, the lowest first. The
 * manifest has the digests of the layers, so that to trust it is to trust everything.
 */

enum { THREADS = 2 };

static const char *text_of(const json_t *j, const char *key)
{
	return json_string_value(json_object_get(j, key));
}

/* Those that are not recorded yet are computed: the manifest comes first. */
static int add_digests(const json_t *layers, const json_t *names,
		       const struct walk_owners *owners, struct error *err)
{
	json_t *layer;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)layers, i, layer) {
		const char *name = json_string_value(json_array_get(names, i));
		char digest[DIGEST_TEXT];
		cleanup_close int fd = -1;

		if (text_of(layer, "digest"))
			continue;
		fd = open_layer(3, name);
		if (fd < 0)
			return err_sys(err, errno, "open layer '%s'", name ? name : "");
		if (digest_layer(fd, owners, digest, err) < 0)
			return err_wrap(err, "layer '%s'", name);
		json_object_set_new(layer, "digest", json_string(digest));
	}
	return 0;
}

static int write_manifest(struct pack *p, const json_t *manifest, bool sign, struct error *err)
{
	cleanup_free char *text = json_dumps(manifest, JSON_INDENT(1) | JSON_SORT_KEYS);
	unsigned char key[SIGN_KEY], signature[SIGN_BYTES];
	char line[BASE64_SIZE(SIGN_BYTES)];
	int r;

	if (!text)
		return err_sys(err, ENOMEM, "write the manifest");
	if (pack_text(p, "faas-snapshot.json", text, strlen(text), err) < 0)
		return -1;
	if (!sign)
		return 0;
	if (sign_read_private(5, key, err) < 0)
		return -1;
	r = sign_make(key, text, strlen(text), signature, err);
	sign_forget(key);
	if (r < 0)
		return -1;
	base64_encode(signature, sizeof(signature), line);
	return pack_text(p, "faas-snapshot.sig", line, strlen(line), err);
}

struct exporting {
	struct pack *p;
	struct digest *digest;
	char prefix[32];
};

static int add_entry(void *arg, const struct walk_entry *e, struct error *err)
{
	struct exporting *x = arg;
	uint64_t at = 0;
	char *room;
	ssize_t n;

	if (pack_entry(x->p, x->prefix, e, err) < 0)
		return -1;
	while ((n = walk_read(e, &at, room = digest_room(x->digest), err)) > 0) {
		say_progress(pack_bytes_in(x->p), 0);
		if (pack_data(x->p, at, room, (size_t)n, err) < 0)
			return -1;
		digest_block(x->digest, at, room, (size_t)n);
		at += (uint64_t)n;
	}
	if (!n)
		digest_add(x->digest, e);
	return (int)n;
}

/* What is written is what the manifest says, or nothing. */
static int write_layer(struct exporting *x, const char *name, const json_t *layer,
		       const struct walk_owners *owners, struct error *err)
{
	cleanup_digest struct digest d = { .queue = NULL };
	cleanup_close int fd = open_layer(3, name);
	char digest[DIGEST_TEXT];

	if (fd < 0)
		return err_sys(err, errno, "open layer '%s'", name ? name : "");
	digest_begin(&d);
	/* for add_entry, and no longer than this walk */
	/* cppcheck-suppress autoVariables */
	x->digest = &d;
	if (walk_layer(fd, owners, add_entry, x, err) < 0)
		return err_wrap(err, "layer '%s'", name);
	digest_end(&d, digest);
	if (digest_same(digest, text_of(layer, "digest"), true))
		return 0;
	(void)err_set(err, ERR_CORRUPT, "the files of layer '%s' are not what they were", name);
	return err_hint(err, "see 'faas snapshot check'");
}

int verb_export(const json_t *ask, json_t *result, struct error *err)
{
	const json_t *manifest = json_object_get(ask, "manifest");
	const json_t *layers = json_object_get(manifest, "layers");
	const json_t *names = json_object_get(ask, "names");
	struct walk_owners owners = ask_owners(ask);
	CLEANUP(pack_free) struct pack *p = NULL;
	struct exporting x = { .p = NULL };
	int r = 0;

	if (confine_reading(true, err) < 0 || add_digests(layers, names, &owners, err) < 0 ||
	    pack_open(4, (int)json_integer_value(json_object_get(ask, "level")), THREADS, &p,
		      err) < 0 ||
	    write_manifest(p, manifest, json_is_true(json_object_get(ask, "sign")), err) < 0)
		r = -1;
	x.p = p;
	for (size_t i = 0; i < json_array_size(layers) && !r; i++) {
		(void)snprintf(x.prefix, sizeof(x.prefix), "layers/%zu/", i);
		r = write_layer(&x, json_string_value(json_array_get(names, i)),
				json_array_get(layers, i), &owners, err);
	}
	if (r < 0 || pack_end(p, err) < 0)
		return -1;
	json_object_set_new(result, "bytes", json_integer((json_int_t)pack_bytes_out(p)));
	json_object_set_new(result, "content", json_integer((json_int_t)pack_bytes_in(p)));
	return 0;
}
