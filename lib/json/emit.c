#include "lib/json/emit.h"

#include <assert.h>
#include <string.h>

static bool tail(const char *s, size_t n)
{
	for (size_t i = 1; i <= n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return false;
	return true;
}

size_t emit_utf8_len(const char *s, size_t len)
{
	unsigned char a = (unsigned char)s[0];
	unsigned char b = len > 1 ? (unsigned char)s[1] : 0;

	if (a < 0x80)
		return 1;
	if (a >= 0xc2 && a <= 0xdf)
		return len > 1 && tail(s, 1) ? 2 : 0;
	/* no overlong forms, no surrogates, nothing beyond U+10FFFF */
	if (a >= 0xe0 && a <= 0xef)
		return len > 2 && tail(s, 2) && !(a == 0xe0 && b < 0xa0) &&
			!(a == 0xed && b > 0x9f) ? 3 : 0;
	if (a >= 0xf0 && a <= 0xf4)
		return len > 3 && tail(s, 3) && !(a == 0xf0 && b < 0x90) &&
			!(a == 0xf4 && b > 0x8f) ? 4 : 0;
	return 0;
}

/* Returns whether all of it was UTF-8. */
static bool escaped(FILE *out, const char *s, size_t len)
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	bool good = true;

	for (size_t i = 0; i < len;) {
		size_t n = emit_utf8_len(s + i, len - i);
		const char *at = s[i] ? strchr(from, s[i]) : NULL;

		if (!n) {
			fputs("\xef\xbf\xbd", out);
			good = false;
			n = 1;
		} else if (at) {
			fprintf(out, "\\%c", to[at - from]);
		} else if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f) {
			fprintf(out, "\\u%04x", (unsigned int)s[i]);
		} else {
			fwrite(s + i, 1, n, out);
		}
		i += n;
	}
	return good;
}

/* A comma if one is due, and the key. */
static void begin(struct emit *e, const char *key)
{
	if (e->more[e->depth])
		fputc(',', e->out);
	e->more[e->depth] = true;
	if (!key)
		return;
	fputc('"', e->out);
	(void)escaped(e->out, key, strlen(key));
	fputs("\":", e->out);
}

void emit_open(struct emit *e, const char *key, char bracket)
{
	assert(e->depth < EMIT_MAX_DEPTH);
	begin(e, key);
	fputc(bracket, e->out);
	e->bracket[e->depth++] = bracket == '{' ? '}' : ']';
	e->more[e->depth] = false;
}

void emit_close(struct emit *e)
{
	assert(e->depth);
	fputc(e->bracket[--e->depth], e->out);
}

static void base64(FILE *out, const char *s, size_t len)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = (const unsigned char *)s;

	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		unsigned int v = (unsigned int)p[i] << 16 |
			(n > 1 ? (unsigned int)p[i + 1] << 8 : 0) |
			(n > 2 ? p[i + 2] : 0);

		fputc(digits[v >> 18], out);
		fputc(digits[v >> 12 & 63], out);
		fputc(n > 1 ? digits[v >> 6 & 63] : '=', out);
		fputc(n > 2 ? digits[v & 63] : '=', out);
	}
}

void emit_strn(struct emit *e, const char *key, const char *s, size_t len)
{
	bool good;

	begin(e, key);
	if (!s) {
		fputs("null", e->out);
		return;
	}
	fputc('"', e->out);
	good = escaped(e->out, s, len);
	fputc('"', e->out);
	if (good || !key)
		return;
	fputs(",\"", e->out);
	(void)escaped(e->out, key, strlen(key));
	fputs("_base64\":\"", e->out);
	base64(e->out, s, len);
	fputc('"', e->out);
}

void emit_str(struct emit *e, const char *key, const char *s)
{
	emit_strn(e, key, s, s ? strlen(s) : 0);
}

void emit_uint(struct emit *e, const char *key, uint64_t n)
{
	begin(e, key);
	fprintf(e->out, "%llu", (unsigned long long)n);
}

void emit_int(struct emit *e, const char *key, int64_t n)
{
	begin(e, key);
	fprintf(e->out, "%lld", (long long)n);
}

void emit_bool(struct emit *e, const char *key, bool b)
{
	begin(e, key);
	fputs(b ? "true" : "false", e->out);
}

void emit_null(struct emit *e, const char *key)
{
	begin(e, key);
	fputs("null", e->out);
}

void emit_raw(struct emit *e, const char *key, const char *json)
{
	begin(e, key);
	fputs(json, e->out);
}
