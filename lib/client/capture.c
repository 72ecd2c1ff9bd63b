#include "lib/client/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* Of a drain: the largest pipe holds 1 MiB, and whoever still writes may go on. */
enum { PIECE = 65536, DRAIN_READS = 64 };

int capture_open(struct execution_capture *c, int *ret_theirs, struct error *err)
{
	int pipes[2];

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return err_sys(err, errno, "make a pipe");
	/* of our end only: theirs blocks, as a program expects */
	(void)fcntl(pipes[0], F_SETFL, O_NONBLOCK);
	c->fd = pipes[0];
	*ret_theirs = pipes[1];
	return 0;
}

static void keep(struct execution_capture *c, const char *data, size_t size)
{
	size_t room = c->text.limit - c->text.len;

	if (c->each)
		c->each(c->arg, c->stream, data, size);
	if (size > room)
		c->truncated = true;
	if (!strbuf_failed(&c->text))
		strbuf_add(&c->text, data, size < room ? size : room);
}

bool capture_read(struct execution_capture *c)
{
	char piece[PIECE];
	ssize_t n;

	if (c->fd < 0)
		return false;
	do
		n = read(c->fd, piece, sizeof(piece));
	while (n < 0 && errno == EINTR);
	if (n > 0) {
		keep(c, piece, (size_t)n);
		return true;
	}
	if (!n || errno != EAGAIN) {
		(void)close(c->fd);
		c->fd = -1;
	}
	return false;
}

void capture_drain(struct execution_capture *c)
{
	for (int i = 0; i < DRAIN_READS && capture_read(c); i++)
		;
}

char *capture_take(struct execution_capture *c, size_t *ret_size)
{
	char *data;

	*ret_size = c->text.len;
	data = strbuf_detach(&c->text);
	if (!data) {
		*ret_size = 0;
		c->truncated = true;
	}
	return data;
}

void capture_release(struct execution_capture *c)
{
	if (c->fd >= 0)
		(void)close(c->fd);
	c->fd = -1;
	strbuf_release(&c->text);
}
