#ifndef FAAS_ARCHIVE_LAYER_H
#define FAAS_ARCHIVE_LAYER_H

/*
 * The layers of an image, one over another
 * ========================================
 *
 * A layer is an archive that also says what of the layers below it is gone: an entry
 * "a/.wh.b" takes a/b away, and "a/.wh..wh..opq" all that is in a. Both are about what
 * lies below only, wherever they stand in the archive: what this layer itself has
 * written stays. So its names are remembered, as numbers, until the layer ends.
 *
 * A folder may be a link that a layer below has made: links are followed as from inside
 * the root, which the process that does this cannot see out of. A file may take the
 * place of a folder of a layer below.
 */

#include <stdbool.h>

#include "lib/archive/tree.h"
#include "lib/base/cleanup.h"

struct layer;

struct layer *layer_new(void);
void layer_free(struct layer *l);
DEFINE_CLEANUP(struct layer *, layer_free);

/* Has this layer written path, or something below it? */
bool layer_has(const struct layer *l, const char *path);
int layer_add(struct layer *l, const char *path, struct error *err) _must_check_;

/* What is not there is gone already. */
int layer_whiteout(struct tree *t, const char *path, struct error *err) _must_check_;
int layer_opaque(struct tree *t, const char *path, struct error *err) _must_check_;

#endif
