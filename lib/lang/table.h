#ifndef FAAS_LANG_TABLE_H
#define FAAS_LANG_TABLE_H

/*
 * The rows, for lang.c only. To add a language, add a row to table.c and a
 * program to tests/data/languages.
 */

#include "lib/lang/lang.h"

extern const struct lang lang_table[];
extern const size_t lang_table_size;

#endif
