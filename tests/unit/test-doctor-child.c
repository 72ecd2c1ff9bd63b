#include "lib/doctor/child.h"

#include <signal.h>
#include <unistd.h>

#include "tests/unit/test.h"

static int seven(void *arg)
{
	(void)arg;
	return 7;
}

static int die(void *arg)
{
	(void)arg;
	return raise(SIGKILL);
}

TEST(a_status_and_a_signal_are_told_apart)
{
	check(child_run(seven, NULL) == 7);
	check(child_run(die, NULL) == 128 + SIGKILL);
}

TEST(what_a_program_writes_is_kept_and_cut)
{
	const char *const echo[] = { "/bin/sh", "-c", "echo out; echo err >&2; exit 3", NULL };
	const char *const many[] = { "/bin/sh", "-c", "echo 0123456789", NULL };
	const char *const none[] = { "/no/such/program", NULL };
	char buf[64], small[4];

	check(child_output(echo, buf, sizeof(buf)) == 3);
	check_str(buf, "out\nerr\n");
	(void)child_output(many, small, sizeof(small));
	check_str(small, "012");
	check(child_output(none, buf, sizeof(buf)) == 127);
	check_str(buf, "");
}

TEST(a_child_is_ended)
{
	pid_t pid = child_fork();

	if (!pid)
		for (;;)
			pause();
	child_end(pid);
	check(kill(pid, 0) < 0);
}

TEST_MAIN;
