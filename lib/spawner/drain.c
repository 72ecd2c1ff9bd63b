#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "lib/spawner/monitor.h"

/* What the program writes, into its log. */

int drain_pipes(int fds[3], struct msg_status *st)
{
	for (int i = 1; i <= 2; i++) {
		int p[2];

		if (pipe2(p, O_CLOEXEC) < 0)
			return fail(st, "make a pipe for the log");
		mon.pipes[i] = p[0];
		fds[i] = p[1];
	}
	return 0;
}

void drain(int stream)
{
	static char buf[65536];
	int fd = stream ? mon.pipes[stream] : mon.pty;
	ssize_t n;

	n = read(fd, buf, sizeof(buf));
	if (n > 0) {
		log_write(&mon.log, stream ? stream : 1, buf, (size_t)n);
		return;
	}
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (stream) {
		(void)close(fd);
		mon.pipes[stream] = -1;
	} else {
		mon.log_pty = false;
	}
}

void drain_all(void)
{
	for (int i = 1; i <= 2; i++)
		while (mon.pipes[i] >= 0)
			drain(i);
	if (mon.pty >= 0)
		(void)fcntl(mon.pty, F_SETFL, O_NONBLOCK);
	while (mon.log_pty) {
		struct pollfd p = { .fd = mon.pty, .events = POLLIN };

		if (poll(&p, 1, 0) <= 0)
			break;
		drain(0);
	}
}
