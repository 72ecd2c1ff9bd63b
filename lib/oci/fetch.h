#ifndef FAAS_OCI_FETCH_H
#define FAAS_OCI_FETCH_H

/*
 * The blobs of an image, several at once, into the store. Each goes on from where an
 * earlier attempt stopped; what fails for a while is tried again, as long as it gets
 * anywhere; its digest is that of its bytes as they came.
 */

#include "lib/oci/blob.h"
#include "lib/oci/registry.h"
#include "lib/oci/report.h"

int fetch_all(struct registry *r, const struct blobs *store, const struct image_manifest *m,
	      struct oci_report *report, struct error *err) _must_check_;

#endif
