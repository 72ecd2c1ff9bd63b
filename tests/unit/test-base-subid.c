#include "lib/base/subid.h"

#include "tests/unit/test.h"

static uint32_t first, count;

static void find(const char *text, const char *name, uint32_t uid)
{
	first = count = 7;
	subid_find(text, name, uid, &first, &count);
}

TEST(a_range_is_found_by_name_and_by_number)
{
	find("a:100000:65536\nme:200000:65536\n1000:300000:10\n", "me", 1000);
	check(first == 200000 && count == 65536);
	find("a:100000:65536\n1000:300000:10\n", "me", 1000);
	check(first == 300000 && count == 10);
	find("me:1:2", "me", 1000);
	check(first == 1 && count == 2);
	find("me:1:2\nme:10:20\nme:100:3\n", "me", 1000);
	check(first == 10 && count == 20);
}

TEST(what_is_no_range_gives_none)
{
	static const char *const bad[] = {
		"", "\n\n", "me", "me:", "me:1", "me:1:", "me::5", "me:x:5", "me:1:x", "me:0:5",
		"me:-1:5", "me:1:0", "me:4294967295:1", "me:4294967294:2", "me:1:4294967295",
		"me:1:99999999999999999999999", "you:1:5", "mee:1:5", "m:1:5", "10000:1:5",
		"me:1 :5", " me:1:5",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		find(bad[i], "me", 1000);
		check(!first && !count);
	}
	/* nobody has no name */
	find(":1:5\n", "", 1000);
	check(!first && !count);
}

TEST(a_user_has_a_name)
{
	char name[16];

	subid_user("root:x:0:0::/:/bin/sh\nme:x:1000:1000::/:/bin/sh\n", 1000, name, sizeof(name));
	check_str(name, "me");
	subid_user("root:x:0:0::/:/bin/sh\nme:x:1000:1000::/:/bin/sh\n", 100, name, sizeof(name));
	check_str(name, "");
	subid_user("me\nx:1000\n:x:1000:\n", 1000, name, sizeof(name));
	check_str(name, "");
	subid_user("", 0, name, sizeof(name));
	check_str(name, "");
}

TEST(this_machine_has_some_or_none)
{
	struct subids s = subid_read(4294967294u);

	check(!s.uids && !s.gids);
}

TEST_MAIN;
