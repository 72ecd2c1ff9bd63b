#include "lib/base/id.h"

#include "lib/base/macro.h"
#include "tests/unit/test.h"

TEST(what_is_made_is_valid)
{
	char first[ID_SIZE], id[ID_SIZE];
	unsigned int seen[256] = { 0 };

	id_make(first);
	for (int i = 0; i < 5000; i++) {
		id_make(id);
		check(id_valid(id) && strcmp(id, first));
		for (int k = 1; k < ID_LEN; k++)
			seen[(unsigned char)id[k]]++;
	}
	/* all 32, none rare: 55000 characters, 1719 of each on average */
	for (const char *c = "abcdefghijklmnopqrstuvwxyz234567"; *c; c++)
		check(seen[(unsigned char)*c] > 1300);
}

TEST(what_is_not_an_id)
{
	static const char *const bad[] = {
		"", "a", "abcdefghijk", "abcdefghijklm", "2bcdefghijkl", "abcdefghijk1",
		"abcdefghijk8", "Abcdefghijkl", "abcdefghij/l", "abcdefghij l",
		"abcdefghijk\n", "abcdefghijk\xff", "../../../etc",
	};

	check(id_valid("abcdefghij27"));
	check(id_valid("zzzzzzzzzzzz"));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		check(!id_valid(bad[i]));
}

TEST_MAIN;
