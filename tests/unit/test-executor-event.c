#include <fcntl.h>
#include <sys/epoll.h>

#include "lib/base/cleanup.h"
#include "lib/executor/executor.h"
#include "tests/unit/test.h"

static struct executor x;
static struct error err;

struct end {
	struct source source;
	int other, calls;
	struct end *victim;
};

static void drain(struct source *s, uint32_t events)
{
	struct end *e = (struct end *)s;
	char c;

	check(events & EPOLLIN && read(s->fd, &c, 1) == 1);
	e->calls++;
}

static struct end **survivor;

/* Removes and frees another one, as a session does with its sandbox. */
static void murder(struct source *s, uint32_t events)
{
	struct end *e = (struct end *)s;

	drain(s, events);
	if (!e->victim)
		return;
	event_remove(&x, &e->victim->source);
	close(e->victim->source.fd);
	close(e->victim->other);
	free(e->victim);
	e->victim = NULL;
	*survivor = e;
}

static struct end *end_new(void (*ready)(struct source *, uint32_t))
{
	struct end *e = calloc(1, sizeof(*e));
	int fds[2];

	check(e && !pipe2(fds, O_CLOEXEC | O_NONBLOCK));
	e->source = (struct source){ .fd = fds[0], .ready = ready };
	e->other = fds[1];
	check(!event_add(&x, &e->source, EPOLLIN, &err));
	return e;
}

static void end_free(struct end *e)
{
	event_remove(&x, &e->source);
	close(e->source.fd);
	close(e->other);
	free(e);
}

static void begin(void)
{
	x = (struct executor){ .epoll = epoll_create1(EPOLL_CLOEXEC) };
	check(x.epoll >= 0);
}

TEST(what_is_ready_is_called)
{
	struct end *a, *b;

	begin();
	a = end_new(drain);
	b = end_new(drain);
	check(!event_wait(&x, 0, &err) && !a->calls && !b->calls);
	check(write(a->other, "x", 1) == 1);
	check(!event_wait(&x, 0, &err) && a->calls == 1 && !b->calls);
	event_change(&x, &a->source, 0);
	check(write(a->other, "x", 1) == 1 && write(b->other, "x", 1) == 1);
	check(!event_wait(&x, 0, &err) && a->calls == 1 && b->calls == 1);
	event_change(&x, &a->source, EPOLLIN);
	event_change(&x, &a->source, EPOLLIN);
	check(!event_wait(&x, 1000, &err) && a->calls == 2);
	end_free(a);
	end_free(b);
	close(x.epoll);
}

/* Whichever comes first frees the other, which must not be called any more. */
TEST(removed_while_its_batch_is_delivered)
{
	for (int n = 0; n < 50; n++) {
		struct end *a, *b, *left;

		begin();
		a = end_new(murder);
		b = end_new(murder);
		a->victim = b;
		b->victim = a;
		left = NULL;
		survivor = &left;
		check(write(n & 1 ? a->other : b->other, "x", 1) == 1);
		check(write(n & 1 ? b->other : a->other, "x", 1) == 1);
		check(!event_wait(&x, 0, &err));
		check(left && left->calls == 1 && !left->victim);
		check(!event_wait(&x, 0, &err) && left->calls == 1);
		end_free(left);
		close(x.epoll);
	}
}

TEST(more_than_a_batch)
{
	struct end *all[200];
	int calls = 0;

	begin();
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		all[i] = end_new(drain);
		check(write(all[i]->other, "x", 1) == 1);
	}
	for (int i = 0; i < 4; i++)
		check(!event_wait(&x, 0, &err));
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		calls += all[i]->calls;
		end_free(all[i]);
	}
	check(calls == ARRAY_SIZE(all));
	close(x.epoll);
}

TEST(what_cannot_be_watched)
{
	struct source s = { .fd = -1, .ready = drain };

	begin();
	check(event_add(&x, &s, EPOLLIN, &err) == -1 && err.msg[0]);
	event_remove(&x, &s);
	close(x.epoll);
	check(event_wait(&x, 0, &err) == -1 && err.msg[0]);
}

TEST(clocks)
{
	uint64_t a = clock_us(), b = clock_us();

	check(a && b >= a && clock_unix_ms() > 1700000000000);
}

TEST_MAIN;
