#include "lib/state/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fault.h"
#include "lib/state/attributes.h"

enum { BLOCK = 65536, CHUNK = 1 << 30 };

int copy_reopen(int path_fd)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", path_fd);
	return open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

static int copy_by_hand(int from, int to, off_t at, off_t end)
{
	char block[BLOCK];

	while (at < end) {
		size_t want = end - at < BLOCK ? (size_t)(end - at) : BLOCK;
		ssize_t n = pread(from, block, want, at), done = 0;

		if (n <= 0)
			return n < 0 ? -1 : 0;
		while (done < n) {
			ssize_t m = pwrite(to, block + done, (size_t)(n - done), at + done);

			if (m < 0)
				return -1;
			done += m;
		}
		at += n;
	}
	return 0;
}

/* From at to end, of which none is a hole. */
static int copy_data(int from, int to, off_t at, off_t end)
{
	off_t in = at, out = at;

	while (in < end) {
		size_t want = end - in < CHUNK ? (size_t)(end - in) : CHUNK;
		ssize_t n = copy_file_range(from, &in, to, &out, want, 0);

		/* it became shorter: the machine's own files may */
		if (!n)
			return 0;
		if (n < 0 && (errno == EXDEV || errno == EINVAL || errno == ENOSYS ||
			      errno == EOPNOTSUPP))
			return copy_by_hand(from, to, in, end);
		if (n < 0)
			return -1;
	}
	return 0;
}

int copy_content(int from, int to, struct error *err)
{
	off_t at = 0, end;
	struct stat st;
	int r = fault("state.copy");

	if (r)
		return err_sys(err, r, "copy");
	if (fstat(from, &st) < 0)
		return err_sys(err, errno, "copy");
	if (!st.st_size || !ioctl(to, FICLONE, from))
		return 0;
	if (ftruncate(to, st.st_size) < 0)
		return err_sys(err, errno, "copy");
	while (at < st.st_size) {
		at = lseek(from, at, SEEK_DATA);
		if (at < 0 && errno == ENXIO)
			return 0;
		end = at < 0 ? -1 : lseek(from, at, SEEK_HOLE);
		if (at < 0 || end < 0) {
			if (errno != EINVAL)
				return err_sys(err, errno, "copy");
			/* a file system that knows no holes */
			at = 0;
			end = st.st_size;
		}
		if (end > st.st_size)
			end = st.st_size;
		if (copy_data(from, to, at, end) < 0)
			return err_sys(err, errno, "copy");
		at = end;
	}
	return 0;
}

static int copy_one(int from, int to, const char *name, struct error *err)
{
	static char value[XATTR_SIZE_MAX];
	ssize_t n = fgetxattr(from, name, value, sizeof(value));

	if (n < 0)
		return errno == ENODATA ? 0 : err_sys(err, errno, "read attribute '%.80s'", name);
	if (!fsetxattr(to, name, value, (size_t)n, 0))
		return 0;
	/* without root nobody could have given it to what a sandbox made */
	if (errno == EPERM && geteuid() && strncmp(name, "user.", 5))
		return 0;
	return err_sys(err, errno, "set attribute '%.80s'", name);
}

int copy_attributes(int from, int to, bool user, struct error *err)
{
	cleanup_free char *names = NULL;
	ssize_t size = flistxattr(from, NULL, 0);

	if (size <= 0)
		return !size || errno == EOPNOTSUPP ? 0 : err_sys(err, errno, "list attributes");
	/* nobody changes a snapshot, but the machine's own files may be changed */
	names = calloc(1, (size_t)size + 1);
	if (!names)
		return err_sys(err, ENOMEM, "list attributes");
	size = flistxattr(from, names, (size_t)size);
	if (size < 0)
		return err_sys(err, errno, "list attributes");
	for (const char *name = names; name < names + size; name += strlen(name) + 1)
		if (attributes_kept(name, user) && copy_one(from, to, name, err) < 0)
			return -1;
	return 0;
}

int copy_mark_opaque(int folder, bool user)
{
	return fsetxattr(folder, user ? "user.overlay.opaque" : "trusted.overlay.opaque", "y", 1, 0);
}

bool copy_owner_given(bool user)
{
	return user && (errno == EPERM || errno == EINVAL);
}

int copy_metadata(int from, int to, bool user, struct error *err)
{
	struct stat st;

	/* the mode after the owner, which takes set-user-ID away */
	if (fstat(from, &st) < 0 ||
	    (fchown(to, st.st_uid, st.st_gid) < 0 && !copy_owner_given(user)) ||
	    fchmod(to, st.st_mode & 07777) < 0)
		return err_sys(err, errno, "copy owner and mode");
	if (copy_attributes(from, to, user, err) < 0)
		return -1;
	if (futimens(to, (const struct timespec[]){ st.st_atim, st.st_mtim }) < 0)
		return err_sys(err, errno, "copy times");
	return 0;
}
