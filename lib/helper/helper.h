#ifndef FAAS_HELPER_HELPER_H
#define FAAS_HELPER_HELPER_H

/*
 * A helper program: what runs beside the caller
 * =============================================
 *
 * A program of ours that stands beside faas, or in libexec: it reads one JSON object
 * from its standard input, works on the descriptors 3, 4, ... that it gets, and writes
 * JSON lines to its standard output: any number of {"progress":{...}}, then one with
 * "ok", as lib/archive/report.h has them. It has its own heavy libraries, may take long,
 * and may be taken over by what it reads without the caller being so.
 *
 *	helper_start(&req, &h, err)
 *	when helper_fd(h) is readable:	helper_read(h), until it returns true
 *	then:				helper_finish(h, &result, err)
 *	or to give up:			helper_free(h), which kills it
 *
 * Nothing else may reap it. ERR_UNSUPPORTED when it is not installed; the code that it
 * gives itself; ERR_PROTOCOL when it ended without a word.
 */

#include <jansson.h>
#include <stdbool.h>

#include "lib/base/cleanup.h"
#include "lib/base/error.h"

enum { HELPER_FDS_MAX = 12 };

struct helper_request {
	const char *program;		/* "faas-state", or a path */
	const json_t *ask;
	int fds[HELPER_FDS_MAX];	/* 3, 4, ... for it; they stay the caller's */
	int n_fds;
	/* of each progress line, borrowed; or NULL */
	void (*progress)(void *data, const json_t *progress);
	void *data;
};

struct helper;

int helper_start(const struct helper_request *req, struct helper **ret,
		 struct error *err) _must_check_;
int helper_fd(const struct helper *h);
/* Takes in what has arrived; true when there is no more. */
bool helper_read(struct helper *h);
/* Waits for its end. *ret is the line with "ok": true; the caller's. Releases h. */
int helper_finish(struct helper *h, json_t **ret, struct error *err) _must_check_;
void helper_free(struct helper *h);
DEFINE_CLEANUP(struct helper *, helper_free);

#endif
