#include "lib/archive/extract.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/archive/attributes.h"
#include "lib/archive/layer.h"
#include "lib/base/cleanup.h"

static int (*const formats[])(struct archive *) = {
	archive_read_support_format_7zip, archive_read_support_format_ar,
	archive_read_support_format_cab, archive_read_support_format_cpio,
	archive_read_support_format_iso9660, archive_read_support_format_lha,
	archive_read_support_format_rar, archive_read_support_format_rar5,
	archive_read_support_format_tar, archive_read_support_format_warc,
	archive_read_support_format_xar, archive_read_support_format_zip,
};

static int (*const filters[])(struct archive *) = {
	archive_read_support_filter_bzip2, archive_read_support_filter_compress,
	archive_read_support_filter_gzip, archive_read_support_filter_lz4,
	archive_read_support_filter_lzip, archive_read_support_filter_lzma,
	archive_read_support_filter_rpm, archive_read_support_filter_uu,
	archive_read_support_filter_xz, archive_read_support_filter_zstd,
};

static locale_t utf8;

struct input {
	int fd;
	bool seekable, ended;
	uint64_t bytes;		/* read so far, of the archives before this one too */
	char buf[65536];
};

struct extraction {
	struct archive *a;
	struct input *in;
	const struct policy_limits *limits;
	struct tree *t;
	struct policy_verdict verdict;
	bool over;		/* there is nothing behind this entry */
};

static ssize_t on_read(struct archive *a, void *data, const void **ret_buf)
{
	struct input *in = data;
	ssize_t n;

	do
		n = read(in->fd, in->buf, sizeof(in->buf));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		archive_set_error(a, errno, "read the archive");
	else
		in->bytes += (uint64_t)n;
	in->ended = n == 0;
	*ret_buf = in->buf;
	return n;
}

static int64_t on_seek(struct archive *a, void *data, int64_t offset, int whence)
{
	struct input *in = data;
	off_t to = lseek(in->fd, offset, whence);

	if (to < 0)
		archive_set_error(a, errno, "seek in the archive");
	return to < 0 ? ARCHIVE_FATAL : to;
}

/* No errno of libarchive's own making: only what says something to a person. */
static int failed(struct archive *a, struct error *err)
{
	const char *text = archive_error_string(a);
	int num = archive_errno(a);

	if (num == ENOMEM)
		return err_set(err, ERR_LIMIT, "the archive needs too much memory");
	if (!text)
		text = "unknown error";
	return err_set(err, num == EIO ? ERR_SYSTEM : ERR_USAGE,
		       "the archive cannot be read: %.300s", text);
}

static void reader_free(struct archive *a)
{
	if (a)
		(void)archive_read_free(a);
}
DEFINE_CLEANUP(struct archive *, reader_free);

static void support(struct archive *a, bool snapshot)
{
	if (snapshot) {
		(void)archive_read_support_format_tar(a);
		(void)archive_read_support_filter_zstd(a);
		return;
	}
	/* a failure is a format or filter that this libarchive has not got */
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		(void)formats[i](a);
	for (size_t i = 0; i < ARRAY_SIZE(filters); i++)
		(void)filters[i](a);
}

static int open_archive(struct input *in, bool snapshot, struct archive **ret, struct error *err)
{
	CLEANUP(reader_free) struct archive *a = archive_read_new();

	if (!a)
		return err_set(err, ERR_LIMIT, "no memory for the archive");
	support(a, snapshot);
	if (archive_read_set_callback_data(a, in) != ARCHIVE_OK ||
	    archive_read_set_read_callback(a, on_read) != ARCHIVE_OK ||
	    (in->seekable && archive_read_set_seek_callback(a, on_seek) != ARCHIVE_OK) ||
	    archive_read_open1(a) != ARCHIVE_OK)
		return failed(a, err);
	*ret = TAKE_PTR(a);
	return 0;
}

static enum entry_type type_of(struct archive_entry *e)
{
	if (archive_entry_hardlink(e))
		return ENTRY_HARDLINK;
	switch (archive_entry_filetype(e)) {
	case AE_IFREG:
		return ENTRY_FILE;
	case AE_IFDIR:
		return ENTRY_DIR;
	case AE_IFLNK:
		return ENTRY_SYMLINK;
	case AE_IFCHR:
		if (!archive_entry_rdevmajor(e) && !archive_entry_rdevminor(e))
			return ENTRY_WHITEOUT;
		return ENTRY_DEVICE;
	case AE_IFBLK:
		return ENTRY_DEVICE;
	case AE_IFIFO:
		return ENTRY_FIFO;
	case AE_IFSOCK:
		return ENTRY_SOCKET;
	default:
		return ENTRY_OTHER;
	}
}

static void count_stripped(struct extraction *x, struct archive_entry *e)
{
	unsigned int mask = x->verdict.stripped;
	unsigned long set, clear;

	archive_entry_fflags(e, &set, &clear);
	if (set || clear || archive_entry_fflags_text(e))
		mask |= 1 << STRIP_FLAGS;
	if (archive_entry_xattr_count(e) > 0 && !x->limits->snapshot)
		mask |= 1 << STRIP_XATTR;
	if (archive_entry_acl_types(e))
		mask |= 1 << STRIP_ACL;
	report_strip(x->t->report, mask);
}

static int write_at(int fd, const char *buf, size_t len, int64_t at, struct error *err)
{
	while (len > 0) {
		ssize_t n = pwrite(fd, buf, len, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, errno, "write");
		buf += n;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

/* All of it has come; some tools leave out what fills the last block of a layer. */
static bool lacks_padding(const struct extraction *x, struct archive_entry *e, int64_t end)
{
	return x->t->layer && x->in->ended && archive_entry_size_is_set(e) &&
		archive_entry_size(e) == end;
}

/* What is not in a block is a hole, also after the last one. */
static int write_content(struct extraction *x, struct archive_entry *e, int fd,
			 struct error *err)
{
	int64_t at, end = 0;
	const void *buf;
	size_t len;
	int r;

	while ((r = archive_read_data_block(x->a, &buf, &len, &at)) != ARCHIVE_EOF) {
		if (r == ARCHIVE_RETRY)
			continue;
		if (r < ARCHIVE_WARN && lacks_padding(x, e, end)) {
			x->over = true;
			break;
		}
		if (r < ARCHIVE_WARN)
			return failed(x->a, err);
		if (at < 0 || at > POLICY_SIZE_MAX - (int64_t)len)
			return err_set(err, ERR_LIMIT, "a file is larger than 1 TiB");
		if (tree_count_bytes(x->t, len, x->in->bytes, err) < 0 ||
		    write_at(fd, buf, len, at, err) < 0)
			return -1;
		if (at + (int64_t)len > end)
			end = at + (int64_t)len;
	}
	if (archive_entry_size_is_set(e) && archive_entry_size(e) > end) {
		if (!archive_entry_sparse_count(e))
			return err_set(err, ERR_USAGE,
				       "the archive ends inside of a file");
		end = archive_entry_size(e);
	}
	return ftruncate(fd, end) < 0 ? err_sys(err, errno, "set the size") : 0;
}

static int write_file(struct extraction *x, struct archive_entry *e,
		      const struct tree_attrs *attrs, struct error *err)
{
	cleanup_close int fd = -1;

	if (tree_file(x->t, x->verdict.path, &fd, err) < 0 ||
	    write_content(x, e, fd, err) < 0 ||
	    (x->limits->snapshot && attributes_set(x->t, e, x->verdict.path, fd, err) < 0))
		return -1;
	return tree_file_done(x->t, fd, attrs, err);
}

/* cpio and some tars put the content of a file at one of its later names. */
static int write_link(struct extraction *x, struct archive_entry *e, struct error *err)
{
	cleanup_close int fd = -1;

	if (tree_link(x->t, x->verdict.path, x->verdict.link, err) < 0)
		return -1;
	if (!archive_entry_size_is_set(e) || archive_entry_size(e) == 0)
		return 0;
	if (tree_reopen(x->t, x->verdict.path, &fd, err) < 0)
		return -1;
	return write_content(x, e, fd, err);
}

static int write_entry(struct extraction *x, struct archive_entry *e,
		       const struct policy_entry *entry, struct error *err)
{
	struct tree_attrs attrs = {
		.uid = (uint64_t)archive_entry_uid(e),
		.gid = (uint64_t)archive_entry_gid(e),
		.mode = x->verdict.mode,
		.mtime = { .tv_nsec = UTIME_OMIT },
	};

	if (archive_entry_mtime_is_set(e))
		attrs.mtime = (struct timespec){
			archive_entry_mtime(e), archive_entry_mtime_nsec(e)
		};
	count_stripped(x, e);
	if (x->verdict.action == POLICY_ROOT)
		return tree_root(x->t, &attrs, err);
	switch (entry->type) {
	case ENTRY_DIR:
		if (tree_dir(x->t, x->verdict.path, &attrs, err) < 0)
			return -1;
		return x->limits->snapshot ? attributes_set(x->t, e, x->verdict.path, -1, err) : 0;
	case ENTRY_WHITEOUT:
		return tree_node(x->t, x->verdict.path, S_IFCHR, &attrs, err);
	case ENTRY_FIFO:
		return tree_node(x->t, x->verdict.path, S_IFIFO, &attrs, err);
	case ENTRY_SYMLINK:
		return tree_symlink(x->t, x->verdict.path, x->verdict.link, &attrs, err);
	case ENTRY_HARDLINK:
		return write_link(x, e, err);
	default:
		return write_file(x, e, &attrs, err);
	}
}

static int one_entry(struct extraction *x, struct archive_entry *e, struct error *err)
{
	struct policy_entry entry = {
		.type = type_of(e),
		.path = archive_entry_pathname(e),
		.mode = archive_entry_mode(e),
		.size = archive_entry_size_is_set(e) ? archive_entry_size(e) : 0,
	};

	if (entry.type == ENTRY_HARDLINK)
		entry.link = archive_entry_hardlink(e);
	else if (entry.type == ENTRY_SYMLINK)
		entry.link = archive_entry_symlink(e);
	if (!entry.path)
		return err_set(err, ERR_USAGE, "a name cannot be represented");
	report_entry(x->t->report, entry.path);
	if (tree_count_entry(x->t, err) < 0)
		return -1;
	if (archive_entry_is_encrypted(e))
		return err_set(err, ERR_UNSUPPORTED, "the archive is encrypted");
	if (policy_decide(&entry, x->limits, &x->verdict, err) < 0)
		return -1;
	switch (x->verdict.action) {
	case POLICY_SKIP:
		x->t->report->skipped[x->verdict.skip]++;
		return 0;
	case POLICY_WHITEOUT:
		return layer_whiteout(x->t, x->verdict.path, err);
	case POLICY_OPAQUE:
		return layer_opaque(x->t, x->verdict.path, err);
	default:
		return write_entry(x, e, &entry, err);
	}
}

static bool is_tar(struct archive *a)
{
	return (archive_format(a) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_TAR;
}

/* Whether names are bytes in this format: then no encoding may be assumed. */
static bool names_are_bytes(struct archive *a)
{
	int base = archive_format(a) & ARCHIVE_FORMAT_BASE_MASK;

	return base == ARCHIVE_FORMAT_TAR || base == ARCHIVE_FORMAT_CPIO ||
		base == ARCHIVE_FORMAT_AR;
}

void extract_use_utf8(void)
{
	if (utf8 != (locale_t)0)
		(void)uselocale(utf8);
}

/*
 * The first entry tells the format, and the format the encoding, which has to be
 * set before the first entry is read: so that some archives are opened twice.
 */
static int open_for_names(struct extraction *x, struct archive_entry **ret_e, int *ret_r,
			  struct error *err)
{
	if (open_archive(x->in, x->limits->snapshot, &x->a, err) < 0)
		return -1;
	*ret_r = archive_read_next_header(x->a, ret_e);
	if (*ret_r == ARCHIVE_EOF || *ret_r == ARCHIVE_FATAL || names_are_bytes(x->a) ||
	    !x->in->seekable)
		return 0;
	reader_free(TAKE_PTR(x->a));
	extract_use_utf8();
	if (lseek(x->in->fd, 0, SEEK_SET) < 0)
		return err_sys(err, errno, "seek in the archive");
	if (open_archive(x->in, x->limits->snapshot, &x->a, err) < 0)
		return -1;
	*ret_r = archive_read_next_header(x->a, ret_e);
	return 0;
}

/*
 * What nobody wants, such as the content of a device. It is read by us, because
 * it costs time all the same: the limit of the ratio holds for it too.
 */
static int drain(struct extraction *x, struct error *err)
{
	const uint64_t ratio = x->t->limits.max_ratio;
	const void *buf;
	size_t len;
	int64_t at;
	int r;

	do {
		uint64_t unpacked = (uint64_t)archive_filter_bytes(x->a, 0);

		if (ratio && unpacked > TREE_RATIO_FLOOR &&
		    unpacked / ratio > x->in->bytes - x->t->input) {
			(void)err_set(err, ERR_LIMIT,
				      "expands to more than %llu times its size",
				      (unsigned long long)ratio);
			return err_hint(err, TREE_RATIO_HINT);
		}
		r = archive_read_data_block(x->a, &buf, &len, &at);
	} while (r == ARCHIVE_OK || r == ARCHIVE_WARN || r == ARCHIVE_RETRY);
	if (r == ARCHIVE_EOF && archive_read_data_skip(x->a) >= ARCHIVE_WARN)
		return 0;
	return failed(x->a, err);
}

static int all_entries(struct extraction *x, struct error *err)
{
	struct archive_entry *e;
	int64_t before = 0;
	int r, retries = 0;

	if (open_for_names(x, &e, &r, err) < 0)
		return -1;
	while (r != ARCHIVE_EOF) {
		if (r == ARCHIVE_RETRY && retries++ < 100) {
			r = archive_read_next_header(x->a, &e);
			continue;
		}
		if (r < ARCHIVE_WARN)
			return failed(x->a, err);
		if (one_entry(x, e, err) < 0)
			return -1;
		if (x->over)
			break;
		if (drain(x, err) < 0)
			return -1;
		report_entry(x->t->report, NULL);
		before = archive_filter_bytes(x->a, 0);
		r = archive_read_next_header(x->a, &e);
	}
	/* a layer has been checked by its digest, and some tools leave the end mark out */
	if (x->t->layer)
		return 0;
	/* libarchive takes the end of the input for the end of a tar */
	if (is_tar(x->a) && archive_filter_bytes(x->a, 0) == before)
		return err_set(err, ERR_USAGE, "the archive ends before its end mark");
	if (archive_format(x->a) == ARCHIVE_FORMAT_EMPTY)
		return err_set(err, ERR_USAGE, "the archive is empty");
	return 0;
}

void extract_prepare(void)
{
	/* without it, names that are not ASCII are refused where it is needed */
	utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

int extract(int fd, const struct policy_limits *limits, struct tree *t, struct error *err)
{
	struct extraction x = { .limits = limits, .t = t };
	cleanup_free struct input *in = calloc(1, sizeof(*in));
	int r;

	if (!in)
		return err_set(err, ERR_LIMIT, "no memory for the archive");
	in->fd = fd;
	in->bytes = t->input;
	in->seekable = lseek(fd, 0, SEEK_CUR) == 0;
	x.in = in;
	r = all_entries(&x, err);
	t->input = in->bytes;
	reader_free(x.a);
	return r;
}
