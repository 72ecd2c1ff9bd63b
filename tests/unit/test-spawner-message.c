#include "lib/spawner/message.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/macro.h"
#include "tests/unit/test.h"

static struct message m;

static void pair(int sv[2])
{
	check(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv));
}

static void unpair(int sv[2])
{
	close(sv[0]);
	close(sv[1]);
}

static int open_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* The size of each type that there is; 0 for what is none. */
static const size_t sizes[] = {
    [MSG_SETUP] = sizeof(struct msg_setup),
    [MSG_LAYERS] = sizeof(struct msg_layers),
    [MSG_CREATE] = sizeof(struct msg_create),
    [MSG_SETUP_DONE] = sizeof(struct msg_status),
    [MSG_LAYERS_DONE] = sizeof(struct msg_status),
    [MSG_BUILD] = sizeof(struct msg_build),
    [MSG_RUN] = sizeof(struct msg_run),
    [MSG_SIGNAL] = sizeof(struct msg_signal),
    [MSG_CANCEL] = sizeof(struct msg_signal),
    [MSG_ADOPT] = sizeof(struct msg_signal),
    [MSG_JOURNAL] = sizeof(struct msg_signal),
    [MSG_RENEW] = sizeof(struct msg_signal),
    [MSG_BLANK] = sizeof(struct msg_status),
    [MSG_READY] = sizeof(struct msg_status),
    [MSG_STARTED] = sizeof(struct msg_started),
    [MSG_ENDED] = sizeof(struct msg_ended),
    [MSG_FAILED] = sizeof(struct msg_status),
    [MSG_STATE] = sizeof(struct msg_state),
    [MSG_UNSHARED] = sizeof(struct msg_status),
    [MSG_MAPPED] = sizeof(struct msg_signal),
    [MSG_EXEC] = sizeof(struct msg_run), [MSG_EXEC_SIGNAL] = sizeof(struct msg_exec),
    [MSG_EXEC_CANCEL] = sizeof(struct msg_exec), [MSG_EXEC_STARTED] = sizeof(struct msg_exec),
    [MSG_EXEC_ENDED] = sizeof(struct msg_ended), [MSG_CONNECT] = sizeof(struct msg_connect),
    [MSG_CONNECTED] = sizeof(struct msg_connect),
    [MSG_FREEZE] = sizeof(struct msg_signal), [MSG_THAW] = sizeof(struct msg_signal),
    [MSG_UPPER] = sizeof(struct msg_signal), [MSG_UPPER_IS] = sizeof(struct msg_status),
    [MSG_FROZEN] = sizeof(struct msg_status), [MSG_THAWED] = sizeof(struct msg_thawed),
};

TEST(every_type_arrives)
{
	int sv[2];

	pair(sv);
	for (unsigned int type = 1; type < ARRAY_SIZE(sizes); type++) {
		char buf[sizeof(struct msg_ended)] __attribute__((aligned(16)));
		struct msg_header *h = (void *)buf;

		memset(buf, 'x', sizeof(buf));
		h->type = (uint16_t)type;
		check(sizes[type]);
		check(!msg_send(sv[0], buf, sizes[type], "body", 4, NULL, 0));
		check(msg_recv(sv[1], &m) == 1);
		check(m.h->type == type && m.h->version == MSG_VERSION && m.h->body == 4);
		check(!memcmp(m.h, buf, sizes[type]) && !memcmp(m.body, "body", 4));
		msg_release(&m);
	}
	check(msg_recv(sv[1], &m) == -EAGAIN);
	check(msg_recv_now(sv[1], &m) == -EAGAIN);
	unpair(sv);
}

TEST(bodies_inline_and_not)
{
	static const size_t lens[] = {0,       1,	    MSG_INLINE, MSG_INLINE + 1,
				      1 << 20, MSG_BODY_MAX};
	char *body = malloc(MSG_BODY_MAX + 1);
	int sv[2], before;

	for (size_t i = 0; i <= MSG_BODY_MAX; i++)
		body[i] = (char)(i * 31);
	pair(sv);
	before = open_fds();
	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		struct msg_run run = { .h.type = MSG_RUN };

		check(!msg_send(sv[0], &run, sizeof(run), body, lens[i], NULL, 0));
		check(msg_recv(sv[1], &m) == 1);
		check(m.h->body == lens[i] && !memcmp(m.body, body, lens[i]));
		check(!!(m.h->flags & MSG_BODY_FD) == (lens[i] > MSG_INLINE));
		check(m.n_fds == 0);
		msg_release(&m);
		check(!m.map && open_fds() == before);
	}
	struct msg_run run = { .h.type = MSG_RUN };

	check(msg_send(sv[0], &run, sizeof(run), body, MSG_BODY_MAX + 1, NULL, 0) ==
	      -E2BIG);
	check(msg_recv(sv[1], &m) == -EAGAIN);
	unpair(sv);
	free(body);
}

TEST(descriptors_arrive_in_order)
{
	int sv[2], fds[MSG_FDS], before = open_fds();
	struct msg_run run = { .h.type = MSG_RUN };
	static char body[MSG_INLINE + 9];

	pair(sv);
	for (int i = 0; i < MSG_FDS; i++) {
		fds[i] = memfd_create("t", MFD_CLOEXEC);
		check(ftruncate(fds[i], i + 1) == 0);
	}
	/* the body's is the last, and no descriptor of the message's own */
	check(!msg_send(sv[0], &run, sizeof(run), body, sizeof(body), fds, MSG_FDS - 1));
	check(msg_recv(sv[1], &m) == 1 && m.n_fds == MSG_FDS - 1);
	for (int i = 0; i < m.n_fds; i++) {
		struct stat st;

		check(!fstat(m.fds[i], &st) && st.st_size == i + 1);
		check(fcntl(m.fds[i], F_GETFD) & FD_CLOEXEC);
	}
	int taken = msg_take_fd(&m, 3);

	check(taken >= 0 && msg_take_fd(&m, 3) == -1);
	check(msg_take_fd(&m, -1) == -1 && msg_take_fd(&m, MSG_FDS - 1) == -1);
	msg_release(&m);
	check(fcntl(taken, F_GETFD) >= 0);
	close(taken);

	check(msg_send(sv[0], &run, sizeof(run), NULL, 0, fds, MSG_FDS) == -E2BIG);
	check(msg_send(sv[0], &run, sizeof(run), NULL, 0, fds, -1) == -E2BIG);
	for (int i = 0; i < MSG_FDS; i++)
		close(fds[i]);
	unpair(sv);
	check(open_fds() == before);
}

/* Sends raw bytes, maybe with a descriptor, and requires that they are refused. */
static void refused(const void *data, size_t len, int fd)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control = { .buf = { 0 } };
	struct iovec iov = { (void *)(uintptr_t)data, len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	int sv[2], before = open_fds();

	pair(sv);
	if (fd >= 0) {
		mh.msg_control = control.buf;
		mh.msg_controllen = sizeof(control.buf);
		CMSG_FIRSTHDR(&mh)->cmsg_level = SOL_SOCKET;
		CMSG_FIRSTHDR(&mh)->cmsg_type = SCM_RIGHTS;
		CMSG_FIRSTHDR(&mh)->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&mh)), &fd, sizeof(int));
	}
	check(sendmsg(sv[0], &mh, 0) == (ssize_t)len);
	check(msg_recv(sv[1], &m) == -EPROTO);
	check(!m.n_fds && !m.map);
	unpair(sv);
	check(open_fds() == before);
}

TEST(what_is_not_a_message)
{
	struct msg_signal ok = { .h = { MSG_SIGNAL, MSG_VERSION, 0, 0 } }, s = ok;
	static char huge[sizeof(m.buf) + 100];
	char longer[sizeof(ok) + 5] = { 0 };
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	refused("x", 1, null);
	refused(&ok, sizeof(ok) - 1, -1);
	refused(&ok, sizeof(ok.h), -1);
	for (unsigned int type = 0; type < 0x10000; type += type < 64 ? 1 : 4099)
		if (type >= ARRAY_SIZE(sizes) || !sizes[type]) {
			s.h.type = (uint16_t)type;
			refused(&s, sizeof(s), -1);
		}
	s = ok;
	s.h.version++;
	refused(&s, sizeof(s), null);
	s = ok;
	s.h.body = 1;
	refused(&s, sizeof(s), -1);
	s.h.body = UINT32_MAX;
	refused(&s, sizeof(s), -1);
	/* more than it says */
	memcpy(longer, &ok, sizeof(ok));
	refused(longer, sizeof(longer), -1);
	/* cut by the buffer's size */
	memcpy(huge, &ok, sizeof(ok));
	((struct msg_header *)(void *)huge)->body = sizeof(huge) - sizeof(ok);
	refused(huge, sizeof(huge), null);
	close(null);
}

TEST(a_body_elsewhere_must_be_what_it_says)
{
	struct msg_signal s = { .h = { MSG_SIGNAL, MSG_VERSION, MSG_BODY_FD, 100 } };
	int small = memfd_create("t", MFD_CLOEXEC),
	    null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	check(!ftruncate(small, 99));
	refused(&s, sizeof(s), -1);
	refused(&s, sizeof(s), small);
	refused(&s, sizeof(s), null);
	check(!ftruncate(small, MSG_BODY_MAX + 1));
	s.h.body = MSG_BODY_MAX + 1;
	refused(&s, sizeof(s), small);
	close(small);
	close(null);
}

TEST(more_descriptors_than_there_is_room_for)
{
	enum { N = MSG_FDS + 4 };
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int) * N)];
	} control = { .buf = { 0 } };
	struct msg_signal s = { .h = { MSG_SIGNAL, MSG_VERSION, 0, 0 } };
	struct iovec iov = { &s, sizeof(s) };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf,
			     .msg_controllen = sizeof(control.buf) };
	int sv[2], fds[N], before = open_fds();

	pair(sv);
	for (int i = 0; i < N; i++)
		fds[i] = 0;
	CMSG_FIRSTHDR(&mh)->cmsg_level = SOL_SOCKET;
	CMSG_FIRSTHDR(&mh)->cmsg_type = SCM_RIGHTS;
	CMSG_FIRSTHDR(&mh)->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(CMSG_FIRSTHDR(&mh)), fds, sizeof(fds));
	check(sendmsg(sv[0], &mh, 0) == sizeof(s));
	check(msg_recv(sv[1], &m) == -EPROTO);
	unpair(sv);
	check(open_fds() == before);
}

TEST(the_other_side_is_gone)
{
	struct msg_signal s = { .h.type = MSG_SIGNAL };
	int sv[2];

	pair(sv);
	check(!msg_send(sv[0], &s, sizeof(s), NULL, 0, NULL, 0));
	close(sv[0]);
	check(msg_recv(sv[1], &m) == 1);
	msg_release(&m);
	check(msg_recv(sv[1], &m) == 0);
	check(msg_send(sv[1], &s, sizeof(s), NULL, 0, NULL, 0) == -EPIPE);
	close(sv[1]);
}

TEST(what_was_said_before_leaving_is_heard)
{
	struct msg_status st = { .h.type = MSG_FAILED, .errnum = ENOSPC };
	struct msg_signal s = { .h.type = MSG_SIGNAL };
	int sv[2];

	pair(sv);
	check(!msg_send(sv[1], &s, sizeof(s), NULL, 0, NULL, 0));
	check(!msg_send(sv[0], &st, sizeof(st), NULL, 0, NULL, 0));
	/* with our message unread */
	close(sv[0]);
	check(msg_recv_now(sv[1], &m) == 1);
	check(m.h->type == MSG_FAILED && ((const struct msg_status *)m.h)->errnum == ENOSPC);
	msg_release(&m);
	check(msg_recv_now(sv[1], &m) == 0);
	close(sv[1]);
	/* and when it had nothing to say */
	pair(sv);
	check(!msg_send(sv[1], &s, sizeof(s), NULL, 0, NULL, 0));
	close(sv[0]);
	check(msg_recv(sv[1], &m) == 0);
	close(sv[1]);
}

TEST_MAIN;
