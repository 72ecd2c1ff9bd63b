#include "lib/doctor/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

void probe_say(struct probe *p, enum doctor_verdict v, const char *fmt, ...)
{
	va_list ap;

	p->verdict = v;
	va_start(ap, fmt);
	(void)vsnprintf(p->detail, sizeof(p->detail), fmt, ap);
	va_end(ap);
}

void probe_fix(struct probe *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(p->fix, sizeof(p->fix), fmt, ap);
	va_end(ap);
}

void probe_sys(struct probe *p, int errnum, const char *what)
{
	char why[96];

	probe_say(p, DOCTOR_MISSING, "%s: %s", what,
		  strerror_r(errnum, why, sizeof(why)));
}

const char *probe_name(const struct probe *p, char buf[PROBE_NAME])
{
	(void)snprintf(buf, PROBE_NAME, "faas-doctor-%ld", (long)p->runner);
	return buf;
}

int probe_read(const char *path, char *buf, size_t size)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = read(fd, buf, size - 1);
	if (n < 0)
		return -1;
	buf[n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return 0;
}

int probe_write(const char *path, const char *text)
{
	cleanup_close int fd = open(path, O_WRONLY | O_CLOEXEC);
	size_t len = strlen(text);

	if (fd < 0)
		return -1;
	return write(fd, text, len) == (ssize_t)len ? 0 : -1;
}

bool probe_capable(unsigned int cap)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2] = { 0 };

	if (syscall(SYS_capget, &h, d) < 0)
		return false;
	return d[cap / 32].effective & (1u << (cap % 32));
}
