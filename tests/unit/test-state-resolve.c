#include "lib/state/resolve.h"

#include "lib/base/macro.h"
#include "tests/unit/test.h"

/*
 * A side in one letter: "-" absent, a digit or letter: a file of that content, "/" a
 * folder, "@" and "&" links. What the merge makes of three sides is written as the side it
 * takes (b, o, t), "~" for lines, "-" for nothing, or "!" and the conflict.
 */
static struct merge_input input(const char *three)
{
	struct merge_input in = { .base_ours = three[0] == three[1],
				  .base_theirs = three[0] == three[2],
				  .ours_theirs = three[1] == three[2] };

	for (int i = 0; i < 3; i++) {
		in.st[i].st_mode = three[i] == '/' ? S_IFDIR | 0755
			: three[i] == '@' || three[i] == '&' ? S_IFLNK | 0777
			: three[i] == '-' ? 0 : S_IFREG | 0644;
		in.st[i].st_mtim.tv_sec = i;
	}
	return in;
}

static const char *outcome(const struct merge_choice *c)
{
	static char text[64];

	if (c->conflict)
		snprintf(text, sizeof(text), "!%s", merge_conflict_name(c->conflict));
	else if (!c->present)
		snprintf(text, sizeof(text), "-");
	else if (c->content == FROM_TEXT)
		snprintf(text, sizeof(text), "~%s", c->text_conflict
			 ? merge_conflict_name(c->text_conflict)
			 : c->if_not == FROM_OURS ? "o" : "t");
	else
		snprintf(text, sizeof(text), "%c", "bot"[c->content]);
	return text;
}

static const struct {
	const char *three;		/* base, ours, theirs */
	const char *want[MERGE__MAX];	/* three-way, union, intersection, latest, ours, theirs */
} table[] = {
	/* nobody, or both alike */
	{ "111", { "o", "o", "o", "o", "o", "o" } },
	{ "122", { "o", "o", "o", "o", "o", "o" } },
	{ "1--", { "-", "-", "-", "-", "-", "-" } },
	{ "-22", { "o", "o", "o", "o", "o", "o" } },
	/* one alone */
	{ "112", { "t", "t", "o", "t", "t", "t" } },
	{ "121", { "o", "o", "b", "o", "o", "o" } },
	{ "11-", { "-", "o", "o", "-", "-", "-" } },
	{ "1-1", { "-", "b", "b", "-", "-", "-" } },
	{ "--2", { "t", "t", "-", "t", "t", "t" } },
	{ "-2-", { "o", "o", "-", "o", "o", "o" } },
	{ "11/", { "t", "t", "o", "t", "t", "t" } },
	{ "/1/", { "o", "o", "b", "o", "o", "o" } },
	/* both, and not alike */
	{ "123", { "~content", "~content", "b", "~t", "~o", "~t" } },
	{ "-23", { "!added", "~added", "-", "t", "o", "t" } },
	{ "12-", { "!deleted", "o", "b", "o", "o", "-" } },
	{ "1-3", { "!deleted", "t", "b", "t", "-", "t" } },
	{ "12/", { "!type", "!type", "b", "t", "o", "t" } },
	{ "-/3", { "!added", "!added", "-", "t", "o", "t" } },
	{ "@&1", { "!type", "!type", "b", "t", "o", "t" } },
	{ "1@&", { "!link", "!link", "b", "t", "o", "t" } },
	{ "/12", { "!added", "~added", "b", "t", "o", "t" } },
};

TEST(the_table_of_contents)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		for (int s = 0; s < MERGE__MAX; s++) {
			struct merge_input in = input(table[i].three);
			struct merge_choice c = merge_decide((enum merge_strategy)s, &in);

			if (strcmp(outcome(&c), table[i].want[s]))
				fprintf(stderr, "%s by %s:\n", table[i].three,
					merge_strategy_name((enum merge_strategy)s));
			check_str(outcome(&c), table[i].want[s]);
		}
}

/* Modes of a file that all have. */
static struct merge_choice modes(enum merge_strategy strategy, const char *three, mode_t base,
				 mode_t ours, mode_t theirs)
{
	struct merge_input in = input(three);

	in.st[FROM_BASE].st_mode = S_IFREG | base;
	in.st[FROM_OURS].st_mode = S_IFREG | ours;
	in.st[FROM_THEIRS].st_mode = S_IFREG | theirs;
	return merge_decide(strategy, &in);
}

TEST(modes_are_merged_by_themselves)
{
	struct merge_choice c = modes(MERGE_THREE_WAY, "112", 0644, 0755, 0644);

	check(c.content == FROM_THEIRS && c.mode == FROM_OURS && !c.conflict);
	c = modes(MERGE_THREE_WAY, "111", 0644, 0644, 0600);
	check(c.content == FROM_OURS && c.mode == FROM_THEIRS && !c.conflict);
	c = modes(MERGE_THREE_WAY, "111", 0644, 0755, 0600);
	check(c.conflict == CONFLICT_MODE);
	c = modes(MERGE_UNION, "111", 0644, 0755, 0600);
	check(c.conflict == CONFLICT_MODE);
	c = modes(MERGE_INTERSECTION, "111", 0644, 0755, 0600);
	check(!c.conflict && c.mode == FROM_BASE);
	c = modes(MERGE_INTERSECTION, "111", 0644, 0644, 0600);
	check(!c.conflict && c.mode == FROM_BASE);
	c = modes(MERGE_THEIRS, "111", 0644, 0755, 0600);
	check(!c.conflict && c.mode == FROM_THEIRS);
	/* lines can be merged, and the mode is in conflict all the same */
	c = modes(MERGE_THREE_WAY, "123", 0644, 0755, 0600);
	check(c.content == FROM_TEXT && c.conflict == CONFLICT_MODE);
}

TEST(owners_are_merged_by_themselves)
{
	struct merge_input in = input("112");
	struct merge_choice c;

	in.st[FROM_OURS].st_uid = 5;
	c = merge_decide(MERGE_THREE_WAY, &in);
	check(c.content == FROM_THEIRS && c.owner == FROM_OURS && !c.conflict);
	in.st[FROM_THEIRS].st_gid = 6;
	c = merge_decide(MERGE_THREE_WAY, &in);
	check(c.conflict == CONFLICT_OWNER);
	c = merge_decide(MERGE_OURS, &in);
	check(!c.conflict && c.owner == FROM_OURS);
}

TEST(a_mode_counts_against_a_deletion)
{
	struct merge_input in = input("1-1");
	struct merge_choice c;

	in.st[FROM_THEIRS].st_mode = S_IFREG | 0755;
	c = merge_decide(MERGE_THREE_WAY, &in);
	check(c.conflict == CONFLICT_DELETED);
	c = merge_decide(MERGE_LATEST, &in);
	check(!c.conflict && c.present && c.content == FROM_THEIRS);
	c = merge_decide(MERGE_OURS, &in);
	check(!c.conflict && !c.present);
	c = merge_decide(MERGE_INTERSECTION, &in);
	check(!c.conflict && c.present && c.content == FROM_BASE && c.mode == FROM_BASE);
}

TEST(latest_is_by_time_and_ours_when_it_is_the_same)
{
	struct merge_input in = input("@&1");

	in.st[FROM_OURS].st_mtim = (struct timespec){ 9, 1 };
	in.st[FROM_THEIRS].st_mtim = (struct timespec){ 9, 2 };
	check(merge_decide(MERGE_LATEST, &in).content == FROM_THEIRS);
	in.st[FROM_OURS].st_mtim = (struct timespec){ 9, 2 };
	check(merge_decide(MERGE_LATEST, &in).content == FROM_OURS);
}

/* No combination is without an outcome, and ours and theirs never end in conflict. */
TEST(every_combination_has_an_outcome)
{
	static const char letters[] = "-12/@&";

	for (int n = 0; n < 6 * 6 * 6 * MERGE__MAX; n++) {
		const char three[] = { letters[n % 6], letters[n / 6 % 6], letters[n / 36 % 6], 0 };
		enum merge_strategy s = (enum merge_strategy)(n / 216);
		struct merge_input in = input(three);
		struct merge_choice c = merge_decide(s, &in);

		check(!c.conflict || s == MERGE_THREE_WAY || s == MERGE_UNION);
		if (!c.conflict && c.present && c.content != FROM_TEXT)
			check(in.st[c.content].st_mode && in.st[c.mode].st_mode &&
			      in.st[c.owner].st_mode);
		/* which of the two is called ours makes no difference to whether it works */
		if (s == MERGE_THREE_WAY) {
			const char swapped[] = { three[0], three[2], three[1], 0 };
			struct merge_input other = input(swapped);

			check(merge_decide(s, &other).conflict == c.conflict);
			check(merge_decide(s, &other).present == c.present || c.conflict);
		}
	}
}

TEST(names_of_strategies)
{
	check(merge_strategy_by_name("union") == MERGE_UNION);
	check(merge_strategy_by_name("three-way") == MERGE_THREE_WAY);
	check(merge_strategy_by_name("three_way") == MERGE_THREE_WAY);
	check(merge_strategy_by_name("both") < 0);
	check(merge_markers_by_name("diff3") == MARKERS_DIFF3 && merge_markers_by_name("all") < 0);
	check_str(merge_strategy_name(MERGE_LATEST), "latest");
}

TEST_MAIN;
