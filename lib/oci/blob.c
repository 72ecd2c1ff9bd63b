#include "lib/oci/blob.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/fault.h"

static int folder(int dir, const char *name, struct error *err)
{
	int fd;

	if (mkdirat(dir, name, 0700) < 0 && errno != EEXIST)
		return err_sys(err, errno, "make '%s' in the store of blobs", name);
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? err_sys(err, errno, "open '%s' in the store of blobs", name) : fd;
}

int blobs_open(int dir, struct blobs *ret, struct error *err)
{
	*ret = (struct blobs){ -1, -1 };
	ret->whole = folder(dir, "sha256", err);
	if (ret->whole >= 0)
		ret->partial = folder(dir, "partial", err);
	return ret->partial < 0 ? -1 : 0;
}

static const char *hex(const struct image_blob *blob)
{
	return blob->digest + strlen("sha256:");
}

bool blobs_have(const struct blobs *b, const struct image_blob *blob)
{
	struct stat st;

	return !fstatat(b->whole, hex(blob), &st, AT_SYMLINK_NOFOLLOW) &&
		S_ISREG(st.st_mode) && st.st_size == blob->size;
}

char *blobs_read(const struct blobs *b, const struct image_blob *blob, size_t limit,
		 struct error *err)
{
	cleanup_close int fd = openat(b->whole, hex(blob), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	cleanup_free char *text = NULL;
	size_t got = 0;

	if (blob->size < 0 || (size_t)blob->size > limit) {
		(void)err_set(err, ERR_LIMIT, "a blob of %lld bytes is too large",
			      (long long)blob->size);
		return NULL;
	}
	text = malloc((size_t)blob->size + 1);
	if (fd < 0 || !text) {
		(void)err_sys(err, errno, "read '%s'", blob->digest);
		return NULL;
	}
	while (got < (size_t)blob->size) {
		ssize_t n = read(fd, text + got, (size_t)blob->size - got);

		if (n <= 0) {
			(void)err_sys(err, n < 0 ? errno : EIO, "read '%s'", blob->digest);
			return NULL;
		}
		got += (size_t)n;
	}
	text[got] = '\0';
	return TAKE_PTR(text);
}

/* What another has locked, or has just given its name, is not ours. */
static int lock(const struct blobs *b, const char *name, int *ret, struct error *err)
{
	cleanup_close int fd = openat(b->partial, name, O_RDWR | O_CREAT | O_NOFOLLOW |
				      O_CLOEXEC, 0600);
	struct stat ours, there;

	if (fd < 0)
		return err_sys(err, errno, "make a blob");
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? 0 : err_sys(err, errno, "lock a blob");
	if (fstat(fd, &ours) < 0 || fstatat(b->partial, name, &there, AT_SYMLINK_NOFOLLOW) < 0 ||
	    ours.st_ino != there.st_ino)
		return 0;
	*ret = TAKE_FD(fd);
	return 1;
}

/* What came earlier has to be in the digest too. */
static int take_in(struct blob_file *f, struct error *err)
{
	char buf[65536];
	ssize_t n;

	while ((n = pread(f->fd, buf, sizeof(buf), f->at)) > 0) {
		digest_add(f->digest, buf, (size_t)n);
		f->at += n;
	}
	if (n < 0)
		return err_sys(err, errno, "read a blob");
	f->resumed = f->at > 0;
	return f->blob.digest[0] && f->at > f->blob.size ? blob_restart(f, err) : 0;
}

int blob_begin(const struct blobs *b, const struct image_blob *blob, struct blob_file *ret,
	       struct error *err)
{
	int r;

	*ret = (struct blob_file){ .store = b, .blob = *blob, .fd = -1 };
	if (blob->digest[0])
		(void)snprintf(ret->name, sizeof(ret->name), "%s", hex(blob));
	else
		(void)snprintf(ret->name, sizeof(ret->name), "import-%d", (int)getpid());
	r = lock(b, ret->name, &ret->fd, err);
	if (r <= 0)
		return r;
	ret->digest = digest_new();
	if (!ret->digest)
		r = err_set(err, ERR_LIMIT, "no memory for a digest");
	else if (!blob->digest[0])
		r = blob_restart(ret, err);
	else
		r = take_in(ret, err);
	if (r < 0)
		blob_end(ret);
	return r < 0 ? -1 : 1;
}

int blob_write(struct blob_file *f, const void *data, size_t len, struct error *err)
{
	const char *p = data;
	int r = fault("oci.blob.write");

	if (f->blob.digest[0] && (int64_t)len > f->blob.size - f->at)
		return err_set(err, ERR_PROTOCOL, "'%s' is longer than the %lld bytes that its "
			       "manifest says", f->blob.digest, (long long)f->blob.size);
	if (r)
		return err_sys(err, r, "write a blob");
	digest_add(f->digest, data, len);
	while (len > 0) {
		ssize_t n = pwrite(f->fd, p, len, f->at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			(void)err_sys(err, errno, "write a blob");
			return errno == ENOSPC ? err_hint(err, "'faas env prune' makes room") : -1;
		}
		p += n;
		f->at += n;
		len -= (size_t)n;
	}
	return 0;
}

int blob_restart(struct blob_file *f, struct error *err)
{
	f->at = 0;
	f->resumed = false;
	digest_reset(f->digest);
	return ftruncate(f->fd, 0) < 0 ? err_sys(err, errno, "begin a blob again") : 0;
}

int blob_commit(struct blob_file *f, struct error *err)
{
	char got[IMAGE_DIGEST];
	int r = 0;

	digest_end(f->digest, got);
	if (f->blob.digest[0] && strcmp(got, f->blob.digest)) {
		(void)unlinkat(f->store->partial, f->name, 0);
		blob_end(f);
		return err_set(err, ERR_PROTOCOL, "what came for '%s' has the digest '%s'",
			       f->blob.digest, got);
	}
	(void)snprintf(f->blob.digest, sizeof(f->blob.digest), "%s", got);
	f->blob.size = f->at;
	if ((r = fault("oci.blob.sync")) || (fsync(f->fd) < 0 && (r = errno))) {
		/* another fsync(2) would succeed, and nothing say what the disk has of it */
		(void)unlinkat(f->store->partial, f->name, 0);
		r = err_sys(err, r, "write a blob");
	} else if ((r = fault("oci.blob.rename")) ||
		 (renameat(f->store->partial, f->name, f->store->whole, hex(&f->blob)) < 0 &&
		  (r = errno)))
		r = err_sys(err, r, "keep a blob");
	else if (fsync(f->store->whole) < 0)
		r = err_sys(err, errno, "keep a blob");
	blob_end(f);
	return r;
}

void blob_end(struct blob_file *f)
{
	if (f->fd >= 0 && !f->at)
		(void)unlinkat(f->store->partial, f->name, 0);
	if (f->fd >= 0)
		(void)close(f->fd);
	f->fd = -1;
	digest_free(TAKE_PTR(f->digest));
}
