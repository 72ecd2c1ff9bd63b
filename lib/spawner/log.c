#include "lib/spawner/spawner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/base/logfile.h"

/*
 * The log keeps the newest output: `new` grows to half the cap, then becomes
 * `old`, whose predecessor is dropped. Readers follow the sequence numbers.
 */

static int open_new(struct log *log)
{
	log->file = openat(log->dir, "new", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	return log->file;
}

static void rotate(struct log *log)
{
	(void)close(log->file);
	log->file = -1;
	log->in_file = 0;
	if (!faccessat(log->dir, "old", F_OK, 0))
		log->cut = true;
	(void)renameat(log->dir, "new", log->dir, "old");
}

void log_write(struct log *log, int stream, const void *data, size_t len)
{
	struct log_record rec = {
		.magic = LOG_MAGIC, .stream = (uint16_t)stream, .len = (uint32_t)len,
		.seq = log->seq, .time_ms = now_unix_ms(),
	};
	struct iovec iov[2] = { { &rec, sizeof(rec) }, { (void *)(uintptr_t)data, len } };

	log->total += len;
	log->seq++;
	if (log->dir < 0)
		return;
	if (log->file >= 0 && log->in_file + len > log->cap / 2)
		rotate(log);
	if (log->file < 0 && open_new(log) < 0) {
		log->cut = true;
		return;
	}
	/* A short write leaves a torn record, which readers skip by its magic. */
	if (writev(log->file, iov, 2) != (ssize_t)(sizeof(rec) + len))
		log->cut = true;
	log->in_file += len;
}
