#include <string.h>
#include <unistd.h>

#include "lib/executor/executor.h"

/*
 * Pools
 * =====
 *
 * Two kinds of sandbox are made ahead. Blank ones have their monitor, cgroups
 * and network namespace, and no environment: every ephemeral run takes one and
 * builds a fresh sandbox in it. When a run left no trace in those three, they become a
 * blank one again, with a new first process; all else of a sandbox is used once. Warm ones are built for an environment, with
 * the default limits, confined, and wait for the program's name. Each is used once.
 *
 * A pool's target follows demand: it grows when somebody found it empty and
 * shrinks when nobody came for a while. As long as it is half full it is
 * filled up a moment after the last run came, so as not to take the processors from it.
 * An environment with the cache strategy "none" has no warm ones, and one with "aggressive"
 * has some however long ago the last run was.
 */

enum {
	BLANK_MIN = 2,
	WARM_MIN = 2,		/* of an aggressive environment */
	TARGET_MAX = 32,
	SHRINK_US = 10 * 1000000,
	QUIET_US = 3000,	/* a run that has just begun is left alone that long */
	RETURN_US = 20000,	/* a short run's sandbox is back after that long */
	AT_ONCE = 8,		/* asked of the spawner in one go */
	FAILED_US = 1000000,	/* after a failure none is made ahead for that long */
};

void default_limits(struct executor *x, struct limits *ret)
{
	uint64_t disk = x->memory_total / 4;

	*ret = (struct limits){
		.memory = x->memory_total / 2,
		.pids = 1024,
		.disk = disk > 1ull << 30 ? 1ull << 30 : disk,
		.inodes = 262144,
	};
}

void pool_remove(struct sandbox *s)
{
	struct pool *p = s->pool;

	if (!p)
		return;
	for (struct sandbox **at = &p->first; *at; at = &(*at)->next)
		if (*at == s) {
			*at = s->next;
			break;
		}
	p->count--;
	s->pool = NULL;
	s->next = NULL;
}

void pool_failed(struct sandbox *s)
{
	if (s->pool) {
		s->pool->target = 0;
		s->pool->failed_us = clock_us();
	}
	pool_remove(s);
}

static void put(struct pool *p, struct sandbox *s)
{
	struct sandbox **at = &p->first;

	while (*at)
		at = &(*at)->next;
	*at = s;
	s->pool = p;
	p->count++;
	p->made++;
}

static unsigned int pooled(const struct executor *x)
{
	unsigned int n = x->blanks.count;

	for (const struct slot *s = x->slots; s; s = s->next)
		n += s->warm.count;
	return n;
}

static void missed(struct executor *x, struct pool *p)
{
	p->misses++;
	p->used_us = clock_us();
	if (p->target < TARGET_MAX && pooled(x) < x->config.pool_max)
		p->target = p->target ? p->target * 2 : BLANK_MIN;
	if (p->target > TARGET_MAX)
		p->target = TARGET_MAX;
	p->grown_us = p->used_us;
}

static struct sandbox *first_of(struct pool *p, bool ready_only)
{
	struct sandbox *s = p->first;

	while (s && ready_only && s->state != SANDBOX_READY)
		s = s->next;
	if (s) {
		pool_remove(s);
		p->used_us = clock_us();
	}
	return s;
}

struct sandbox *pool_take(struct executor *x, struct slot *slot, bool cached, bool *ret_hit,
			  struct error *err)
{
	struct sandbox *s;

	*ret_hit = false;
	x->quiet_until_us = clock_us() + QUIET_US;
	if (cached) {
		s = first_of(&slot->warm, true);
		if (s) {
			slot->warm.hits++;
			*ret_hit = true;
			return s;
		}
		missed(x, &slot->warm);
	}
	s = first_of(&x->blanks, false);
	if (s) {
		x->blanks.hits++;
		return s;
	}
	missed(x, &x->blanks);
	return sandbox_create(x, err);
}

/* How many blank ones would be used at once. */
static unsigned int missing(const struct executor *x)
{
	unsigned int n = x->blanks.target > x->blanks.count ? x->blanks.target - x->blanks.count
							    : 0;

	for (const struct slot *s = x->slots; s; s = s->next)
		if (!s->removed && s->warm.target > s->warm.count)
			n += s->warm.target - s->warm.count;
	return n;
}

void pool_renew(struct sandbox *s)
{
	struct executor *x = s->x;
	struct msg_signal m = { .h.type = MSG_RENEW, .signal = !x->blanks.first };
	struct error err;

	if (x->stopping || s->renewing || s->helper || !x->spawner.up ||
	    s->generation != x->spawner.generation ||
	    missing(x) <= x->n_renewing || sandbox_send(s, &m, sizeof(m), NULL, 0, NULL, 0, &err) < 0)
		return;
	s->renewing = true;
	x->n_renewing++;
}

void pool_renewed(struct sandbox *s)
{
	struct executor *x = s->x;

	sandbox_forget(s);
	if (x->stopping || s->generation != x->spawner.generation || !x->spawner.up) {
		sandbox_free(s);
		return;
	}
	s->state = SANDBOX_BLANK;
	sandbox_journal(s);
	put(&x->blanks, s);
	run_serve(x);
}

bool pool_worth_waiting(const struct executor *x, const struct slot *slot, bool cached)
{
	if (x->blanks.first || x->n_renewing <= x->n_queued)
		return false;
	for (const struct sandbox *s = cached ? slot->warm.first : NULL; s; s = s->next)
		if (s->state == SANDBOX_READY)
			return false;
	return true;
}

static bool make(struct executor *x, struct pool *p, struct slot *slot)
{
	struct limits limits;
	struct sandbox *s;
	struct error err;

	s = slot ? first_of(&x->blanks, false) : NULL;
	if (!s)
		s = sandbox_create(x, &err);
	if (!s)
		return false;
	if (slot)
		slot_limits(x, slot, &limits);
	if (slot && sandbox_build(s, slot, NETWORK_NONE, &limits, &err) < 0) {
		sandbox_free(s);
		return false;
	}
	put(p, s);
	return true;
}

/* Layers of steps are put together for each run: those sandboxes cannot be had ahead. */
static unsigned int least_of(const struct executor *x, const struct slot *slot)
{
	if (!slot)
		return BLANK_MIN;
	if (!environment_is_aggressive(&slot->env) || slot->env.snapshot)
		return 0;
	return x->config.pool_max < WARM_MIN ? (unsigned int)x->config.pool_max : WARM_MIN;
}

static void tend(struct executor *x, struct pool *p, struct slot *slot)
{
	uint64_t now = clock_us();	/* of an earlier pool it may be before used_us */
	unsigned int least = least_of(x, slot);
	int made = 0;

	if (p->target < least)
		p->target = least;

	if (p->target > least && now - p->used_us > SHRINK_US &&
	    now - p->grown_us > SHRINK_US) {
		p->target = p->target / 2 > least ? p->target / 2 : least;
		p->grown_us = now;
		while (p->count > p->target && p->first)
			sandbox_free(p->first);
	}
	if ((p->count && now < x->quiet_until_us) ||
	    (p->failed_us && now - p->failed_us < FAILED_US))
		return;
	p->failed_us = 0;
	/* those that are running now will be blank again, if they are short */
	if (!slot && p->count >= (p->target + 3) / 4 && now - p->used_us < RETURN_US)
		return;
	while (p->count + (slot ? 0 : x->n_renewing) < p->target && made++ < AT_ONCE) {
		/* one that is on its way is there sooner than a new one */
		if (slot && !x->blanks.first && x->n_renewing)
			return;
		if (!make(x, p, slot)) {
			p->target = 0;
			p->failed_us = now;
			return;
		}
	}
}

void pool_tend(struct executor *x)
{
	run_serve(x);
	if (x->stopping)
		return;
	for (struct slot *s = x->slots; s; s = s->next)
		if (!s->removed && s->ready)
			tend(x, &s->warm, s);
	tend(x, &x->blanks, NULL);
}

bool pool_hungry(const struct executor *x)
{
	for (const struct slot *s = x->slots; s; s = s->next)
		if (s->warm.count < s->warm.target)
			return true;
	return x->blanks.count < x->blanks.target;
}

void pool_drop(struct executor *x, struct pool *pool)
{
	(void)x;
	pool->target = 0;
	while (pool->first)
		sandbox_free(pool->first);
}
