#ifndef FAAS_OCI_LAYOUT_H
#define FAAS_OCI_LAYOUT_H

/*
 * An image from a folder: an OCI layout (oci-layout, index.json, blobs/), or what
 * `docker save` writes (manifest.json). Its blobs are copied into the store and checked
 * on the way. Names are opened below the folder only.
 */

#include "lib/oci/blob.h"
#include "lib/oci/report.h"
#include "lib/oci/request.h"

int layout_import(int dir, const struct oci_request *req, const struct blobs *store,
		  struct image_manifest *ret, char digest[IMAGE_DIGEST],
		  struct oci_report *report, struct error *err) _must_check_;

#endif
