#ifndef FAAS_BASE_ERROR_H
#define FAAS_BASE_ERROR_H

/*
 * Errors
 * ======
 *
 * A function that can fail takes `struct error *err` as its last parameter
 * and returns 0, or -1 with *err filled in. Nothing below cmd/ prints.
 *
 *	fd = open(path, O_RDONLY | O_CLOEXEC);
 *	if (fd < 0)
 *		return err_sys(err, errno, "open '%s'", path);
 *
 * A caller that knows more than the callee adds it, outermost first:
 *
 *	if (manifest_read(&m, path, err) < 0)
 *		return err_wrap(err, "snapshot '%s'", name);
 *
 * which reads, at the end: snapshot 'base': open 'x/manifest': No such file
 * or directory.
 *
 * struct error holds no pointers to free and is filled without allocating:
 * reporting an error cannot itself fail. It lives on the stack of main() or
 * of the request handler and is never copied into a longer-lived object.
 */

#include "lib/base/macro.h"

/*
 * The whole error vocabulary. The name is what JSON and HTTP clients see and
 * never changes; exit and http are the only two mappings that exist.
 */

/*	 code		name		exit	http	meaning */
#define ERR_CODES(X)							\
	X(SYSTEM,	"system",	1,	500,	"a system call failed") \
	X(BUG,		"bug",		1,	500,	"an internal invariant is broken; please report it") \
	X(CORRUPT,	"corrupt",	1,	500,	"stored state is damaged; nothing was overwritten") \
	X(LIMIT,	"limit",	1,	429,	"a resource limit was reached") \
	X(USAGE,	"usage",	2,	400,	"the command line or request is malformed") \
	X(NOT_FOUND,	"not-found",	3,	404,	"the named object does not exist") \
	X(AUTH,		"unauthorized",	4,	401,	"credentials are missing or wrong") \
	X(DENIED,	"denied",	4,	403,	"permission denied") \
	X(EXISTS,	"exists",	5,	409,	"the named object already exists") \
	X(BUSY,		"busy",		5,	409,	"the object is in use") \
	X(CONFLICT,	"conflict",	5,	409,	"the object is not in a state that allows this") \
	X(UNSUPPORTED,	"unsupported",	6,	501,	"this host cannot do it") \
	X(UNAVAILABLE,	"unavailable",	7,	503,	"the executor or the network cannot be reached") \
	X(PROTOCOL,	"protocol",	7,	502,	"the peer sent something invalid") \
	X(TIMEOUT,	"timeout",	124,	504,	"the deadline passed") \
	X(CANNOT_RUN,	"cannot-run",	126,	422,	"the command was found but cannot be executed") \
	X(NO_COMMAND,	"no-command",	127,	422,	"the command was not found in the environment")

enum err_code {
	ERR_NONE = 0,
#define X(id, name, exit, http, text) ERR_##id,
	ERR_CODES(X)
#undef X
	ERR__MAX,
};

struct error {
	enum err_code code;
	int errnum;		/* errno at the point of failure, or 0 */
	const char *where;	/* "file.c:line" of the first report */
	char msg[480];		/* cut, never overrun */
	char hint[200];		/* the next command to type, or "" */
};

#define ERR__STR2(x)	#x
#define ERR__STR(x)	ERR__STR2(x)
#define ERR_HERE	__FILE__ ":" ERR__STR(__LINE__)

int err_set_at(struct error *err, const char *where, enum err_code code,
	       const char *fmt, ...) _printf_(4, 5) _nonnull_;
int err_sys_at(struct error *err, const char *where, int errnum,
	       const char *fmt, ...) _printf_(4, 5) _nonnull_;

/* Starts a report; returns -1 so that it can be the operand of return. */
#define err_set(err, code, ...)	err_set_at(err, ERR_HERE, code, __VA_ARGS__)
/* The same from an errno; picks the code and appends strerror(). */
#define err_sys(err, num, ...)	err_sys_at(err, ERR_HERE, num, __VA_ARGS__)
#ifdef __clang_analyzer__	/* looks at one file at a time, so it is told what they return */
#undef err_set
#undef err_sys
#define err_set(err, code, ...)	(err_set_at(err, ERR_HERE, code, __VA_ARGS__), -1)
#define err_sys(err, num, ...)	(err_sys_at(err, ERR_HERE, num, __VA_ARGS__), -1)
#endif
/* Puts "context: " in front of a report already made; returns -1. */
int err_wrap(struct error *err, const char *fmt, ...) _printf_(2, 3) _nonnull_;

/*
 * Says what to do next; a hint given closer to the failure wins. Returns -1.
 *
 *	return err_hint(err, "see 'faas env list'");
 */
int err_hint(struct error *err, const char *fmt, ...) _printf_(2, 3) _nonnull_;

/* The code of a name that a peer sent; ERR_BUG when it is not one of ours. */
enum err_code err_by_name(const char *name) _nonnull_;
const char *err_name(enum err_code code);
int err_exit(enum err_code code);
/*
 * The same for a command that passes a program's status on: 125, but for the
 * codes that a shell has for "not found", "cannot execute" and "too late".
 */
int err_exit_running(enum err_code code);
int err_http(enum err_code code);
const char *err_text(enum err_code code);

#endif
