#ifndef FAAS_CMD_DIFFERENCE_H
#define FAAS_CMD_DIFFERENCE_H

/* Paths and text in answers about files: a string, or {"base64": ...}. */

#include <jansson.h>
#include <stddef.h>

#include "cmd/output.h"

/* The bytes, with a NUL, to be freed; NULL when it is neither, or without memory. */
char *difference_bytes(const json_t *j, size_t *len);
/*
 * Asks for what differs, page by page, and calls each for every one. params: of
 * snapshot.diff; taken. each returns 0 to go on.
 */
int difference_each(json_t *params, int (*each)(void *arg, const json_t *row), void *arg,
		    struct error *err) _must_check_;
/* A field that is a path, with '/' before it. */
void difference_path(struct out *o, const char *key, const json_t *j);

#endif
