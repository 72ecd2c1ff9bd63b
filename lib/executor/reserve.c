#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/executor/executor.h"

/*
 * Snapshots are on the same disk as the database, and can fill it; then the database
 * could not even note that one is deleted. So some room is kept for that.
 */

enum { RESERVE = 1 << 20 };

void reserve_make(struct executor *x)
{
	cleanup_close int fd = openat(x->run_dir, "reserve", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	/* where there is no room for it, deleting is not what there is room for either */
	if (fd >= 0 && posix_fallocate(fd, 0, RESERVE))
		(void)unlinkat(x->run_dir, "reserve", 0);
}

bool reserve_release(struct executor *x)
{
	return !unlinkat(x->run_dir, "reserve", 0);
}
