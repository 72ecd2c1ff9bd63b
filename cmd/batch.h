#ifndef FAAS_CMD_BATCH_H
#define FAAS_CMD_BATCH_H

/*
 * faas batch, in parts: batch.c keeps jobs going, batch-lines.c reads what to do,
 * batch-job.c is one job, batch-result.c says how jobs ended and remembers it.
 */

#include <poll.h>

#include "cmd/command.h"
#include "cmd/run-options.h"
#include "lib/base/id.h"
#include "lib/base/strbuf.h"
#include "lib/client/batch.h"

enum { JOB_POLLS = 2 };

struct job_capture {
	int fd;			/* our end of the pipe, or -1 */
	struct strbuf text;	/* as much as is kept */
	uint64_t total;
};

struct job {
	struct job *next;
	uint64_t line, digest;
	enum job_state { JOB_WAITING, JOB_RUNNING, JOB_DONE } state;
	struct batch_request request;
	unsigned int attempts;
	uint64_t at_ms;		/* when a waiting one is to be started */
	char id[ID_SIZE];	/* of the execution, or "" */
	json_int_t call;
	bool asked_again;	/* call is an execution.wait */
	bool answered;		/* record or failure is final for this attempt */
	int channel;		/* for files, or -1 */
	struct job_capture captures[2];
	json_t *record;
	struct error failure;	/* of faas; code 0 for none */
	int status;
};

struct joblog;

struct batch {
	struct ctx *ctx;
	struct client *client;
	struct run_options defaults;	/* what a line does not say */
	size_t output_limit;
	uint64_t retries;
	bool stopped;			/* no more retries */
	struct joblog *log;		/* or NULL */
};

/* ---- batch-lines.c ---- */

enum { LINE_MAX_BYTES = 16 << 20 };

struct lines {
	const char *name;
	int fd;
	struct strbuf buf;
	size_t at;
	bool eof, skipping;
	uint64_t number;	/* of the line last given */
};

enum line { LINE_NONE, LINE_THERE, LINE_TOO_LONG };

int lines_open(struct lines *l, const char *path, struct error *err);
void lines_close(struct lines *l);
/* Reads what is there; blocks when nothing is. */
int lines_read(struct lines *l, struct error *err);
/* A line that is whole and not blank. Of one that is too long, only that it is. */
enum line lines_next(struct lines *l, const char **ret, size_t *ret_len);
/* Is there one, without reading more? */
bool lines_ready(const struct lines *l);

/* ---- batch-job.c ---- */

struct job *job_new(uint64_t line, size_t output_limit);
void job_free(struct job *j);
/* Starts it, or makes it fail. */
void job_start(struct batch *b, struct job *j);
/* The executor was replaced: ask the new one how the job goes. */
int job_ask_again(struct batch *b, struct job *j, struct error *err);
/* Takes its answer if there is one: 0, or -1 when the executor is gone. */
int job_answer(struct batch *b, struct job *j, struct error *err);
void job_cancel(struct batch *b, struct job *j);
/* Fills JOB_POLLS, and reads what came. */
void job_poll(const struct job *j, struct pollfd *p);
void job_read(struct job *j, const struct pollfd *p);
/* Has it ended? Then it is done, or waits for its next attempt. */
void job_settle(struct batch *b, struct job *j, uint64_t now_ms);

/* ---- batch-result.c ---- */

void result_print(struct batch *b, const struct job *j);

/*
 * The job log: a line of JSON for every job whose result was printed, appended
 * by one write. With resume, what it holds is read first.
 */
int joblog_open(const char *path, bool resume, bool failed_too, struct joblog **ret,
		struct error *err) _must_check_;
void joblog_free(struct joblog *log);
/* 1 when this line is done; -1 when the log is about another one. */
int joblog_has(const struct joblog *log, uint64_t line, uint64_t digest, struct error *err);
int joblog_add(struct joblog *log, const struct job *j, struct error *err);
uint64_t joblog_digest(const char *text, size_t len);

#endif
