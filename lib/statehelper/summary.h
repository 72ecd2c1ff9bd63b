#ifndef FAAS_STATEHELPER_SUMMARY_H
#define FAAS_STATEHELPER_SUMMARY_H

/*
 * All differences as two values: how many, and a digest of kinds, paths, modes, owners,
 * contents and attributes. Two that come from the same state by the same changes have the
 * same.
 */

#include "lib/crypto/hash.h"
#include "lib/state/diff.h"

struct summary {
	const struct view *to;
	struct hash digest;
	uint64_t n;
};

void summary_begin(struct summary *s, const struct view *to);
int summary_add(struct summary *s, const struct difference *d, struct error *err) _must_check_;
void summary_end(struct summary *s, char ret[HASH_TEXT]);

#endif
