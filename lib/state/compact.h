#ifndef FAAS_STATE_COMPACT_H
#define FAAS_STATE_COMPACT_H

/*
 * Several layers as one
 * =====================
 *
 * A stack of layers that always occur together is as good as one layer in which the
 * topmost that knows a name has decided already. Files are hard links of the ones in
 * the layers, which never change, so it costs what folders and names cost. Whiteouts
 * stay, and a folder that hides what is below it still does (Documentation/filesystems/
 * overlayfs.rst): others are below.
 */

#include "lib/base/cleanup.h"
#include "lib/base/error.h"

enum { COMPACT_LAYERS_MAX = 64 };

/*
 * fds: folders of layers on one file system, newest first; out: an empty folder that
 * becomes their sum. On failure what is in it is of no use. ERR_LIMIT for folders that
 * are nested too deep.
 */
int compact_layers(const int *fds, int n, int out, struct error *err) _must_check_;

#endif
