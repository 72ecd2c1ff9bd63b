#ifndef FAAS_WIRE_WIRE_H
#define FAAS_WIRE_WIRE_H

/*
 * The executor's socket protocol
 * ==============================
 *
 * A stream of frames in both directions on a Unix socket: four bytes of length
 * (little endian), then that many bytes of one JSON object. A request is
 *
 *	{"id":1,"op":"execution.create","params":{...},"fds":3}
 *
 * and is answered by any number of {"id":1,"event":"started",...} and then one
 * of {"id":1,"result":{...}} or {"id":1,"error":{"code","message","hint"}}. "fds"
 * says how many descriptors came with the frame (SCM_RIGHTS, sent with its first
 * byte); a frame without it has none. Requests of one connection may overlap.
 * The first request is "hello" with the protocol's version; it may be sent
 * together with the next one, without waiting.
 */

#include <jansson.h>
#include <stdbool.h>

#include "lib/base/cleanup.h"
#include "lib/base/error.h"
#include "lib/base/strbuf.h"

#define WIRE_VERSION_NUMBER	1

enum {
	WIRE_VERSION	= WIRE_VERSION_NUMBER,
	WIRE_FRAME_MAX	= 16 << 20,	/* bytes of one frame */
	WIRE_FDS_MAX	= 16,		/* of one frame */
	WIRE_FDS_QUEUED	= 64,		/* received and not yet claimed */
	WIRE_DEPTH_MAX	= 64,		/* of nested JSON */
};

struct wire_chunk;

struct wire {
	int fd;				/* owned */
	struct strbuf in;
	size_t in_done;			/* bytes of in already handed out */
	int fds[WIRE_FDS_QUEUED];	/* received, oldest first */
	int n_fds;
	struct wire_chunk *out, **out_tail;	/* not yet sent */
	size_t out_bytes;
};

static inline void json_decrefp_(json_t **j)
{
	json_decref(*j);
}
#define cleanup_json	__attribute__((cleanup(json_decrefp_)))

void wire_init(struct wire *w, int fd);
void wire_release(struct wire *w);

/*
 * Queues one frame; descriptors are duplicated, and stay the caller's. What the
 * socket takes at once is sent at once, the rest by wire_flush(). Fails with
 * ERR_LIMIT (frame or queue too large) or ERR_UNAVAILABLE (peer is gone).
 */
int wire_send(struct wire *w, json_t *frame, const int *fds, int n_fds, struct error *err)
	_must_check_;
/* The same, but nothing is sent before the next wire_send() or wire_flush(). */
int wire_queue(struct wire *w, json_t *frame, const int *fds, int n_fds, struct error *err)
	_must_check_;
/* 1: all is sent; 0: the socket would block; -1: the peer is gone. */
int wire_flush(struct wire *w, struct error *err) _must_check_;
static inline bool wire_pending(const struct wire *w)
{
	return w->out != NULL;
}

/*
 * Reads what is there. 1: something came; 0: it would block; -1: end or error,
 * ERR_UNAVAILABLE. Then wire_next() gives the frames one by one: 1 and *ret, to
 * be released by json_decref(); 0: none is complete; -1: ERR_PROTOCOL.
 */
int wire_fill(struct wire *w, struct error *err) _must_check_;
int wire_next(struct wire *w, json_t **ret, struct error *err) _must_check_;
/* The oldest received descriptor, now the caller's, or -1. */
int wire_take_fd(struct wire *w);

/*
 * Text of ours that may hold the bytes of a file's name, or was cut inside of a
 * character: what is not UTF-8, which JSON cannot hold, becomes '?'.
 */
json_t *wire_text(const char *s);
/* {"code","message","hint"} of *err, and back. */
json_t *wire_error(const struct error *err);
void wire_to_error(const json_t *error, struct error *err);

#endif
