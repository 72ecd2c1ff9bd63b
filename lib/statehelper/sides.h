#ifndef FAAS_STATEHELPER_SIDES_H
#define FAAS_STATEHELPER_SIDES_H

/*
 * The states that a verb is about, as it is asked: {"root": PATH or "" for the
 * machine's, "shift": N, NAME: [LAYER, ...], ...}; descriptor 3 is the folder of layers.
 */

#include <jansson.h>

#include "lib/state/merge.h"
#include "lib/statehelper/confine.h"

struct sides {
	struct view view[3];
	int n;
};

int sides_open(struct sides *s, const json_t *ask, const char *const *names, int n,
	       struct error *err) _must_check_;
void sides_release(struct sides *s);
DEFINE_CLEANUP(struct sides *, sides_release);
/* What they are is to be read. */
void sides_confine(const struct sides *s, struct confine *c);

/*
 * merge.c: what a plan says, for the answer, as far as that has "room" (bytes, as
 * asked; the numbers are of all); the strategy, marks and labels that are asked for.
 */
void merge_tell(const struct merge *m, const json_t *ask, bool changes, json_t *result);
int merge_read_how(const json_t *ask, struct merge *ret, struct error *err);

#endif
