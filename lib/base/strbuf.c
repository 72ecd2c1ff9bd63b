#include "lib/base/strbuf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char strbuf_empty[1];

bool strbuf_grow(struct strbuf *sb, size_t extra)
{
	size_t need, size;
	char *p;

	if (sb->failed)
		return false;
	if (extra > sb->limit || sb->len > sb->limit - extra) {
		sb->failed = true;
		return false;
	}
	need = sb->len + extra + 1;
	if (need <= sb->size)
		return true;

	size = sb->size ? sb->size * 2 : 64;
	if (size < need)
		size = need;
	p = realloc(sb->size ? sb->buf : NULL, size);
	if (!p) {
		sb->failed = true;
		return false;
	}
	if (!sb->size)
		p[0] = '\0';
	sb->buf = p;
	sb->size = size;
	return true;
}

void strbuf_add(struct strbuf *sb, const void *data, size_t len)
{
	if (!strbuf_grow(sb, len))
		return;
	memcpy(sb->buf + sb->len, data, len);
	sb->len += len;
	sb->buf[sb->len] = '\0';
}

void strbuf_adds(struct strbuf *sb, const char *s)
{
	strbuf_add(sb, s, strlen(s));
}

void strbuf_addc(struct strbuf *sb, char c)
{
	strbuf_add(sb, &c, 1);
}

void strbuf_addf(struct strbuf *sb, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (len < 0) {
		sb->failed = true;
		return;
	}
	if (!strbuf_grow(sb, (size_t)len))
		return;
	va_start(ap, fmt);
	(void)vsnprintf(sb->buf + sb->len, (size_t)len + 1, fmt, ap);
	va_end(ap);
	sb->len += (size_t)len;
}

void strbuf_clear(struct strbuf *sb)
{
	sb->len = 0;
	sb->failed = false;
	if (sb->size)
		sb->buf[0] = '\0';
}

char *strbuf_detach(struct strbuf *sb)
{
	char *p = NULL;

	if (!sb->failed)
		p = sb->size ? sb->buf : calloc(1, 1);
	else if (sb->size)
		free(sb->buf);
	*sb = (struct strbuf)STRBUF(sb->limit);
	return p;
}

void strbuf_release(struct strbuf *sb)
{
	if (sb->size)
		free(sb->buf);
	*sb = (struct strbuf)STRBUF(sb->limit);
}
