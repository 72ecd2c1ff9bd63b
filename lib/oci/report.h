#ifndef FAAS_OCI_REPORT_H
#define FAAS_OCI_REPORT_H

/*
 * What the helper tells its caller: JSON lines, as lib/archive/report.h has them.
 *
 *	{"progress":{"phase":"fetch","bytes":1048576,"total":3145728,"done":1,"layers":3}}
 *	{"progress":{"phase":"blob","state":"begun","digest":"sha256:...","size":1048576,
 *	 "done":0,"layers":3}}
 *	{"ok":true,"digest":"sha256:...","config":{...},"layers":[{"digest","size"}]}
 *	{"ok":false,"code":"protocol","message":"...","hint":"..."}
 */

#include <jansson.h>
#include <stdint.h>

#include "lib/base/error.h"
#include "lib/image/manifest.h"

struct oci_report {
	int fd;
	uint64_t bytes, total;		/* of all blobs */
	unsigned int done, layers;
	uint64_t last_ms;		/* private */
};

uint64_t oci_clock_ms(void);
/* At most every 100 ms. */
void oci_report_progress(struct oci_report *r);
/* One blob: "begun", "done", or "here" when it was before. */
void oci_report_blob(const struct oci_report *r, const struct image_blob *blob,
		     const char *state);
/* Takes config. */
int oci_report_image(const struct oci_report *r, const char *digest, json_t *config,
		     const struct image_blob *layers, size_t n, struct error *err) _must_check_;
void oci_report_line(const struct oci_report *r, json_t *line);
void oci_report_error(const struct oci_report *r, const struct error *err);

#endif
