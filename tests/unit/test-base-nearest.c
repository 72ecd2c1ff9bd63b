#include "lib/base/nearest.h"

#include "tests/unit/test.h"

static unsigned int distance(const char *a, const char *b)
{
	return edit_distance(a, strlen(a), b, strlen(b));
}

static const char *nearest(const char *word, const char *const *names)
{
	struct nearest n = NEAREST(word);

	for (; *names; names++)
		nearest_try(&n, *names);
	return n.best ? n.best : "(none)";
}

TEST(distances)
{
	check(distance("", "") == 0);
	check(distance("", "abc") == 3);
	check(distance("kitten", "sitting") == 3);
	check(distance("lsit", "list") == 1);
	check(distance("same", "same") == 0);
	check(distance("ca", "abc") == 3);
}

TEST(long_words_are_far)
{
	char word[100];

	memset(word, 'a', sizeof(word));
	check(edit_distance(word, 64, word, 64) == 64);
	check(edit_distance(word, 63, word, 63) == 0);
}

TEST(suggestions)
{
	static const char *const names[] = { "execute", "snapshot", "env", "config", NULL };

	check_str(nearest("excute", names), "execute");
	check_str(nearest("snpashto", names), "snapshot");
	check_str(nearest("conf", names), "config");
	check_str(nearest("evn", names), "env");
	check_str(nearest("frobnicate", names), "(none)");
	check_str(nearest("c", names), "(none)");
	check_str(nearest("", names), "(none)");
}

TEST_MAIN;
