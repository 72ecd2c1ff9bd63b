#ifndef FAAS_STORE_INSTANCE_H
#define FAAS_STORE_INSTANCE_H

/*
 * Instances
 * =========
 *
 * A sandbox that lives on, with a name, files of its own and a life cycle, and what
 * happened to it. The row says what is to be (`wanted`) before it is done, so that
 * what a death left half done is finished or undone by the next executor.
 */

#include "lib/store/store.h"

struct instance {
	int64_t seq;			/* order of the first put; set by the store */
	char id[STORE_ID];
	char name[STORE_NAME];		/* or ""; unique among those not terminated */
	/* "pending", "running", "paused", "stopped", "terminated" */
	char state[STORE_WORD];
	char wanted[STORE_WORD];	/* "running", "stopped", "terminated" */
	char *environment;
	char *base;			/* id of the snapshot below its files, or NULL */
	char *layer;			/* its files: the name of the folder */
	char *execution;		/* of its program, the latest one; or NULL */
	char *request;			/* JSON object: what a start of it is made of */
	char *labels;			/* JSON object, text to text */
	char *ports;			/* JSON array: ports of its own that it says it serves */
	char restart[STORE_WORD];	/* "no", "on-failure", "always" */
	int restart_max;		/* of on-failure: so often in a row; 0: for ever */
	int restarts;			/* so often since somebody started it */
	bool remove;			/* terminated as soon as it has stopped */
	char *reason;			/* why it stopped, or NULL */
	int exit_code;			/* of its program; -1 when it has none */
	int signal;			/* that ended it, or 0 */
	int64_t ttl_ms;			/* it is terminated so long after its start; 0: never */
	int64_t auto_stop_ms;		/* it is stopped after so long of idleness; 0: never */
	/*
	 * Times that something is to happen at, or was last done at, by two clocks: the
	 * wall's, and the one that nobody sets, which counts since the boot `boot`.
	 */
	char *boot;
	int64_t expires_ms, expires_boot_ms;	/* 0: never */
	int64_t active_ms, active_boot_ms;
	int64_t created_ms, started_ms, stopped_ms, updated_ms;
};

void instance_release(struct instance *instance);
#define cleanup_instance	__attribute__((cleanup(instance_release)))

/* Adds it, or replaces the one with its id. ERR_EXISTS when another has its name. */
int store_instance_put(struct store *store, const struct instance *instance,
		       struct error *err) _must_check_ _nonnull_;
/*
 * what is "@last", an id, a name (one that is not terminated wins, then the latest), or
 * the first 4 or more characters of one id. ERR_NOT_FOUND; ERR_CONFLICT when several
 * begin so. *ret is to be released.
 */
int store_instance_get(struct store *store, const char *what, struct instance *ret,
		       struct error *err) _must_check_ _nonnull_;
/* By exact id. 1: *ret is it; 0: there is none; -1: *err. */
int store_instance_find(struct store *store, const char *id, struct instance *ret,
			struct error *err) _must_check_ _nonnull_;
/* Oldest first. each returns 0 to go on, and must not change the store. */
int store_instance_list(struct store *store,
			int (*each)(void *arg, const struct instance *instance), void *arg,
			struct error *err) _must_check_ __attribute__((nonnull(1, 2, 4)));
/* Forgets those that were terminated before, and what happened to them. */
int store_instance_forget(struct store *store, int64_t before_ms, struct error *err)
	_must_check_ _nonnull_;
/* 1: *ret is who stands on that snapshot; 0: none does. */
int store_instance_of_snapshot(struct store *store, const char *id, char ret[STORE_NAME],
			       struct error *err) _must_check_ _nonnull_;
/* The same of those that run in that environment, or could. */
int store_instance_of_environment(struct store *store, const char *name, char ret[STORE_NAME],
				  struct error *err) _must_check_ _nonnull_;

/* ---- what happened ---- */

struct instance_event {
	int64_t seq;			/* set by the store */
	char instance[STORE_ID];
	int64_t at_ms;
	char type[STORE_WORD];		/* "created", "running", "stopped", ... */
	char *detail;			/* JSON object, or NULL */
};

int store_instance_event_add(struct store *store, const struct instance_event *event,
			     struct error *err) _must_check_ _nonnull_;
/* Oldest first: of one, or of all (NULL), those after seq. */
int store_instance_event_list(struct store *store, const char *instance, int64_t after_seq,
			      int limit,
			      int (*each)(void *arg, const struct instance_event *event),
			      void *arg, struct error *err)
	_must_check_ __attribute__((nonnull(1, 5, 7)));

#endif
