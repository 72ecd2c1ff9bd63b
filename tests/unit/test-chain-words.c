#include "lib/chain/words.h"

#include "tests/unit/test.h"

/* expected: the words, each behind a '|' */
static void split_into(const char *text, const char *expected)
{
	struct words w = { 0 };
	struct error err;
	char got[256] = "";

	check(!words_split(text, &w, &err));
	for (int i = 0; i < w.n; i++) {
		size_t len = strlen(got);

		snprintf(got + len, sizeof(got) - len, "|%s", w.v[i]);
	}
	check_str(got, expected);
	words_release(&w);
	check(!w.n && !w.v);
}

TEST(words)
{
	split_into("", "");
	split_into(" \t ", "");
	split_into("a  b\tc ", "|a|b|c");
	split_into("'a b' \"c d\" e\\ f", "|a b|c d|e f");
	split_into("N='a'\"b\"c", "|N=abc");
	split_into("'' \"\"", "||");
	split_into("'$x' \\$y \"\\$z\"", "|$x|$y|$z");
	split_into("'\\' \"\\\"\\\\ \\n\"", "|\\|\"\\ \\n");
}

static void refuse(const char *text, int (*parse)(const char *, struct words *, struct error *),
		   const char *why)
{
	struct words w = { 0 };
	struct error err;

	check(parse(text, &w, &err) < 0);
	check(err.code == ERR_USAGE && !w.n);
	if (!strstr(err.msg, why)) {
		fprintf(stderr, "%s: '%s' without '%s'\n", text, err.msg, why);
		abort();
	}
}

TEST(refused_words)
{
	refuse("a 'b", words_split, "not closed");
	refuse("a \"b\\\"", words_split, "not closed");
	refuse("a\\", words_split, "nothing behind");
	refuse("$HOME", words_split, "not expanded");
	refuse("\"$HOME\"", words_split, "not expanded");
}

TEST(json)
{
	struct words w = { 0 };
	struct error err;

	check(!words_json("[\"a b\", \"\", \"\\u00e4\"]", &w, &err));
	check(w.n == 3);
	check_str(w.v[0], "a b");
	check_str(w.v[1], "");
	words_release(&w);
	refuse("[]", words_json, "not");
	refuse("[\"a\"", words_json, "not");
	refuse("{\"a\":1}", words_json, "not");
	refuse("[\"a\", 1]", words_json, "word 2");
	refuse("[\"a\\u0000\"]", words_json, "not");
}

TEST(too_many)
{
	char text[2 * WORDS_MAX + 3];

	for (int i = 0; i <= WORDS_MAX; i++)
		memcpy(text + (size_t)2 * i, "a ", 3);
	refuse(text, words_split, "more than");
}

TEST_MAIN;
