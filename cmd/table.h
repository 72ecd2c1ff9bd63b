#ifndef FAAS_CMD_TABLE_H
#define FAAS_CMD_TABLE_H

/*
 * The plain text half of cmd/output.h: columns aligned with spaces, headings in
 * upper case, no borders. Only output.c calls these.
 */

#include "cmd/output.h"

/* All rows of a list, each column as wide as its widest cell. */
void table_print(struct out *o);
/* A stream cannot know what comes: columns of fixed width, widened as needed. */
void table_stream_header(struct out *o);
void table_stream_row(struct out *o);
/* One field of an object. */
void table_line(struct out *o, const char *title, const char *text);

#endif
