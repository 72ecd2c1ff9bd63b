#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/executor/executor.h"

/*
 * The door
 * ========
 *
 * To connect wakes us up, and so does the request that follows; a run that is over in a
 * millisecond pays for both. Whoever is in a hurry makes a pair of stream sockets, writes the
 * request to one, and sends the other one as a message to run/door.sock: the
 * session comes with its request in it. All else is as after a connect, the peer's
 * credentials included, which a pair has of whoever made it.
 */

enum { AT_ONCE = 64 };

static int stream_of(struct msghdr *mh)
{
	int fd = -1, type = 0;
	socklen_t len = sizeof(type);

	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c; c = CMSG_NXTHDR(mh, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || fd >= 0)
			continue;
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	}
	if (fd < 0)
		return -1;
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 || type != SOCK_STREAM ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) < 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

static void on_knock(struct source *source, uint32_t events)
{
	struct executor *x = (void *)((char *)source - offsetof(struct executor, door));

	(void)events;
	for (int i = 0; i < AT_ONCE; i++) {
		union {
			struct cmsghdr align;
			char buf[CMSG_SPACE(sizeof(int))];
		} control;
		char byte;
		struct iovec iov = { &byte, 1 };
		struct msghdr mh = {
			.msg_iov = &iov, .msg_iovlen = 1,
			/* for one, not for what alignment adds: the kernel closes the others */
			.msg_control = control.buf, .msg_controllen = CMSG_LEN(sizeof(int)),
		};
		int fd;

		if (recvmsg(source->fd, &mh, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) < 0)
			return;
		fd = stream_of(&mh);
		if (fd >= 0)
			session_admit(x, fd);
	}
}

int door_open(struct executor *x, struct error *err)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	cleanup_close int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return err_sys(err, errno, "make a socket");
	/* by descriptor: a state folder's path may be longer than sun_path */
	(void)snprintf(sa.sun_path, sizeof(sa.sun_path), "/proc/self/fd/%d/door.sock",
		       x->run_dir);
	(void)unlinkat(x->run_dir, "door.sock", 0);
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return err_sys(err, errno, "bind '%s/run/door.sock'", x->state_path);
	x->door = (struct source){ .fd = TAKE_FD(fd), .ready = on_knock };
	return event_add(x, &x->door, EPOLLIN, err);
}

void door_close(struct executor *x)
{
	event_remove(x, &x->door);
	(void)close(x->door.fd);
	(void)unlinkat(x->run_dir, "door.sock", 0);
}
