#include "lib/spawner/spawner.h"

#include <errno.h>

#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

TEST(numbers)
{
	check(number_in("17", NULL) == 17);
	check(number_in("", NULL) == 0);
	check(number_in("max", NULL) == 0);
	check(number_in("a 1\nb 22\nc 3\n", "b") == 22);
	check(number_in("a 1\nb 22\nc 3\n", "c") == 3);
	check(number_in("ab 1\nb 22\n", "b") == 22);
	check(number_in("b_c 1\n", "b") == 0);
	check(number_in("a 1", "b") == 0);
	check(number_in("", "b") == 0);
	check(number_in("b", "b") == 0);
	check(number_in("18446744073709551615\n", NULL) == UINT64_MAX);
}

TEST(a_failure_has_a_reason)
{
	struct msg_status st = { 0 };
	char name[400];

	errno = ENOSPC;
	check(fail(&st, "write '%s'", "x") == -1 && st.errnum == ENOSPC);
	check_str(st.text, "write 'x'");
	errno = 0;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	check(fail(&st, "%s", name) == -1 && st.errnum == EIO);
	check(strlen(st.text) == sizeof(st.text) - 1);
}

TEST(small_files)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	char buf[8];

	check(read_file_at(dir->fd, "f", buf, sizeof(buf)) == -1);
	check(write_file_at(dir->fd, "f", "x") == -1 && errno == ENOENT);
	put_file(dir, "f", "0123456789", 10);
	check(read_file_at(dir->fd, "f", buf, sizeof(buf)) == 7);
	check_str(buf, "0123456");
	check(!write_file_at(dir->fd, "f", "ab"));
	check(read_file_at(dir->fd, "f", buf, 4) == 3);
	check_str(buf, "ab2");
	check(write_file_at(AT_FDCWD, "/dev/full", "x") == -1 && errno == ENOSPC);
}

TEST(clocks)
{
	uint64_t a = now_us(), b = now_us();

	check(a && b >= a && now_unix_ms() > 1700000000000);
}

TEST_MAIN;
