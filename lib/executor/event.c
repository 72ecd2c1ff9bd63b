#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#include "lib/executor/executor.h"

enum { BATCH = 64 };

static struct source *ready_now[BATCH];
static int n_ready;

int event_add(struct executor *x, struct source *s, uint32_t events, struct error *err)
{
	struct epoll_event ev = { .events = events, .data.ptr = s };

	s->events = events;
	if (epoll_ctl(x->epoll, EPOLL_CTL_ADD, s->fd, &ev) < 0)
		return err_sys(err, errno, "watch a descriptor");
	return 0;
}

void event_change(struct executor *x, struct source *s, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = s };

	if (s->events == events)
		return;
	s->events = events;
	(void)epoll_ctl(x->epoll, EPOLL_CTL_MOD, s->fd, &ev);
}

/* A source may be removed, and freed, while others of its batch wait. */
void event_remove(struct executor *x, struct source *s)
{
	if (s->fd >= 0)
		(void)epoll_ctl(x->epoll, EPOLL_CTL_DEL, s->fd, NULL);
	for (int i = 0; i < n_ready; i++)
		if (ready_now[i] == s)
			ready_now[i] = NULL;
}

int event_wait(struct executor *x, int timeout_ms, struct error *err)
{
	struct epoll_event ev[BATCH];
	int n = epoll_wait(x->epoll, ev, BATCH, timeout_ms);

	if (n < 0)
		return errno == EINTR ? 0 : err_sys(err, errno, "wait for events");
	n_ready = n;
	for (int i = 0; i < n; i++)
		ready_now[i] = ev[i].data.ptr;
	for (int i = 0; i < n; i++)
		if (ready_now[i])
			ready_now[i]->ready(ready_now[i], ev[i].events);
	n_ready = 0;
	return 0;
}

uint64_t clock_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t clock_unix_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}
