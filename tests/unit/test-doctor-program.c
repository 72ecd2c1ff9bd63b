#include "lib/doctor/program.h"

#include <unistd.h>

#include "tests/unit/test.h"

TEST(the_first_version_in_a_text_is_found)
{
	struct program_version v;

	check(program_version("Version: 4.1.1\nGitID: 4.2", &v) == 0);
	check(v.major == 4 && v.minor == 1);
	check(program_version("slirp4netns version 1.2.0", &v) == 0);
	check(v.major == 1 && v.minor == 2);
	check(program_version("3.17", &v) == 0);
	check(v.major == 3 && v.minor == 17);
}

TEST(a_text_without_one_leaves_the_result_alone)
{
	struct program_version v = { 7, 8 };

	check(program_version("", &v) == -1);
	check(program_version("none", &v) == -1);
	check(program_version("only 12345678901234567890", &v) == -1);
	check(v.major == 7 && v.minor == 8);
}

TEST(a_program_is_found_without_PATH)
{
	char path[256];

	check(unsetenv("PATH") == 0);
	check(program_find("sh", path, sizeof(path)) == 0);
	check(access(path, X_OK) == 0);
	check(program_find("no-such-program-faas", path, sizeof(path)) == -1);
	check(program_find("sh", path, 4) == -1);
}

TEST_MAIN;
