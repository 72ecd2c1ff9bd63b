#include "lib/base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	int exit;
	int http;
	const char *text;
} codes[ERR__MAX] = {
	[ERR_NONE] = { "ok", 0, 200, "success" },
#define X(id, name, exit, http, text) [ERR_##id] = { name, exit, http, text },
	ERR_CODES(X)
#undef X
};

static enum err_code code_of_errno(int errnum)
{
	switch (errnum) {
	case ENOENT:
	case ESRCH:
		return ERR_NOT_FOUND;
	case EEXIST:
		return ERR_EXISTS;
	case EBUSY:
	case ETXTBSY:
		return ERR_BUSY;
	case EPERM:
	case EACCES:
		return ERR_DENIED;
	case ECONNREFUSED:
	case ENOTCONN:
		return ERR_UNAVAILABLE;
	case ETIMEDOUT:
		return ERR_TIMEOUT;
	case ENOSPC:
	case EDQUOT:
	case EMFILE:
	case ENFILE:
	case ENOMEM:
		return ERR_LIMIT;
	case ENOSYS:
	case EOPNOTSUPP:
		return ERR_UNSUPPORTED;
	default:
		return ERR_SYSTEM;
	}
}

/* What helps whatever was being done; the caller's own hint comes too late. */
static const char *hint_of_errno(int errnum)
{
	switch (errnum) {
	case ENOSPC:
		return "make room on that file system; 'faas doctor' shows other limits";
	case EDQUOT:
		return "this user's disk quota is used up: delete something";
	case EMFILE:
		return "raise the limit of open files: ulimit -n";
	case ENFILE:
		return "raise the machine's limit of open files: sysctl fs.file-max";
	default:
		return NULL;
	}
}

static void begin(struct error *err, const char *where, enum err_code code,
		  int errnum, const char *fmt, va_list ap)
{
	*err = (struct error){ .code = code, .errnum = errnum, .where = where };
	(void)vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
}

int err_set_at(struct error *err, const char *where, enum err_code code,
	       const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	begin(err, where, code, 0, fmt, ap);
	va_end(ap);
	return -1;
}

int err_sys_at(struct error *err, const char *where, int errnum,
	       const char *fmt, ...)
{
	const char *hint = hint_of_errno(errnum);
	char why[96];
	size_t len;
	va_list ap;

	va_start(ap, fmt);
	begin(err, where, code_of_errno(errnum), errnum, fmt, ap);
	va_end(ap);

	len = strlen(err->msg);
	(void)snprintf(err->msg + len, sizeof(err->msg) - len, ": %s",
		       strerror_r(errnum, why, sizeof(why)));
	return hint ? err_hint(err, "%s", hint) : -1;
}

int err_wrap(struct error *err, const char *fmt, ...)
{
	char inner[sizeof(err->msg)];
	size_t len;
	va_list ap;

	memcpy(inner, err->msg, sizeof(inner));

	va_start(ap, fmt);
	(void)vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);

	len = strlen(err->msg);
	(void)snprintf(err->msg + len, sizeof(err->msg) - len, ": %s", inner);
	return -1;
}

int err_hint(struct error *err, const char *fmt, ...)
{
	va_list ap;

	if (err->hint[0])
		return -1;
	va_start(ap, fmt);
	(void)vsnprintf(err->hint, sizeof(err->hint), fmt, ap);
	va_end(ap);
	return -1;
}

enum err_code err_by_name(const char *name)
{
	for (enum err_code c = ERR_NONE + 1; c < ERR__MAX; c++)
		if (!strcmp(codes[c].name, name))
			return c;
	return ERR_BUG;
}

const char *err_name(enum err_code code)
{
	return codes[code].name;
}

int err_exit(enum err_code code)
{
	return codes[code].exit;
}

int err_exit_running(enum err_code code)
{
	return codes[code].exit >= 124 ? codes[code].exit : 125;
}

int err_http(enum err_code code)
{
	return codes[code].http;
}

const char *err_text(enum err_code code)
{
	return codes[code].text;
}
