#include "lib/json/emit.h"

#include "tests/unit/test.h"

static char *text;
static size_t size;

static struct emit begin(void)
{
	struct emit e = EMIT(open_memstream(&text, &size));

	check(e.out);
	return e;
}

static void end(struct emit *e, const char *want)
{
	check(fclose(e->out) == 0);
	check_str(text, want);
	free(text);
}

TEST(nesting_and_commas)
{
	struct emit e = begin();

	emit_open(&e, NULL, '{');
	emit_str(&e, "a", "x");
	emit_open(&e, "b", '[');
	emit_uint(&e, NULL, UINT64_MAX);
	emit_int(&e, NULL, INT64_MIN);
	emit_open(&e, NULL, '{');
	emit_close(&e);
	emit_open(&e, NULL, '[');
	emit_close(&e);
	emit_close(&e);
	emit_bool(&e, "c", false);
	emit_null(&e, "d");
	emit_str(&e, "e", NULL);
	emit_raw(&e, "f", "{\"x\":1}");
	emit_close(&e);
	end(&e, "{\"a\":\"x\",\"b\":[18446744073709551615,-9223372036854775808,{},[]],"
		"\"c\":false,\"d\":null,\"e\":null,\"f\":{\"x\":1}}");
}

TEST(escapes)
{
	struct emit e = begin();

	emit_strn(&e, NULL, "\"\\\b\f\n\r\t\0\x1f\x7f/", 11);
	end(&e, "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0000\\u001f\\u007f/\"");
}

TEST(keys_are_escaped_too)
{
	struct emit e = begin();

	emit_open(&e, NULL, '{');
	emit_uint(&e, "a\"b\n", 1);
	emit_close(&e);
	end(&e, "{\"a\\\"b\\n\":1}");
}

TEST(what_is_not_utf8)
{
	struct emit e = begin();

	emit_open(&e, NULL, '{');
	emit_str(&e, "good", "h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
	emit_str(&e, "k", "a\xff" "b");
	emit_str(&e, "l", "\xc3");
	emit_close(&e);
	end(&e, "{\"good\":\"h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\","
		"\"k\":\"a\xef\xbf\xbd" "b\",\"k_base64\":\"Yf9i\","
		"\"l\":\"\xef\xbf\xbd\",\"l_base64\":\"ww==\"}");
}

TEST(utf8_that_only_looks_so)
{
	static const char *const bad[] = {
		"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80",
		"\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82",
		"\xc3(", "\xfe",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		check(emit_utf8_len(bad[i], strlen(bad[i])) == 0);
	check(emit_utf8_len("\xf4\x8f\xbf\xbf", 4) == 4);
	check(emit_utf8_len("\xed\x9f\xbf", 3) == 3);
}

TEST_MAIN;
