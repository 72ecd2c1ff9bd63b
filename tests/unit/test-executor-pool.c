/*
 * The decisions, with sandboxes that cost nothing and a clock that stands: the
 * file is compiled into this test under other names.
 */
#define sandbox_create	fake_create
#define sandbox_build	fake_build
#define sandbox_free	fake_free
#define clock_us	fake_clock
#define pool_take	tested_take
#define pool_remove	tested_remove
#define pool_failed	tested_failed
#define pool_tend	tested_tend
#define pool_drop	tested_drop
#define pool_hungry	tested_hungry
#define pool_renew	tested_renew
#define pool_renewed	tested_renewed
#define pool_worth_waiting tested_worth_waiting
#define default_limits	tested_limits
#define sandbox_send	fake_send
#define sandbox_forget	fake_forget
#define sandbox_journal	fake_journal
#define run_serve	fake_serve

#include "lib/executor/pool.c"

#include "tests/unit/test.h"

static uint64_t now_us;
static int alive, failing, hurried, served;
static struct executor x;
static struct slot py;
static struct error err;

uint64_t fake_clock(void)
{
	return ++now_us;
}

struct sandbox *fake_create(struct executor *executor, struct error *e)
{
	struct sandbox *s = failing ? NULL : calloc(1, sizeof(*s));

	if (!s) {
		(void)err_set(e, ERR_SYSTEM, "no sandbox");
		return NULL;
	}
	s->x = executor;
	alive++;
	return s;
}

int fake_build(struct sandbox *s, struct slot *slot, uint32_t network,
	       const struct limits *limits, struct error *e)
{
	(void)e;
	check(network == NETWORK_NONE && limits->pids);
	s->slot = slot;
	s->state = SANDBOX_BUILDING;
	return 0;
}

int fake_send(struct sandbox *s, void *msg, size_t size, const void *body, size_t len,
	      const int *fds, int n, struct error *e)
{
	const struct msg_signal *m = msg;

	(void)s;
	(void)body;
	(void)fds;
	(void)e;
	check(size == sizeof(*m) && m->h.type == MSG_RENEW && !len && !n);
	hurried += m->signal != 0;
	return 0;
}

void fake_forget(struct sandbox *s)
{
	s->slot = NULL;
	if (s->renewing)
		s->x->n_renewing--;
	s->renewing = false;
}

void fake_journal(struct sandbox *s)
{
	check(s->state == SANDBOX_BLANK);
}

void fake_serve(struct executor *executor)
{
	served += executor->n_queued != 0;
}

void fake_free(struct sandbox *s)
{
	pool_remove(s);
	fake_forget(s);
	alive--;
	free(s);
}

static void begin(void)
{
	now_us = 1000000000;
	failing = 0;
	x = (struct executor){
	    .config.pool_max = 64, .memory_total = 8ull << 30, .slots = &py};
	py = (struct slot){ .name = "py", .number = 1, .ready = true };
	x.blanks.used_us = py.warm.used_us = now_us;
}

static void end(void)
{
	pool_drop(&x, &x.blanks);
	pool_drop(&x, &py.warm);
	check(!alive && !x.blanks.count && !py.warm.count && !x.blanks.target);
}

/* Lets the time of a run that has just begun pass. */
static void tend_later(void)
{
	now_us += 100000;
	pool_tend(&x);
}

/* Takes one, and ends it; whether it was one made ahead for py. */
static bool took(bool cached)
{
	bool hit;
	struct sandbox *s = pool_take(&x, &py, cached, &hit, &err);

	check(s && !s->pool && !s->next);
	check(hit == (s->slot != NULL));
	fake_free(s);
	return hit;
}

static void all_ready(void)
{
	for (struct sandbox *s = py.warm.first; s; s = s->next)
		s->state = SANDBOX_READY;
}

TEST(a_few_blank_ones_are_always_there)
{
	begin();
	check(!pool_hungry(&x));
	pool_tend(&x);
	check(x.blanks.count == 2 && alive == 2 && !py.warm.count);
	check(!took(false) && !took(false));
	check(x.blanks.hits == 2 && !x.blanks.misses && pool_hungry(&x));
	tend_later();
	check(x.blanks.count == 2 && !pool_hungry(&x));
	end();
}

TEST(a_target_grows_when_a_pool_was_empty)
{
	begin();
	for (unsigned int want = 2; want <= 64; want *= 2) {
		while (x.blanks.count)
			took(false);
		took(false);
		check(x.blanks.target == (want < 32 ? want : 32));
		for (int i = 0; i < 8; i++)
			tend_later();
		check(x.blanks.count == x.blanks.target);
	}
	end();
}

TEST(no_more_than_all_pools_may_hold)
{
	begin();
	x.config.pool_max = 0;
	took(false);
	took(false);
	check(x.blanks.target == 0 && x.blanks.misses == 2);
	end();
}

TEST(warm_ones_are_made_of_blank_ones_when_they_are_asked_for)
{
	begin();
	pool_tend(&x);
	check(!took(true));
	check(py.warm.misses == 1 && py.warm.target == 2);
	tend_later();
	check(py.warm.count == 2);
	/* not built yet: a blank one is better than to wait */
	check(!took(true) && py.warm.misses == 2);
	all_ready();
	check(took(true) && py.warm.hits == 1);
	end();
}

/* One that has run and ended. */
static struct sandbox *used(bool cached)
{
	bool hit;
	struct sandbox *s = pool_take(&x, &py, cached, &hit, &err);

	check(s != NULL);
	s->state = SANDBOX_ENDED;
	s->generation = x.spawner.generation;
	return s;
}

TEST(one_that_has_ended_is_renewed_when_one_is_missing)
{
	struct sandbox *s;

	begin();
	x.spawner.up = true;
	x.spawner.generation = 3;
	hurried = 0;
	pool_tend(&x);
	s = used(false);
	pool_renew(s);
	check(s->renewing && x.n_renewing == 1 && !hurried);
	/* which is enough: no new one is made meanwhile */
	tend_later();
	check(x.blanks.count == 1 && alive == 2);
	pool_renewed(s);
	check(x.blanks.count == 2 && !x.n_renewing && s->state == SANDBOX_BLANK);
	/* none is missing any more */
	s = used(false);
	tend_later();
	check(x.blanks.count == 2);
	pool_renew(s);
	check(!s->renewing && !x.n_renewing);
	fake_free(s);
	end();
}

TEST(of_another_spawner_nothing_is_renewed)
{
	struct sandbox *s;

	begin();
	x.spawner.up = true;
	x.spawner.generation = 3;
	pool_tend(&x);
	s = used(false);
	s->generation = 2;
	pool_renew(s);
	check(!s->renewing);
	s->generation = 3;
	pool_renew(s);
	check(s->renewing);
	/* it died before the answer */
	x.spawner.generation = 4;
	pool_renewed(s);
	check(x.blanks.count == 1 && alive == 1 && !x.n_renewing);
	s = used(false);
	s->helper = 1;
	pool_renew(s);
	check(!s->renewing);
	s->helper = 0;
	x.stopping = STOP_DRAIN;
	pool_renew(s);
	check(!s->renewing);
	fake_free(s);
	end();
}

TEST(a_run_waits_for_one_that_is_renewed)
{
	struct sandbox *first, *second;

	begin();
	x.spawner.up = true;
	hurried = served = 0;
	pool_tend(&x);
	check(!pool_worth_waiting(&x, &py, false));
	first = used(false);
	second = used(false);
	/* none is there, and none will be */
	check(!pool_worth_waiting(&x, &py, false));
	pool_renew(first);
	check(hurried == 1 && pool_worth_waiting(&x, &py, false));
	/* one run for each that comes */
	x.n_queued = 1;
	check(!pool_worth_waiting(&x, &py, false));
	pool_renewed(first);
	check(served == 1);
	x.n_queued = 0;
	check(!pool_worth_waiting(&x, &py, false));
	fake_free(second);
	end();
}

TEST(a_run_that_has_just_begun_is_left_alone)
{
	begin();
	pool_tend(&x);
	took(false);
	pool_tend(&x);
	check(x.blanks.count == 1);
	took(false);
	/* but an empty pool is worse */
	pool_tend(&x);
	check(x.blanks.count == 2);
	end();
}

TEST(what_nobody_asks_for_goes)
{
	begin();
	x.blanks.target = 16;
	py.warm.target = 4;
	for (int i = 0; i < 4; i++)
		tend_later();
	check(x.blanks.count == 16 && py.warm.count == 4);
	now_us += 11 * 1000000;
	pool_tend(&x);
	check(x.blanks.target == 8 && py.warm.target == 2);
	check(x.blanks.count == 8 && py.warm.count == 2);
	/* not at once again */
	pool_tend(&x);
	check(x.blanks.target == 8);
	for (int i = 0; i < 5; i++) {
		now_us += 11 * 1000000;
		pool_tend(&x);
	}
	check(x.blanks.target == 2 && x.blanks.count == 2 && !py.warm.count);
	end();
}

/* The clock went on while warm ones were made: that is not a long time. */
TEST(blanks_that_were_just_used_do_not_shrink)
{
	begin();
	x.blanks.target = 16;
	for (int i = 0; i < 4; i++)
		tend_later();
	now_us += 11 * 1000000;
	x.blanks.used_us = now_us;
	py.warm.target = 2;
	py.warm.used_us = now_us;
	pool_tend(&x);
	check(py.warm.count == 2);
	check(x.blanks.target == 16);
	/* what two of them became is made up for when nobody comes for a moment */
	check(x.blanks.count == 14);
	tend_later();
	check(x.blanks.count == 16);
	end();
}

TEST(a_failure_is_not_repeated_as_fast_as_can_be)
{
	begin();
	failing = 1;
	py.warm.target = 4;
	pool_tend(&x);
	check(!py.warm.target && !alive);
	bool hit;

	check(!pool_take(&x, &py, true, &hit, &err) && !hit && err.msg[0]);
	failing = 0;
	tend_later();
	check(!alive);
	now_us += FAILED_US;
	tend_later();
	check(alive > 0);
	end();
}

TEST(one_that_failed_is_nobodys)
{
	begin();
	pool_tend(&x);
	check(x.blanks.count == 2);

	struct sandbox *s = x.blanks.first;

	pool_failed(s);
	check(!s->pool && x.blanks.count == 1 && x.blanks.first != s);
	/* whoever asks gets another one, and none is made ahead in its place yet */
	check(!took(false) && !x.blanks.count && x.blanks.hits == 1);
	tend_later();
	check(!x.blanks.count);
	now_us += FAILED_US;
	tend_later();
	check(x.blanks.count == 2);
	fake_free(s);
	end();
}

TEST(nothing_is_made_for_who_is_gone)
{
	begin();
	py.warm.target = 4;
	py.removed = true;
	pool_tend(&x);
	check(!py.warm.count && x.blanks.count == 2);
	py.removed = false;
	x.stopping = STOP_DRAIN;
	pool_drop(&x, &x.blanks);
	pool_tend(&x);
	check(!py.warm.count && !x.blanks.count);
	end();
}

TEST(limits_follow_the_machine)
{
	struct limits l;

	begin();
	default_limits(&x, &l);
	check(l.memory == 4ull << 30 && l.disk == 1 << 30 && l.pids && l.inodes);
	x.memory_total = 1 << 30;
	default_limits(&x, &l);
	check(l.memory == 512 << 20 && l.disk == 256 << 20);
}

TEST_MAIN;
