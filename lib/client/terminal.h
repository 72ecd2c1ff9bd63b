#ifndef FAAS_CLIENT_TERMINAL_H
#define FAAS_CLIENT_TERMINAL_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/base/error.h"

/*
 * Our terminal, bridged to a sandbox's pseudo-terminal. Ours is raw between
 * terminal_open() and terminal_close(), and is restored however the process ends
 * but by SIGKILL.
 */

struct terminal {
	int in, out;		/* our terminal; not owned */
	int master;		/* of the sandbox's; owned, -1 for none yet */
	bool detach_keys;	/* Ctrl-P Ctrl-Q ends the bridge */
	bool input_only;	/* what it prints is read from its log instead */
	bool detached, prefix;
	bool in_eof;
};

int terminal_open(struct terminal *t, int in, int out, struct error *err) _must_check_;
void terminal_close(struct terminal *t);
/* Rows and columns now; 24 by 80 when nobody knows. */
void terminal_size(int fd, unsigned short *rows, unsigned short *cols);
/* The window changed: tell the sandbox's. */
void terminal_resize(struct terminal *t);
/* Descriptors to poll for, at most 2; how many. */
int terminal_poll(const struct terminal *t, struct pollfd *p);
/* Copies what poll() found. */
void terminal_copy(struct terminal *t, const struct pollfd *p, int n);
/* What the program printed last; after it has ended. */
void terminal_drain(struct terminal *t);

#endif
