#ifndef FAAS_STATE_CLONE_H
#define FAAS_STATE_CLONE_H

/*
 * A layer that goes on changing, copied
 * =====================================
 *
 * What a sandbox has written so far, `u` and `u.NAME` of its upper folder, as a layer of
 * its own: whiteouts and folders that hide others stay what they are, two names of one
 * file stay two names of one file, holes stay holes, and content is shared where the
 * file system can. Never a hard link to the original, which somebody goes on writing to.
 * Whoever calls sees to it that nothing is written meanwhile.
 */

#include <stdint.h>

#include "lib/base/error.h"

struct clone_size {
	uint64_t entries, bytes;	/* copied, whiteouts too; a hard link's bytes once */
};

/*
 * from: the upper folder; to: an empty folder that becomes the layer. each, which may be
 * NULL, is told how much has been copied. On failure what is in it is of no use.
 */
int clone_layer(int from, int to, struct clone_size *ret,
		void (*each)(const struct clone_size *so_far), struct error *err) _must_check_;

#endif
