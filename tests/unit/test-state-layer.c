#include "lib/state/layer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/remove.h"
#include "tests/unit/test.h"

static void put(int dir, const char *path, size_t len)
{
	int fd = openat(dir, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	char block[8192] = "x";

	check(fd >= 0);
	while (len) {
		size_t n = len < sizeof(block) ? len : sizeof(block);

		check(write(fd, block, n) == (ssize_t)n);
		len -= n;
	}
	check(!fsync(fd) && !close(fd));
}

TEST(entries_and_bytes_of_a_layer)
{
	char path[] = "/tmp/faas-layer-XXXXXX";
	struct layer_size size;
	struct error err = { 0 };
	int fd;

	check(mkdtemp(path));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check(fd >= 0);
	check(!layer_measure(fd, &size, &err) && !size.entries && !size.bytes);
	check(!mkdirat(fd, "u", 0700) && !mkdirat(fd, "u.etc", 0700) && !mkdirat(fd, "w", 0700));
	check(!mkdirat(fd, "u/sub", 0700));
	put(fd, "u/sub/a", 100000);
	put(fd, "u.etc/b", 0);
	put(fd, "w/c", 100000);
	check(!symlinkat("/nowhere", fd, "u/link"));
	check(!layer_measure(fd, &size, &err));
	check(size.entries == 4);
	check(size.bytes >= 100000 && size.bytes < 150000);
	/* a second name of the same file costs nothing */
	check(!linkat(fd, "u/sub/a", fd, "u/again", 0));
	check(!layer_measure(fd, &size, &err));
	check(size.entries == 5);
	check(size.bytes >= 100000 && size.bytes < 150000);
	check(!tree_empty(fd, &err) && !close(fd) && !rmdir(path));
}

TEST(what_is_no_folder_is_an_error)
{
	struct layer_size size;
	struct error err = { 0 };
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	check(layer_measure(fd, &size, &err) < 0);
	check(err.code == ERR_SYSTEM);
	(void)close(fd);
}

TEST_MAIN;
