#include "lib/archive/report.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/strbuf.h"

enum {
	LINE_MAX_BYTES = 3900,	/* below PIPE_BUF: one write is one line */
	ENTRY_SHOWN = 400,	/* bytes of a name that are shown */
	PROGRESS_MS = 100,
};

static const char *const skip_names[] = {
#define X(id, name) [SKIP_##id] = name,
	SKIPS(X)
#undef X
};

static const char *const strip_names[] = {
#define X(id, name) [STRIP_##id] = name,
	STRIPS(X)
#undef X
};

/* Bytes of the printable UTF-8 character at s, 0 if there is none. */
static size_t utf8_length(const unsigned char *s)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 :
		s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;
	uint32_t c;

	if (len <= 1)
		return s[0] >= 0x20 && s[0] != 0x7f ? len : 0;
	c = s[0] & (0xff >> (len + 1));
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	/* C1 controls, and what reorders or breaks the lines of a terminal */
	if (c < 0xa0 || (c >= 0x200e && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	    (c >= 0x2066 && c <= 0x2069))
		return 0;
	return len;
}

/* A JSON string of it, in which what is not printable is the text \xNN. */
static void add_string(struct strbuf *sb, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t start = sb->len;

	strbuf_addc(sb, '"');
	while (*s && sb->len - start < ENTRY_SHOWN * 2) {
		size_t len = utf8_length(s);

		if (*s == '"')
			strbuf_adds(sb, "\\\"");
		else if (len && *s != '\\')
			strbuf_add(sb, s, len);
		else
			strbuf_addf(sb, "\\\\x%02x", *s);
		s += len ? len : 1;
	}
	strbuf_adds(sb, *s ? "...\"" : "\"");
}

static void send_line(int fd, const struct strbuf *sb)
{
	ssize_t n;

	if (strbuf_failed(sb))
		return;
	/* nobody listens any more: the exit status still tells */
	n = write(fd, sb->buf, sb->len);
	(void)n;
}

static void add_counts(struct strbuf *sb, const char *const names[],
		       const uint64_t counts[], size_t n)
{
	bool first = true;

	strbuf_addc(sb, '{');
	for (size_t i = 0; i < n; i++) {
		if (!counts[i])
			continue;
		strbuf_addf(sb, "%s\"%s\":%" PRIu64, first ? "" : ",", names[i],
			    counts[i]);
		first = false;
	}
	strbuf_addc(sb, '}');
}

void report_entry(struct report *r, const char *name)
{
	size_t len = name ? strnlen(name, sizeof(r->entry) - 1) : 0;

	if (len)
		memcpy(r->entry, name, len);
	r->entry[len] = '\0';
}

void report_strip(struct report *r, unsigned int mask)
{
	for (int i = 0; i < STRIP__MAX; i++)
		r->stripped[i] += mask >> i & 1;
}

void report_progress(struct report *r)
{
	cleanup_strbuf struct strbuf sb = STRBUF(LINE_MAX_BYTES);
	struct timespec now;
	uint64_t ms;

	if (clock_gettime(CLOCK_MONOTONIC, &now) < 0)
		return;
	ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	if (!r->last_ms)
		r->last_ms = ms;
	if (ms - r->last_ms < PROGRESS_MS)
		return;
	r->last_ms = ms;
	strbuf_addf(&sb,
		    "{\"progress\":{\"bytes\":%" PRIu64 ",\"entries\":%" PRIu64 "}}\n",
		    r->bytes, r->entries);
	send_line(r->fd, &sb);
}

void report_ok(const struct report *r)
{
	cleanup_strbuf struct strbuf sb = STRBUF(LINE_MAX_BYTES);

	strbuf_addf(&sb, "{\"ok\":true,\"entries\":%" PRIu64 ",\"bytes\":%" PRIu64 ",",
		    r->entries, r->bytes);
	strbuf_adds(&sb, "\"skipped\":");
	add_counts(&sb, skip_names, r->skipped, SKIP__MAX);
	strbuf_adds(&sb, ",\"stripped\":");
	add_counts(&sb, strip_names, r->stripped, STRIP__MAX);
	strbuf_adds(&sb, "}\n");
	send_line(r->fd, &sb);
}

void report_error(const struct report *r, const struct error *err)
{
	cleanup_strbuf struct strbuf sb = STRBUF(LINE_MAX_BYTES);

	strbuf_addf(&sb,
		    "{\"ok\":false,\"code\":\"%s\",\"message\":", err_name(err->code));
	add_string(&sb, err->msg);
	if (r->entry[0]) {
		strbuf_adds(&sb, ",\"entry\":");
		add_string(&sb, r->entry);
	}
	if (err->hint[0]) {
		strbuf_adds(&sb, ",\"hint\":");
		add_string(&sb, err->hint);
	}
	strbuf_adds(&sb, "}\n");
	send_line(r->fd, &sb);
}
