#include "cmd/batch.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int lines_open(struct lines *l, const char *path, struct error *err)
{
	struct stat st;

	*l = (struct lines){ .name = path, .fd = -1, .buf = STRBUF(2 * LINE_MAX_BYTES) };
	if (!strcmp(path, "-")) {
		l->name = "standard input";
		l->fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	} else {
		l->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	}
	if (l->fd < 0 || fstat(l->fd, &st) < 0)
		return err_sys(err, errno, "open '%s'", l->name);
	if (S_ISDIR(st.st_mode))
		return err_set(err, ERR_USAGE, "'%s' is a folder", l->name);
	return 0;
}

void lines_close(struct lines *l)
{
	if (l->fd >= 0)
		(void)close(l->fd);
	strbuf_release(&l->buf);
}

int lines_read(struct lines *l, struct error *err)
{
	char buf[65536];
	ssize_t n = read(l->fd, buf, sizeof(buf));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n < 0)
		return err_sys(err, errno, "read '%s'", l->name);
	l->eof = !n;
	/* what was handed out goes, once it is most of it */
	if (l->at > l->buf.len / 2) {
		size_t left = l->buf.len - l->at;

		memmove(l->buf.buf, l->buf.buf + l->at, left);
		l->buf.len = left;
		l->at = 0;
	}
	strbuf_add(&l->buf, buf, (size_t)n);
	return strbuf_failed(&l->buf) ? err_sys(err, ENOMEM, "read '%s'", l->name) : 0;
}

enum line lines_next(struct lines *l, const char **ret, size_t *ret_len)
{
	for (;;) {
		const char *start = l->buf.buf + l->at, *newline;
		size_t left = l->buf.len - l->at;

		newline = left ? memchr(start, '\n', left) : NULL;
		if (!newline && left > LINE_MAX_BYTES) {
			bool first = !l->skipping;

			l->at = l->buf.len;
			l->skipping = true;
			l->number += first;
			return first ? LINE_TOO_LONG : LINE_NONE;
		}
		if (!newline && (!l->eof || !left))
			return LINE_NONE;
		*ret = start;
		*ret_len = newline ? (size_t)(newline - start) : left;
		l->at += *ret_len + (newline != NULL);
		if (l->skipping) {
			l->skipping = false;
			continue;
		}
		l->number++;
		if (strspn(start, " \t\r") < *ret_len)
			return LINE_THERE;
	}
}

bool lines_ready(const struct lines *l)
{
	size_t left = l->buf.len - l->at;

	return left && (l->eof || memchr(l->buf.buf + l->at, '\n', left));
}
