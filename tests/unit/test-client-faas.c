#include "lib/client/faas.h"

#include <stdlib.h>

#include "tests/unit/test.h"

TEST(status_is_what_a_shell_sees)
{
	struct faas_result r = { .state = "running", .exit_code = -1 };

	check(faas_status(&r) == -1);
	(void)snprintf(r.state, sizeof(r.state), "exited");
	check(faas_status(&r) == 125);
	r.signal = 9;
	check(faas_status(&r) == 137);
	r.timed_out = 1;
	check(faas_status(&r) == 124);
	r = (struct faas_result){ .state = "exited", .exit_code = 3 };
	check(faas_status(&r) == 3);
}

TEST(an_error_says_all_or_may_be_left_out)
{
	struct faas_options options = { .state_dir = "relative" };
	struct faas_error error;
	struct faas *f = NULL;

	check(faas_open(&options, &f, &error) < 0 && !f);
	check(error.exit == 2 && *error.message);
	check_str(error.code, "usage");
	options.state_dir = "/nonexistent/faas-test";
	options.no_start = 1;
	check(faas_open(&options, &f, NULL) < 0 && !f);
	check(faas_open(&options, &f, &error) < 0);
	check_str(error.code, "unavailable");
	check_str(error.hint, "'faas executor start' starts one");
	faas_close(NULL);
	faas_free(NULL);
}

TEST_MAIN;
