#include "lib/image/manifest.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/strbuf.h"

enum { LISTED_MAX = 300 };

/* JSON of a stranger. */
static json_t *load(const char *text, size_t len, const char *what, struct error *err)
{
	json_error_t why;
	json_t *j = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);

	if (!j)
		(void)err_set(err, ERR_PROTOCOL, "the %s is not JSON: %.100s", what, why.text);
	else if (!json_is_object(j) && !json_is_array(j))
		(void)err_set(err, ERR_PROTOCOL, "the %s is no object", what);
	else
		return j;
	json_decref(j);
	return NULL;
}

static void drop(json_t **j)
{
	json_decref(*j);
}
#define cleanup_doc	__attribute__((cleanup(drop)))

static const char *text_of(const json_t *j, const char *key)
{
	return json_string_value(json_object_get(j, key));
}

int image_document_kind(const char *text, size_t len, enum image_document *ret,
			struct error *err)
{
	cleanup_doc json_t *j = load(text, len, "manifest", err);
	json_int_t schema = json_integer_value(json_object_get(j, "schemaVersion"));
	bool index = json_is_array(json_object_get(j, "manifests"));
	bool manifest = json_is_object(json_object_get(j, "config")) &&
		json_is_array(json_object_get(j, "layers"));

	if (!j)
		return -1;
	if (schema == 1) {
		(void)err_set(err, ERR_UNSUPPORTED, "the image has a manifest of schema 1, which "
			      "is obsolete");
		return err_hint(err, "push it again with a newer docker, podman or skopeo");
	}
	if (schema != 2 || index == manifest)
		return err_set(err, ERR_PROTOCOL, "the manifest is neither one of an image nor a "
			       "list of such");
	*ret = index ? IMAGE_DOC_INDEX : IMAGE_DOC_MANIFEST;
	return 0;
}

static int blob_of(const json_t *j, const char *what, struct image_blob *ret,
		   struct error *err)
{
	const char *digest = text_of(j, "digest");
	const json_t *size = json_object_get(j, "size");

	if (!digest || !json_is_integer(size) || json_integer_value(size) < 0)
		return err_set(err, ERR_PROTOCOL, "%s has no digest and size", what);
	if (!image_digest_valid(digest))
		return err_set(err, ERR_PROTOCOL, "%s has a digest that is not sha256: '%.80s'",
			       what, digest);
	(void)snprintf(ret->digest, sizeof(ret->digest), "%s", digest);
	ret->size = json_integer_value(size);
	return 0;
}

static void part(char ret[PLATFORM_PART], const json_t *j, const char *key)
{
	const char *s = text_of(j, key);

	(void)snprintf(ret, PLATFORM_PART, "%.23s", s ? s : "");
}

static struct image_platform platform_of(const json_t *j)
{
	struct image_platform p = { .os = "" };

	part(p.os, j, "os");
	part(p.architecture, j, "architecture");
	part(p.variant, j, "variant");
	return p;
}

/* Its name in a layout is an annotation, a whole reference or a tag alone. */
static bool is_named(const json_t *entry, const char *tag)
{
	const json_t *notes = json_object_get(entry, "annotations");
	const char *name = text_of(notes, "org.opencontainers.image.ref.name");
	const char *whole = text_of(notes, "io.containerd.image.name");

	return !tag || !*tag || (name && !strcmp(name, tag)) || (whole && !strcmp(whole, tag));
}

static void list(struct strbuf *sb, const char *text)
{
	if (sb->len + strlen(text) + 2 > LISTED_MAX)
		return;
	strbuf_addf(sb, "%s%s", sb->len ? ", " : "", text);
}

static int not_there(const struct image_platform *want, const char *tag, bool any_named,
		     const struct strbuf *there, struct error *err)
{
	char text[PLATFORM_SIZE];

	if (tag && *tag && !any_named) {
		(void)err_set(err, ERR_NOT_FOUND, "there is no image '%.128s'%s%s", tag,
			      there->len ? "; there are: " : "", there->buf);
		return err_hint(err, "name one of those, or none if there is only one");
	}
	(void)err_set(err, ERR_NOT_FOUND, "the image is not for %s%s%s",
		      image_platform_format(want, text), there->len ? "; it is for: " : "",
		      there->buf);
	return err_hint(err, "choose one of them with '--platform'");
}

int image_index_pick(const char *text, size_t len, const struct image_platform *want,
		     const char *tag, struct image_blob *ret, struct error *err)
{
	cleanup_doc json_t *j = load(text, len, "index", err);
	cleanup_strbuf struct strbuf there = STRBUF(LISTED_MAX + 64);
	cleanup_strbuf struct strbuf names = STRBUF(LISTED_MAX + 64);
	const json_t *entry, *manifests = json_object_get(j, "manifests"), *found = NULL;
	bool any_named = false;
	char shown[PLATFORM_SIZE];
	size_t i;

	if (!j)
		return -1;
	json_array_foreach(manifests, i, entry) {
		const json_t *platform = json_object_get(entry, "platform");
		const char *name = text_of(json_object_get(entry, "annotations"),
					   "org.opencontainers.image.ref.name");
		struct image_platform p = platform_of(platform);

		if (name)
			list(&names, name);
		if (!is_named(entry, tag))
			continue;
		any_named = true;
		/* one without a platform says it in its configuration */
		if (!found && (!json_is_object(platform) || image_platform_suits(&p, want)))
			found = entry;
		if (json_is_object(platform) && strcmp(p.os, "unknown"))
			list(&there, image_platform_format(&p, shown));
	}
	if (!found)
		return not_there(want, tag, any_named, any_named ? &there : &names, err);
	return blob_of(found, "an entry of the index", ret, err);
}

int image_manifest_parse(const char *text, size_t len, struct image_manifest *ret,
			 struct error *err)
{
	cleanup_doc json_t *j = load(text, len, "manifest", err);
	const json_t *layer, *layers = json_object_get(j, "layers");
	size_t i;

	*ret = (struct image_manifest){ .n = 0 };
	if (!j || blob_of(json_object_get(j, "config"), "the configuration", &ret->config, err) < 0)
		return -1;
	if (ret->config.size > IMAGE_CONFIG_BYTES)
		return err_set(err, ERR_LIMIT, "the image's configuration has %lld bytes, more "
			       "than %d", (long long)ret->config.size, IMAGE_CONFIG_BYTES);
	if (json_array_size(layers) > IMAGE_LAYERS)
		return err_set(err, ERR_LIMIT, "the image has %zu layers, more than %d",
			       json_array_size(layers), IMAGE_LAYERS);
	json_array_foreach(layers, i, layer) {
		const char *type = text_of(layer, "mediaType");

		if (blob_of(layer, "a layer", &ret->layers[i], err) < 0)
			return -1;
		if (type && (strstr(type, "encrypted") || !strstr(type, "tar")))
			return err_set(err, ERR_UNSUPPORTED, "layer %zu is of the type '%.100s'",
				       i + 1, type);
	}
	ret->n = json_array_size(layers);
	if (!ret->n)
		return err_set(err, ERR_UNSUPPORTED, "the image has no layers");
	return 0;
}

void image_saved_release(struct image_saved *saved)
{
	free(saved->config);
	for (size_t i = 0; i < saved->n; i++)
		free(saved->layers[i]);
	*saved = (struct image_saved){ .n = 0 };
}

static bool has_tag(const json_t *entry, const char *tag)
{
	const json_t *name;
	size_t i;

	json_array_foreach(json_object_get(entry, "RepoTags"), i, name) {
		const char *s = json_string_value(name), *colon = s ? strrchr(s, ':') : NULL;

		if (s && (!strcmp(s, tag) || (colon && !strcmp(colon + 1, tag))))
			return true;
	}
	return false;
}

static const json_t *pick_saved(const json_t *all, const char *tag, struct error *err)
{
	cleanup_strbuf struct strbuf names = STRBUF(LISTED_MAX + 64);
	const json_t *entry;
	size_t i;

	if (!json_array_size(all)) {
		(void)err_set(err, ERR_PROTOCOL, "manifest.json lists no image");
		return NULL;
	}
	if (json_array_size(all) == 1 && (!tag || !*tag))
		return json_array_get(all, 0);
	json_array_foreach(all, i, entry) {
		const char *name = json_string_value(
			json_array_get(json_object_get(entry, "RepoTags"), 0));

		if (tag && *tag && has_tag(entry, tag))
			return entry;
		if (name)
			list(&names, name);
	}
	(void)err_set(err, ERR_NOT_FOUND, "%s; there are: %s", tag && *tag ?
		      "there is no image of that name" : "there is more than one image",
		      names.buf);
	(void)err_hint(err, "name one of them, after a ':'");
	return NULL;
}

int image_saved_parse(const char *text, size_t len, const char *tag, struct image_saved *ret,
		      struct error *err)
{
	cleanup_doc json_t *j = load(text, len, "manifest.json", err);
	const json_t *entry, *layers, *name;
	size_t i;

	*ret = (struct image_saved){ .n = 0 };
	entry = j ? pick_saved(j, tag, err) : NULL;
	if (!entry)
		return -1;
	layers = json_object_get(entry, "Layers");
	if (!text_of(entry, "Config") || !json_array_size(layers))
		return err_set(err, ERR_PROTOCOL, "manifest.json has no configuration or layers");
	if (json_array_size(layers) > IMAGE_LAYERS)
		return err_set(err, ERR_LIMIT, "the image has more than %d layers", IMAGE_LAYERS);
	ret->config = strdup(text_of(entry, "Config"));
	json_array_foreach(layers, i, name) {
		if (!json_is_string(name)) {
			image_saved_release(ret);
			return err_set(err, ERR_PROTOCOL, "manifest.json has a layer without name");
		}
		ret->layers[ret->n++] = strdup(json_string_value(name));
	}
	return 0;
}
