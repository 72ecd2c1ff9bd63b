#include "lib/client/item-stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PIECE = 65536, SHOWN = 40 };

void item_stream_release(struct item_stream *s)
{
	strbuf_release(&s->buf);
}

/* What was handed out goes. */
static void make_room(struct item_stream *s)
{
	size_t left = s->buf.len - s->at;

	if (s->at)
		memmove(s->buf.buf, s->buf.buf + s->at, left);
	s->buf.len = left;
	s->at = 0;
}

int item_stream_read(struct item_stream *s, struct error *err)
{
	char piece[PIECE];
	ssize_t n = read(s->fd, piece, sizeof(piece));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n < 0)
		return err_sys(err, errno, "read '%s'", s->name);
	s->eof = !n;
	make_room(s);
	strbuf_add(&s->buf, piece, (size_t)n);
	return strbuf_failed(&s->buf) ? err_sys(err, ENOMEM, "read '%s'", s->name) : 0;
}

/* Without its delimiter; between NUL bytes an empty one is one. */
static bool take(struct item_stream *s, const char **ret, size_t *ret_len)
{
	while (s->at < s->buf.len) {
		const char *start = s->buf.buf + s->at;
		size_t left = s->buf.len - s->at;
		const char *end = memchr(start, s->delimiter, left);
		size_t len = end ? (size_t)(end - start) : left;

		/* of one that is too long, the rest is thrown away as it comes */
		if (!end && !s->eof && len <= ITEM_MAX)
			return false;
		s->at += len + (end != NULL);
		if (s->skipping) {
			s->skipping = !end;
			continue;
		}
		s->skipping = !end && !s->eof;
		if (!len && s->delimiter)
			continue;
		*ret = start;
		*ret_len = len;
		return true;
	}
	return false;
}

int item_stream_next(struct item_stream *s, char **ret, struct error *err)
{
	const char *start;
	size_t len;

	*err = (struct error){ .code = ERR_NONE };
	if (!take(s, &start, &len))
		return 0;
	s->number++;
	if (len > ITEM_MAX) {
		(void)err_set(err, ERR_USAGE, "it is longer than %d bytes", ITEM_MAX);
		len = SHOWN;
	} else if (memchr(start, '\0', len)) {
		(void)err_set(err, ERR_USAGE, "it has a NUL byte");
		(void)err_hint(err, "--null takes items that end with one");
	}
	*ret = strndup(start, len);
	if (!*ret)
		abort();
	return 1;
}

bool item_stream_ready(const struct item_stream *s)
{
	size_t left = s->buf.len - s->at;

	return left && (s->eof || left > ITEM_MAX ||
			memchr(s->buf.buf + s->at, s->delimiter, left));
}
