#ifndef FAAS_CLIENT_CLIENT_H
#define FAAS_CLIENT_CLIENT_H

/*
 * A connection to the executor
 * ============================
 *
 *	CLEANUP(client_free) struct client *c = NULL;
 *
 *	if (client_connect(&options, &c, err) < 0)
 *		return -1;
 *	if (client_call(c, "execution.get", params, &result, err) < 0)
 *		return -1;
 *
 * The executor is found by its state folder and started when none is running.
 * One thread uses one client; calls block. Results are the caller's to
 * json_decref(). Errors are the executor's own, with code and hint, or
 * ERR_UNAVAILABLE when it cannot be reached.
 */

#include <jansson.h>
#include <stdbool.h>

#include "lib/base/cleanup.h"
#include "lib/base/error.h"
#include "lib/wire/wire.h"

struct client;

struct client_options {
	const char *state_dir;		/* NULL: FAAS_STATE_DIR, or the user's own */
	bool no_start;			/* fail instead of starting an executor */
	int answer_ms;			/* patience with a question; 0: half a minute */
};

/* The state folder in force: into buf, or an error when there is no home. */
int client_state_dir(const char *wanted, char *buf, size_t size, struct error *err);

int client_connect(const struct client_options *options, struct client **ret,
		   struct error *err) _must_check_;
/*
 * Goes on with a connection that another part of this program made: it has said
 * hello and sent requests up to number last_id, and len bytes have come back. Takes fd.
 */
int client_resume(const struct client_options *options, int fd, const char *data, size_t len,
		  json_int_t last_id, struct client **ret, struct error *err) _must_check_;
void client_free(struct client *c);
DEFINE_CLEANUP(struct client *, client_free);
/* The executor has gone: to its successor, as before. On failure *c is NULL. */
int client_reconnect(struct client **c, struct error *err) _must_check_;
/* Was there none before, and where is its state? */
bool client_started(const struct client *c);
const char *client_where(const struct client *c);
/* Is the executor still there, as far as can be told without asking? */
bool client_alive(const struct client *c);

/* Takes params (may be NULL). Sends fds along; they stay the caller's. */
int client_send(struct client *c, const char *op, json_t *params, const int *fds, int n,
		json_int_t *ret_id, struct error *err) _must_check_;
/*
 * The next frame of the request: *ret_event is its name, or NULL for the result;
 * -1 with the executor's error. client_take_fd() then gives its descriptors.
 * Waits at most timeout_ms (-1: for ever); 0 when nothing came, 1 for a frame.
 */
int client_next(struct client *c, json_int_t id, int timeout_ms, char event[32],
		json_t **ret, struct error *err) _must_check_;
/*
 * Another number once client_call() or client_reconnect() has made another connection:
 * what was sent on the one before has no answer any more.
 */
unsigned int client_connection(const struct client *c);
/* Did a frame of it come while another request's was waited for? No poll() tells. */
bool client_has(const struct client *c, json_int_t id);
int client_take_fd(struct client *c);
/* Did client_next() fail because the executor is gone, and not by its answer? */
bool client_lost(const struct client *c);
/* The socket, for poll(). Frames may already be here: call client_next() first. */
int client_fd(const struct client *c);

/* Send and wait for the result. */
int client_call(struct client *c, const char *op, json_t *params, json_t **ret,
		struct error *err) _must_check_;

/* A string, or {"base64":...} when it is not UTF-8. */
json_t *client_text(const char *s);

#endif
