#ifndef FAAS_H
#define FAAS_H

/*
 * libfaas: run code in sandboxes
 * ==============================
 *
 *	struct faas *f;
 *	struct faas_error error;
 *	struct faas_execute run = { .code = "print(6 * 7)", .language = "python" };
 *	struct faas_result result;
 *
 *	if (faas_open(NULL, &f, &error) < 0)
 *		return report(&error);
 *	if (faas_execute(f, &run, &result, &error) == 0) {
 *		printf("%s, status %d\n", result.out, faas_status(&result));
 *		faas_result_release(&result);
 *	}
 *	faas_close(f);
 *
 * Rules that hold for all of it:
 *
 * - Functions return 0, or -1 with *error filled in. error may be NULL. Output is
 *   written on success only.
 * - Text is UTF-8 or any bytes without NUL, and stays the caller's. What a function
 *   gives is the caller's: texts are freed by faas_free(), results by
 *   faas_result_release().
 * - A zeroed struct asks for the defaults. Fields may be added in the place of those
 *   named reserved, which must be zero.
 * - One thread at a time uses a handle; threads with handles of their own need no
 *   lock. After fork(), the child opens its own.
 * - Calls block. They install no signal handlers, change no signal mask, raise no
 *   SIGPIPE or SIGCHLD, print nothing, read no configuration file, and all descriptors
 *   are close-on-exec.
 * - The executor that makes the sandboxes is started when none is running, and goes
 *   when it is idle. It is the program faas: FAAS_PROGRAM names it, else it is where it
 *   was installed along with the library, else in PATH.
 */

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FAAS_API	__attribute__((visibility("default")))

struct faas;

/*
 * Why a call failed. code is a word that programs can compare and that never changes
 * its meaning: "usage", "not-found", "unavailable"; faas-exit-codes(7) lists them. exit
 * is what the command faas would exit with: 2, 3, 7; for what runs a program 124 to
 * 127. message is a sentence without a full stop. hint says what to do, or is "".
 */
struct faas_error {
	int exit;
	char code[32];
	char message[480];
	char hint[200];
};

struct faas_options {
	const char *state_dir;		/* NULL: FAAS_STATE_DIR, or the user's own folder */
	int no_start;			/* fail if no executor is running */
	void *reserved[4];
};

/*
 * Finds the executor or starts it. options may be NULL. A handle outlives the
 * executor: the next call finds or starts another one.
 */
FAAS_API int faas_open(const struct faas_options *options, struct faas **ret,
		       struct faas_error *error);
/* Never fails; NULL is fine. */
FAAS_API void faas_close(struct faas *f);

/*
 * Any operation of the executor, by name: "execution.list", "environment.get",
 * "executor.status". params is the text of a JSON object, or NULL for none; *ret_result
 * is JSON, to be freed with faas_free(), and may be NULL when it is of no interest.
 */
FAAS_API int faas_call(struct faas *f, const char *operation, const char *params,
		       char **ret_result, struct faas_error *error);
/*
 * The same for operations that take or give descriptors: environment.create takes a
 * folder or an archive, execution.logs gives the folder of the log. What is sent stays
 * the caller's, at most 16; *n_receive is the size of receive, then how many came, which
 * are the caller's to close.
 */
FAAS_API int faas_call_fds(struct faas *f, const char *operation, const char *params,
			   const int *send, size_t n_send, int *receive, size_t *n_receive,
			   char **ret_result, struct faas_error *error);

/* ---- running code ---- */

/* A file that is put into the sandbox before the program starts. */
struct faas_file {
	const char *path;		/* here, a file or a whole folder; NULL: data */
	const void *data;
	size_t size;			/* of data, bytes */
	const char *to;			/* there; relative: to the working directory */
	unsigned int mode;		/* permissions; 0: those of path, or 0644 */
};

/* Where a standard stream of the program comes from, or goes to. */
enum faas_stream_kind {
	FAAS_DEFAULT = 0,		/* in: as FAAS_NONE; out and err: FAAS_MEMORY */
	FAAS_NONE,			/* in: empty; out and err: dropped */
	FAAS_FD,			/* fd, which the program gets as it is */
	FAAS_MEMORY,			/* in: data; out and err: the result */
};

struct faas_stream {
	enum faas_stream_kind kind;
	int fd;				/* stays the caller's */
	const void *data;		/* of in */
	size_t size;			/* in: of data; out, err: how much is kept, 0: 1 MiB */
};

/*
 * What is run: exactly one of argv, code and file. argv is a command of the sandbox,
 * with exactly these words. code is run by language, or else by the shell. file is a
 * program here, in language, or in the one that its name or first line tells. Lists end
 * with NULL.
 */
struct faas_execute {
	const char *const *argv;
	const char *code;
	const char *file;
	const char *language;		/* of code or file: "python", "c", "js" */
	const char *const *args;	/* arguments of code or file, or NULL */

	const char *environment;	/* NULL: "host" */
	const char *mode;		/* "ephemeral" (NULL) or "cached" */
	const char *const *env;		/* variables "NAME=value", or NULL */
	const char *workdir;		/* absolute; NULL: the environment's, or /work */
	const char *user;		/* name or uid[:gid]; NULL: the environment's */
	const char *name;		/* of the execution, or NULL */
	const char *const *labels;	/* "KEY=value", or NULL */

	uint64_t timeout_ms;		/* deadline; 0: none */
	uint64_t grace_ms;		/* from asking it to end until killing; 0: 10 s */
	uint64_t memory;		/* bytes; 0: half of the machine's */
	uint64_t cpu_millis;		/* thousandths of a CPU; 0: all */
	uint64_t pids;			/* processes; 0: 1024 */
	uint64_t disk;			/* bytes written to files; 0: 1 GiB */
	uint64_t io;			/* bytes a second of the disk; 0: no limit */
	const char *network;		/* "none" (NULL), "nat" or "host" */
	int allow_degraded;		/* run even where a limit cannot be enforced */

	struct faas_stream in, out, err;
	const struct faas_file *files;	/* n_files of them */
	size_t n_files;
	const char *const *artifacts;	/* paths there, to be brought back; or NULL */
	const char *artifact_dir;	/* where to; NULL: the current folder */
	/*
	 * Return when it has started, and leave it running. in, out, err and artifacts are
	 * to be unset: what it writes is kept by the executor.
	 */
	int detach;

	/* Called once, with the id that faas_cancel() takes on another handle; or NULL. */
	void (*started)(void *arg, const char *id);
	/* Called with what the program writes (1: out, 2: err) when captured; or NULL. */
	void (*output)(void *arg, int stream, const void *data, size_t size);
	void *arg;

	/* What its files begin with: nothing (NULL), one of these, and the environment is its. */
	const char *parent;		/* a snapshot */
	const char *branch;		/* a branch, whose head it becomes when it has ended */
	const char *snapshot;		/* keep the files under this name; "": without one */
	const char *comment;		/* of that snapshot */
	uintptr_t on_success;		/* keep them only if the program exits with 0 */
	/*
	 * Run it in this instance, whose environment, limits, network and files are then its;
	 * none of these may be set.
	 */
	const char *instance;
	void *reserved[2];
};

/*
 * What became of it. out and err have a NUL after their last byte; they are NULL when
 * they were not captured.
 */
struct faas_result {
	char id[16];
	char state[16];			/* "queued", "running", "exited" or "failed" */
	int exit_code;			/* -1: it has not exited by itself */
	int signal;			/* that ended it, or 0 */
	int timed_out, oom_killed, cancelled;
	uint64_t wall_us, user_us, system_us;	/* microseconds */
	uint64_t memory_peak;		/* bytes; 0: unknown */
	char *out, *err;
	size_t out_size, err_size;
	int out_truncated, err_truncated;	/* more was written than kept */
	char *record;			/* all there is to know: JSON, as execution.get */
	char snapshot[16];		/* id of what was kept of its files, or "" */
	void *reserved[2];
};

/*
 * Runs it, and waits for its end unless detached. 0 whenever the program ran, however it
 * ended: faas_status() tells. -1 when it did not, or when it succeeded and an artifact
 * could not be had. *ret is to be released when this returns 0.
 */
FAAS_API int faas_execute(struct faas *f, const struct faas_execute *run,
			  struct faas_result *ret, struct faas_error *error);
/*
 * Waits for one that was detached, or runs elsewhere; also for one that has ended long
 * ago. id is an id, its first characters, a name, or "@last". At most timeout_ms, then
 * the error "timeout"; -1: for ever. Nothing was captured.
 */
FAAS_API int faas_wait(struct faas *f, const char *id, int64_t timeout_ms,
		       struct faas_result *ret, struct faas_error *error);
/* Ends it: SIGTERM, and SIGKILL after grace_ms; -1: the grace it was started with. */
FAAS_API int faas_cancel(struct faas *f, const char *id, int64_t grace_ms,
			 struct faas_error *error);
/*
 * The status that a shell would see: the exit code, 128 + signal, 124 past the deadline,
 * 125 when nobody knows. -1: it has not ended.
 */
FAAS_API int faas_status(const struct faas_result *result);
/* What the result points at; it is empty then. Of a zeroed one, nothing. */
FAAS_API void faas_result_release(struct faas_result *result);

/* ---- states of files ---- */

/* A snapshot never changes. Its texts go with it, by faas_snapshot_free(). */
struct faas_snapshot {
	char id[16];
	char *name, *parent, *environment, *execution, *comment;	/* NULL: none */
	int64_t created_ms;		/* since the epoch */
	char *record;			/* all there is to know: JSON, as snapshot.get */
	void *reserved[4];
};

/* A name for a line of snapshots; faas_execute() with `branch` moves head on. */
struct faas_branch {
	char *name, *base, *head;	/* ids of snapshots: where it began, where it is */
	int64_t created_ms;
	char *record;			/* JSON, as branch.get */
	void *reserved[4];
};

/* what is an id, 4 or more of its first characters, a name, or "@last". */
FAAS_API int faas_snapshot_get(struct faas *f, const char *what, struct faas_snapshot **ret,
			       struct faas_error *error);
/* Oldest first. *ret is an array of *ret_n pointers and a NULL. */
FAAS_API int faas_snapshot_list(struct faas *f, struct faas_snapshot ***ret, size_t *ret_n,
				struct faas_error *error);
/* "busy" when another one, a branch or an execution stands on it. */
FAAS_API int faas_snapshot_delete(struct faas *f, const char *what, struct faas_error *error);

/* from is a snapshot or a branch. ret may be NULL. "exists" when the name is taken. */
FAAS_API int faas_branch_create(struct faas *f, const char *name, const char *from,
				struct faas_branch **ret, struct faas_error *error);
FAAS_API int faas_branch_get(struct faas *f, const char *name, struct faas_branch **ret,
			     struct faas_error *error);
FAAS_API int faas_branch_list(struct faas *f, struct faas_branch ***ret, size_t *ret_n,
			      struct faas_error *error);
/* And what only it stands on. */
FAAS_API int faas_branch_delete(struct faas *f, const char *name, struct faas_error *error);

/* ---- instances: sandboxes that live on ---- */

struct faas_instance {
	char id[16];
	char state[16];			/* "pending", "running", "paused", "stopped", "terminated" */
	char *name, *environment, *snapshot, *execution, *reason;	/* NULL: none */
	int pid;			/* of its first process, as seen from here; 0: none */
	int64_t created_ms, expires_ms;	/* since the epoch; 0: never */
	char *record;			/* all there is to know: JSON, as instance.get */
	void *reserved[4];
};

/* What a new one is. Zero the whole struct first. */
struct faas_instance_start {
	const char *name;		/* NULL: none */
	const char *environment;	/* NULL: "host", or the snapshot's */
	const char *snapshot;		/* that its files begin with, or a branch */
	const char *const *argv;	/* its program; NULL: it idles */
	const char *const *env;		/* "NAME=value", NULL-ended, or NULL */
	const char *const *labels;	/* the same */
	const char *network;		/* "none" (NULL), "nat" or "host" */
	uint64_t memory, pids, cpu_millis, io;	/* 0: the usual */
	uint64_t ttl_ms, auto_stop_ms;	/* 0: never */
	const char *restart;		/* "no" (NULL), "on-failure" or "always" */
	int restart_max;		/* of on-failure; 0: for ever */
	int remove;			/* terminate it when it has stopped */
	void *reserved[4];
};

/* Returns when its program runs. *ret is to be freed; ret may be NULL, here and below. */
FAAS_API int faas_instance_start(struct faas *f, const struct faas_instance_start *start,
				 struct faas_instance **ret, struct faas_error *error);
/* what is an id, 4 or more of its first characters, a name, or "@last". */
FAAS_API int faas_instance_get(struct faas *f, const char *what, struct faas_instance **ret,
			       struct faas_error *error);
/* Oldest first, without those that were terminated. */
FAAS_API int faas_instance_list(struct faas *f, struct faas_instance ***ret, size_t *ret_n,
				struct faas_error *error);
/* One that has stopped, with the files that it has. */
FAAS_API int faas_instance_start_again(struct faas *f, const char *what,
				       struct faas_instance **ret, struct faas_error *error);
/* Each returns when it is done. "conflict" in a state that does not allow it. */
FAAS_API int faas_instance_pause(struct faas *f, const char *what, struct faas_instance **ret,
				 struct faas_error *error);
FAAS_API int faas_instance_resume(struct faas *f, const char *what, struct faas_instance **ret,
				  struct faas_error *error);
/* grace_ms: from SIGTERM to SIGKILL; -1: as it was started. */
FAAS_API int faas_instance_stop(struct faas *f, const char *what, int64_t grace_ms,
				struct faas_instance **ret, struct faas_error *error);
/* And its files with it. */
FAAS_API int faas_instance_terminate(struct faas *f, const char *what, int64_t grace_ms,
				     struct faas_error *error);
/* Waits until it is in that state. */
FAAS_API int faas_instance_wait(struct faas *f, const char *what, const char *state,
				struct faas_instance **ret, struct faas_error *error);
/* A descriptor of a socket that is connected to a TCP port of it, or -1. */
FAAS_API int faas_instance_connect(struct faas *f, const char *what, int port,
				   struct faas_error *error);
FAAS_API void faas_instance_free(struct faas_instance *instance);
FAAS_API void faas_instances_free(struct faas_instance **list);

/* With all that they point at; NULL is fine. */
FAAS_API void faas_snapshot_free(struct faas_snapshot *snapshot);
FAAS_API void faas_snapshots_free(struct faas_snapshot **list);
FAAS_API void faas_branch_free(struct faas_branch *branch);
FAAS_API void faas_branches_free(struct faas_branch **list);

FAAS_API void faas_free(void *p);
/* Of the library: "0.1.0". */
FAAS_API const char *faas_version(void);

#ifdef __cplusplus
}
#endif

#endif
