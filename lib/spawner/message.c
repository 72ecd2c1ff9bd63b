#include "lib/spawner/message.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static size_t size_of(unsigned int type)
{
	switch (type) {
	case MSG_SETUP:
		return sizeof(struct msg_setup);
	case MSG_LAYERS:
		return sizeof(struct msg_layers);
	case MSG_CREATE:
		return sizeof(struct msg_create);
	case MSG_BUILD:
		return sizeof(struct msg_build);
	case MSG_RUN:
	case MSG_EXEC:
		return sizeof(struct msg_run);
	case MSG_SIGNAL:
	case MSG_CANCEL:
	case MSG_ADOPT:
	case MSG_RENEW:
	case MSG_JOURNAL:
	case MSG_MAPPED:
	case MSG_FREEZE:
	case MSG_THAW:
	case MSG_UPPER:
		return sizeof(struct msg_signal);
	case MSG_STARTED:
		return sizeof(struct msg_started);
	case MSG_ENDED:
	case MSG_EXEC_ENDED:
		return sizeof(struct msg_ended);
	case MSG_CONNECT:
	case MSG_CONNECTED:
		return sizeof(struct msg_connect);
	case MSG_EXEC_SIGNAL:
	case MSG_EXEC_CANCEL:
	case MSG_EXEC_STARTED:
		return sizeof(struct msg_exec);
	case MSG_THAWED:
		return sizeof(struct msg_thawed);
	case MSG_STATE:
		return sizeof(struct msg_state);
	case MSG_SETUP_DONE:
	case MSG_LAYERS_DONE:
	case MSG_READY:
	case MSG_BLANK:
	case MSG_FAILED:
	case MSG_UNSHARED:
	case MSG_FROZEN:
	case MSG_UPPER_IS:
		return sizeof(struct msg_status);
	default:
		return 0;
	}
}

static int body_memfd(const void *body, size_t len)
{
	int fd = memfd_create("faas-body", MFD_CLOEXEC);
	size_t done = 0;

	if (fd < 0)
		return -errno;
	while (done < len) {
		ssize_t n = write(fd, (const char *)body + done, len - done);

		if (n < 0) {
			int r = -errno;

			(void)close(fd);
			return r;
		}
		done += (size_t)n;
	}
	return fd;
}

int msg_send(int fd, void *msg, size_t size, const void *body, size_t body_len,
	     const int *fds, int n_fds)
{
	struct msg_header *h = msg;
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int) * MSG_FDS)];
	} control;
	struct iovec iov[2] = {
		{ msg, size }, { (void *)(uintptr_t)body, body_len },
	};
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = body_len ? 2 : 1 };
	int all[MSG_FDS], memfd = -1, r = 0;

	h->version = MSG_VERSION;
	h->body = (uint32_t)body_len;
	h->flags &= ~(uint32_t)MSG_BODY_FD;
	if (n_fds < 0 || n_fds >= MSG_FDS || body_len > MSG_BODY_MAX)
		return -E2BIG;
	if (n_fds)
		memcpy(all, fds, sizeof(int) * (size_t)n_fds);
	if (body_len > MSG_INLINE) {
		memfd = body_memfd(body, body_len);
		if (memfd < 0)
			return memfd;
		h->flags |= MSG_BODY_FD;
		mh.msg_iovlen = 1;
		all[n_fds++] = memfd;
	}
	if (n_fds) {
		struct cmsghdr *c;

		mh.msg_control = control.buf;
		mh.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)n_fds);
		memset(control.buf, 0, mh.msg_controllen);
		c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)n_fds);
		memcpy(CMSG_DATA(c), all, sizeof(int) * (size_t)n_fds);
	}
	while (sendmsg(fd, &mh, MSG_NOSIGNAL) < 0) {
		if (errno == EINTR)
			continue;
		r = errno == ECONNRESET ? -EPIPE : -errno;
		break;
	}
	if (memfd >= 0)
		(void)close(memfd);
	return r;
}

static void take_control(struct message *m, struct msghdr *mh)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c; c = CMSG_NXTHDR(mh, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int got;

			memcpy(&got, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (m->n_fds < MSG_FDS)
				m->fds[m->n_fds++] = got;
			else
				(void)close(got);
		}
	}
}

static int map_body(struct message *m)
{
	struct stat st;
	int fd;

	if (!m->n_fds || m->h->body > MSG_BODY_MAX)
		return -EPROTO;
	fd = m->fds[--m->n_fds];
	if (fstat(fd, &st) < 0 || st.st_size != (off_t)m->h->body) {
		(void)close(fd);
		return -EPROTO;
	}
	m->map_len = m->h->body;
	m->map = mmap(NULL, m->map_len, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	(void)close(fd);
	if (m->map == MAP_FAILED) {
		m->map = NULL;
		return -errno;
	}
	m->body = m->map;
	return 0;
}

static int receive(int fd, struct message *m, int flags)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int) * MSG_FDS)];
	} control;
	struct iovec iov = { m->buf, sizeof(m->buf) };
	struct msghdr mh = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.buf, .msg_controllen = sizeof(control.buf),
	};
	size_t size;
	ssize_t n;
	int r = -EPROTO;
	bool valid, again = true;

	m->n_fds = 0;
	m->map = NULL;
	m->h = (const struct msg_header *)m->buf;
	do {
		n = recvmsg(fd, &mh, MSG_CMSG_CLOEXEC | flags);
		/* it left without reading what we said, and comes before what it said last */
		if (n < 0 && errno == ECONNRESET && again)
			again = false;
		else if (n >= 0 || errno != EINTR)
			break;
	} while (true);
	if (n < 0)
		return errno == ECONNRESET ? 0 : -errno;
	if (!n)
		return 0;
	take_control(m, &mh);

	if ((size_t)n > m->used)
		m->used = (size_t)n;
	size = (size_t)n >= sizeof(*m->h) ? size_of(m->h->type) : 0;
	valid = size && (size_t)n >= size && m->h->version == MSG_VERSION &&
		!(mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC));
	if (valid && (m->h->flags & MSG_BODY_FD)) {
		r = map_body(m);
	} else if (valid && m->h->body == (size_t)n - size) {
		m->body = m->buf + size;
		r = 0;
	}
	if (r < 0) {
		msg_release(m);
		return r;
	}
	return 1;
}

int msg_recv(int fd, struct message *m)
{
	return receive(fd, m, 0);
}

int msg_recv_now(int fd, struct message *m)
{
	return receive(fd, m, MSG_DONTWAIT);
}

void msg_release(struct message *m)
{
	int saved = errno;

	for (int i = 0; i < m->n_fds; i++)
		if (m->fds[i] >= 0)
			(void)close(m->fds[i]);
	m->n_fds = 0;
	if (m->map)
		(void)munmap(m->map, m->map_len);
	m->map = NULL;
	errno = saved;
}

int msg_take_fd(struct message *m, int i)
{
	int fd;

	if (i < 0 || i >= m->n_fds)
		return -1;
	fd = m->fds[i];
	m->fds[i] = -1;
	return fd;
}
