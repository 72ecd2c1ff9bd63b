#include "lib/client/code.h"

#include <stdint.h>

#include "tests/unit/test.h"

static const char *steps_of(enum code_kind kind, const char *word, bool literal)
{
	static char text[4096];
	char *words[] = { (char *)(uintptr_t)word, (char *)(uintptr_t)"arg", NULL };
	struct code_request r = { .kind = kind, .words = words, .n_words = 2, .literal = literal };
	struct code_plan plan;
	struct error err;
	int done = code_plan(NULL, &r, &plan, &err);
	char *dump = done ? NULL : json_dumps(plan.steps, JSON_COMPACT);

	(void)snprintf(text, sizeof(text), "%s", dump ? dump : err_name(err.code));
	free(dump);
	code_plan_release(&plan);
	return text;
}

TEST(code_is_code_for_a_program_that_says_so)
{
	check_str(steps_of(CODE_TEXT, "./no-such-file", false),
		  "[[[\"/bin/sh\",\"-c\",\"./no-such-file\",\"sh\",\"arg\"]]]");
	check_str(steps_of(CODE_TEXT, "-", false),
		  "[[[\"/bin/sh\",\"-c\",\"-\",\"sh\",\"arg\"]]]");
	check_str(steps_of(CODE_GUESS, "echo hi", false),
		  "[[[\"/bin/sh\",\"-c\",\"echo hi\",\"sh\",\"arg\"]]]");
	check_str(steps_of(CODE_GUESS, "./no-such-file", false), "not-found");
}

TEST(a_file_is_a_file_and_argv_is_argv)
{
	check_str(steps_of(CODE_FILE, "no-such-file", false), "not-found");
	check_str(steps_of(CODE_FILE, "/tmp", false), "usage");
	check_str(steps_of(CODE_FILE, "/proc/self/exe", false), "[[[\"/work/exe\",\"arg\"]]]");
	check_str(steps_of(CODE_GUESS, "echo hi", true), "[[[\"echo hi\",\"arg\"]]]");
}

TEST_MAIN;
