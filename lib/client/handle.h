#ifndef FAAS_CLIENT_HANDLE_H
#define FAAS_CLIENT_HANDLE_H

/*
 * What is behind struct faas of lib/client/faas.h: a connection that is made again when
 * the executor has been replaced since the last call.
 */

#include "lib/client/client.h"
#include "lib/client/faas.h"

struct faas {
	struct client *client;		/* NULL: to be connected */
	char *state_dir;		/* absolute */
	bool no_start;
};

/* Before every call. */
int handle_connect(struct faas *f, struct error *err) _must_check_;
/* An answer that nobody waits for any more must not be the next call's. */
void handle_disconnect(struct faas *f);
/* Takes params. An answer that was not had is not waited for any more. */
int handle_call(struct faas *f, const char *operation, json_t *params, const int *fds, int n,
		json_t **ret, struct error *err) _must_check_;
/* *err as the caller of the library sees it, unless ret is NULL. Returns -1. */
int handle_fail(const struct error *err, int status, struct faas_error *ret);

#endif
