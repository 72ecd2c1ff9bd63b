#ifndef FAAS_CMD_BATCH_H
#define FAAS_CMD_BATCH_H

/*
 * Many runs, several at a time, for `faas batch` and `faas map`: batch-loop.c keeps
 * jobs going, batch-job.c is one job, batch-result.c says how jobs ended and remembers
 * it. batch.c, with batch-lines.c, is where jobs come from for `faas batch`; map*.c for
 * `faas map`.
 */

#include <poll.h>

#include "cmd/command.h"
#include "cmd/run-options.h"
#include "lib/base/id.h"
#include "lib/base/strbuf.h"
#include "lib/client/batch.h"
#include "lib/client/halt.h"

enum { JOB_POLLS = 2, JOBS_MAX = 200 };

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
	bool ended_by_us;	/* it was cancelled: it has no result of its own */
	bool replayed;		/* its result is the job log's */
	char *item;		/* of a map, or NULL */
	char branch[129];	/* that it runs on and that stays, or "" */
};

struct joblog;
struct batch;

/* Where jobs come from, what they run, and where results go. */
struct batch_source {
	const char *noun;	/* what each is made from: "line" */
	/* 1 and *ret, the next one, which may be done already; 0: none is here now. */
	int (*next)(struct batch *b, struct job **ret, struct error *err);
	/* Would next() find one without reading, and will there ever be one again? */
	bool (*ready)(const struct batch *b);
	bool (*ended)(const struct batch *b);
	/* To be polled when there is room for more, and then read; -1: nothing is. */
	int (*fd)(const struct batch *b);
	int (*read)(struct batch *b, struct error *err);
	int (*plan)(struct batch *b, struct job *j, struct run_plan *ret, struct error *err);
	/* It is its turn to be printed. */
	int (*result)(struct batch *b, struct job *j, struct error *err);
};

struct batch {
	struct ctx *ctx;
	const struct batch_source *source;
	void *data;			/* the source's */
	struct client *client;
	struct run_options defaults;	/* what a line does not say */
	size_t output_limit;
	uint64_t jobs;			/* at a time */
	uint64_t retries;
	bool retry_programs;		/* not only what failed in faas */
	bool unordered;
	struct halt halt;
	int signals;			/* signalfd of what interrupts, or -1 */
	struct joblog *log;		/* or NULL */
	/* what batch_loop() says */
	uint64_t done, failed;
	int interrupted;		/* by this signal, or 0 */
	bool stopped;			/* no more retries */
};

/* ---- batch-loop.c ---- */

/* Connects, and runs all there is; leaves the connection. */
int batch_loop(struct batch *b, struct error *err) _must_check_;
/* One for each CPU. */
uint64_t batch_jobs_default(void);

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
/* Ends it: after grace_ms, or its own grace when that is negative. */
void job_cancel(struct batch *b, struct job *j, int grace_ms);
/* What a line of `faas batch` asks for. */
int job_plan(struct batch *b, struct job *j, struct run_plan *ret, struct error *err);
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
struct joblog_options {
	const char *path, *noun;	/* noun: "line", "item" */
	bool resume, failed_too;
	bool outputs;			/* holds what jobs wrote to stdout, too */
};

int joblog_open(const struct joblog_options *options, struct joblog **ret, struct error *err)
	_must_check_;
void joblog_free(struct joblog *log);
/* 1 when this line is done; -1 when the log is about another one. */
int joblog_has(const struct joblog *log, uint64_t line, uint64_t digest, struct error *err);
/* Of a line that is done: its status, and what it wrote, into the job. */
int joblog_replay(const struct joblog *log, struct job *j, struct error *err) _must_check_;
int joblog_add(struct joblog *log, const struct job *j, struct error *err);
uint64_t joblog_digest(const char *text, size_t len);

#endif
