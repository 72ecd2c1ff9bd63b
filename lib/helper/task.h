#ifndef FAAS_HELPER_TASK_H
#define FAAS_HELPER_TASK_H

/*
 * A task for a helper program
 * ===========================
 *
 * A helper that reads one JSON object from its standard input, works on the descriptors
 * 3, 4, ... that it gets, and says what it does on its standard output, as lib/helper/
 * helper.h has it. It has its own heavy libraries, may take long, and may be taken over
 * by what it reads without the caller being so.
 *
 *	task_start(&req, &t, err)
 *	when task_fd(t) is readable:	task_read(t), until it returns true
 *	then:				task_finish(t, &result, err)
 *	or to give up:			task_free(t), which kills it
 *
 * Nothing else may reap it. ERR_UNSUPPORTED when it is not installed; the code that it
 * gives itself; ERR_PROTOCOL when it ended without a word.
 */

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#include "lib/base/cleanup.h"
#include "lib/base/error.h"

enum { TASK_FDS_MAX = 12 };

struct task_request {
	const char *program;		/* "faas-state", or a path */
	const json_t *ask;
	int fds[TASK_FDS_MAX];		/* 3, 4, ... for it; they stay the caller's */
	int n_fds;
	/* of each progress line, borrowed; or NULL */
	void (*progress)(void *data, const json_t *progress);
	void *data;
};

struct task;

int task_start(const struct task_request *req, struct task **ret,
	       struct error *err) _must_check_;
int task_fd(const struct task *t);
pid_t task_pid(const struct task *t);
/* Takes in what has arrived; true when there is no more. */
bool task_read(struct task *t);
/* Waits for its end. *ret is the line with "ok": true; the caller's. Releases t. */
int task_finish(struct task *t, json_t **ret, struct error *err) _must_check_;
void task_free(struct task *t);
DEFINE_CLEANUP(struct task *, task_free);

#endif
