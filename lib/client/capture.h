#ifndef FAAS_CLIENT_CAPTURE_H
#define FAAS_CLIENT_CAPTURE_H

/*
 * A program's output, into memory
 * ===============================
 *
 *	struct execution_capture c = CAPTURE(1 << 20);
 *
 *	if (capture_open(&c, &theirs, err) < 0)
 *		return -1;
 *	... hand theirs to the program, poll(c.fd), capture_read(&c) ...
 *	data = capture_take(&c, &size);
 *
 * What comes after the limit is read, so that the program goes on, and dropped.
 */

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/error.h"
#include "lib/base/strbuf.h"

struct execution_capture {
	int fd;				/* our end, never blocks; owned; -1: closed */
	struct strbuf text;
	bool truncated;			/* more came than is kept */
	/* Called with each piece as it comes, what is dropped included; or NULL. */
	void (*each)(void *arg, int stream, const void *data, size_t size);
	void *arg;
	int stream;
};

#define CAPTURE(max)	{ .fd = -1, .text = STRBUF(max) }

/* *ret_theirs is the caller's to close. */
int capture_open(struct execution_capture *c, int *ret_theirs, struct error *err) _must_check_;
/* Reads what is there, some of it at least; false when nothing is, for now or ever. */
bool capture_read(struct execution_capture *c);
/* What a program that has ended left in the pipe. */
void capture_drain(struct execution_capture *c);
/* What was kept, with a NUL after it, now the caller's to free(); NULL: no memory. */
char *capture_take(struct execution_capture *c, size_t *ret_size) _must_check_;
void capture_release(struct execution_capture *c);

#endif
