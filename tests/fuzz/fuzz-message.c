/*
 * Any packet, with up to three descriptors, from a process of the static program:
 * it is refused, or its struct and body are whole and inside of the message, and
 * no descriptor is left open. The first byte says how many come along.
 */

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/spawner/message.h"

static struct message m;

static void send_packet(int sock, const void *data, size_t size, const int *fds, size_t n)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int) * 3)];
	} control = { .buf = { 0 } };
	struct iovec iov = { (void *)(uintptr_t)data, size };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (n) {
		struct cmsghdr *c;

		mh.msg_control = control.buf;
		mh.msg_controllen = CMSG_SPACE(sizeof(int) * n);
		c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * n);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * n);
	}
	if (sendmsg(sock, &mh, 0) != (ssize_t)size)
		abort();
}

static void check_message(void)
{
	volatile unsigned char sum = 0;

	if (m.h->version != MSG_VERSION || !m.h->type || m.h->body > MSG_BODY_MAX)
		abort();
	if (!m.map && m.body + m.h->body > m.buf + sizeof(m.buf))
		abort();
	if (m.map && m.map_len != m.h->body)
		abort();
	for (uint32_t i = 0; i < m.h->body; i++)
		sum = (unsigned char)(sum + (unsigned char)m.body[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fds[3] = { -1, -1, -1 };
	int sv[2], r;
	size_t n;

	if (fds[0] < 0)
		for (int i = 0; i < 3; i++)
			if ((fds[i] = memfd_create("t", MFD_CLOEXEC)) < 0 ||
			    ftruncate(fds[i], i * 100) < 0)
				abort();
	if (size < 2 || size > 100000)
		return 0;
	n = data[0] % 4;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv) < 0)
		abort();
	send_packet(sv[0], data + 1, size - 1, fds, n);
	r = msg_recv(sv[1], &m);
	if (r == 0)
		abort();
	if (r > 0) {
		check_message();
		msg_release(&m);
	}
	close(sv[0]);
	close(sv[1]);
	/* the next descriptor is the one that the socket had */
	if ((r = open("/dev/null", O_RDONLY | O_CLOEXEC)) != sv[0])
		abort();
	close(r);
	return 0;
}
