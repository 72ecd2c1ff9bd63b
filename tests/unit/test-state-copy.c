#include "lib/state/copy.h"

#include <sys/xattr.h>
#include <unistd.h>

#include "tests/unit/tempdir.h"

static struct error err;

static int file(struct tempdir *dir, const char *name, const void *data, size_t len)
{
	put_file(dir, name, data, len);
	return openat(dir->fd, name, O_RDWR | O_CLOEXEC);
}

TEST(content_is_the_same_whatever_its_size)
{
	static const size_t sizes[] = { 0, 1, 65536, 65537, 3 << 20 };
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		char *data = malloc(sizes[i] + 1), *got;
		size_t len;
		int from, to;

		memset(data, (int)(i + 'a'), sizes[i]);
		from = file(dir, "from", data, sizes[i]);
		to = file(dir, "to", "", 0);
		check(!copy_content(from, to, &err));
		got = get_file(dir, "to", &len);
		check(len == sizes[i] && !memcmp(got, data, len));
		free(got);
		free(data);
		close(from);
		close(to);
	}
}

TEST(what_cannot_be_written_is_an_error)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	int from = file(dir, "from", "x", 1);
	int to = openat(dir->fd, "from", O_RDONLY | O_CLOEXEC);

	check(copy_content(from, to, &err) < 0 && err.errnum);
	close(from);
	close(to);
}

TEST(attributes_of_overlay_stay_behind)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	int from = file(dir, "from", "x", 1), to = file(dir, "to", "x", 1);
	int other = file(dir, "other", "x", 1);
	char value[8];

	if (!fsetxattr(from, "user.a", "1", 1, 0)) {
		check(!fsetxattr(from, "user.overlay.opaque", "y", 1, 0));
		check(!fsetxattr(from, "user.overlay.overlay.x", "y", 1, 0));
		check(!copy_attributes(from, to, true, &err));
		check(fgetxattr(to, "user.a", value, sizeof(value)) == 1);
		check(fgetxattr(to, "user.overlay.opaque", value, sizeof(value)) < 0);
		check(fgetxattr(to, "user.overlay.overlay.x", value, sizeof(value)) == 1);
		/* a program's own, where overlay's are trusted.* */
		check(!copy_attributes(from, other, false, &err));
		check(fgetxattr(other, "user.overlay.opaque", value, sizeof(value)) == 1);
	}
	close(from);
	close(to);
	close(other);
}

TEST(a_path_descriptor_is_opened_again)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	char c;
	int path, fd;

	put_file(dir, "f", "x", 1);
	path = openat(dir->fd, "f", O_PATH | O_CLOEXEC);
	fd = copy_reopen(path);
	check(fd >= 0 && read(fd, &c, 1) == 1 && c == 'x');
	close(fd);
	close(path);
}

TEST_MAIN;
