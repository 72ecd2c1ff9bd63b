#ifndef FAAS_IMAGE_MANIFEST_H
#define FAAS_IMAGE_MANIFEST_H

/*
 * What registries and layouts say of an image
 * ===========================================
 *
 * An index lists manifests, one for each platform; a manifest names a configuration and
 * layers, by digest and size; the configuration says how to run it. OCI and docker
 * (schema 2) have the same shape and other media types. All of it comes from strangers:
 * what is not of that shape is ERR_PROTOCOL.
 */

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/cleanup.h"
#include "lib/base/error.h"
#include "lib/image/platform.h"
#include "lib/image/reference.h"

enum {
	IMAGE_LAYERS = 127,			/* docker's own limit */
	IMAGE_MANIFEST_BYTES = 4 << 20,		/* as registries have it */
	IMAGE_CONFIG_BYTES = 8 << 20,
	IMAGE_INDEX_DEPTH = 4,			/* of indexes in indexes */
};

/* What to ask a registry for. */
#define IMAGE_ACCEPT						\
	"application/vnd.oci.image.index.v1+json, "		\
	"application/vnd.oci.image.manifest.v1+json, "		\
	"application/vnd.docker.distribution.manifest.list.v2+json, " \
	"application/vnd.docker.distribution.manifest.v2+json"

struct image_blob {
	char digest[IMAGE_DIGEST];
	int64_t size;
};

struct image_manifest {
	struct image_blob config;
	struct image_blob layers[IMAGE_LAYERS];	/* the lowest first */
	size_t n;
};

enum image_document { IMAGE_DOC_INDEX, IMAGE_DOC_MANIFEST };

/* Which of the two it is; ERR_UNSUPPORTED for what is older or no image. */
int image_document_kind(const char *text, size_t len, enum image_document *ret,
			struct error *err) _must_check_;
/*
 * The entry for that platform; ERR_NOT_FOUND names those that there are. With a tag
 * (of a layout, which keeps several images) only those of that name count.
 */
int image_index_pick(const char *text, size_t len, const struct image_platform *want,
		     const char *tag, struct image_blob *ret, struct error *err) _must_check_;
int image_manifest_parse(const char *text, size_t len, struct image_manifest *ret,
			 struct error *err) _must_check_;
/*
 * The part that is used: {"variables":{},"workdir","user","entrypoint":[],"cmd":[],
 * "ports":[],"labels":{},"created","platform","diff_ids":[]}, absent what is not there.
 */
int image_config_parse(const char *text, size_t len, json_t **ret, struct error *err)
	_must_check_;

/* docker save: the entry of manifest.json for a tag, or the only one. */
struct image_saved {
	char *config;		/* names of files; released by image_saved_release() */
	char *layers[IMAGE_LAYERS];
	size_t n;
};
int image_saved_parse(const char *text, size_t len, const char *tag, struct image_saved *ret,
		      struct error *err) _must_check_;
void image_saved_release(struct image_saved *saved);
#define cleanup_saved	__attribute__((cleanup(image_saved_release)))

#endif
