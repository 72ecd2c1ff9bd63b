#include "lib/client/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "lib/base/macro.h"
#include "tests/unit/test.h"

/* A keyboard and a screen of pipes, a sandbox's terminal of a socket. */
struct bridge {
	struct terminal t;
	int keyboard, screen, program;
};

static struct bridge bridge(bool detach_keys)
{
	struct bridge b;
	int in[2], out[2], sv[2];

	check(!pipe2(in, O_CLOEXEC) && !pipe2(out, O_CLOEXEC | O_NONBLOCK));
	check(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv));
	b.t = (struct terminal){ .in = in[0], .out = out[1], .master = sv[0],
				 .detach_keys = detach_keys };
	b.keyboard = in[1];
	b.screen = out[0];
	b.program = sv[1];
	return b;
}

static void finish(struct bridge *b)
{
	terminal_close(&b->t);
	check(b->t.master == -1);
	close(b->t.in);
	close(b->t.out);
	close(b->keyboard);
	close(b->screen);
	close(b->program);
}

static void copy(struct bridge *b)
{
	struct pollfd p[2];
	int n = terminal_poll(&b->t, p);

	check(poll(p, (nfds_t)n, 60000) > 0);
	terminal_copy(&b->t, p, n);
}

static const char *take(int fd)
{
	static char text[256];
	ssize_t n = read(fd, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

/* Types each text in one go; what the program got, and whether we detached. */
static void types(const char *const *texts, const char *want, bool detached)
{
	struct bridge b = bridge(true);
	char got[512] = "";
	size_t n = 0;

	for (; *texts && !b.t.detached; texts++) {
		check(write(b.keyboard, *texts, strlen(*texts)) ==
		      (ssize_t)strlen(*texts));
		copy(&b);
		n += (size_t)snprintf(got + n, sizeof(got) - n, "%s", take(b.program));
	}
	check_str(got, want);
	check(b.t.detached == detached);
	finish(&b);
}

#define TYPES(want, detached, ...)	\
	types((const char *const []){ __VA_ARGS__, NULL }, want, detached)

TEST(detach_keys)
{
	TYPES("abc", false, "abc");
	TYPES("", true, "\x10\x11");
	TYPES("ab", true, "ab\x10\x11" "cd");
	TYPES("\x10", true, "\x10", "\x11");
	TYPES("a\x10", true, "a\x10", "\x11" "b");
	TYPES("\x10" "a\x11", false, "\x10" "a\x11");
	TYPES("\x11\x10", false, "\x11\x10");
	TYPES("\x10" "a\x11", false, "\x10", "a", "\x11");
	/* the last Ctrl-P counts */
	TYPES("\x10", true, "\x10\x10\x11");
	TYPES("\x10\x10", true, "\x10", "\x10", "\x11");
	TYPES("\x10", true, "\x10", "\x10\x11");
}

TEST(without_detach_keys_every_byte_goes_through)
{
	struct bridge b = bridge(false);

	check(write(b.keyboard, "\x10\x11\xff", 3) == 3);
	copy(&b);
	check_str(take(b.program), "\x10\x11\xff");
	check(!b.t.detached);
	finish(&b);
}

TEST(both_ways)
{
	struct bridge b = bridge(true);
	struct pollfd p[2];

	check(write(b.program, "out", 3) == 3);
	copy(&b);
	check_str(take(b.screen), "out");
	/* the keyboard's end does not end the output */
	close(b.keyboard);
	b.keyboard = -1;
	copy(&b);
	check(b.t.in_eof && terminal_poll(&b.t, p) == 2 && p[1].fd == -1);
	check(write(b.program, "more", 4) == 4);
	copy(&b);
	check_str(take(b.screen), "more");
	finish(&b);
}

TEST(a_program_that_closed_its_terminal)
{
	struct bridge b = bridge(true);
	struct pollfd p[2];

	close(b.program);
	b.program = -1;
	errno = EAGAIN;
	copy(&b);
	check(b.t.master == -1 && terminal_poll(&b.t, p) == 0);
	terminal_copy(&b.t, p, 0);
	terminal_drain(&b.t);
	terminal_resize(&b.t);
	finish(&b);
}

TEST(what_was_printed_last)
{
	struct bridge b = bridge(true);

	check(write(b.program, "last", 4) == 4);
	terminal_drain(&b.t);
	check_str(take(b.screen), "last");
	finish(&b);
}

/* A real pair, where the kernel has them. */
static int open_pty(int *ret_slave)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	check(master >= 0 && !grantpt(master) && !unlockpt(master));
	*ret_slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	check(*ret_slave >= 0);
	return master;
}

TEST(a_terminal_is_restored)
{
	struct termios before, raw, after;
	struct error err = { 0 };
	struct terminal t;
	int slave, master = open_pty(&slave);

	check(!tcgetattr(slave, &before) && (before.c_lflag & ECHO));
	check(!terminal_open(&t, slave, slave, &err));
	check(!tcgetattr(slave, &raw) && !(raw.c_lflag & (ECHO | ICANON | ISIG)));
	terminal_close(&t);
	check(!tcgetattr(slave, &after) && after.c_lflag == before.c_lflag);
	check(after.c_iflag == before.c_iflag && after.c_oflag == before.c_oflag);
	close(slave);
	close(master);

	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	check(terminal_open(&t, null, null, &err) == -1 && err.msg[0] && t.master == -1);
	close(null);
}

TEST(a_terminal_is_restored_when_we_crash)
{
	struct termios after;
	int slave, master = open_pty(&slave), status;
	pid_t pid = fork();

	if (!pid) {
		struct error err = { 0 };
		struct terminal t;

		check(!terminal_open(&t, slave, slave, &err));
		(void)raise(SIGSEGV);
		_exit(0);
	}
	check(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
	check(!tcgetattr(slave, &after) && (after.c_lflag & ECHO));
	close(slave);
	close(master);
}

TEST(sizes)
{
	struct winsize ws = { .ws_row = 50, .ws_col = 132 }, got;
	int slave, master = open_pty(&slave), slave2, master2 = open_pty(&slave2);
	struct terminal t = { .in = slave, .out = slave, .master = master2 };
	unsigned short rows, cols;
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	terminal_size(null, &rows, &cols);
	check(rows == 24 && cols == 80);
	terminal_size(slave, &rows, &cols);
	check(rows == 24 && cols == 80);
	check(!ioctl(slave, TIOCSWINSZ, &ws));
	terminal_size(slave, &rows, &cols);
	check(rows == 50 && cols == 132);
	terminal_resize(&t);
	check(!ioctl(slave2, TIOCGWINSZ, &got) && got.ws_row == 50 && got.ws_col == 132);
	close(null);
	close(slave);
	close(master);
	close(slave2);
	close(master2);
}

TEST_MAIN;
