#include "lib/client/halt.h"

#include "tests/unit/test.h"

TEST(words)
{
	struct error err;
	struct halt h;

	check(!halt_parse(NULL, &h, &err) && !h.after && !h.now);
	check(!halt_parse("never", &h, &err) && !h.after);
	check(!halt_parse("soon,fail=1", &h, &err) && h.after == 1 && !h.now);
	check(!halt_parse("now,fail=25", &h, &err) && h.after == 25 && h.now);
}

TEST(what_is_not_one_changes_nothing)
{
	static const char *const bad[] = {
		"", "now", "soon", "later", "now,fail=", "now,fail=0", "soon,fail=-1", "now,fail=1x",
		"now,fail=10%", "now,success=1", "never,fail=1", "fail=1", "soon, fail=1",
		"now,fail=99999999999999999999999",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct halt h = { .after = 7 };
		struct error err = { 0 };

		check(halt_parse(bad[i], &h, &err) < 0);
		check(err.code == ERR_USAGE && h.after == 7);
	}
}

TEST(reached)
{
	const struct halt never = { 0 }, two = { .after = 2 };

	check(!halt_reached(&never, 1000));
	check(!halt_reached(&two, 1));
	check(halt_reached(&two, 2) && halt_reached(&two, 3));
}

TEST_MAIN;
