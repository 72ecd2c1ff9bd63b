#include "lib/chain/output.h"

#include "tests/unit/test.h"

static void expect(const struct output *o, const char *expected)
{
	size_t at = 0, size;
	struct error err;
	const char *data;
	char got[256] = "";
	int stream, r;

	while ((r = output_next(o->bytes.buf, o->bytes.len, &at, &stream, &data, &size, &err)) > 0) {
		size_t len = strlen(got);

		snprintf(got + len, sizeof(got) - len, "%d:%.*s;", stream, (int)size, data);
	}
	check(!r);
	check_str(got, expected);
}

TEST(pieces_come_back_in_their_order)
{
	CLEANUP_OUTPUT struct output o = OUTPUT;

	expect(&o, "");
	output_add(&o, 1, "a", 1);
	output_add(&o, 1, "b", 1);
	output_add(&o, 2, "", 0);
	output_add(&o, 2, "e", 1);
	output_add(&o, 1, "c\nd", 3);
	expect(&o, "1:ab;2:e;1:c\nd;");
	check(!o.truncated);
}

TEST(what_is_too_much_is_not_kept_and_said)
{
	CLEANUP_OUTPUT struct output o = OUTPUT;
	char *large = calloc(1, OUTPUT_MAX);

	check(large);
	output_add(&o, 1, "a", 1);
	output_add(&o, 2, large, OUTPUT_MAX);
	check(o.truncated);
	output_add(&o, 1, "b", 1);
	expect(&o, "1:a;");
	output_release(&o);
	o = (struct output)OUTPUT;
	output_add(&o, 2, large, OUTPUT_MAX - 5);
	check(!o.truncated && o.bytes.len == OUTPUT_MAX);
	output_add(&o, 2, "x", 1);
	check(o.truncated && o.bytes.len == OUTPUT_MAX);
	free(large);
}

TEST(damaged)
{
	static const struct {
		const char *bytes;
		size_t size;
	} all[] = {
		{ "\1\1\0\0", 4 }, { "\3\1\0\0\0a", 6 }, { "\0\1\0\0\0a", 6 }, { "\1\2\0\0\0a", 6 },
		{ "\1\377\377\377\377a", 6 }, { "\1\1\0\0\0ab", 7 },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		size_t at = 0, size;
		struct error err;
		const char *data;
		int stream, r;

		while ((r = output_next(all[i].bytes, all[i].size, &at, &stream, &data, &size,
					&err)) > 0)
			;
		check(r < 0 && err.code == ERR_CORRUPT);
	}
}

TEST_MAIN;
