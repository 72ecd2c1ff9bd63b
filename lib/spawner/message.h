#ifndef FAAS_SPAWNER_MESSAGE_H
#define FAAS_SPAWNER_MESSAGE_H

/*
 * One message of protocol.h on a SEQPACKET socket, with its descriptors. Used by
 * both ends. Every received descriptor is close-on-exec.
 */

#include <stddef.h>

#include "lib/spawner/protocol.h"

struct message {
	const struct msg_header *h;	/* the struct, in buf */
	const char *body;		/* h->body bytes, in buf or mapped */
	int fds[MSG_FDS];
	int n_fds;
	void *map;			/* private: of a body in a memfd */
	size_t map_len;
	size_t used;			/* of buf, at most, until now */
	/* Aligned for every message struct. */
	char buf[MSG_INLINE + 4096] __attribute__((aligned(16)));
};

/*
 * Sends the struct at msg (size bytes, its header first; version and body length
 * are filled in here), body and descriptors, which stay the caller's. Returns 0
 * or -errno; -EPIPE when the peer is gone. Blocks when the socket does.
 */
int msg_send(int fd, void *msg, size_t size, const void *body, size_t body_len,
	     const int *fds, int n_fds);

/*
 * Receives one message into *m. Returns 1, 0 at end of file, or -errno;
 * -EAGAIN when the socket does not block and nothing is there; -EPROTO for what
 * is too short, of another version, or cut. size_of() gives the struct's size
 * for each type, 0 for unknown ones.
 */
int msg_recv(int fd, struct message *m);
/* The same, but does not wait: -EAGAIN. */
int msg_recv_now(int fd, struct message *m);
/* Closes descriptors that were not taken and unmaps the body. */
void msg_release(struct message *m);
/* Takes descriptor i out of *m, or returns -1. */
int msg_take_fd(struct message *m, int i);

#endif
