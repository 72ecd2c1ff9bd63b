#ifndef FAAS_CLIENT_HALT_H
#define FAAS_CLIENT_HALT_H

/*
 * When failures end what runs many jobs, in GNU parallel's words: "never",
 * "soon,fail=N" (start nothing more), "now,fail=N" (and end what runs).
 */

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/error.h"

struct halt {
	uint64_t after;		/* failures; 0: never */
	bool now;
};

/* text NULL: never. */
int halt_parse(const char *text, struct halt *ret, struct error *err) _must_check_;
bool halt_reached(const struct halt *h, uint64_t failures);

#endif
