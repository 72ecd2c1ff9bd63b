#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/executor/executor.h"
#include "lib/executor/instance.h"

/*
 * What is deleted when its time has come is deleted late, and never early: the wall's clock
 * may be set to another year, and back again when everything is gone. So what it said first
 * in this boot is kept, with the time since the boot, which nobody sets.
 */

static struct {
	int64_t wall_ms, boot_ms;
} first;

static bool known(struct executor *x)
{
	cleanup_close int fd = openat(x->run_dir, "clock", O_RDONLY | O_CLOEXEC);
	char text[128], id[40];
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	/* a file that was cut off is not one */
	return strchr(text, '\n') && sscanf(text, "%39s %" SCNd64 " %" SCNd64, id, &first.wall_ms,
					    &first.boot_ms) == 3 && !strcmp(id, boot_id());
}

bool clock_begin(struct executor *x)
{
	cleanup_close int fd = -1;

	if (known(x))
		return true;
	first.wall_ms = (int64_t)clock_unix_ms();
	first.boot_ms = boot_ms();
	fd = openat(x->run_dir, "clock", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	/* without it this executor knows, and the next one begins anew */
	if (fd >= 0)
		(void)dprintf(fd, "%s %" PRId64 " %" PRId64 "\n", boot_id(), first.wall_ms,
			      first.boot_ms);
	return false;
}

int64_t clock_surely_ms(void)
{
	int64_t wall = (int64_t)clock_unix_ms(), since = first.wall_ms + boot_ms() - first.boot_ms;

	return wall < since ? wall : since;
}
