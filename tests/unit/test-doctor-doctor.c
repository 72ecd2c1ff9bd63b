#include "lib/doctor/doctor.h"

#include "tests/unit/test.h"

struct seen {
	size_t n;
	struct doctor_check_result last;
};

static void count(const struct doctor_check_result *r, void *arg)
{
	struct seen *seen = arg;

	check(r->name && r->group && r->effect && r->effect[0]);
	check(r->detail[0] && r->fix[0]);
	check(doctor_verdict_name(r->verdict) != NULL);
	seen->n++;
	seen->last = *r;
}

TEST(every_check_answers_with_effect_and_fix)
{
	struct doctor_request req = { 0 };
	struct seen seen = { 0 };
	struct error err;

	check(doctor_run(&req, count, &seen, &err) == 0);
	check(seen.n == doctor_count());
}

TEST(one_check_can_be_asked_for)
{
	const char *const names[] = { "memfd", NULL };
	struct doctor_request req = { .checks = names };
	struct seen seen = { 0 };
	struct error err;

	check(doctor_run(&req, count, &seen, &err) == 0);
	check(seen.n == 1);
	check_str(seen.last.name, "memfd");
	check_str(seen.last.group, "kernel");
}

TEST(an_unknown_check_is_an_error_before_anything_is_tried)
{
	const char *const names[] = { "memfd", "no-such-check", NULL };
	struct doctor_request req = { .checks = names };
	struct seen seen = { 0 };
	struct error err;

	check(doctor_run(&req, count, &seen, &err) == -1);
	check(err.code == ERR_USAGE);
	check_str(err.msg, "no check 'no-such-check'");
	check(seen.n == 0);
}

TEST(a_state_folder_that_cannot_be_written_is_missing)
{
	const char *const names[] = { "state-directory", NULL };
	struct doctor_request req = { .checks = names, .state_dir = "/proc/faas" };
	struct seen seen = { 0 };
	struct error err;

	check(doctor_run(&req, count, &seen, &err) == 0);
	check(seen.last.verdict == DOCTOR_MISSING);
}

TEST(names_are_unique)
{
	for (size_t i = 0; i < doctor_count(); i++)
		for (size_t j = i + 1; j < doctor_count(); j++)
			check(strcmp(doctor_check_name(i), doctor_check_name(j)) != 0);
}

TEST_MAIN;
