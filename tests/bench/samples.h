#ifndef TESTS_BENCH_SAMPLES_H
#define TESTS_BENCH_SAMPLES_H

/*
 * Times in nanoseconds, sorted on demand, and quantiles of them as JSON. What is
 * printed is microseconds.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct samples {
	uint64_t *v;
	size_t n, size;
};

static inline uint64_t clock_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static inline void samples_add(struct samples *s, uint64_t ns)
{
	if (s->n == s->size) {
		s->size = s->size ? s->size * 2 : 1024;
		s->v = realloc(s->v, s->size * sizeof(*s->v));
		if (!s->v)
			abort();
	}
	s->v[s->n++] = ns;
}

static inline int samples_compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static inline void samples_sort(struct samples *s)
{
	if (s->n)
		qsort(s->v, s->n, sizeof(*s->v), samples_compare);
}

/* Of sorted samples; the nearest rank, so it is a time that was measured. */
static inline double samples_us(const struct samples *s, unsigned int per_mille)
{
	size_t rank = (s->n * per_mille + 999) / 1000;

	if (!s->n)
		return 0;
	return (double)s->v[rank ? rank - 1 : 0] / 1000;
}

/* "p50_us":..., without braces, of sorted samples. */
static inline void samples_print(const struct samples *s)
{
	printf("\"n\":%zu,\"min_us\":%.1f,\"p50_us\":%.1f,\"p90_us\":%.1f,\"p99_us\":%.1f,"
	       "\"max_us\":%.1f", s->n, samples_us(s, 0), samples_us(s, 500),
	       samples_us(s, 900), samples_us(s, 990), samples_us(s, 1000));
}

#endif
