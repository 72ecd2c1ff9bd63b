#ifndef FAAS_OCI_CONFINE_H
#define FAAS_OCI_CONFINE_H

/*
 * What speaks with strangers keeps little: no capability, no new privilege, no core, a
 * limit on memory; and, where the kernel has Landlock, no file but the store of blobs,
 * what TLS and the resolver read, and the folder that it was given.
 */

#include "lib/base/error.h"

/* source and output, a file or folder that is written, may be -1. */
int oci_confine(int blobs, int source, int output, struct error *err) _must_check_;

#endif
