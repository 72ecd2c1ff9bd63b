#ifndef FAAS_JSON_EMIT_H
#define FAAS_JSON_EMIT_H

/*
 * JSON as it is written
 * =====================
 *
 * A writer that keeps nothing but its place, for output made field by field:
 *
 *	struct emit e = EMIT(out);
 *
 *	emit_open(&e, NULL, '{');
 *	emit_str(&e, "name", name);
 *	emit_open(&e, "sizes", '[');
 *	emit_uint(&e, NULL, 17);
 *	emit_close(&e);
 *	emit_close(&e);
 *
 * {"name":"x","sizes":[17]}
 *
 * key is NULL in an array and at the top. It allocates nothing and needs no
 * library, so a program that only prints JSON starts as fast as one that does
 * not. Errors are those of the stream: look at ferror() at the end.
 *
 * What comes out is valid UTF-8 whatever goes in: of a string that is not, each
 * wrong byte becomes U+FFFD and, where there is a key, "<key>_base64" follows with
 * the exact bytes.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { EMIT_MAX_DEPTH = 32 };

struct emit {
	FILE *out;
	unsigned int depth;
	char bracket[EMIT_MAX_DEPTH];
	bool more[EMIT_MAX_DEPTH + 1];	/* a comma comes first */
};

#define EMIT(f)	{ .out = (f) }

void emit_open(struct emit *e, const char *key, char bracket);
void emit_close(struct emit *e);	/* the innermost */
void emit_str(struct emit *e, const char *key, const char *s);	/* NULL: null */
void emit_strn(struct emit *e, const char *key, const char *s, size_t len);
void emit_uint(struct emit *e, const char *key, uint64_t n);
void emit_int(struct emit *e, const char *key, int64_t n);
void emit_bool(struct emit *e, const char *key, bool b);
void emit_null(struct emit *e, const char *key);
/* JSON text that is already whole and valid. */
void emit_raw(struct emit *e, const char *key, const char *json);

/* Length of the UTF-8 sequence at s, or 0 if it is not one. */
size_t emit_utf8_len(const char *s, size_t len);

#endif
