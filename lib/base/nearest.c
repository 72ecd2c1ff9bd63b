#include "lib/base/nearest.h"

#include <string.h>

enum { LONGEST = 63 };

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

unsigned int edit_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	unsigned int row[3][LONGEST + 1];
	unsigned int *before = row[0], *last = row[1], *now = row[2];

	if (a_len > LONGEST || b_len > LONGEST)
		return LONGEST + 1;
	for (size_t j = 0; j <= b_len; j++)
		last[j] = (unsigned int)j;
	for (size_t i = 1; i <= a_len; i++) {
		unsigned int *spare = before;

		now[0] = (unsigned int)i;
		for (size_t j = 1; j <= b_len; j++) {
			unsigned int change = a[i - 1] != b[j - 1];

			now[j] = least(least(last[j], now[j - 1]) + 1,
				       last[j - 1] + change);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				now[j] = least(now[j], before[j - 2] + 1);
		}
		before = last;
		last = now;
		now = spare;
	}
	return last[b_len];
}

void nearest_try(struct nearest *n, const char *name)
{
	size_t len = strlen(name);
	unsigned int d = edit_distance(n->word, n->len, name, len);
	size_t allowed = n->len < 3 ? n->len / 2 : n->len / 3;

	/* a prefix of at least two letters is near, but less than a slip */
	if (d > allowed) {
		if (n->len < 2 || len < n->len || strncmp(n->word, name, n->len))
			return;
		d += LONGEST;
	}
	if (!n->best || d < n->distance) {
		n->best = name;
		n->distance = d;
	}
}
