#include "lib/base/base64.h"

#include <errno.h>

#include "lib/base/macro.h"
#include "tests/unit/test.h"

/* RFC 4648, section 10, and bytes that are not text */
static const struct {
	const char *data;
	size_t len;
	const char *text;
} rows[] = {
	{ "", 0, "" },
	{ "f", 1, "Zg==" },
	{ "fo", 2, "Zm8=" },
	{ "foo", 3, "Zm9v" },
	{ "foob", 4, "Zm9vYg==" },
	{ "fooba", 5, "Zm9vYmE=" },
	{ "foobar", 6, "Zm9vYmFy" },
	{ "\0\0\0", 3, "AAAA" },
	{ "\xff\xfe\xfd", 3, "//79" },
	{ "\xfb\xf0", 2, "+/A=" },
};

TEST(both_ways)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[16], back[16];

		base64_encode(rows[i].data, rows[i].len, text);
		check_str(text, rows[i].text);
		check(strlen(text) + 1 == BASE64_SIZE(rows[i].len));
		check(base64_decode(text, back) == (ssize_t)rows[i].len);
		check(!memcmp(back, rows[i].data, rows[i].len));
	}
}

TEST(every_length)
{
	for (size_t len = 0; len < 300; len++) {
		unsigned char *data = malloc(len + 1), *back;
		char *text = malloc(BASE64_SIZE(len));

		for (size_t i = 0; i < len; i++)
			data[i] = (unsigned char)(i * 37 + len);
		base64_encode(data, len, text);
		check(strlen(text) + 1 == BASE64_SIZE(len));
		/* no byte more than promised: a sanitizer would say */
		back = malloc(strlen(text) + 1);
		check(base64_decode(text, back) == (ssize_t)len);
		check(!memcmp(back, data, len));
		free(data);
		free(text);
		free(back);
	}
}

TEST(what_is_not_base64)
{
	static const char *const bad[] = {
		"A", "AA", "AAA", "AAAAA", "====", "A===", "=AAA", "AA=A", "AA==AAAA",
		"AA A", "AAA\n", "A-_A", "\xff\xff\xff\xff", "AAAA====",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char back[16];

		check(base64_decode(bad[i], back) == -EINVAL);
	}
}

TEST_MAIN;
