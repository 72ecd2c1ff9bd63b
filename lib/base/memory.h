#ifndef FAAS_BASE_MEMORY_H
#define FAAS_BASE_MEMORY_H

/*
 * Memory that is there
 * ====================
 *
 * A small allocation that fails is not an error that somebody could act on, and who goes on
 * without it does half of what was asked: jansson loses single characters of a text. So a
 * program ends there. For an executor that is as kill -9, which it survives at each step.
 * What others decide the size of, such as a message, is allocated with an error instead
 * (lib/base/strbuf.h). libfaas, which is in programs of other people, has none of this.
 */

#include <stddef.h>

/* As malloc(3), or the program ends. For json_set_alloc_funcs(3), too. */
void *memory_get(size_t size);
/* p, or the program ends. */
void *memory_must(void *p);
/* A copy of s, NULL of NULL. */
char *memory_copy(const char *s);
/*
 * What is done at the end: says so and leaves with _exit(2), and allocates nothing. If it
 * returns, or there is none, a line on stderr and status 1 are that end.
 */
void memory_at_end(void (*end)(void));

#endif
