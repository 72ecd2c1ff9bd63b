#ifndef FAAS_CLIENT_EXPECT_H
#define FAAS_CLIENT_EXPECT_H

/*
 * Whoever interrupts us must not wait for an executor that hangs: a request whose
 * answer says nothing but that there is somebody, and until when it must have come.
 */

#include <stdint.h>

#include "lib/client/client.h"

/* How long a signal may go unanswered: an executor takes less than one. */
enum { EXPECT_MS = 10000, EXPECT_FORCED_MS = 2000 };
/* How often to look while one is expected. */
enum { EXPECT_LOOK_MS = 100 };

struct expect {
	json_int_t call;	/* the request, until it is answered, or 0 */
	uint64_t by_ms;		/* on the monotonic clock */
};

/* The one that is due first counts, however many there are. */
void expect_answer(struct expect *e, json_int_t call, uint64_t within_ms);
/* What was sent to an executor that has died has no answer. */
void expect_nothing(struct expect *e);
/* -1 when it should have come by now; id is the execution that was to have the signal. */
int expect_check(struct expect *e, struct client *c, const char *id,
		 struct error *err) _must_check_;

#endif
