#include "lib/client/capture.h"

#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/test.h"

static size_t seen;

static void count(void *arg, int stream, const void *data, size_t size)
{
	check(arg == &seen && stream == 2 && data);
	seen += size;
}

TEST(keeps_what_fits_and_reads_the_rest)
{
	struct execution_capture c = CAPTURE(5);
	struct error err;
	size_t size;
	int theirs;
	char *text;

	c.each = count;
	c.arg = &seen;
	c.stream = 2;
	check(!capture_open(&c, &theirs, &err));
	check(!capture_read(&c) && c.fd >= 0);
	check(write(theirs, "abc", 3) == 3 && capture_read(&c) && !c.truncated);
	check(write(theirs, "defg", 4) == 4);
	capture_drain(&c);
	check(c.truncated && seen == 7 && c.fd >= 0);
	check(!close(theirs) && !capture_read(&c) && c.fd < 0 && !capture_read(&c));
	text = capture_take(&c, &size);
	check(size == 5);
	check_str(text, "abcde");
	free(text);
	capture_release(&c);
}

TEST(nothing_is_an_empty_text)
{
	struct execution_capture c = CAPTURE(5);
	size_t size;
	char *text = capture_take(&c, &size);

	check(!size);
	check_str(text, "");
	free(text);
	capture_release(&c);
}

TEST_MAIN;
