#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/spawner/brief.h"
#include "lib/spawner/monitor.h"

/*
 * Most programs end by themselves, and their client wants to know the exit code and no
 * more. That is in the journal when this is called, so the client need not wait until
 * the executor has woken up and said the same.
 */

size_t answer_make(const struct msg_ended *e, char frame[ANSWER_MAX])
{
	const uint32_t unusual = END_TIMED_OUT | END_OOM | END_CANCELLED | END_CLIENT_GONE;
	uint32_t len;
	int n;

	if (mon.answer < 0 || e->code || e->exit_code < 0 || (e->flags & unusual))
		return 0;
	n = snprintf(frame + sizeof(len), ANSWER_MAX - sizeof(len),
		     BRIEF_REQUEST "%lld" BRIEF_ID "%s" BRIEF_CODE "%d" BRIEF_END,
		     (long long)mon.request, e->id, e->exit_code);
	if (n < 0 || (size_t)n >= ANSWER_MAX - sizeof(len))
		return 0;
	len = (uint32_t)n;
	memcpy(frame, &len, sizeof(len));
	return sizeof(len) + len;
}

void answer_leave(void)
{
	if (mon.answer >= 0)
		(void)close(mon.answer);
	mon.answer = -1;
}

void answer_client(const char *frame, size_t len)
{
	/* There is room: it is the first that is written there. One that is gone needs none. */
	(void)send(mon.answer, frame, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	answer_leave();
}
