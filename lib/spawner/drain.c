#include "lib/spawner/drain.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

int drain_pipes(struct output *out, int fds[3], struct msg_status *st)
{
	for (int i = 1; i <= 2; i++) {
		int p[2];

		if (pipe2(p, O_CLOEXEC) < 0)
			return fail(st, "make a pipe for the log");
		out->pipes[i] = p[0];
		fds[i] = p[1];
	}
	return 0;
}

static char buf[65536];
static size_t used;		/* the most that was ever in it */

void drain(struct output *out, int stream)
{
	int fd = stream ? out->pipes[stream] : out->pty;
	ssize_t n = read(fd, buf, sizeof(buf));

	if (n > 0) {
		used = (size_t)n > used ? (size_t)n : used;
		log_write(&out->log, stream ? stream : 1, buf, (size_t)n);
		return;
	}
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (stream) {
		(void)close(fd);
		out->pipes[stream] = -1;
	} else {
		out->log_pty = false;
	}
}

void drain_rest(struct output *out)
{
	for (int stream = 0; stream <= 2; stream++)
		while (stream ? out->pipes[stream] >= 0 : out->log_pty) {
			struct pollfd p = {
				.fd = stream ? out->pipes[stream] : out->pty, .events = POLLIN
			};

			if (poll(&p, 1, 0) <= 0)
				break;
			drain(out, stream);
		}
}

void drain_all(struct output *out)
{
	for (int i = 1; i <= 2; i++)
		while (out->pipes[i] >= 0)
			drain(out, i);
	if (out->pty >= 0)
		(void)fcntl(out->pty, F_SETFL, O_NONBLOCK);
	drain_rest(out);
}

void drain_close(struct output *out)
{
	const int fds[] = {
		out->pty, out->pipes[1], out->pipes[2], out->log.dir, out->log.file,
	};

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
	*out = (struct output)NO_OUTPUT;
}

void drain_forget(void)
{
	explicit_bzero(buf, used);
	used = 0;
}
