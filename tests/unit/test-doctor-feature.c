#include "lib/doctor/doctor.h"

#include "tests/unit/test.h"

TEST(every_need_is_a_check_and_every_name_is_its_own)
{
	for (const struct doctor_feature *f = doctor_features; f->name; f++) {
		check(doctor_feature_find(f->name) == f);
		check(f->needs[0] != NULL);
		for (const char *const *need = f->needs; *need; need++) {
			bool known = false;

			for (size_t i = 0; i < doctor_count(); i++)
				known = known ||
					doctor_need_names(*need, doctor_check_name(i));
			check(known);
		}
	}
}

TEST(alternatives_are_words_not_prefixes)
{
	check(doctor_need_names("a|bc", "a"));
	check(doctor_need_names("a|bc", "bc"));
	check(!doctor_need_names("a|bc", "b"));
	check(!doctor_need_names("a|bc", "a|bc"));
	check(!doctor_need_names("a", ""));
}

TEST(one_alternative_is_enough)
{
	const struct doctor_feature *f = doctor_feature_find("limits.memory");
	struct doctor_check_result r[] = {
		{ .name = "cgroup2-memory", .verdict = DOCTOR_MISSING },
		{ .name = "cgroup1-memory", .verdict = DOCTOR_OK },
	};
	struct doctor_feature_result judged;

	doctor_feature_judge(f, r, 2, &judged);
	check(judged.usable && !judged.degraded && !judged.missing[0]);

	r[1].verdict = DOCTOR_DEGRADED;
	doctor_feature_judge(f, r, 2, &judged);
	check(judged.usable && judged.degraded);
}

TEST(what_is_unknown_or_was_not_tried_is_not_promised)
{
	const struct doctor_feature *f = doctor_feature_find("ssh");
	struct doctor_check_result r = { .name = "sshd", .verdict = DOCTOR_UNKNOWN };
	struct doctor_feature_result judged;

	doctor_feature_judge(f, &r, 1, &judged);
	check(!judged.usable);
	check_str(judged.missing[0], "sshd");
	check(!judged.missing[1]);
	doctor_feature_judge(f, NULL, 0, &judged);
	check(!judged.usable);
}

TEST(a_near_miss_is_recognised)
{
	check_str(doctor_feature_nearest("exeucte"), "execute");
	check_str(doctor_feature_nearest("memory"), "limits.memory");
	check_str(doctor_feature_nearest("limits.memry"), "limits.memory");
	check_str(doctor_feature_nearest("nat"), "network.nat");
	check(!doctor_feature_nearest("something-else-entirely-and-very-very-long"));
	check(!doctor_feature_nearest(""));
}

TEST_MAIN;
