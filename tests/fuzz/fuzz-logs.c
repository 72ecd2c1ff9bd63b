/*
 * Any two files as the log of a run: reading comes to an end, numbers only rise,
 * what is handed out is inside what was there, and the same comes out again.
 */

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/client/logs.h"

static int folder = -1;

static void put(const char *name, const uint8_t *data, size_t size)
{
	int fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	close(fd);
}

static uint64_t read_all(size_t size)
{
	CLEANUP(logs_free) struct logs *l = NULL;
	struct error err = { 0 };
	struct logs_entry e;
	uint64_t digest = 0, next = 0;
	size_t total = 0;
	int r;

	if (logs_open(folder, 0, &l, &err) < 0)
		abort();
	logs_ended(l);
	while ((r = logs_next(l, &e, &err)) > 0) {
		total += e.len;
		if (e.seq < next || e.missed != e.seq - next || total > size)
			abort();
		for (size_t i = 0; i < e.len; i++)
			digest = digest * 31 + (unsigned char)e.data[i];
		next = e.seq + 1;
	}
	if (r < 0)
		abort();
	return digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[] = "/dev/shm/fuzz-logs-XXXXXX";
	size_t half = size ? data[0] * (size - 1) / 255 : 0, skip;
	struct error err;
	uint64_t seq;

	if (!size)
		return 0;
	if (!mkdtemp(path) || (folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		abort();
	put("old", data + 1, half);
	put("new", data + 1 + half, size - 1 - half);
	if (read_all(size) != read_all(size) ||
	    logs_tail(folder, 0, 3, &seq, &skip, &err) < 0)
		abort();
	unlinkat(folder, "old", 0);
	unlinkat(folder, "new", 0);
	close(folder);
	rmdir(path);
	return 0;
}
