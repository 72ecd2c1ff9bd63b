#include "lib/client/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

enum { CTRL_P = 16, CTRL_Q = 17 };

/* For the ways out that do not come by terminal_close(). */
static struct termios saved;
static int saved_fd = -1;

static void restore(void)
{
	if (saved_fd >= 0)
		(void)tcsetattr(saved_fd, TCSANOW, &saved);
	saved_fd = -1;
}

static void restore_and_die(int sig)
{
	restore();
	(void)raise(sig);	/* SA_RESETHAND: now as if there were no handler */
}

int terminal_open(struct terminal *t, int in, int out, struct error *err)
{
	static const int deadly[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL };
	static bool registered;
	struct sigaction sa = { .sa_handler = restore_and_die, .sa_flags = (int)SA_RESETHAND };
	struct termios raw;

	*t = (struct terminal){ .in = in, .out = out, .master = -1 };
	if (tcgetattr(in, &saved) < 0)
		return err_sys(err, errno, "read the terminal's settings");
	if (!registered) {
		(void)atexit(restore);
		for (size_t i = 0; i < ARRAY_SIZE(deadly); i++)
			(void)sigaction(deadly[i], &sa, NULL);
	}
	registered = true;
	raw = saved;
	cfmakeraw(&raw);
	saved_fd = in;
	if (tcsetattr(in, TCSANOW, &raw) < 0)
		return err_sys(err, errno, "make the terminal raw");
	return 0;
}

void terminal_close(struct terminal *t)
{
	restore();
	if (t->master >= 0)
		(void)close(t->master);
	t->master = -1;
}

void terminal_size(int fd, unsigned short *rows, unsigned short *cols)
{
	struct winsize ws;

	*rows = 24;
	*cols = 80;
	if (!ioctl(fd, TIOCGWINSZ, &ws) && ws.ws_row && ws.ws_col) {
		*rows = ws.ws_row;
		*cols = ws.ws_col;
	}
}

void terminal_resize(struct terminal *t)
{
	struct winsize ws;

	if (t->master >= 0 && !ioctl(t->in, TIOCGWINSZ, &ws))
		(void)ioctl(t->master, TIOCSWINSZ, &ws);
}

int terminal_poll(const struct terminal *t, struct pollfd *p)
{
	if (t->master < 0)
		return 0;
	p[0] = (struct pollfd){ t->input_only ? -1 : t->master, POLLIN, 0 };
	p[1] = (struct pollfd){ t->in_eof ? -1 : t->in, POLLIN, 0 };
	return 2;
}

static int write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EAGAIN) {
			struct pollfd p = { fd, POLLOUT, 0 };

			(void)poll(&p, 1, -1);
			continue;
		}
		if (n < 0 && errno != EINTR)
			return -1;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

/*
 * Takes Ctrl-P Ctrl-Q out of what was typed; how many bytes are left to send. A
 * Ctrl-P at the end is sent: whoever typed it alone waits for its effect.
 */
static size_t find_detach(struct terminal *t, const char *buf, size_t len)
{
	for (size_t i = 0; i < len && t->detach_keys; i++) {
		if (t->prefix && buf[i] == CTRL_Q) {
			t->detached = true;
			return i ? i - 1 : 0;
		}
		t->prefix = buf[i] == CTRL_P;
	}
	return len;
}

static ssize_t copy_out(struct terminal *t)
{
	char buf[16384];
	ssize_t n = read(t->master, buf, sizeof(buf));

	if (n > 0)
		(void)write_all(t->out, buf, (size_t)n);
	return n;
}

/*
 * What was typed, to the program. One that prints faster than it reads would wait
 * for us while we wait for it, so its output goes on meanwhile.
 */
static void copy_in(struct terminal *t, const char *data, size_t len)
{
	(void)fcntl(t->master, F_SETFL, O_NONBLOCK);
	while (len) {
		struct pollfd p = { t->master, POLLOUT | (t->input_only ? 0 : POLLIN), 0 };
		ssize_t n = write(t->master, data, len);

		if (n > 0) {
			data += n;
			len -= (size_t)n;
			continue;
		}
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return;
		if (poll(&p, 1, -1) > 0 && (p.revents & POLLIN))
			(void)copy_out(t);
		else if (p.revents & (POLLHUP | POLLERR))
			return;
	}
}

void terminal_copy(struct terminal *t, const struct pollfd *p, int n)
{
	char buf[4096];
	ssize_t got;

	if (n < 2)
		return;
	got = p[0].revents ? copy_out(t) : 1;
	if (!got || (got < 0 && errno != EINTR && errno != EAGAIN)) {
		(void)close(t->master);	/* EIO: the other end is closed */
		t->master = -1;
		return;
	}
	if (!p[1].revents)
		return;
	got = read(t->in, buf, sizeof(buf));
	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (got <= 0) {
		t->in_eof = true;
		return;
	}
	got = (ssize_t)find_detach(t, buf, (size_t)got);
	copy_in(t, buf, (size_t)got);
}

void terminal_drain(struct terminal *t)
{
	if (t->master < 0 || t->input_only)
		return;
	(void)fcntl(t->master, F_SETFL, O_NONBLOCK);
	while (copy_out(t) > 0)
		;
}
