#include "lib/client/expect.h"

#include <stdint.h>
#include <time.h>

static uint64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

void expect_answer(struct expect *e, json_int_t call, uint64_t within_ms)
{
	uint64_t by = now_ms() + within_ms;

	if (!e->call || by < e->by_ms)
		e->by_ms = by;
	if (!e->call)
		e->call = call;
}

void expect_nothing(struct expect *e)
{
	e->call = 0;
}

int expect_check(struct expect *e, struct client *c, const char *id, struct error *err)
{
	cleanup_json json_t *data = NULL;
	char event[32];

	if (!e->call)
		return 0;
	if (client_next(c, e->call, 0, event, &data, err)) {
		e->call = 0;
		return 0;
	}
	if (now_ms() < e->by_ms)
		return 0;
	(void)err_set(err, ERR_UNAVAILABLE, "the executor does not answer: whether execution "
		      "'%s' has ended is not known", id);
	return err_hint(err, "is the process 'faas-executor' stopped? 'faas execution show %s' "
			"tells when it runs again", id);
}
