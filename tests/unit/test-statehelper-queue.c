#include "lib/statehelper/queue.h"

#include <stdbool.h>
#include <string.h>

#include "tests/unit/test.h"

/* What came: each record is full of the number of its place. */
struct seen {
	uint64_t n, bytes;
	bool right;
};

static void use(void *arg, int what, uint64_t at, const void *data, size_t len)
{
	struct seen *s = arg;
	const unsigned char *c = data;

	s->right &= what == (int)(s->n % 7) && at == s->n;
	for (size_t i = 0; i < len; i++)
		s->right &= c[i] == (unsigned char)s->n;
	s->n++;
	s->bytes += len;
}

TEST(everything_comes_in_order)
{
	struct seen s = { .right = true };
	struct queue *q = queue_start(use, &s);
	uint64_t bytes = 0;

	check(q);
	for (uint64_t n = 0; n < 20000; n++) {
		/* none, short ones, odd ones and the longest, so that each end of the ring is met */
		size_t len = n % 50 ? n * 37 % 1021 : n % 3 ? QUEUE_RECORD : 0;
		char *room = queue_room(q, QUEUE_RECORD);

		memset(room, (int)n, len);
		queue_add(q, (int)(n % 7), n, len);
		bytes += len;
	}
	queue_end(q);
	check(s.right && s.n == 20000 && s.bytes == bytes);
}

TEST(little_is_not_left)
{
	struct seen s = { .right = true };
	struct queue *q = queue_start(use, &s);

	check(q);
	*queue_room(q, 1) = 0;
	queue_add(q, 0, 0, 1);
	queue_end(q);
	check(s.right && s.n == 1 && s.bytes == 1);
	q = queue_start(use, &s);
	check(q);
	queue_end(q);
	queue_end(NULL);
	check(s.n == 1);
}

TEST_MAIN;
