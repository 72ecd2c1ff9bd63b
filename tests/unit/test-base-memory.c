#include "lib/base/memory.h"

#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/test.h"

static void leave(void)
{
	_exit(42);
}

/* The status of a process that asks for what is not there. */
static int status_without(void (*end)(void))
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		memory_at_end(end);
		/* what it says belongs to nobody here */
		(void)close(STDERR_FILENO);
		(void)memory_must(NULL);
		_exit(0);
	}
	check(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	return WEXITSTATUS(status);
}

TEST(what_is_there_is_given)
{
	char *p = memory_get(0), *q = memory_copy("text");

	check(p && memory_must(p) == p);
	check_str(q, "text");
	check(!memory_copy(NULL));
	free(p);
	free(q);
}

TEST(what_is_not_there_ends_the_program)
{
	check(status_without(leave) == 42);
	check(status_without(NULL) == EXIT_FAILURE);
}

TEST_MAIN;
