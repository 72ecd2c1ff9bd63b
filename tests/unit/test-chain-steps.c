#include "lib/chain/steps.h"

#include <fcntl.h>
#include <unistd.h>

#include "tests/unit/test.h"

static int parse(const char *text, struct steps *to, struct error *err)
{
	return steps_parse(text, strlen(text), "F", to, err);
}

TEST(every_kind)
{
	CLEANUP_STEPS struct steps s = { 0 };
	struct error err;

	check(parse("# first\n\n  # second\nFROM debian:12\r\n"
		     "WORKDIR /app/./x//\n"
		     "COPY a b 'c d' .\n"
		     "copy [\"x y\", \"/z\"]\n"
		     "ENV A=1 B=\"two words\" C=\n"
		     "RUN echo $A | cat   \n"
		     "RUN [\"/bin/echo\", \"$A\"]\n"
		     "workdir ../x", &s, &err) < 0);
	check(strstr(err.msg, "F:11: "));
	steps_release(&s);
	check(!parse("FROM debian:12\r\nWORKDIR /app/./x//\nCOPY a b 'c d' .\n"
		     "copy [\"x y\", \"/z\"]\nENV A=1 B=\"two words\" C=\nRUN echo $A | cat   \n"
		     "RUN [\"/bin/echo\", \"$A\"]\nworkdir y/.", &s, &err));
	check_str(s.base, "debian:12");
	check(s.n == 7);
	check(s.v[0].kind == STEP_WORKDIR && s.v[0].line == 2);
	check_str(s.v[0].words[0], "/app/x");
	check(s.v[1].kind == STEP_COPY && s.v[1].n == 4 && !s.v[1].anywhere);
	check_str(s.v[1].words[2], "c d");
	check_str(s.v[2].words[0], "x y");
	check(s.v[3].kind == STEP_ENV && s.v[3].n == 3);
	check_str(s.v[3].words[1], "B=two words");
	check(s.v[4].kind == STEP_RUN && s.v[4].shell);
	check_str(s.v[4].words[0], "echo $A | cat");
	check(s.v[5].kind == STEP_RUN && !s.v[5].shell && s.v[5].n == 2);
	check_str(s.v[5].words[1], "$A");
	check_str(s.v[6].words[0], "/app/x/y");
	check_str(s.v[4].text, "RUN echo $A | cat");
	check_str(step_name(s.v[6].kind), "WORKDIR");
}

TEST(code_that_begins_with_a_bracket)
{
	CLEANUP_STEPS struct steps s = { 0 };
	struct error err;

	check(!parse("RUN [ -e x ] || y\nRUN [[ a ]]\nRUN [ \"a\", \"b\" ]\n", &s, &err));
	check(s.v[0].shell && s.v[1].shell && !s.v[2].shell && s.v[2].n == 2);
	check_str(s.v[0].words[0], "[ -e x ] || y");
	check(parse("RUN [\"a\", b]\n", &s, &err) < 0);
}

TEST(lines_that_go_on)
{
	CLEANUP_STEPS struct steps s = { 0 };
	struct error err;

	check(!parse("RUN a && \\\n  # not of it\n  b\\\n\nRUN c", &s, &err));
	check(s.n == 2);
	check_str(s.v[0].words[0], "a &&   b");
	check(s.v[0].line == 1 && s.v[1].line == 5);
}

static void refuse(const char *text, const char *why)
{
	struct steps s = { 0 };
	struct error err;

	check(parse(text, &s, &err) < 0);
	check(err.code == ERR_USAGE);
	if (!strstr(err.msg, why)) {
		fprintf(stderr, "%s: '%s' without '%s'\n", text, err.msg, why);
		abort();
	}
	steps_release(&s);
}

TEST(what_is_refused_and_where)
{
	refuse("RUN a\nCMD b\n", "F:2: 'CMD' is no instruction");
	refuse("RNU a\n", "F:1: 'RNU'");
	refuse("\n\nRUN\n", "F:3: RUN needs a command");
	refuse("RUN []\n", "F:1: ");
	refuse("RUN [\"\"]\n", "F:1: RUN needs");
	refuse("RUN <<END\nx\nEND\n", "here-documents");
	refuse("RUN --mount=type=cache x\n", "no option '--mount=type=cache'");
	refuse("COPY a\n", "F:1: COPY needs");
	refuse("COPY --chown=1 a b\n", "no option");
	refuse("COPY '' b\n", "empty");
	refuse("ENV\n", "F:1: ENV needs");
	refuse("ENV A b\n", "'A' is not NAME=value");
	refuse("ENV 1A=b\n", "is not NAME=value");
	refuse("ENV PATH=/x:$PATH\n", "F:1: '$' is not expanded");
	refuse("WORKDIR\n", "one folder");
	refuse("WORKDIR a b\n", "one folder");
	refuse("WORKDIR a\n", "must be absolute");
	refuse("WORKDIR /a/../b\n", "'..'");
	refuse("FROM\n", "FROM needs");
	refuse("RUN a\nFROM b\n", "F:2: FROM comes once");
	refuse("FROM a\nFROM b\n", "F:2: FROM comes once");
	refuse("RUN a \\\n", "F:1: the last line ends");
}

TEST(bytes_that_text_has_not)
{
	static const char nul[] = "RUN a\nRUN b\0c\n";
	struct steps s = { 0 };
	struct error err;

	check(steps_parse(nul, sizeof(nul) - 1, "F", &s, &err) < 0);
	check_str(err.msg, "F:2: a NUL byte");
	steps_release(&s);
}

TEST(limits)
{
	enum { LINE = 6 };
	size_t size = (STEPS_MAX_COUNT + 1) * LINE;
	char *text = malloc(size + 1), *large = calloc(1, STEPS_MAX_SIZE + 1);
	struct steps s = { 0 };
	struct error err;

	check(text && large);
	for (int i = 0; i <= STEPS_MAX_COUNT; i++)
		memcpy(text + (size_t)i * LINE, "RUN x\n", LINE + 1);
	check(!steps_parse(text, size - LINE, "F", &s, &err));
	check(s.n == STEPS_MAX_COUNT);
	steps_release(&s);
	check(steps_parse(text, size, "F", &s, &err) < 0);
	check(strstr(err.msg, "more than"));
	steps_release(&s);
	check(steps_parse(large, STEPS_MAX_SIZE + 1, "F", &s, &err) < 0);
	steps_release(&s);
	free(text);
	free(large);
}

TEST(options)
{
	CLEANUP_STEPS struct steps s = { 0 };
	struct error err;

	check(!steps_add(&s, "workdir", "/w", &err) && !steps_add(&s, "run", "echo", &err) &&
	      !steps_add(&s, "layer", "$x", &err) && !steps_add(&s, "set", "A=$x y", &err) &&
	      !steps_add(&s, "variable", "B=", &err) && !steps_add(&s, "copy", "a/b/", &err) &&
	      !steps_add(&s, "copy", "a:/b c", &err) && !steps_add(&s, "copy", "..", &err));
	check(s.n == 8);
	check(s.v[2].kind == STEP_RUN && s.v[2].shell);
	check_str(s.v[3].words[0], "A=$x y");
	check_str(s.v[5].words[0], "a/b");
	check_str(s.v[5].words[1], "b");
	check(s.v[5].anywhere);
	check_str(s.v[6].words[1], "/b c");
	check_str(s.v[7].words[1], "./");
	check_str(s.v[6].text, "COPY a:/b c");
	check(steps_add(&s, "copy", "a:", &err) < 0);
	check(steps_add(&s, "set", "A", &err) < 0);
	check(strstr(err.msg, "--set: "));
	check(steps_add(&s, "run", "", &err) < 0);
	check(s.n == 8);
}

TEST_MAIN;
