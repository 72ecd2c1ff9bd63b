#ifndef FAAS_OCI_EXPORT_H
#define FAAS_OCI_EXPORT_H

/*
 * An OCI layout of one image of one layer, from the tar that comes on a pipe: into an
 * empty folder, or as a tar into a file. The layer is compressed with gzip, which every
 * tool reads. The request has what the configuration says:
 *
 *	{"tag":"v1","platform":"linux/amd64","created":"...","config":{"Env":[...]}}
 */

#include <jansson.h>

#include "lib/base/error.h"
#include "lib/oci/report.h"

int export_layout(int blobs, int source, int output, const json_t *request,
		  struct oci_report *report, struct error *err) _must_check_;

#endif
