#ifndef FAAS_STORE_STORE_H
#define FAAS_STORE_STORE_H

/*
 * What is remembered
 * ==================
 *
 * One SQLite database, faas.db, in the executor's folder: every execution that
 * was ever run (until it is pruned) and every environment. Only the executor
 * opens it, from one thread.
 *
 *	CLEANUP(store_close) struct store *store = NULL;
 *
 *	if (store_open(dirfd, dir, &store, err) < 0)
 *		return -1;
 *	if (store_execution_put(store, &execution, err) < 0)
 *		return -1;
 *
 * The file is 0600 and in WAL mode: after a crash, kill -9 included, it holds
 * each batch whole or not at all. A file that is damaged, is not ours, or was
 * made by a newer faas is an error and stays as it is, byte for byte.
 *
 * Errors besides those named below: ERR_BUSY (another process holds the
 * database), ERR_CORRUPT, ERR_LIMIT (disk full), ERR_DENIED, ERR_SYSTEM.
 *
 * Times are milliseconds since 1970 UTC, 0 for not yet; sizes are bytes;
 * _us is microseconds. A char * may be NULL, for not known, and comes back so.
 */

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/cleanup.h"
#include "lib/base/error.h"
#include "lib/base/macro.h"

struct store;

/*
 * Opens faas.db in dirfd, which stays the caller's, and makes it when there is
 * none. dir is only for messages. If the last user was killed, the whole file
 * is checked first (about 7 ms per MB); after a clean close it is not. Fails
 * with ERR_CORRUPT (damaged), ERR_CONFLICT (newer, or another program's),
 * ERR_DENIED (not writable, or a symbolic link).
 */
int store_open(int dirfd, const char *dir, struct store **ret, struct error *err)
	_must_check_ _nonnull_;
/* Lets go of pages that are in memory to be read again. */
void store_shrink(struct store *store) _nonnull_;
/* Undoes an open batch. NULL does nothing. */
void store_close(struct store *store);
DEFINE_CLEANUP(struct store *, store_close);

/*
 * A batch: what is put and deleted between begin and commit is kept whole or
 * not at all, and costs one write. Batches do not nest (ERR_BUG). When commit
 * fails, the batch is undone.
 */
int store_begin(struct store *store, struct error *err) _must_check_ _nonnull_;
int store_commit(struct store *store, struct error *err) _must_check_ _nonnull_;
/* Also right after a failure, and when no batch is open. */
void store_rollback(struct store *store) _nonnull_;

/*
 * What was kept before survives a loss of power from here on; without it, a crash of the
 * process only. For what cannot be undone, such as files that no row needs any more.
 */
int store_sync(struct store *store, struct error *err) _must_check_ _nonnull_;

/*
 * Executions
 * ----------
 */

enum { STORE_ID = 40, STORE_NAME = 129, STORE_WORD = 16 };

struct execution {
	int64_t seq;			/* order of the first put; set by the store */
	char id[STORE_ID];
	char name[STORE_NAME];		/* or ""; unique among those not finished */
	/* "queued", "running"; finished: "exited", "failed", "lost" */
	char state[STORE_WORD];

	char *argv;			/* JSON array */
	char *env;			/* JSON object; its values may be secrets */
	char *code_sha256;		/* hex, of code given as text */
	char *language;
	char *mode;			/* "ephemeral", "cached", ... */
	char *environment;
	char *engine;			/* which kind of sandbox ran it */
	char *workdir;
	char *user;
	char *network;			/* "none", "nat", "host" */
	char *limits;			/* JSON object */
	char *degraded;			/* JSON array: what could not be honoured */
	char *labels;			/* JSON object, text to text */

	int exit_code;			/* of the program; -1 when it has none */
	int signal;			/* that ended it, or 0 */
	bool oom_killed;
	bool timed_out;
	bool cancelled;
	char *error_code;		/* err_name() of faas' own failure */
	char *error_message;

	int64_t created_ms, started_ms, ended_ms;
	int64_t setup_us, wall_us, user_us, system_us;
	int64_t memory_peak;
	char *memory_source;		/* "cgroup", "rusage": who measured the peak */
	int64_t io_read, io_write;

	bool detached;
	bool logged;			/* its output is kept */
	bool log_truncated;
	int64_t log_bytes;
	int pid;			/* of its monitor, or 0 */
	char *parent;			/* id of the snapshot that it began with */
	char *snapshot;			/* id of the one that it ended with */
	char *branch;			/* that it moved on, by name */
	char *instance;			/* id of the one that it ran in */
};

/* Frees the strings and clears it all; does not free execution itself. */
void execution_release(struct execution *execution);
#define cleanup_execution	__attribute__((cleanup(execution_release)))

/*
 * Adds it, or replaces the one with its id. ERR_EXISTS when another execution
 * that has not finished has its name; ERR_USAGE when it breaks a rule above
 * (no id, unknown state, labels that are not JSON).
 */
int store_execution_put(struct store *store, const struct execution *execution,
			struct error *err) _must_check_ _nonnull_;
/*
 * what is "@last", an id, a name (one not finished wins, then the latest), or
 * the first 4 or more characters of one id. ERR_NOT_FOUND; ERR_CONFLICT, with
 * the candidates, when several ids begin so. *ret is to be released.
 */
int store_execution_get(struct store *store, const char *what, struct execution *ret,
			struct error *err) _must_check_ _nonnull_;

struct execution_filter {
	const char *state;		/* NULL for any */
	const char *environment;
	const char *name;
	const char *const *labels;	/* "key=value", NULL-ended: all must match */
	int64_t since_ms;		/* created then or later */
	int64_t before;			/* seq of the last one seen; 0 to begin */
	uint64_t limit;			/* 0 for all */
};

/*
 * Newest first. each returns 0 to go on, another value to stop without error;
 * what it is given lives until it returns, and it must not change the store.
 */
int store_execution_list(struct store *store, const struct execution_filter *filter,
			 int (*each)(void *arg, const struct execution *execution),
			 void *arg, struct error *err)
	_must_check_ __attribute__((nonnull(1, 2, 3, 5)));

/* By exact id; false, too, when the store cannot be read just now. */
bool store_execution_exists(struct store *store, const char *id)
	_must_check_ __attribute__((nonnull));

/* By exact id. ERR_NOT_FOUND; ERR_BUSY when it has not finished. */
int store_execution_delete(struct store *store, const char *id, struct error *err)
	_must_check_ _nonnull_;

struct execution_prune {
	uint64_t keep_last;		/* the newest finished ones stay */
	int64_t before_ms;		/* only those created earlier; INT64_MAX: any */
	bool dry_run;			/* only say which */
};

/*
 * Forgets finished executions and adds their number to *count. each, or NULL,
 * gets every id; it must not change the store.
 */
int store_execution_prune(struct store *store, const struct execution_prune *prune,
			  void (*each)(void *arg, const char *id), void *arg,
			  uint64_t *count, struct error *err)
	_must_check_ __attribute__((nonnull(1, 2, 5, 6)));

/*
 * Environments
 * ------------
 *
 * "host" is built in: it is never stored.
 */

struct environment {
	char name[STORE_NAME];
	char kind[STORE_WORD];		/* "directory", "archive", "image" */
	char cache[STORE_WORD];		/* "none", "normal", "aggressive" */
	char *source;			/* where it came from, as the user said it */
	char *path;			/* of its root file system */
	char *resources;		/* JSON object */
	char *variables;		/* JSON object */
	char *workdir;
	char *user;
	char *shell;
	char *checksum;
	char *image;			/* JSON object of one that is from an image, or NULL */
	int64_t created_ms;
	int64_t size_bytes;
	int64_t entries;		/* files, folders and links in it */
	char *base;			/* built ones: what the snapshot stands on, and has */
	char *snapshot;			/* no path; its id */
	char *languages;		/* JSON array of names */
	char *features;			/* JSON object of booleans, for people and clients */
	char *warm_up;			/* code of its shell, or NULL */
};

void environment_release(struct environment *environment);
#define cleanup_environment	__attribute__((cleanup(environment_release)))

/* Adds it, or replaces the one with its name. ERR_USAGE; ERR_EXISTS for "host". */
int store_environment_put(struct store *store, const struct environment *environment,
			  struct error *err) _must_check_ _nonnull_;
/* ERR_NOT_FOUND. *ret is to be released. */
int store_environment_get(struct store *store, const char *name, struct environment *ret,
			  struct error *err) _must_check_ _nonnull_;
/* By name; each as for store_execution_list(). */
int store_environment_list(struct store *store,
			   int (*each)(void *arg, const struct environment *environment),
			   void *arg, struct error *err)
	_must_check_ __attribute__((nonnull(1, 2, 4)));
/* ERR_NOT_FOUND. */
int store_environment_delete(struct store *store, const char *name, struct error *err)
	_must_check_ _nonnull_;
/* 1: *ret is the name of one that is built on that snapshot, or environment; 0: none is. */
int store_environment_of_snapshot(struct store *store, const char *id, char ret[STORE_NAME],
				  struct error *err) _must_check_ _nonnull_;
int store_environment_of_base(struct store *store, const char *name, char ret[STORE_NAME],
			      struct error *err) _must_check_ _nonnull_;

/* ---- snapshots ---- */

/*
 * What a run left in its files. It is `making` until the run has ended, or `trying`
 * when it is to be kept only if that ends well, and is then immutable. Its files are its own layer over those of its parents.
 */
struct snapshot {
	int64_t seq;			/* order of the first put; set by the store */
	char id[STORE_ID];		/* also the name of its own layer's folder */
	char name[STORE_NAME];		/* or ""; unique */
	char state[STORE_WORD];		/* "making", "trying", "ready" */
	char kind[STORE_WORD];		/* "fs" */
	char *parent;			/* id, or NULL: it stands on the environment alone */
	char *merged;			/* id of what was merged with the parent, or NULL */
	char *environment;
	char *execution;		/* that made it */
	char *engine;
	char *comment;
	char *labels;			/* JSON object, text to text */
	char *layers;			/* JSON array of folders, its own first */
	int64_t created_ms;
	int64_t expires_ms;		/* it may be deleted from then on; 0: never */
	int64_t synced_ms;		/* on the disk since; 0: not yet, and what follows is unknown */
#define SNAPSHOT_UNSAFE (-1)		/* the disk failed, or the machine; what follows is unknown, too */
	int64_t entries, bytes;		/* of its own layer */
	char *digest;			/* of its own layer, and */
	char *checksum;			/* of all its files: lib/statehelper/digest.h */
};

void snapshot_release(struct snapshot *snapshot);
#define cleanup_snapshot	__attribute__((cleanup(snapshot_release)))

/* Adds it, or replaces the one with its id. ERR_EXISTS when another has its name. */
int store_snapshot_put(struct store *store, const struct snapshot *snapshot,
		       struct error *err) _must_check_ _nonnull_;
/*
 * what is "@last", an id, a name, or the first 4 or more characters of one id; of
 * those that are ready. ERR_NOT_FOUND; ERR_CONFLICT when several ids begin so.
 */
int store_snapshot_get(struct store *store, const char *what, struct snapshot *ret,
		       struct error *err) _must_check_ _nonnull_;
/* By exact id, in whatever state. 1: *ret is it; 0: there is none; -1: *err. */
int store_snapshot_find(struct store *store, const char *id, struct snapshot *ret,
			struct error *err) _must_check_ _nonnull_;
/* Oldest first, those in the making too. each returns 0 to go on. */
int store_snapshot_list(struct store *store,
			int (*each)(void *arg, const struct snapshot *snapshot), void *arg,
			struct error *err) _must_check_ __attribute__((nonnull(1, 2, 4)));
/* In all stacks of layers, as they are stored: the text `from` becomes `to`. */
int store_snapshot_restack(struct store *store, const char *from, const char *to,
			   struct error *err) _must_check_ _nonnull_;
/* Those whose time has come, newest first; those that are not on the disk, oldest first. */
int store_snapshot_expired(struct store *store, int64_t now_ms,
			   int (*each)(void *arg, const struct snapshot *snapshot), void *arg,
			   struct error *err) _must_check_ __attribute__((nonnull(1, 3, 5)));
int store_snapshot_unsynced(struct store *store, int limit,
			    int (*each)(void *arg, const struct snapshot *snapshot), void *arg,
			    struct error *err) _must_check_ __attribute__((nonnull(1, 3, 5)));
/* All that are not on the disk are SNAPSHOT_UNSAFE. */
int store_snapshot_doubt(struct store *store, struct error *err) _must_check_ _nonnull_;
/* When the next one ends, of those that end after after_ms; 0: none does. */
int store_snapshot_next_expiry(struct store *store, int64_t after_ms, int64_t *ret,
			       struct error *err) _must_check_ _nonnull_;
/* By exact id. ERR_BUSY when another snapshot or a branch stands on it; ERR_NOT_FOUND. */
int store_snapshot_delete(struct store *store, const char *id, struct error *err)
	_must_check_ _nonnull_;

/* ---- branches ---- */

/* A named line of states: where it began, and where it is. */
struct branch {
	char name[STORE_NAME];
	char *base, *head;		/* ids of snapshots; the same at first */
	char *labels;			/* JSON object, text to text */
	int64_t created_ms;
};

void branch_release(struct branch *branch);
#define cleanup_branch	__attribute__((cleanup(branch_release)))

/* Adds it, or replaces the one with its name. */
int store_branch_put(struct store *store, const struct branch *branch, struct error *err)
	_must_check_ _nonnull_;
/* ERR_NOT_FOUND. *ret is to be released. */
int store_branch_get(struct store *store, const char *name, struct branch *ret,
		     struct error *err) _must_check_ _nonnull_;
/* By name. each returns 0 to go on. */
int store_branch_list(struct store *store,
		      int (*each)(void *arg, const struct branch *branch), void *arg,
		      struct error *err) _must_check_ __attribute__((nonnull(1, 2, 4)));
int store_branch_delete(struct store *store, const char *name, struct error *err)
	_must_check_ _nonnull_;

#endif
