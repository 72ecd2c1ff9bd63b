#include "lib/base/fault.h"

#ifdef FAAS_FAULTS

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/*
 * Calls that fail (see fault.h). The linker sends every call of them, those of the
 * libraries that are inside this program too, to __wrap_NAME; the real one is __real_NAME.
 */

enum { SHORT = -1, KILL = -2 };

/* What is to fail; nothing of it may allocate. */
static struct {
	char text[128];
	const char *name;	/* within it; NULL: nothing is to fail */
	size_t len;
	int errnum;
	unsigned long first, last;
	unsigned long seen;
} spec;

int __real_open(const char *path, int flags, ...);
ssize_t __real_read(int fd, void *p, size_t n);

static bool read_file(const char *path, char *text, size_t size)
{
	int fd = path ? __real_open(path, O_RDONLY | O_CLOEXEC) : -1;
	ssize_t n = fd < 0 ? 0 : __real_read(fd, text, size - 1);

	if (fd >= 0)
		(void)close(fd);
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return fd >= 0;
}

static bool mine(const char *name, size_t len)
{
	return strlen(program_invocation_short_name) == len &&
		!strncmp(program_invocation_short_name, name, len);
}

static unsigned long number(const char *s)
{
	unsigned long n = 0;

	for (; *s >= '0' && *s <= '9'; s++)
		n = n * 10 + (unsigned long)(*s - '0');
	return n;
}

static void parse(void)
{
	const char *s = spec.text, *colon = strchr(s, ':'), *at;

	spec.name = NULL;
	spec.seen = 0;
	if (colon && !mine(s, (size_t)(colon - s)))
		return;
	s = colon ? colon + 1 : s;
	at = strchr(s, '=');
	if (!at)
		return;
	spec.len = (size_t)(at - s);
	spec.errnum = fault_errno(at + 1, strcspn(at + 1, "@"));
	if (!strncmp(at + 1, "SHORT", 5))
		spec.errnum = SHORT;
	else if (!strncmp(at + 1, "KILL", 4))
		spec.errnum = KILL;
	at = strchr(at, '@');
	spec.first = at ? number(at + 1) : 1;
	spec.last = at && !strchr(at, '+') ? spec.first : ~0ul;
	spec.name = s;
}

/* A file may say something else each time it is looked at; what is new is counted anew. */
static void look(void)
{
	const char *s = getenv("FAAS_FAULT_CALL");
	char text[sizeof(spec.text)] = "";

	/* before libc knows our name: its own start, which cannot do without */
	if (!*program_invocation_short_name)
		return;
	/* a helper that has shut itself in goes on with what it knows */
	if (!s || (*s == '@' ? !read_file(s + 1, text, sizeof(text)) : *spec.text))
		return;
	if (*s != '@')
		(void)snprintf(text, sizeof(text), "%s", s);
	if (!strcmp(text, spec.text))
		return;
	memcpy(spec.text, text, sizeof(text));
	parse();
}

static void note_hit(const char *call)
{
	const char *path = getenv("FAAS_FAULT_LOG");
	int fd = path ? __real_open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;

	if (fd < 0)
		return;
	(void)dprintf(fd, "call.%s\n", call);
	(void)close(fd);
}

/* The errno that this call is to fail with, 0 or SHORT. */
static int hit(const char *call)
{
	look();
	if (!spec.name || strlen(call) != spec.len || strncmp(spec.name, call, spec.len))
		return 0;
	spec.seen++;
	if (spec.seen < spec.first || spec.seen > spec.last)
		return 0;
	if (spec.seen == spec.first)
		note_hit(call);
	if (spec.errnum == KILL)
		(void)raise(SIGKILL);
	return spec.errnum;
}

/* True: it is to fail, and errno says why. */
static bool fails(const char *call)
{
	int saved = errno, r = hit(call);

	errno = r > 0 ? r : saved;
	return r > 0;
}

#define WRAP(call, type, params, args, failure)		\
	type __real_##call params;			\
	type __wrap_##call params;			\
	type __wrap_##call params			\
	{						\
		return fails(#call) ? (failure) : __real_##call args;	\
	}

WRAP(malloc, void *, (size_t n), (n), NULL)
WRAP(calloc, void *, (size_t n, size_t size), (n, size), NULL)
WRAP(realloc, void *, (void *p, size_t n), (p, n), NULL)
WRAP(fsync, int, (int fd), (fd), -1)
WRAP(fdatasync, int, (int fd), (fd), -1)
WRAP(syncfs, int, (int fd), (fd), -1)
WRAP(ftruncate, int, (int fd, off_t n), (fd, n), -1)
WRAP(ftruncate64, int, (int fd, off_t n), (fd, n), -1)
WRAP(rename, int, (const char *a, const char *b), (a, b), -1)
WRAP(renameat, int, (int d, const char *a, int e, const char *b), (d, a, e, b), -1)
WRAP(renameat2, int, (int d, const char *a, int e, const char *b, unsigned int f),
     (d, a, e, b, f), -1)
WRAP(unlink, int, (const char *path), (path), -1)
WRAP(unlinkat, int, (int d, const char *path, int f), (d, path, f), -1)
WRAP(mkdir, int, (const char *path, mode_t m), (path, m), -1)
WRAP(mkdirat, int, (int d, const char *path, mode_t m), (d, path, m), -1)
WRAP(linkat, int, (int d, const char *a, int e, const char *b, int f), (d, a, e, b, f), -1)
WRAP(symlinkat, int, (const char *a, int d, const char *b), (a, d, b), -1)
WRAP(socket, int, (int a, int b, int c), (a, b, c), -1)
WRAP(socketpair, int, (int a, int b, int c, int v[2]), (a, b, c, v), -1)
WRAP(accept4, int, (int fd, struct sockaddr *a, socklen_t *n, int f), (fd, a, n, f), -1)
WRAP(sendmsg, ssize_t, (int fd, const struct msghdr *m, int f), (fd, m, f), -1)
WRAP(recvmsg, ssize_t, (int fd, struct msghdr *m, int f), (fd, m, f), -1)
WRAP(memfd_create, int, (const char *name, unsigned int f), (name, f), -1)
WRAP(read, ssize_t, (int fd, void *p, size_t n), (fd, p, n), -1)
WRAP(mmap, void *, (void *p, size_t n, int a, int b, int fd, off_t o), (p, n, a, b, fd, o),
     MAP_FAILED)
WRAP(mmap64, void *, (void *p, size_t n, int a, int b, int fd, off_t o), (p, n, a, b, fd, o),
     MAP_FAILED)

/* These may also write less than they were given. */
#define WRAP_WRITE(call, params, args)			\
	ssize_t __real_##call params;			\
	ssize_t __wrap_##call params;			\
	ssize_t __wrap_##call params			\
	{						\
		int saved = errno, r = hit(#call);	\
							\
		errno = r > 0 ? r : saved;		\
		if (r == SHORT && n > 1)		\
			n /= 2;				\
		return r > 0 ? -1 : __real_##call args;	\
	}

WRAP_WRITE(write, (int fd, const void *p, size_t n), (fd, p, n))
WRAP_WRITE(pwrite, (int fd, const void *p, size_t n, off_t o), (fd, p, n, o))
WRAP_WRITE(pwrite64, (int fd, const void *p, size_t n, off_t o), (fd, p, n, o))

/* The mode, when there is one. */
static mode_t mode_of(int flags, va_list ap)
{
	return flags & (O_CREAT | __O_TMPFILE) ? va_arg(ap, mode_t) : 0;
}

#define WRAP_OPEN(call, before, args)			\
	int __real_##call(before int flags, ...);	\
	int __wrap_##call(before int flags, ...);	\
	int __wrap_##call(before int flags, ...)	\
	{						\
		mode_t mode;				\
		va_list ap;				\
							\
		va_start(ap, flags);			\
		mode = mode_of(flags, ap);		\
		va_end(ap);				\
		return fails(#call) ? -1 : __real_##call args;	\
	}
#define PATH	const char *path,
#define AT_PATH	int at, const char *path,

WRAP_OPEN(open, PATH, (path, flags, mode))
WRAP_OPEN(open64, PATH, (path, flags, mode))
WRAP_OPEN(openat, AT_PATH, (at, path, flags, mode))
WRAP_OPEN(openat64, AT_PATH, (at, path, flags, mode))

/* Seconds that a file says, so that the wall's clock can be set while a program runs. */
static long skew(void)
{
	char text[32];

	if (!read_file(getenv("FAAS_FAULT_CLOCK"), text, sizeof(text)))
		return 0;
	return *text == '-' ? -(long)number(text + 1) : (long)number(text);
}

int __real_clock_gettime(clockid_t clock, struct timespec *ts);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ts);

int __wrap_clock_gettime(clockid_t clock, struct timespec *ts)
{
	int saved = errno, r = __real_clock_gettime(clock, ts);

	if (!r && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		ts->tv_sec += skew();
	errno = r ? errno : saved;
	return r;
}

#endif
