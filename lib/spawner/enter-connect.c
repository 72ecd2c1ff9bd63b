#include "lib/spawner/enter.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

/* Within one machine that is known at once; *errno is why. */
static bool is_refused(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	socklen_t size = sizeof(int);
	int error = 0;

	if (poll(&p, 1, 0) != 1 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		return false;
	errno = error;
	return error;
}

/* Never blocks: who gets the socket waits until it is connected. */
static int try_address(int family, const struct msg_connect *m)
{
	struct sockaddr_in v4 = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)m->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct sockaddr_in6 v6 = {
		.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)m->port),
		.sin6_addr = IN6ADDR_LOOPBACK_INIT,
	};
	const struct sockaddr *to = family == AF_INET ? (struct sockaddr *)&v4
						      : (struct sockaddr *)&v6;
	socklen_t size = family == AF_INET ? sizeof(v4) : sizeof(v6);
	int fd = socket(family, (m->udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC,
			0), saved;

	if (fd < 0 || !connect(fd, to, size) || (errno == EINPROGRESS && !is_refused(fd)))
		return fd;
	saved = errno;
	(void)close(fd);
	errno = saved;
	return -1;
}

void enter_connect(const struct msg_connect *m, int sock)
{
	struct msg_connect answer = *m;
	int fd = try_address(AF_INET, m), first = errno;

	if (fd < 0)
		fd = try_address(AF_INET6, m);
	answer.errnum = fd < 0 ? first : 0;
	answer.h = (struct msg_header){ .type = MSG_CONNECTED };
	(void)msg_send(sock, &answer, sizeof(answer), NULL, 0, &fd, fd >= 0);
	if (fd >= 0)
		(void)close(fd);
}
