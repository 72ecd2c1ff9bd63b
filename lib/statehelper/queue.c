#include "lib/statehelper/queue.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

#include "lib/base/cleanup.h"

/*
 * A ring. Positions only grow, and a record is never in two parts: what is left at the
 * ring's end then is a record of its own, which nobody gets.
 */

enum { RING = 1 << 20, ALIGN = 16, WAKE = RING / 8 };

struct record {
	uint64_t at;
	uint32_t len;
	int what;
};

enum { SKIP = -1 };

struct queue {
	void (*use)(void *arg, int what, uint64_t at, const void *data, size_t len);
	void *arg;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t more, less;
	uint64_t head, tail;		/* written, used */
	bool ended, hungry, full;
	_Alignas(ALIGN) char ring[RING];
};

static size_t whole(size_t len)
{
	return sizeof(struct record) + (len + ALIGN - 1) / ALIGN * ALIGN;
}

static struct record *record_at(struct queue *q, uint64_t position)
{
	return (void *)(q->ring + position % RING);
}

/* Up to where there is something; the position of before when there is no more. */
static uint64_t wait_for_more(struct queue *q, uint64_t tail)
{
	uint64_t head;

	(void)pthread_mutex_lock(&q->lock);
	q->tail = tail;
	if (q->full && q->head - tail <= RING / 2)
		(void)pthread_cond_signal(&q->less);
	while (q->head == tail && !q->ended) {
		q->hungry = true;
		(void)pthread_cond_wait(&q->more, &q->lock);
	}
	q->hungry = false;
	head = q->head;
	(void)pthread_mutex_unlock(&q->lock);
	return head;
}

static void *work(void *arg)
{
	struct queue *q = arg;
	uint64_t tail = 0, head;

	while ((head = wait_for_more(q, tail)) != tail) {
		/* not all at once: the other one waits for room */
		for (uint64_t from = tail; tail != head && tail - from < WAKE;) {
			const struct record *r = record_at(q, tail);

			if (r->what != SKIP)
				q->use(q->arg, r->what, r->at, r + 1, r->len);
			tail += whole(r->len);
		}
	}
	return NULL;
}

static int start_thread(struct queue *q)
{
	sigset_t all, old;
	int r;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&q->thread, NULL, work, q);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return r;
}

struct queue *queue_start(void (*use)(void *arg, int what, uint64_t at, const void *data,
				      size_t len), void *arg)
{
	cleanup_free struct queue *q = aligned_alloc(_Alignof(struct queue), sizeof(*q));

	if (!q)
		return NULL;
	q->use = use;
	q->arg = arg;
	q->head = q->tail = 0;
	q->ended = q->hungry = q->full = false;
	(void)pthread_mutex_init(&q->lock, NULL);
	(void)pthread_cond_init(&q->more, NULL);
	(void)pthread_cond_init(&q->less, NULL);
	return start_thread(q) ? NULL : TAKE_PTR(q);
}

/* To be called with the lock. */
static void wait_for_room(struct queue *q, size_t len)
{
	while (RING - (q->head - q->tail) < len) {
		q->full = true;
		(void)pthread_cond_signal(&q->more);
		(void)pthread_cond_wait(&q->less, &q->lock);
	}
	q->full = false;
}

char *queue_room(struct queue *q, size_t len)
{
	size_t want = whole(len), left;

	(void)pthread_mutex_lock(&q->lock);
	left = RING - q->head % RING;
	if (left < want) {
		wait_for_room(q, left + want);
		*record_at(q, q->head) = (struct record){
			.what = SKIP, .len = (uint32_t)(left - sizeof(struct record)),
		};
		q->head += left;
	} else {
		wait_for_room(q, want);
	}
	(void)pthread_mutex_unlock(&q->lock);
	return (char *)(record_at(q, q->head) + 1);
}

void queue_add(struct queue *q, int what, uint64_t at, size_t len)
{
	(void)pthread_mutex_lock(&q->lock);
	*record_at(q, q->head) = (struct record){ .at = at, .len = (uint32_t)len, .what = what };
	q->head += whole(len);
	/* a thread that wakes costs more than a short record */
	if (q->hungry && q->head - q->tail >= WAKE)
		(void)pthread_cond_signal(&q->more);
	(void)pthread_mutex_unlock(&q->lock);
}

void queue_end(struct queue *q)
{
	if (!q)
		return;
	(void)pthread_mutex_lock(&q->lock);
	q->ended = true;
	(void)pthread_cond_signal(&q->more);
	(void)pthread_mutex_unlock(&q->lock);
	(void)pthread_join(q->thread, NULL);
	(void)pthread_cond_destroy(&q->less);
	(void)pthread_cond_destroy(&q->more);
	(void)pthread_mutex_destroy(&q->lock);
	free(q);
}
