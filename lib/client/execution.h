#ifndef FAAS_CLIENT_EXECUTION_H
#define FAAS_CLIENT_EXECUTION_H

/*
 * Running code
 * ============
 *
 * What `faas execute` does between its options and its exit status, for any
 * program: hands descriptors to the sandbox, sends files in, captures output,
 * forwards signals or drives a terminal, gets artifacts out, and waits for the
 * result. An executor that dies meanwhile is replaced; the run goes on without it.
 *
 * Signals are the process's own: only with forward_signals, for a program that is
 * nothing but this run, are they blocked and passed on until it has ended.
 */

#include <signal.h>

#include "lib/client/capture.h"
#include "lib/client/client.h"

/* Signals that are passed on to the program: X(SIGNAL) for each. */
#define EXECUTION_SIGNALS(X)						\
	X(SIGHUP) X(SIGINT) X(SIGQUIT) X(SIGABRT) X(SIGUSR1) X(SIGUSR2)	\
	X(SIGALRM) X(SIGTERM) X(SIGCONT) X(SIGTSTP) X(SIGTTIN) X(SIGTTOU) \
	X(SIGWINCH)

/* A request that is with the executor already, and whose signals are watched. */
struct execution_resumed {
	const char *id;
	json_int_t call;		/* the number of its execution.create */
	int signals;			/* signalfd; taken */
	const sigset_t *mask_before;
};

/* A file of the client's to put into the sandbox before the run. */
struct execution_file {
	const char *path;		/* here; NULL: fd */
	int fd;				/* to be copied from, or -1; owned by the caller */
	const char *to;			/* there; relative: to the working directory */
	unsigned int mode;		/* 0: as the file has */
};

struct execution_request {
	const char *op;			/* NULL: execution.create */
	json_t *params;			/* of that; taken */
	const struct execution_file *files;
	int n_files;
	const char *const *artifacts;	/* paths there; they land in the folder below */
	int n_artifacts;
	const char *artifact_dir;	/* NULL: the current folder */
	int stdio[3];			/* handed over; -1: none */
	bool tty;			/* a terminal of its own, bridged to ours */
	bool detach;
	bool forward_signals;		/* blocks them meanwhile */
	const struct execution_resumed *resumed;	/* NULL: nothing has happened yet */
	struct execution_capture *captures;	/* read while it runs, and then empty */
	int n_captures;			/* up to 2 */
	/* Called for signals that were forwarded; may be NULL. */
	void (*started)(void *arg, const char *id);
	void *arg;
};

/*
 * Runs it. 0 and *ret, the execution's record (see report.c), when the program
 * ran; -1 when it did not, with ERR_NO_COMMAND, ERR_CANNOT_RUN or faas' own reason.
 */
int execution_run(struct client **client, struct execution_request *request, json_t **ret,
		  struct error *err) _must_check_;

/* -1 and the record's own error when it says that the program never ran. */
int execution_failure(const json_t *record, struct error *err);

/* The status a shell would see: exit code, 128+n, 124 past the deadline. */
int execution_status(const json_t *record);

#endif
