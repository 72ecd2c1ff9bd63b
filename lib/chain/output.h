#ifndef FAAS_CHAIN_OUTPUT_H
#define FAAS_CHAIN_OUTPUT_H

/*
 * What a step wrote, to be written again
 * ======================================
 *
 * Pieces of stdout and stderr in the order in which they came, as bytes: of each
 * piece its stream (1 or 2), its length in four bytes, the lowest first, and then
 * itself. What was kept comes from a store that may be damaged: output_next()
 * believes nothing.
 */

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/error.h"
#include "lib/base/strbuf.h"

enum { OUTPUT_MAX = 4 << 20 };

struct output {
	struct strbuf bytes;
	size_t last;		/* where the latest piece begins */
	bool truncated;		/* there was more, from here on */
};

#define OUTPUT	{ .bytes = STRBUF(OUTPUT_MAX) }

/* From the first piece that is too much on, nothing is kept. */
void output_add(struct output *o, int stream, const void *data, size_t size);
static inline void output_release(struct output *o)
{
	strbuf_release(&o->bytes);
}
#define CLEANUP_OUTPUT	__attribute__((cleanup(output_release)))

/*
 * 1: a piece, and *at is behind it; 0: that was all; -1: ERR_CORRUPT. *at begins at 0.
 */
int output_next(const char *bytes, size_t size, size_t *at, int *ret_stream,
		const char **ret_data, size_t *ret_size, struct error *err) _must_check_;

#endif
