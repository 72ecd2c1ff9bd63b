#include "lib/executor/instance-state.h"

#include "tests/unit/test.h"

static bool may(const char *state, enum instance_verb verb)
{
	return instance_next((enum instance_state)instance_state_find(state), verb) >= 0;
}

TEST(names_are_found)
{
	for (int i = 0; i < INSTANCE__MAX; i++)
		check(instance_state_find(instance_state_name((enum instance_state)i)) == i);
	check(instance_state_find("asleep") == -1);
	check(instance_state_find("") == -1);
}

TEST(every_state_and_verb)
{
	/* as many verbs lead on from each */
	static const int legal[INSTANCE__MAX] = { 4, 6, 5, 3, 0 };

	for (int s = 0; s < INSTANCE__MAX; s++) {
		int n = 0;

		for (int v = 0; v < VERB__MAX; v++)
			n += instance_next((enum instance_state)s, (enum instance_verb)v) >= 0;
		check(n == legal[s]);
	}
	for (int v = 0; v < VERB__MAX; v++)
		check(*instance_verb_name((enum instance_verb)v));
	check(instance_next(INSTANCE_RUNNING, VERB_PAUSE) == INSTANCE_PAUSED);
	check(instance_next(INSTANCE_PAUSED, VERB_RESUME) == INSTANCE_RUNNING);
	check(instance_next(INSTANCE_STOPPED, VERB_START) == INSTANCE_PENDING);
}

TEST(nothing_is_done_to_what_is_gone_or_frozen)
{
	check(!may("terminated", VERB_START) && !may("terminated", VERB_TERMINATE));
	check(!may("paused", VERB_EXEC) && !may("paused", VERB_PAUSE));
	check(!may("stopped", VERB_EXEC) && !may("stopped", VERB_STOP));
	check(!may("pending", VERB_EXEC) && !may("pending", VERB_PAUSE));
	check(!may("running", VERB_START) && !may("running", VERB_RESUME));
}

TEST(every_state_says_what_to_do)
{
	for (int i = 0; i < INSTANCE__MAX; i++)
		check(strstr(instance_state_hint((enum instance_state)i), "faas instance"));
}

TEST_MAIN;
