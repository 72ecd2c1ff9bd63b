#include "lib/executor/compact.h"

#include "tests/unit/test.h"

/* "a b c1" and so on; what is chosen as "first:tier", or "none". */
static void chooses(const char *words, const char *want)
{
	json_t *layers = json_array();
	char text[512], got[64] = "none", *at = text, *word;
	unsigned int tier;
	size_t first;

	(void)snprintf(text, sizeof(text), "%s", words);
	while ((word = strsep(&at, " "))) {
		char name[64];

		(void)snprintf(name, sizeof(name), word[0] == 'c' ? "%s-abcdefghijkl" : "%s", word);
		json_array_append_new(layers, json_string(name));
	}
	if (compact_choose(layers, &first, &tier))
		(void)snprintf(got, sizeof(got), "%zu:%u", first, tier);
	check_str(got, want);
	json_decref(layers);
}

TEST(short_stacks_stay)
{
	chooses("own", "none");
	chooses("own a b c d e f g", "none");
	chooses("own a b d e f g h c1 c1 c1 c1 c1 c1 c1", "none");
}

TEST(the_oldest_of_a_tier_become_one)
{
	chooses("own a b d e f g h i", "1:1");
	chooses("own x y a b d e f g h i", "3:1");
	chooses("own a b c1 c1 c1 c1 c1 c1 c1 c1", "3:2");
	chooses("own a c1 c1 c1 c1 c1 c1 c1 c1 c1 c2", "3:2");
	chooses("own c2 c2 c2 c2 c2 c2 c2 c2", "1:3");
}

TEST(the_own_layer_is_never_part_of_one)
{
	chooses("own a b d e f g h", "none");
}

TEST(what_is_no_stack_is_short)
{
	unsigned int tier;
	size_t first;
	json_t *j = json_string("x");

	check(!compact_choose(NULL, &first, &tier));
	check(!compact_choose(j, &first, &tier));
	json_decref(j);
}

TEST_MAIN;
