#ifndef FAAS_STATE_LAYER_H
#define FAAS_STATE_LAYER_H

/*
 * A layer: what one run left of its files, as overlay's upper folders. `u` is the root
 * of it; where a sandbox has more than one overlay, as over the machine's own folders,
 * `u.NAME` is what it left below /NAME. `w` and `w.NAME` are overlay's work folders.
 */

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/cleanup.h"
#include "lib/base/error.h"

/* "u" or "u.NAME"? */
bool layer_is_part(const char *name);

struct layer_size {
	uint64_t entries;		/* whiteouts too */
	uint64_t bytes;			/* on the disk; a hard link's once */
};

/* fd: the layer's folder, which stays the caller's. ERR_LIMIT for one nested too deep. */
int layer_measure(int fd, struct layer_size *ret, struct error *err) _must_check_;

#endif
