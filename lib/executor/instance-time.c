#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/fault.h"
#include "lib/base/memory.h"
#include "lib/executor/instance.h"
#include "lib/executor/layer.h"

/*
 * Times by CLOCK_BOOTTIME, which nobody sets; what is noted of them is for this boot.
 * After another one the wall's clock is all there is: if it was set back, the rest is
 * the whole time once more, and never longer.
 */

enum { LATER_MS = 1000, GRACE_MS = 10000 };

int64_t boot_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_BOOTTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

const char *boot_id(void)
{
	static char id[40];
	int fd = *id ? -1 : open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		ssize_t n = read(fd, id, sizeof(id) - 1);

		id[n > 0 ? n : 0] = '\0';
		id[strcspn(id, "\n")] = '\0';
		(void)close(fd);
	}
	return id;
}

void instance_set_ttl(struct instance *rec, int64_t ttl_ms)
{
	rec->ttl_ms = ttl_ms;
	rec->expires_ms = ttl_ms ? (int64_t)clock_unix_ms() + ttl_ms : 0;
	rec->expires_boot_ms = ttl_ms ? boot_ms() + ttl_ms : 0;
}

void instance_used(struct instance *rec)
{
	rec->active_ms = (int64_t)clock_unix_ms();
	rec->active_boot_ms = boot_ms();
}

void instance_rebase(struct instance *rec)
{
	int64_t now = (int64_t)clock_unix_ms(), left = rec->expires_ms - now;

	if (rec->boot && !strcmp(rec->boot, boot_id()))
		return;
	free(rec->boot);
	rec->boot = memory_copy(boot_id());
	if (left > rec->ttl_ms)
		left = rec->ttl_ms;
	if (rec->ttl_ms) {
		rec->expires_ms = now + left;
		rec->expires_boot_ms = boot_ms() + left;
	}
	/* nothing of it survived the boot, so it is as if it had been used just now */
	instance_used(rec);
}

int64_t instance_ttl_left(const struct instance *rec)
{
	int64_t left = rec->expires_boot_ms - boot_ms();

	return !rec->ttl_ms ? -1 : left > 0 ? left : 0;
}

int64_t instance_idle_left(const struct instance *rec)
{
	int64_t left = rec->active_boot_ms + rec->auto_stop_ms - boot_ms();

	return !rec->auto_stop_ms ? -1 : left > 0 ? left : 0;
}

/* The next thing that time does to it: in how many ms, or -1. */
static int64_t next_of(const struct live_instance *i)
{
	enum instance_state state = instance_state(i);
	int64_t ttl = instance_ttl_left(&i->rec), next = ttl, other;

	if (state == INSTANCE_TERMINATED)
		return 0;
	if (!strcmp(i->rec.wanted, "terminated"))
		next = -1;
	other = state == INSTANCE_RUNNING && !i->n_guests && !strcmp(i->rec.wanted, "running")
		? instance_idle_left(&i->rec) : -1;
	if (other >= 0 && (next < 0 || other < next))
		next = other;
	other = i->restart_at ? i->restart_at - boot_ms() : -1;
	if (i->restart_at && (next < 0 || other < next))
		next = other > 0 ? other : 0;
	return i->stale && (next < 0 || next > LATER_MS) ? LATER_MS : next;
}

int instances_timeout(const struct executor *x)
{
	int64_t next = -1;

	for (const struct live_instance *i = x->instances; i; i = i->next) {
		int64_t own = next_of(i);

		if (own >= 0 && (next < 0 || own < next))
			next = own;
	}
	if (x->pause_sweeps && (next < 0 || next > PAUSE_SWEEP_MS))
		next = PAUSE_SWEEP_MS;
	/* a fraction of a millisecond is waited for, too */
	return next < 0 ? -1 : next > 60000 ? 60000 : (int)next + 1;
}

static void retry_note(struct live_instance *i)
{
	struct error err;

	if (i->noted && store_instance_put(i->x->store, &i->rec, &err) < 0)
		return;
	i->stale = false;
	if (instance_state(i) == INSTANCE_TERMINATED)
		layer_remove(i->x, i->rec.layer);
}

static void by_time(struct live_instance *i)
{
	struct error err;

	if (instance_ttl_left(&i->rec) == 0 && strcmp(i->rec.wanted, "terminated")) {
		(void)fault("instance.expired");
		/* a full database is asked again, at the next turn */
		(void)!instance_terminate_now(i, "its time to live is over", GRACE_MS, &err);
	} else if (i->restart_at && boot_ms() >= i->restart_at && !i->run) {
		(void)!instance_launch(i, &err);
		instance_answer(i);
	} else if (instance_state(i) == INSTANCE_RUNNING && !i->n_guests &&
		   !strcmp(i->rec.wanted, "running") && instance_idle_left(&i->rec) == 0) {
		(void)fault("instance.idle");
		(void)!instance_stop_now(i, "nobody used it", GRACE_MS, &err);
	}
}

void instances_tend(struct executor *x)
{
	if (x->pause_sweeps && boot_ms() >= x->pause_sweep_at) {
		x->pause_sweep_at = boot_ms() + PAUSE_SWEEP_MS;
		x->pause_sweeps = pause_sweep(x) ? x->pause_sweeps - 1 : 0;
	}
	for (struct live_instance *i = x->instances, *next; i; i = next) {
		next = i->next;
		if (i->stale && !x->n_dirty)
			retry_note(i);
		if (instance_state(i) != INSTANCE_TERMINATED && !x->stopping)
			by_time(i);
		else if (instance_state(i) == INSTANCE_TERMINATED && !i->stale && !i->run)
			instance_forget(i);
	}
}
