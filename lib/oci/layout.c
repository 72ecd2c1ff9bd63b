#include "lib/oci/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { COPY = 256 << 10 };

/* Links of docker save lead from one layer to another of the same bytes. */
static int open_inside(int dir, const char *path)
{
	struct open_how how = {
		.flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
}

static int open_file(int dir, const char *path, int64_t *ret_size, struct error *err)
{
	cleanup_close int fd = open_inside(dir, path);
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		return err_set(err, ERR_NOT_FOUND, "the image has no file '%.200s'", path);
	if (fd < 0 && (errno == EXDEV || errno == ELOOP))
		return err_set(err, ERR_PROTOCOL, "'%.200s' leads out of the image's folder", path);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, errno, "open '%.200s'", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_PROTOCOL, "'%.200s' is no file", path);
	*ret_size = st.st_size;
	return TAKE_FD(fd);
}

static int read_text(int dir, const char *path, size_t limit, char **ret, size_t *ret_len,
		     struct error *err)
{
	cleanup_free char *text = NULL;
	int64_t size;
	cleanup_close int fd = open_file(dir, path, &size, err);
	size_t got = 0;

	if (fd < 0)
		return -1;
	if ((uint64_t)size > limit)
		return err_set(err, ERR_LIMIT, "'%.200s' is larger than %zu bytes", path, limit);
	text = malloc((size_t)size + 1);
	if (!text)
		return err_set(err, ERR_LIMIT, "no memory for '%.200s'", path);
	while (got < (size_t)size) {
		ssize_t n = read(fd, text + got, (size_t)size - got);

		if (n <= 0)
			return err_sys(err, n < 0 ? errno : EIO, "read '%.200s'", path);
		got += (size_t)n;
	}
	text[got] = '\0';
	*ret = TAKE_PTR(text);
	*ret_len = got;
	return 0;
}

/* Copies a file; blob->digest may be "", and is filled in then, as is its size. */
static int copy_in(int dir, const char *path, const struct blobs *store,
		   struct image_blob *blob, struct oci_report *report, struct error *err)
{
	cleanup_free char *buf = malloc(COPY);
	struct blob_file file;
	int64_t size;
	cleanup_close int fd = open_file(dir, path, &size, err);
	ssize_t n = 0;
	int r;

	if (fd < 0 || !buf)
		return fd < 0 ? -1 : err_set(err, ERR_LIMIT, "no memory to copy");
	if (blob->digest[0] && size != blob->size)
		return err_set(err, ERR_PROTOCOL, "'%.200s' has %lld bytes, and the manifest says "
			       "%lld", path, (long long)size, (long long)blob->size);
	do
		r = blob_begin(store, blob, &file, err);
	while (r == 0 && !blobs_have(store, blob) && !usleep(20000));
	if (r <= 0)
		return r;
	r = blob_restart(&file, err);
	while (r == 0 && (n = read(fd, buf, COPY)) > 0) {
		r = blob_write(&file, buf, (size_t)n, err);
		report->bytes += (uint64_t)n;
		oci_report_progress(report);
	}
	if (r == 0 && n < 0)
		r = err_sys(err, errno, "read '%.200s'", path);
	if (r < 0) {
		blob_end(&file);
		return -1;
	}
	if (blob_commit(&file, err) < 0)
		return -1;
	*blob = file.blob;
	return 0;
}

static void blob_path(const struct image_blob *blob, char path[IMAGE_DIGEST + 16])
{
	(void)snprintf(path, IMAGE_DIGEST + 16, "blobs/sha256/%s", blob->digest + 7);
}

static int copy_blob(int dir, const struct blobs *store, struct image_blob *blob,
		     struct oci_report *report, struct error *err)
{
	char path[IMAGE_DIGEST + 16];
	bool here = blobs_have(store, blob);

	if (!here) {
		blob_path(blob, path);
		oci_report_blob(report, blob, "begun");
		if (copy_in(dir, path, store, blob, report, err) < 0)
			return -1;
	}
	report->done++;
	oci_report_blob(report, blob, here ? "here" : "done");
	return 0;
}

/* A document of the layout, whose bytes have the digest that led to it. */
static int read_document(int dir, const struct image_blob *blob, char **ret, size_t *ret_len,
			 struct error *err)
{
	CLEANUP(digest_free) struct digest *d = digest_new();
	char path[IMAGE_DIGEST + 16], got[IMAGE_DIGEST];

	blob_path(blob, path);
	if (!d)
		return err_set(err, ERR_LIMIT, "no memory for a digest");
	if (read_text(dir, path, IMAGE_MANIFEST_BYTES, ret, ret_len, err) < 0)
		return -1;
	digest_add(d, *ret, *ret_len);
	digest_end(d, got);
	if (!strcmp(got, blob->digest) && (int64_t)*ret_len == blob->size)
		return 0;
	return err_set(err, ERR_PROTOCOL, "'%s' is not what its name says", path);
}

static int import_oci(int dir, const struct oci_request *req, const struct blobs *store,
		      struct image_manifest *ret, char digest[IMAGE_DIGEST],
		      struct oci_report *report, struct error *err)
{
	cleanup_free char *text = NULL;
	enum image_document kind;
	struct image_blob at;
	size_t len;

	if (read_text(dir, "index.json", IMAGE_MANIFEST_BYTES, &text, &len, err) < 0 ||
	    image_index_pick(text, len, &req->platform, req->tag, &at, err) < 0)
		return -1;
	memcpy(digest, at.digest, IMAGE_DIGEST);
	for (int depth = 0;; depth++) {
		free(TAKE_PTR(text));
		if (read_document(dir, &at, &text, &len, err) < 0 ||
		    image_document_kind(text, len, &kind, err) < 0)
			return -1;
		if (kind == IMAGE_DOC_MANIFEST)
			break;
		if (depth == IMAGE_INDEX_DEPTH)
			return err_set(err, ERR_PROTOCOL, "indexes in indexes, too deep");
		if (image_index_pick(text, len, &req->platform, NULL, &at, err) < 0)
			return -1;
	}
	if (image_manifest_parse(text, len, ret, err) < 0)
		return -1;
	report->layers = (unsigned int)ret->n + 1;
	for (size_t i = 0; i < ret->n; i++)
		report->total += (uint64_t)ret->layers[i].size;
	for (size_t i = 0; i < ret->n; i++)
		if (copy_blob(dir, store, &ret->layers[i], report, err) < 0)
			return -1;
	return copy_blob(dir, store, &ret->config, report, err);
}

/* A layer is known by the configuration's digest of it, unless it is compressed. */
static int check_saved(const struct blobs *store, const struct image_manifest *m,
		       struct error *err)
{
	cleanup_free char *text = blobs_read(store, &m->config, IMAGE_CONFIG_BYTES, err);
	json_t *config;
	int r = 0;

	if (!text || image_config_parse(text, (size_t)m->config.size, &config, err) < 0)
		return -1;
	for (size_t i = 0; i < m->n && r == 0; i++) {
		const char *want = json_string_value(
			json_array_get(json_object_get(config, "diff_ids"), i));
		cleanup_close int fd = openat(store->whole, m->layers[i].digest + 7,
					      O_RDONLY | O_CLOEXEC);
		unsigned char magic[4] = { 0 };

		if (fd < 0 || read(fd, magic, sizeof(magic)) < 0)
			r = err_sys(err, errno, "read a layer");
		else if (!want)
			r = err_set(err, ERR_PROTOCOL, "the configuration has fewer layers than "
				    "there are");
		else if (strcmp(want, m->layers[i].digest) && memcmp(magic, "\x1f\x8b", 2) &&
			 memcmp(magic, "\x28\xb5\x2f\xfd", 4))
			r = err_set(err, ERR_PROTOCOL, "layer %zu has not the digest that the "
				    "configuration says", i + 1);
	}
	json_decref(config);
	return r;
}

static int import_saved(int dir, const struct oci_request *req, const struct blobs *store,
			struct image_manifest *ret, char digest[IMAGE_DIGEST],
			struct oci_report *report, struct error *err)
{
	cleanup_saved struct image_saved saved = { .n = 0 };
	cleanup_free char *text = NULL;
	size_t len;

	*ret = (struct image_manifest){ .n = 0 };
	if (read_text(dir, "manifest.json", IMAGE_MANIFEST_BYTES, &text, &len, err) < 0 ||
	    image_saved_parse(text, len, req->tag, &saved, err) < 0)
		return -1;
	report->layers = (unsigned int)saved.n + 1;
	for (size_t i = 0; i < saved.n; i++) {
		if (copy_in(dir, saved.layers[i], store, &ret->layers[i], report, err) < 0)
			return -1;
		ret->n++;
		report->done++;
		/* its digest is known only now */
		oci_report_blob(report, &ret->layers[i], "done");
	}
	if (copy_in(dir, saved.config, store, &ret->config, report, err) < 0)
		return -1;
	/* an image's id is the digest of its configuration */
	memcpy(digest, ret->config.digest, IMAGE_DIGEST);
	return check_saved(store, ret, err);
}

static bool has(int dir, const char *name)
{
	return faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int layout_import(int dir, const struct oci_request *req, const struct blobs *store,
		  struct image_manifest *ret, char digest[IMAGE_DIGEST],
		  struct oci_report *report, struct error *err)
{
	if (has(dir, "index.json") && has(dir, "oci-layout"))
		return import_oci(dir, req, store, ret, digest, report, err);
	if (has(dir, "manifest.json"))
		return import_saved(dir, req, store, ret, digest, report, err);
	(void)err_set(err, ERR_USAGE, "it is no image: neither an OCI layout, with 'oci-layout' "
		      "and 'index.json', nor from 'docker save', with 'manifest.json'");
	return err_hint(err, "a root file system has no '--base': faas env create NAME PATH");
}
