#include "lib/doctor/state.h"

#include "tests/unit/test.h"

TEST(the_nearest_folder_that_exists)
{
	char buf[STATE_PATH];

	check_str(state_existing("/proc/self/no/such", buf), "/proc/self");
	check_str(state_existing("/no-such-folder", buf), "/");
	check_str(state_existing("/", buf), "/");
	check_str(state_existing("no-such-folder", buf), ".");
	check_str(state_existing("/proc/version/below-a-file", buf), "/proc");
}

TEST(the_default_is_absolute)
{
	char buf[STATE_PATH];

	check(state_default(buf)[0] == '/');
	check(setenv("XDG_STATE_HOME", "relative", 1) == 0);
	check(setenv("HOME", "relative", 1) == 0);
	check(state_default(buf)[0] == '/');
}

TEST_MAIN;
