#include "lib/spawner/spawner.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/test.h"

/* In a network namespace of its own, which needs root. */
static bool enter(struct untouched *u)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd;

	if (unshare(CLONE_NEWNET) < 0)
		return false;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	check(fd >= 0 && !ioctl(fd, SIOCSIFFLAGS, &ifr));
	close(fd);
	untouched_begin(u);
	return true;
}

static void leave(struct untouched *u)
{
	for (int i = 0; i < UNTOUCHED_FILES; i++)
		if (u->files[i] >= 0)
			close(u->files[i]);
}

static void send_to(int family, const char *address)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(9) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(9) };
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (family == AF_INET) {
		check(inet_pton(family, address, &in.sin_addr) == 1);
		(void)sendto(fd, "x", 1, 0, (struct sockaddr *)&in, sizeof(in));
	} else {
		check(inet_pton(family, address, &in6.sin6_addr) == 1);
		(void)sendto(fd, "x", 1, 0, (struct sockaddr *)&in6, sizeof(in6));
	}
	close(fd);
}

TEST(sockets_that_send_nothing_are_no_trace)
{
	struct untouched u;
	struct sockaddr_in in = { .sin_family = AF_INET };
	int fd;

	if (!enter(&u))
		return;
	check(untouched_still(&u));
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	check(!bind(fd, (struct sockaddr *)&in, sizeof(in)) && !listen(fd, 1));
	close(fd);
	check(untouched_still(&u) && untouched_still(&u));
	leave(&u);
}

TEST(what_is_sent_is_a_trace)
{
	static const struct {
		int family;
		const char *address;
	} to[] = {
		{ AF_INET, "127.0.0.1" }, { AF_INET, "192.0.2.1" }, { AF_INET6, "::1" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(to); i++) {
		struct untouched u;

		if (!enter(&u))
			return;
		send_to(to[i].family, to[i].address);
		check(!untouched_still(&u));
		leave(&u);
	}
}

TEST(a_connection_that_is_refused_is_a_trace)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(9) };
	struct untouched u;
	int fd;

	if (!enter(&u))
		return;
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	check(connect(fd, (struct sockaddr *)&in, sizeof(in)) < 0);
	close(fd);
	check(!untouched_still(&u));
	leave(&u);
}

TEST(counters_that_cannot_be_read_say_touched)
{
	struct untouched u;

	for (int i = 0; i < UNTOUCHED_FILES; i++)
		u.files[i] = -1;
	check(!untouched_still(&u));
}

TEST_MAIN;
