#ifndef FAAS_BASE_BENEATH_H
#define FAAS_BASE_BENEATH_H

/*
 * Opening below a held directory
 * ==============================
 *
 *	fd = open_beneath(root, "usr/lib", O_RDONLY | O_DIRECTORY, 0);
 *
 * The kernel refuses every way out: "..", an absolute path, a symbolic link
 * anywhere in the path (the last component too) and another mount, unless
 * open_beneath_cross() is told to allow those. There is no fallback for kernels
 * without openat2 (before 5.6): ENOSYS is the answer.
 *
 * Returns a close-on-exec descriptor, or -1 with errno: ELOOP for a link,
 * EXDEV for a way out or a mount.
 */

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline int open_beneath_cross(int dirfd, const char *path, int flags,
				     unsigned int mode, bool cross_mounts)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC),
		.mode = mode,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
			RESOLVE_NO_MAGICLINKS | (cross_mounts ? 0 : RESOLVE_NO_XDEV),
	};

	return (int)syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
}

static inline int open_beneath(int dirfd, const char *path, int flags, unsigned int mode)
{
	return open_beneath_cross(dirfd, path, flags, mode, false);
}

#endif
