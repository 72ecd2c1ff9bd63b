#ifndef FAAS_BASE_NEAREST_H
#define FAAS_BASE_NEAREST_H

/*
 * "Did you mean ...?"
 *
 *	struct nearest n = NEAREST(word);
 *
 *	for (each name)
 *		nearest_try(&n, name);
 *	if (n.best)
 *		return err_hint(err, "did you mean '%s'?", n.best);
 *
 * The distance counts letters inserted, removed, changed and swapped with their
 * neighbour. A name is near when that is at most a third of the word's length
 * (and one, for words of two letters), or when the word begins it. The suggestion
 * is only ever shown: nothing is run on the strength of it.
 */

#include <stddef.h>

struct nearest {
	const char *word;
	size_t len;		/* of word: it need not end there */
	const char *best;
	unsigned int distance;
};

#define NEAREST(w)	{ .word = (w), .len = strlen(w) }

void nearest_try(struct nearest *n, const char *name);
/* Damerau-Levenshtein (optimal string alignment); words over 63 bytes: 64. */
unsigned int edit_distance(const char *a, size_t a_len, const char *b, size_t b_len);

#endif
