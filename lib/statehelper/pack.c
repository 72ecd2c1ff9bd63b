#include "lib/statehelper/pack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

enum { OUT_SIZE = 1 << 18, JOB = 1 << 20, NAME_SIZE = WALK_PATH + 64, SPARSE_MAX = 4096 };

struct pack {
	struct archive *a;
	struct archive_entry *e;
	ZSTD_CCtx *zstd;
	int fd;
	int errnum;			/* of a write that failed */
	uint64_t in, out;
	uint64_t at, size;		/* of the file that is being written */
	char buf[OUT_SIZE];
};

static int write_all(struct pack *p, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = write(p->fd, p->buf + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			p->errnum = errno;
			return -1;
		}
		done += (size_t)n;
	}
	p->out += len;
	return 0;
}

static int compress(struct pack *p, const void *data, size_t len, ZSTD_EndDirective mode)
{
	ZSTD_inBuffer in = { data, len, 0 };
	size_t left;

	do {
		ZSTD_outBuffer out = { p->buf, sizeof(p->buf), 0 };

		left = ZSTD_compressStream2(p->zstd, &out, &in, mode);
		if (ZSTD_isError(left)) {
			p->errnum = ENOMEM;
			return -1;
		}
		if (write_all(p, out.pos) < 0)
			return -1;
	} while (mode == ZSTD_e_end ? left != 0 : in.pos < in.size);
	return 0;
}

static ssize_t on_write(struct archive *a, void *data, const void *buf, size_t len)
{
	struct pack *p = data;

	if (compress(p, buf, len, ZSTD_e_continue) < 0) {
		archive_set_error(a, p->errnum, "write");
		return -1;
	}
	p->in += len;
	return (ssize_t)len;
}

static int failed(const struct pack *p, struct error *err)
{
	const char *text = archive_error_string(p->a);

	if (p->errnum)
		return err_sys(err, p->errnum, "write the file");
	return err_set(err, ERR_SYSTEM, "write the file: %.200s", text ? text : "unknown error");
}

int pack_open(int fd, int level, int threads, struct pack **ret, struct error *err)
{
	CLEANUP(pack_free) struct pack *p = calloc(1, sizeof(*p));

	if (!p)
		return err_sys(err, ENOMEM, "write a file");
	p->fd = fd;
	p->a = archive_write_new();
	p->e = archive_entry_new();
	p->zstd = ZSTD_createCCtx();
	if (!p->a || !p->e || !p->zstd)
		return err_sys(err, ENOMEM, "write a file");
	if (ZSTD_isError(ZSTD_CCtx_setParameter(p->zstd, ZSTD_c_compressionLevel, level)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(p->zstd, ZSTD_c_checksumFlag, 1)))
		return err_set(err, ERR_USAGE, "there is no compression of level %d", level);
	/* a zstd that was built without threads does it in this one */
	(void)ZSTD_CCtx_setParameter(p->zstd, ZSTD_c_nbWorkers, threads);
	/* its own choice, 8 MiB, is slower: 40 MiB of buffers are first to be had and to be cleared */
	(void)ZSTD_CCtx_setParameter(p->zstd, ZSTD_c_jobSize, JOB);
	if (archive_write_set_format_pax_restricted(p->a) != ARCHIVE_OK ||
	    archive_write_set_options(p->a, "xattrheader=SCHILY") != ARCHIVE_OK ||
	    archive_write_set_bytes_per_block(p->a, 0) != ARCHIVE_OK ||
	    archive_write_set_bytes_in_last_block(p->a, 1) != ARCHIVE_OK ||
	    archive_write_open(p->a, p, NULL, on_write, NULL) != ARCHIVE_OK)
		return failed(p, err);
	*ret = TAKE_PTR(p);
	return 0;
}

void pack_free(struct pack *p)
{
	if (!p)
		return;
	if (p->a)
		(void)archive_write_free(p->a);
	if (p->e)
		archive_entry_free(p->e);
	(void)ZSTD_freeCCtx(p->zstd);
	free(p);
}

uint64_t pack_bytes_in(const struct pack *p)
{
	return p->in;
}

uint64_t pack_bytes_out(const struct pack *p)
{
	return p->out;
}

/* Zeros up to there. */
static int fill(struct pack *p, uint64_t to, struct error *err)
{
	static const char zeros[WALK_BLOCK];

	while (p->at < to) {
		size_t n = to - p->at < sizeof(zeros) ? (size_t)(to - p->at) : sizeof(zeros);

		if (archive_write_data(p->a, zeros, n) != (la_ssize_t)n)
			return failed(p, err);
		p->at += n;
	}
	return 0;
}

static int header(struct pack *p, struct error *err)
{
	/* of the one before */
	if (fill(p, p->size, err) < 0)
		return -1;
	p->at = 0;
	p->size = 0;
	return archive_write_header(p->a, p->e) < ARCHIVE_WARN ? failed(p, err) : 0;
}

int pack_text(struct pack *p, const char *name, const void *data, size_t len, struct error *err)
{
	(void)archive_entry_clear(p->e);
	archive_entry_set_pathname(p->e, name);
	archive_entry_set_filetype(p->e, AE_IFREG);
	archive_entry_set_perm(p->e, 0644);
	archive_entry_set_size(p->e, (la_int64_t)len);
	if (header(p, err) < 0)
		return -1;
	return archive_write_data(p->a, data, len) == (la_ssize_t)len ? 0 : failed(p, err);
}

/* Where its data is, when it has holes: those are not in the file then. */
static void add_holes(struct pack *p, const struct walk_entry *e)
{
	off_t size = e->st.st_size, at = 0;

	if (e->fd < 0 || !S_ISREG(e->st.st_mode) ||
	    (uint64_t)size <= (uint64_t)e->st.st_blocks * 512)
		return;
	for (int n = 0; n < SPARSE_MAX && at < size; n++) {
		off_t data = lseek(e->fd, at, SEEK_DATA), end;

		if (data < 0)
			break;
		end = n == SPARSE_MAX - 1 ? size : lseek(e->fd, data, SEEK_HOLE);
		if (end <= data)
			break;
		archive_entry_sparse_add_entry(p->e, data, end - data);
		at = end;
	}
	/* all of it is one hole */
	if (!at)
		archive_entry_sparse_add_entry(p->e, size, 0);
}

int pack_entry(struct pack *p, const char *prefix, const struct walk_entry *e, struct error *err)
{
	char name[NAME_SIZE];
	bool file = S_ISREG(e->st.st_mode) && !e->same;

	(void)archive_entry_clear(p->e);
	(void)snprintf(name, sizeof(name), "%s%s", prefix, e->path);
	archive_entry_set_pathname(p->e, name);
	archive_entry_set_mode(p->e, (e->st.st_mode & S_IFMT) | (e->st.st_mode & WALK_MODE));
	archive_entry_set_uid(p->e, e->st.st_uid);
	archive_entry_set_gid(p->e, e->st.st_gid);
	/* a part of a second would be one more header for each file */
	archive_entry_set_mtime(p->e, e->st.st_mtim.tv_sec, 0);
	archive_entry_set_size(p->e, file ? e->st.st_size : 0);
	if (e->whiteout)
		archive_entry_set_rdev(p->e, 0);
	if (e->target)
		archive_entry_set_symlink(p->e, e->target);
	if (e->same) {
		(void)snprintf(name, sizeof(name), "%s%s", prefix, e->same);
		archive_entry_set_hardlink(p->e, name);
	}
	if (e->opaque)
		archive_entry_xattr_add_entry(p->e, "trusted.overlay.opaque", "y", 1);
	for (int i = 0; i < e->n_xattrs && !e->same; i++)
		archive_entry_xattr_add_entry(p->e, e->xattrs[i].name, e->xattrs[i].value,
					      e->xattrs[i].len);
	if (file)
		add_holes(p, e);
	if (header(p, err) < 0)
		return -1;
	p->size = file ? (uint64_t)e->st.st_size : 0;
	return 0;
}

int pack_data(struct pack *p, uint64_t at, const void *data, size_t len, struct error *err)
{
	if (fill(p, at, err) < 0)
		return -1;
	if (archive_write_data(p->a, data, len) != (la_ssize_t)len)
		return failed(p, err);
	p->at += len;
	return 0;
}

int pack_end(struct pack *p, struct error *err)
{
	if (fill(p, p->size, err) < 0)
		return -1;
	if (archive_write_close(p->a) != ARCHIVE_OK)
		return failed(p, err);
	return compress(p, NULL, 0, ZSTD_e_end) < 0 ? failed(p, err) : 0;
}
