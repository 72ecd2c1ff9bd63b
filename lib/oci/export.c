#include "lib/oci/export.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "lib/oci/digest.h"

enum { BLOCK = 256 << 10, GZIP = 16, LEVEL = 6, FILES = 5 };

#define MEDIA	"application/vnd.oci.image."

/* A file of the layout: its text, or the descriptor of the layer. */
struct file {
	char path[IMAGE_DIGEST + 16];
	char *text;
	int fd;
	int64_t size;
};

struct exporting {
	struct file files[FILES];
	size_t n;
	struct image_blob layer;
	char diff_id[IMAGE_DIGEST];
};

static int write_all(int fd, const void *data, size_t len, struct error *err)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, errno, "write the image");
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Compresses what is in z's input, all of it or to the end, into fd. */
static int squeeze(z_stream *z, int flush, int fd, struct digest *packed, unsigned char *buf,
		   int64_t *size, struct error *err)
{
	do {
		size_t n;

		z->next_out = buf;
		z->avail_out = BLOCK;
		if (deflate(z, flush) == Z_STREAM_ERROR)
			return err_set(err, ERR_SYSTEM, "zlib failed");
		n = BLOCK - z->avail_out;
		digest_add(packed, buf, n);
		*size += (int64_t)n;
		if (write_all(fd, buf, n, err) < 0)
			return -1;
	} while (z->avail_out == 0);
	return 0;
}

static int copy_layer(struct exporting *x, int from, int to, struct oci_report *report,
		      struct error *err)
{
	CLEANUP(digest_free) struct digest *plain = digest_new(), *packed = digest_new();
	cleanup_free unsigned char *in = malloc(BLOCK), *out = malloc(BLOCK);
	z_stream z = { .zalloc = Z_NULL };
	ssize_t n = 0;
	int r = 0;

	if (!plain || !packed || !in || !out ||
	    deflateInit2(&z, LEVEL, Z_DEFLATED, 15 + GZIP, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return err_set(err, ERR_LIMIT, "no memory to compress");
	while (r == 0 && (n = read(from, in, BLOCK)) > 0) {
		digest_add(plain, in, (size_t)n);
		z.next_in = in;
		z.avail_in = (unsigned int)n;
		r = squeeze(&z, Z_NO_FLUSH, to, packed, out, &x->layer.size, err);
		report->bytes += (uint64_t)n;
		oci_report_progress(report);
	}
	if (r == 0 && n < 0)
		r = err_sys(err, errno, "read the tar");
	if (r == 0)
		r = squeeze(&z, Z_FINISH, to, packed, out, &x->layer.size, err);
	(void)deflateEnd(&z);
	digest_end(plain, x->diff_id);
	digest_end(packed, x->layer.digest);
	return r;
}

static void blob_path(char path[IMAGE_DIGEST + 16], const char *digest)
{
	(void)snprintf(path, IMAGE_DIGEST + 16, "blobs/sha256/%.64s", digest + 7);
}

/* Takes doc: a file of its text, at path, or where its digest says. */
static int add_document(struct exporting *x, json_t *doc, const char *path,
			struct image_blob *ret, struct error *err)
{
	CLEANUP(digest_free) struct digest *d = digest_new();
	struct file *f = &x->files[x->n];

	f->fd = -1;
	f->text = doc ? json_dumps(doc, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	json_decref(doc);
	if (!f->text || !d)
		return err_set(err, ERR_LIMIT, "no memory for the image");
	x->n++;
	f->size = (int64_t)strlen(f->text);
	digest_add(d, f->text, (size_t)f->size);
	digest_end(d, ret->digest);
	ret->size = f->size;
	if (path)
		(void)snprintf(f->path, sizeof(f->path), "%s", path);
	else
		blob_path(f->path, ret->digest);
	return 0;
}

static json_t *descriptor(const char *type, const struct image_blob *blob)
{
	return json_pack("{s:s,s:s,s:I}", "mediaType", type, "digest", blob->digest, "size",
			 (json_int_t)blob->size);
}

static int add_documents(struct exporting *x, const json_t *request, struct error *err)
{
	const char *tag = json_string_value(json_object_get(request, "tag"));
	const char *platform = json_string_value(json_object_get(request, "platform"));
	const char *created = json_string_value(json_object_get(request, "created"));
	json_t *options = json_object_get(request, "config"), *index, *config;
	struct image_blob blob;
	struct image_platform p;

	if (image_platform_parse(platform, &p, err) < 0)
		return -1;
	config = json_pack("{s:s,s:s,s:s,s:O?,s:{s:s,s:[s]},s:[{s:s,s:s}]}",
			   "created", created ? created : "1970-01-01T00:00:00Z", "os", p.os,
			   "architecture", p.architecture, "config", options, "rootfs", "type",
			   "layers", "diff_ids", x->diff_id, "history", "created",
			   created ? created : "1970-01-01T00:00:00Z", "created_by",
			   "faas env export");
	if (config && p.variant[0])
		json_object_set_new(config, "variant", json_string(p.variant));
	if (add_document(x, config, NULL, &blob, err) < 0 ||
	    add_document(x, json_pack("{s:i,s:s,s:o,s:[o]}", "schemaVersion", 2, "mediaType",
				      MEDIA "manifest.v1+json", "config",
				      descriptor(MEDIA "config.v1+json", &blob), "layers",
				      descriptor(MEDIA "layer.v1.tar+gzip", &x->layer)),
			 NULL, &blob, err) < 0)
		return -1;
	index = descriptor(MEDIA "manifest.v1+json", &blob);
	json_object_set_new(index, "annotations",
			    json_pack("{s:s}", "org.opencontainers.image.ref.name",
				      tag ? tag : "latest"));
	json_object_set_new(index, "platform", json_pack("{s:s,s:s}", "os", p.os,
							 "architecture", p.architecture));
	if (add_document(x, json_pack("{s:i,s:[o]}", "schemaVersion", 2, "manifests", index),
			 "index.json", &blob, err) < 0)
		return -1;
	return add_document(x, json_pack("{s:s}", "imageLayoutVersion", "1.0.0"), "oci-layout",
			    &blob, err);
}

/* ---- into a folder ---- */

static int put_file(int dir, const struct file *f, struct error *err)
{
	cleanup_close int fd = openat(dir, f->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
				      O_CLOEXEC, 0644);

	if (fd < 0)
		return err_sys(err, errno, "make '%s'", f->path);
	return write_all(fd, f->text, (size_t)f->size, err);
}

static int into_folder(struct exporting *x, int source, int dir, const json_t *request,
		       struct oci_report *report, struct error *err)
{
	static const char layer[] = "blobs/sha256/layer";
	cleanup_close int fd = -1;
	char path[IMAGE_DIGEST + 16];

	if (mkdirat(dir, "blobs", 0755) < 0 || mkdirat(dir, "blobs/sha256", 0755) < 0)
		return err_sys(err, errno, "make the folders of the image");
	fd = openat(dir, layer, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_sys(err, errno, "make a layer");
	if (copy_layer(x, source, fd, report, err) < 0)
		return -1;
	blob_path(path, x->layer.digest);
	if (renameat(dir, layer, dir, path) < 0)
		return err_sys(err, errno, "name a layer");
	if (add_documents(x, request, err) < 0)
		return -1;
	for (size_t i = 0; i < x->n; i++)
		if (put_file(dir, &x->files[i], err) < 0)
			return -1;
	return syncfs(dir) < 0 ? err_sys(err, errno, "flush the image") : 0;
}

/* ---- into a tar ---- */

static int tar_failed(struct archive *a, struct error *err)
{
	return err_sys(err, archive_errno(a) > 0 ? archive_errno(a) : EIO, "write the image");
}

static int tar_header(struct archive *a, const char *path, unsigned int mode, int64_t size,
		      struct error *err)
{
	struct archive_entry *e = archive_entry_new();
	int r;

	if (!e)
		return err_set(err, ERR_LIMIT, "no memory for the image");
	archive_entry_set_pathname(e, path);
	archive_entry_set_mode(e, mode);
	archive_entry_set_size(e, size);
	archive_entry_set_mtime(e, 0, 0);
	r = archive_write_header(a, e);
	archive_entry_free(e);
	return r < ARCHIVE_WARN ? tar_failed(a, err) : 0;
}

static int tar_layer(struct archive *a, int fd, int64_t size, struct error *err)
{
	cleanup_free char *buf = malloc(BLOCK);

	for (int64_t at = 0; at < size;) {
		ssize_t n = buf ? pread(fd, buf, BLOCK, at) : -1;

		if (n <= 0)
			return err_sys(err, n < 0 ? errno : EIO, "read the layer");
		if (archive_write_data(a, buf, (size_t)n) != n)
			return tar_failed(a, err);
		at += n;
	}
	return 0;
}

static int write_tar(struct exporting *x, struct archive *a, int output, int layer,
		     struct error *err)
{
	char path[IMAGE_DIGEST + 16];

	if (archive_write_set_format_ustar(a) != ARCHIVE_OK ||
	    archive_write_open_fd(a, output) != ARCHIVE_OK)
		return tar_failed(a, err);
	if (tar_header(a, "blobs/", S_IFDIR | 0755, 0, err) < 0 ||
	    tar_header(a, "blobs/sha256/", S_IFDIR | 0755, 0, err) < 0)
		return -1;
	blob_path(path, x->layer.digest);
	if (tar_header(a, path, S_IFREG | 0644, x->layer.size, err) < 0 ||
	    tar_layer(a, layer, x->layer.size, err) < 0)
		return -1;
	for (size_t i = 0; i < x->n; i++) {
		const struct file *f = &x->files[i];

		if (tar_header(a, f->path, S_IFREG | 0644, f->size, err) < 0)
			return -1;
		if (archive_write_data(a, f->text, (size_t)f->size) != f->size)
			return tar_failed(a, err);
	}
	return archive_write_close(a) == ARCHIVE_OK ? 0 : tar_failed(a, err);
}

/* The layer's name is its digest: it has to be whole before its header is written. */
static int into_tar(struct exporting *x, int blobs, int source, int output,
		    const json_t *request, struct oci_report *report, struct error *err)
{
	cleanup_close int layer = openat(blobs, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	struct archive *a;
	int r;

	if (layer < 0)
		return err_sys(err, errno, "make a temporary file");
	if (copy_layer(x, source, layer, report, err) < 0 || add_documents(x, request, err) < 0)
		return -1;
	a = archive_write_new();
	if (!a)
		return err_set(err, ERR_LIMIT, "no memory for the image");
	r = write_tar(x, a, output, layer, err);
	if (r < 0)
		(void)archive_write_fail(a);
	(void)archive_write_free(a);
	return r;
}

int export_layout(int blobs, int source, int output, const json_t *request,
		  struct oci_report *report, struct error *err)
{
	struct exporting x = { .n = 0 };
	struct stat st;
	int r;

	if (fstat(output, &st) < 0)
		return err_sys(err, errno, "look at the output");
	r = S_ISDIR(st.st_mode) ? into_folder(&x, source, output, request, report, err) :
		into_tar(&x, blobs, source, output, request, report, err);
	if (r == 0)
		oci_report_line(report, json_pack("{s:b,s:s,s:I}", "ok", 1, "digest",
						  x.layer.digest, "size",
						  (json_int_t)x.layer.size));
	for (size_t i = 0; i < x.n; i++)
		free(x.files[i].text);
	return r;
}
