#include "lib/base/strbuf.h"

#include <stdlib.h>

#include "tests/unit/test.h"

TEST(grows_and_stays_terminated)
{
	cleanup_strbuf struct strbuf sb = STRBUF(1000);

	check_str(sb.buf, "");
	for (int i = 0; i < 100; i++)
		strbuf_addf(&sb, "%d,", i % 10);
	check(sb.len == 200 && !sb.buf[200] && !strbuf_failed(&sb));
	strbuf_clear(&sb);
	check_str(sb.buf, "");
}

TEST(the_limit_holds_to_the_byte)
{
	cleanup_strbuf struct strbuf sb = STRBUF(4);

	strbuf_adds(&sb, "abcd");
	check(!strbuf_failed(&sb));
	strbuf_addc(&sb, 'e');
	check(strbuf_failed(&sb));
	check_str(sb.buf, "abcd");
	strbuf_adds(&sb, "");
	check(strbuf_failed(&sb));
	check(!strbuf_detach(&sb));
	check(!strbuf_failed(&sb) && !sb.len);
}

TEST(detach_hands_the_memory_on)
{
	struct strbuf sb = STRBUF(100);
	char *p = strbuf_detach(&sb);

	check_str(p, "");
	free(p);
	strbuf_add(&sb, "a\0b", 3);
	p = strbuf_detach(&sb);
	check(!memcmp(p, "a\0b", 4));
	free(p);
	strbuf_release(&sb);
}

TEST_MAIN;
