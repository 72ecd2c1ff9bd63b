#include "cmd/quick.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/client/execution.h"
#include "lib/spawner/brief.h"
#include "lib/wire/wire.h"

struct quick quick;

#if defined(__x86_64__)

#include "cmd/quick-text.h"

/* Beside what it calls: one page of the file, not two. */
__asm__(".text\n"
	".globl quick_entry\n"
	".hidden quick_entry\n"
	".type quick_entry, @function\n"
	"quick_entry:\n"
	"	endbr64\n"
	"	mov %rsp, %rdi\n"
	"	push %rdx\n"
	"	push %rbp\n"
	"	call quick_start\n"
	"	pop %rbp\n"
	"	pop %rdx\n"
	/* libc finds stack and registers as the kernel made them */
	"	jmp _start\n"
	".size quick_entry, . - quick_entry\n");

enum {
	REQUEST_MAX	= 16 * 1024,
	PATH_SIZE	= 1024,
	SIGNAL_SET	= 8,		/* bytes of the kernel's signal set */
	TERMIOS_SIZE	= 64,		/* more than the kernel's */
};

#define REQUEST_NUMBER	1		/* 0 is hello's */
#define STRINGIFY(x)	#x
#define TEXT_OF(x)	STRINGIFY(x)

/* ---- what was asked for ---- */

struct asked {
	const char *mode, *environment;
	const char *const *words;
	const char *home, *state, *xdg_state, *xdg_config, *system_config;
};

/* A name that needs no look at what it stands for. */
static bool plain(const char *s)
{
	if (!*s || *s == '-')
		return false;
	for (; *s; s++)
		if (!((*s >= 'a' && *s <= 'z') || (*s >= '0' && *s <= '9') || *s == '-'))
			return false;
	return true;
}

/* "--name=value" or "--name value"; how many words it was, 0: another option. */
static int option(const char *const *argv, const char *name, const char **ret)
{
	size_t n = length(name);

	if (!begins(argv[0], name))
		return 0;
	*ret = argv[0][n] == '=' ? argv[0] + n + 1 : argv[1];
	if ((argv[0][n] && argv[0][n] != '=') || !*ret || !plain(*ret))
		return 0;
	return argv[0][n] ? 1 : 2;
}

static bool read_words(const char *const *argv, struct asked *ask)
{
	if (!argv[0] || !argv[1] || !same(argv[1], "execute"))
		return false;
	argv += 2;
	while (*argv && !same(*argv, "--")) {
		int n = option(argv, "--mode", &ask->mode);

		if (!n)
			n = option(argv, "--env", &ask->environment);
		if (!n)
			return false;
		argv += n;
	}
	if (!*argv || !argv[1] || !*argv[1])
		return false;
	ask->words = argv + 1;
	return same(ask->mode, "ephemeral") || same(ask->mode, "cached");
}

/* The value when it is this variable's, and it has one. */
static void variable(const char *entry, const char *name, const char **ret)
{
	if (begins(entry, name) && entry[length(name)])
		*ret = entry + length(name);
}

static bool read_variables(const char *const *envp, struct asked *ask)
{
	for (; *envp; envp++) {
		const char *e = *envp;

		variable(e, "HOME=", &ask->home);
		variable(e, "XDG_STATE_HOME=", &ask->xdg_state);
		variable(e, "XDG_CONFIG_HOME=", &ask->xdg_config);
		if (!begins(e, "FAAS_"))
			continue;
		variable(e, "FAAS_STATE_DIR=", &ask->state);
		variable(e, "FAAS_SYSTEM_CONFIG=", &ask->system_config);
		/* only these say nothing about a run that an executor is there for */
		if (!begins(e, "FAAS_STATE_DIR=") && !begins(e, "FAAS_SYSTEM_CONFIG=") &&
		    !begins(e, "FAAS_IDLE_TIMEOUT=") &&
		    !begins(e, "FAAS_MAX_RUNS=") && !begins(e, "FAAS_PROGRAM=") &&
		    !begins(e, "FAAS_TEST_") && !begins(e, "FAAS_STORE=") &&
		    !begins(e, "FAAS_COLOR=") && !begins(e, "FAAS_PAGER="))
			return false;
	}
	return true;
}

/* ---- no configuration ---- */

static bool absent(const char *path)
{
	long r = CALL(SYS_access, path, F_OK, 0, 0);

	return r == -ENOENT || r == -ENOTDIR;
}

static bool absent_below(const char *dir, const char *name)
{
	char path[PATH_SIZE];
	struct text t = { path, 0, sizeof(path), false };

	adds(&t, dir);
	adds(&t, name);
	return !t.bad && *dir == '/' && absent(path);
}

static bool unconfigured(const struct asked *ask)
{
	static const char name[] = "/.faas/config";
	char cwd[PATH_SIZE];
	long n = CALL(SYS_getcwd, cwd, PATH_SIZE - (long)sizeof(name), 0, 0);

	if (n < 2 || *cwd != '/')
		return false;
	/* here, and in each folder above; n counts the NUL */
	for (size_t len = (size_t)n - 1;;) {
		if (len == 1)
			len = 0;
		copy(cwd + len, name, sizeof(name));
		if (!absent(cwd))
			return false;
		if (!len)
			break;
		while (len && cwd[len - 1] != '/')
			len--;
		if (len > 1)
			len--;
	}
	if (ask->xdg_config ? !absent_below(ask->xdg_config, "/faas/config")
	    : !ask->home || !absent_below(ask->home, "/.config/faas/config"))
		return false;
	return absent_below(ask->system_config ? ask->system_config : "/etc/faas/config", "");
}

/* ---- the request ---- */

static bool terminal(void)
{
	char termios[TERMIOS_SIZE];

	return !CALL(SYS_ioctl, 0, TCGETS, termios, 0) &&
		!CALL(SYS_ioctl, 1, TCGETS, termios, 0);
}

/* The address of run/NAME in the state folder. */
static bool address(const struct asked *ask, const char *name, struct sockaddr_un *sa)
{
	struct text path = { sa->sun_path, 0, sizeof(sa->sun_path), false };
	const char *below = "";

	clear(sa, sizeof(*sa));
	sa->sun_family = AF_UNIX;
	if (ask->state) {
		adds(&path, ask->state);
	} else if (!CALL(SYS_geteuid, 0, 0, 0, 0)) {
		adds(&path, "/var/lib/faas");
	} else if (ask->xdg_state && *ask->xdg_state == '/') {
		adds(&path, ask->xdg_state);
		below = "/faas";
	} else if (ask->home) {
		adds(&path, ask->home);
		below = "/.local/state/faas";
	}
	adds(&path, below);
	adds(&path, "/run/");
	adds(&path, name);
	return !path.bad && *sa->sun_path == '/';
}

static void close_fd(int fd)
{
	(void)CALL(SYS_close, fd, 0, 0, 0);
}

static bool make_id(char id[ID_SIZE])
{
	unsigned char bytes[ID_LEN];

	if (CALL(SYS_getrandom, bytes, sizeof(bytes), 0, 0) != sizeof(bytes))
		return false;
	id_from(bytes, id);
	return true;
}

static size_t frame_begin(struct text *t)
{
	add(t, "\0\0\0\0", 4);
	return t->len;
}

static void frame_end(struct text *t, size_t start)
{
	uint32_t len = (uint32_t)(t->len - start);

	if (!t->bad)
		copy(t->p + start - 4, (const char *)&len, 4);
}

/* The same bytes that lib/client would send; a test compares them. */
static void write_request(struct text *t, const struct asked *ask)
{
	size_t start = frame_begin(t);

	adds(t, "{\"id\":0,\"op\":\"hello\",\"params\":{\"version\":" TEXT_OF(WIRE_VERSION_NUMBER)
	     ",\"client\":\"faas " FAAS_VERSION "\",\"quiet\":true}}");
	frame_end(t, start);
	start = frame_begin(t);
	adds(t, "{\"id\":" TEXT_OF(REQUEST_NUMBER) ",\"op\":\"execution.create\",\"params\":{\"steps\":[[[");
	for (const char *const *w = ask->words; *w; w++) {
		if (w != ask->words)
			adds(t, ",");
		add_word(t, *w);
	}
	adds(t, "]]],\"environment\":");
	add_word(t, ask->environment);
	adds(t, ",\"mode\":");
	add_word(t, ask->mode);
	adds(t, ",\"network\":\"none\",\"limits\":{},\"env\":{},\"labels\":{},\"brief\":true,\"id\":");
	add_word(t, quick.id);
	adds(t, ",\"stdin\":true,\"stdio\":true},\"fds\":3}");
	frame_end(t, start);
}

static void watch_signals(void)
{
	uint64_t mask = 0;

#define X(sig) mask |= 1ull << (sig - 1);
	EXECUTION_SIGNALS(X)
#undef X
	(void)CALL(SYS_rt_sigprocmask, SIG_BLOCK, &mask, &quick.mask_before, SIGNAL_SET);
	quick.signals = (int)CALL(SYS_signalfd4, -1, &mask, SIGNAL_SET,
				  SFD_CLOEXEC | SFD_NONBLOCK);
}

static void ignore_signals(void)
{
	if (quick.signals >= 0)
		close_fd(quick.signals);
	(void)CALL(SYS_rt_sigprocmask, SIG_SETMASK, &quick.mask_before, NULL, SIGNAL_SET);
}

/* One message with descriptors; to: where a socket that is not connected sends it, or NULL. */
static bool send_with(int fd, const struct sockaddr_un *to, const char *data, size_t len,
		      const int *fds, int n)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(3 * sizeof(int))];
	} control;
	struct iovec iov = { (char *)(uintptr_t)data, len };
	struct msghdr mh;
	size_t bytes = (size_t)n * sizeof(int);

	clear(&mh, sizeof(mh));
	clear(&control, sizeof(control));
	if (to) {
		mh.msg_name = (void *)(uintptr_t)to;
		mh.msg_namelen = sizeof(*to);
	}
	mh.msg_iov = &iov;
	mh.msg_iovlen = 1;
	mh.msg_control = control.buf;
	mh.msg_controllen = CMSG_SPACE(bytes);
	control.align.cmsg_level = SOL_SOCKET;
	control.align.cmsg_type = SCM_RIGHTS;
	control.align.cmsg_len = CMSG_LEN(bytes);
	copy((char *)CMSG_DATA(&control.align), (const char *)fds, bytes);
	/* of a fresh socket the whole fits, or nothing is taken */
	return CALL(SYS_sendmsg, fd, &mh, MSG_NOSIGNAL | MSG_DONTWAIT, 0) == (long)len;
}

static bool send_request(int fd, const struct text *t)
{
	int fds[3];

	for (int i = 0; i < 3; i++)
		fds[i] = i;
	return send_with(fd, NULL, t->p, t->len, fds, 3);
}

/* By lib/executor/door.c: connected and asked in one; the socket, or -1. */
static int ask_at_door(const struct asked *ask, const struct text *t)
{
	struct sockaddr_un sa;
	int pair[2];
	long door;
	bool sent;

	if (!address(ask, "door.sock", &sa) ||
	    CALL(SYS_socketpair, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	door = CALL(SYS_socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, 0);
	/* below 3 they would be of those that are handed over */
	sent = pair[0] >= 3 && pair[1] >= 3 && door >= 3 && send_request(pair[0], t) &&
		send_with((int)door, &sa, "", 1, pair + 1, 1);
	if (door >= 0)
		close_fd((int)door);
	close_fd(pair[1]);
	if (sent)
		return pair[0];
	close_fd(pair[0]);
	return -1;
}

static int ask_executor(const struct asked *ask, const struct text *t)
{
	struct sockaddr_un sa;
	long fd = -1;

	if (!address(ask, "executor.sock", &sa))
		return -1;
	fd = CALL(SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, 0);
	if (fd >= 3 && CALL(SYS_connect, fd, &sa, sizeof(sa), 0) >= 0 &&
	    send_request((int)fd, t))
		return (int)fd;
	if (fd >= 0)
		close_fd((int)fd);
	return -1;
}

/* ---- the answer ---- */

static const char *skip(const char *p, const char *expected)
{
	return p && begins(p, expected) ? p + length(expected) : NULL;
}

/* The exit status of a program that ended as most do, else -1. */
static int plain_end(void)
{
	const char *p = quick.answer + 4;
	int status = 0;

	p = skip(p, BRIEF_REQUEST TEXT_OF(REQUEST_NUMBER) BRIEF_ID);
	p = skip(p, quick.id);
	p = skip(p, BRIEF_CODE);
	if (!p || *p < '0' || *p > '9')
		return -1;
	while (*p >= '0' && *p <= '9' && status < 256)
		status = status * 10 + (*p++ - '0');
	p = skip(p, BRIEF_END);
	return p && !*p && status < 256 ? status : -1;
}

static bool whole(void)
{
	uint32_t len;

	if (quick.received < 4)
		return false;
	copy((char *)&len, quick.answer, 4);
	return quick.received == len + 4;
}

/* Waits; true when the frame is here, false when the ordinary program goes on. */
static bool receive(void)
{
	while (!whole()) {
		struct pollfd p[2] = { { quick.socket, POLLIN, 0 }, { quick.signals, POLLIN, 0 } };
		long n = CALL(SYS_poll, p, 2, -1, 0);

		if (n < 0 || p[1].revents)
			return false;
		n = CALL(SYS_read, quick.socket, quick.answer + quick.received,
			 QUICK_ANSWER - 1 - quick.received, 0);
		if (n <= 0)
			return false;
		quick.received += (unsigned int)n;
	}
	return true;
}

void quick_start(const long *sp)
{
	static char request[REQUEST_MAX];
	const char *const *argv = (const char *const *)(sp + 1);
	struct text t;
	struct asked ask;
	int status;

	/* an initializer with a pointer may become a table, which is not relocated yet */
	clear(&t, sizeof(t));
	t.p = request;
	t.size = sizeof(request);
	clear(&ask, sizeof(ask));
	ask.mode = "ephemeral";
	ask.environment = "host";
	if (!read_words(argv, &ask) || !read_variables(argv + sp[0] + 1, &ask) || terminal() ||
	    !unconfigured(&ask))
		return;
	if (make_id(quick.id))
		write_request(&t, &ask);
	if (t.bad || !t.len)
		return;
	watch_signals();
	quick.socket = quick.signals < 0 ? -1 : ask_at_door(&ask, &t);
	if (quick.socket < 0 && quick.signals >= 0)
		quick.socket = ask_executor(&ask, &t);
	quick.sent = quick.socket >= 0;
	if (!quick.sent) {
		ignore_signals();
		return;
	}
	if (!receive())
		return;
	status = plain_end();
	if (status >= 0)
		(void)CALL(SYS_exit_group, status, 0, 0, 0);
}

#else

void quick_start(const long *sp)
{
	(void)sp;
}

#endif
