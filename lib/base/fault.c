#include "lib/base/fault.h"

#ifdef FAAS_FAULTS

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	int num;
} errnos[] = {
	{ "EIO", EIO }, { "ENOSPC", ENOSPC }, { "ENOMEM", ENOMEM },
	{ "EACCES", EACCES }, { "EINTR", EINTR }, { "ECONNRESET", ECONNRESET },
	{ "EDQUOT", EDQUOT }, { "EROFS", EROFS }, { "EMFILE", EMFILE }, { "EAGAIN", EAGAIN },
	{ "ENOBUFS", ENOBUFS }, { "EPERM", EPERM },
};

int fault_errno(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(errnos) / sizeof(errnos[0]); i++)
		if (strlen(errnos[i].name) == len && !strncmp(errnos[i].name, name, len))
			return errnos[i].num;
	return EIO;
}

static void log_point(const char *point)
{
	const char *path = getenv("FAAS_FAULT_LOG");
	FILE *f = path ? fopen(path, "ae") : NULL;

	if (f) {
		fprintf(f, "%s\n", point);
		fclose(f);
	}
}

static unsigned long number(const char *s)
{
	unsigned long n = 0;

	for (; *s >= '0' && *s <= '9'; s++)
		n = n * 10 + (unsigned long)(*s - '0');
	return n;
}

int fault(const char *point)
{
	static unsigned long seen_any, seen_this;
	const char *spec = getenv("FAAS_FAULT");
	size_t len = strlen(point);
	const char *at;

	log_point(point);
	if (!spec)
		return 0;

	if (*spec == '@')
		return ++seen_any == number(spec + 1) ? EIO : 0;

	if (strncmp(spec, point, len) || spec[len] != '=')
		return 0;

	spec += len + 1;
	at = strchr(spec, '@');
	if (at && ++seen_this != number(at + 1))
		return 0;

	len = at ? (size_t)(at - spec) : strlen(spec);
	if (len == 4 && !strncmp(spec, "KILL", 4))
		(void)raise(SIGKILL);
	if (len == 4 && !strncmp(spec, "STOP", 4))
		return raise(SIGSTOP) ? EIO : 0;
	return fault_errno(spec, len);
}

#endif
