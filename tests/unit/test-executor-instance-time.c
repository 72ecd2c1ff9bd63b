#include "lib/executor/instance.h"

#include "tests/unit/test.h"

static struct instance rec;

static void begin(int64_t ttl_ms, int64_t auto_stop_ms)
{
	instance_release(&rec);
	rec.boot = strdup(boot_id());
	rec.auto_stop_ms = auto_stop_ms;
	instance_set_ttl(&rec, ttl_ms);
	instance_used(&rec);
}

TEST(a_boot_has_an_id)
{
	check(strlen(boot_id()) == 36);
	check(boot_ms() > 0);
}

TEST(never_is_never)
{
	begin(0, 0);
	check(instance_ttl_left(&rec) == -1 && instance_idle_left(&rec) == -1);
	check(!rec.expires_ms && !rec.expires_boot_ms);
}

TEST(the_walls_clock_does_not_count)
{
	begin(1000000, 500000);
	/* as if it had been set by a year, either way */
	rec.expires_ms -= 31536000000;
	instance_rebase(&rec);
	check(instance_ttl_left(&rec) > 900000 && instance_ttl_left(&rec) <= 1000000);
	rec.expires_ms += 2 * 31536000000;
	instance_rebase(&rec);
	check(instance_ttl_left(&rec) > 900000 && instance_ttl_left(&rec) <= 1000000);
	check(instance_idle_left(&rec) > 400000 && instance_idle_left(&rec) <= 500000);
	rec.expires_boot_ms = boot_ms() - 1;
	check(instance_ttl_left(&rec) == 0);
	rec.active_boot_ms = boot_ms() - 500001;
	check(instance_idle_left(&rec) == 0);
}

TEST(after_another_boot_it_is_all_there_is)
{
	begin(1000000, 500000);
	free(rec.boot);
	rec.boot = strdup("another");
	rec.expires_ms -= 400000;
	/* of that boot's clock nothing is known */
	rec.expires_boot_ms = 5;
	rec.active_boot_ms = 5;
	instance_rebase(&rec);
	check(!strcmp(rec.boot, boot_id()));
	check(instance_ttl_left(&rec) > 500000 && instance_ttl_left(&rec) <= 600000);
	check(instance_idle_left(&rec) > 400000 && instance_idle_left(&rec) <= 500000);
}

TEST(a_clock_that_was_set_back_gives_no_more_than_the_whole)
{
	begin(1000000, 0);
	free(rec.boot);
	rec.boot = strdup("another");
	rec.expires_ms += 31536000000;
	instance_rebase(&rec);
	check(instance_ttl_left(&rec) > 900000 && instance_ttl_left(&rec) <= 1000000);
	free(rec.boot);
	rec.boot = NULL;
	/* it was over long ago */
	rec.expires_ms = 1000;
	instance_rebase(&rec);
	check(instance_ttl_left(&rec) == 0);
}

TEST_MAIN;
