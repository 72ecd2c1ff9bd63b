#ifndef FAAS_EXECUTOR_COMPACT_H
#define FAAS_EXECUTOR_COMPACT_H

/*
 * Long chains stay short stacks. Of more than COMPACT_FAN layers of one tier in a row,
 * the oldest COMPACT_FAN become one of the next tier, in the background; so the
 * hundredth snapshot of a chain stands on some twenty layers. A layer of tier N > 0 is
 * called `cN-ID`; a snapshot's own, the first of its stack, is never part of one.
 */

#include "lib/executor/executor.h"

enum { COMPACT_FAN = 8 };

/* A snapshot became ready: its stack may be too long now. */
void compact_note(struct executor *x, const char *id);
/* At start: all of them. */
int compact_note_all(struct executor *x, struct error *err);
/* In the loop: begins the next one, when none is on its way. */
void compact_tend(struct executor *x);
/* The layer that is being made, or NULL. */
const char *compact_making(const struct executor *x);

/* Where in a stack to begin, and the tier of what is made; false when it is short enough. */
bool compact_choose(const json_t *layers, size_t *ret_first, unsigned int *ret_tier);

#endif
