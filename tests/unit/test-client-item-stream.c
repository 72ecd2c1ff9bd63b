#include "lib/client/item-stream.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/test.h"

static int ends[2];

static struct item_stream begin(char delimiter)
{
	check(!pipe(ends));
	return (struct item_stream)ITEM_STREAM(ends[0], "x", delimiter);
}

static void put(struct item_stream *s, const char *data, size_t len)
{
	struct error err;

	check(write(ends[1], data, len) == (ssize_t)len);
	check(!item_stream_read(s, &err));
}

static void finish(struct item_stream *s)
{
	struct error err;

	(void)close(ends[1]);
	check(!item_stream_read(s, &err) && s->eof);
}

static void end(struct item_stream *s)
{
	item_stream_release(s);
	(void)close(ends[0]);
}

static void gives(struct item_stream *s, const char *want)
{
	struct error err;
	char *item = NULL;

	check(item_stream_ready(s));
	check(item_stream_next(s, &item, &err) == 1 && !err.code);
	check_str(item, want);
	free(item);
}

static void gives_nothing(struct item_stream *s)
{
	struct error err;
	char *item = NULL;

	check(!item_stream_next(s, &item, &err) && !item);
}

TEST(an_item_is_there_as_soon_as_its_end_is)
{
	struct item_stream s = begin('\n');

	gives_nothing(&s);
	put(&s, "on", 2);
	check(!item_stream_ready(&s));
	gives_nothing(&s);
	put(&s, "e\n\n\ntwo\nthr", 11);
	gives(&s, "one");
	gives(&s, "two");
	check(s.number == 2);
	gives_nothing(&s);
	put(&s, "ee", 2);
	gives_nothing(&s);
	finish(&s);
	gives(&s, "three");
	gives_nothing(&s);
	end(&s);
}

TEST(nul_bytes_end_items_of_any_bytes)
{
	struct item_stream s = begin('\0');

	put(&s, "a\nb\0\0c", 6);
	gives(&s, "a\nb");
	gives(&s, "");
	gives_nothing(&s);
	finish(&s);
	gives(&s, "c");
	end(&s);
}

TEST(what_cannot_be_an_item_is_said_and_the_next_one_is_given)
{
	struct item_stream s = begin('\n');
	char *big = malloc(65536), *item = NULL;
	struct error err;

	put(&s, "a\0b\nnext\n", 9);
	check(item_stream_next(&s, &item, &err) == 1 && err.code == ERR_USAGE);
	check_str(item, "a");
	free(item);
	gives(&s, "next");
	/* however long it is, no more than a bound is kept of it, and it is said once */
	memset(big, 'x', 65536);
	for (int i = 0; i < 40; i++) {
		put(&s, big, 65536);
		if (i == 1)
			check(item_stream_next(&s, &item, &err) == 1 && err.code == ERR_USAGE &&
			      strlen(item) == 40);
		else
			gives_nothing(&s);
		check(s.buf.len - s.at <= 3 * 65536);
	}
	free(item);
	put(&s, "end of it\nlast", 14);
	finish(&s);
	gives(&s, "last");
	check(s.number == 4);
	free(big);
	end(&s);
}

TEST(one_that_cannot_be_read_is_an_error)
{
	struct item_stream s = ITEM_STREAM(-1, "x", '\n');
	struct error err;

	check(item_stream_read(&s, &err) < 0 && err.code != ERR_NONE);
	end(&s);
}

TEST_MAIN;
