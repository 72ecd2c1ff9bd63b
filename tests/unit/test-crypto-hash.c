#include "lib/crypto/hash.h"

#include <string.h>

#include "tests/unit/test.h"

TEST(of_nothing_and_of_abc)
{
	char text[HASH_TEXT];
	struct hash h;

	/* b2sum -l 256 */
	hash_begin(&h);
	hash_end(&h, text);
	check(!strcmp(text, "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8"));
	hash_begin(&h);
	hash_add(&h, "a", 1);
	hash_add(&h, "bc", 2);
	hash_end(&h, text);
	check(!strcmp(text, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319"));
}

TEST(texts_have_their_lengths)
{
	char a[HASH_TEXT], b[HASH_TEXT];
	struct hash h;

	hash_begin(&h);
	hash_add_text(&h, "ab");
	hash_add_text(&h, "c");
	hash_end(&h, a);
	hash_begin(&h);
	hash_add_text(&h, "a");
	hash_add_text(&h, "bc");
	hash_end(&h, b);
	check(strcmp(a, b) != 0);
	hash_begin(&h);
	hash_add(&h, "\2\0\0\0\0\0\0\0ab", 10);
	hash_add_u64(&h, 1);
	hash_add(&h, "c", 1);
	hash_end(&h, b);
	check(!strcmp(a, b));
}

TEST_MAIN;
