#ifndef FAAS_STATEHELPER_QUEUE_H
#define FAAS_STATEHELPER_QUEUE_H

/*
 * Bytes that one thread makes and another one uses, in order
 * ===========================================================
 *
 *	q = queue_start(use, arg);
 *	room = queue_room(q, QUEUE_RECORD);	waits until the other one is that far
 *	... up to so many bytes of room ...
 *	queue_add(q, what, at, len);
 *	queue_end(q);				waits until everything was used
 *
 * The room is in the queue itself, so that what is read into it is not copied.
 */

#include <stddef.h>
#include <stdint.h>

enum { QUEUE_RECORD = 1 << 16 };	/* the most bytes of one record */

struct queue;

/* NULL when there can be no other thread: do it in this one. */
struct queue *queue_start(void (*use)(void *arg, int what, uint64_t at, const void *data,
				      size_t len), void *arg);
char *queue_room(struct queue *q, size_t len);
/* What was put into the room last asked for; len is no more than it was. */
void queue_add(struct queue *q, int what, uint64_t at, size_t len);
/* NULL is ended already. */
void queue_end(struct queue *q);

#endif
