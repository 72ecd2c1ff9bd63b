/*
 * Any user and any two tables, divided by NUL bytes: what is found has ids that a
 * sandbox can have and names that are ended; what is not has a message.
 */

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/spawner/spawner.h"

static char root[] = "/tmp/faas-fuzz-passwd-XXXXXX";
static int etc = -1;

static void clean_up(void)
{
	int dir = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)unlinkat(etc, "passwd", 0);
	(void)unlinkat(etc, "group", 0);
	(void)unlinkat(dir, "etc", AT_REMOVEDIR);
	(void)rmdir(root);
}

static void put(int dir, const char *name, const void *data, size_t len)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, data, len) != (ssize_t)len)
		abort();
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *first = memchr(data, '\0', size), *second;
	struct msg_status st = { 0 };
	struct account a;

	if (etc < 0) {
		char path[64];

		if (!mkdtemp(root))
			abort();
		(void)atexit(clean_up);
		(void)snprintf(path, sizeof(path), "%s/etc", root);
		if (mkdir(path, 0700) < 0 ||
		    (etc = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
			abort();
	}
	if (!first)
		return 0;
	first++;
	second = memchr(first, '\0', size - (size_t)(first - data));
	if (!second)
		return 0;
	put(etc, "passwd", first, (size_t)(second - first));
	put(etc, "group", second + 1, size - (size_t)(second + 1 - data));
	if (account_find(root, (const char *)data, &a, &st) < 0) {
		if (!st.text[0] || !st.errnum)
			abort();
		return 0;
	}
	if (a.uid > 65534 || a.gid > 65534 || a.n_groups < 0 || a.n_groups > 32 ||
	    strnlen(a.name, sizeof(a.name)) == sizeof(a.name) ||
	    strnlen(a.home, sizeof(a.home)) == sizeof(a.home))
		abort();
	for (int i = 0; i < a.n_groups; i++)
		if (a.groups[i] > 65534)
			abort();
	return 0;
}
