#ifndef FAAS_BASE_STRBUF_H
#define FAAS_BASE_STRBUF_H

/*
 * Bounded string buffers
 * ======================
 *
 * A growing, always NUL-terminated byte buffer that is born with its limit:
 *
 *	cleanup_strbuf struct strbuf sb = STRBUF(LIMIT_REQUEST);
 *
 *	strbuf_addf(&sb, "%s/%s", dir, name);
 *	if (strbuf_failed(&sb))
 *		return err_set(err, ERR_LIMIT, "name of '%s'", name);
 *
 * The first append that would pass the limit (or the machine's memory) marks
 * the buffer as failed; it and everything after it append nothing, so a caller
 * may check once at the end. buf is never NULL: an empty buffer points at a
 * constant empty string, which must not be written to.
 */

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/macro.h"

struct strbuf {
	char *buf;
	size_t len;		/* bytes before the NUL */
	size_t size;		/* private: bytes allocated, 0 for none */
	size_t limit;		/* len never exceeds this */
	bool failed;
};

extern char strbuf_empty[];

#define STRBUF(max)	{ .buf = strbuf_empty, .limit = (max) }

void strbuf_add(struct strbuf *sb, const void *data, size_t len);
void strbuf_adds(struct strbuf *sb, const char *s);
void strbuf_addc(struct strbuf *sb, char c);
void strbuf_addf(struct strbuf *sb, const char *fmt, ...) _printf_(2, 3);
/* Makes room for extra more bytes; false, and failed, when that is too many. */
bool strbuf_grow(struct strbuf *sb, size_t extra);
/* Empties it and keeps the memory; also forgets a failure. */
void strbuf_clear(struct strbuf *sb);
/* The contents, now the caller's to free(); the buffer is empty. NULL if failed. */
char *strbuf_detach(struct strbuf *sb);
void strbuf_release(struct strbuf *sb);

static inline bool strbuf_failed(const struct strbuf *sb)
{
	return sb->failed;
}

#define cleanup_strbuf	__attribute__((cleanup(strbuf_release)))

#endif
