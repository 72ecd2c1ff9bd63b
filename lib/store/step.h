#ifndef FAAS_STORE_STEP_H
#define FAAS_STORE_STEP_H

/*
 * Results of steps
 * ================
 *
 * What a step of a chain became, by its key (lib/chain/key.h): a snapshot, and what
 * was written meanwhile. A result goes with its snapshot and keeps nobody from
 * deleting that.
 */

#include "lib/store/store.h"

enum { STORE_KEY = 65 };

struct cached_step {
	char key[STORE_KEY];
	char *snapshot;			/* its id */
	char *chain;			/* that asked for it first */
	int number;			/* which of its steps, from 1 */
	char *command;			/* for people */
	char *components;		/* JSON object */
	bool truncated;			/* not all of its output is kept */
	int64_t wall_us;		/* how long it took to make */
	int64_t created_ms, used_ms;
	int64_t hits;
};

void cached_step_release(struct cached_step *step);
#define cleanup_cached_step	__attribute__((cleanup(cached_step_release)))

/* Adds it, or replaces the one with its key. */
int store_step_put(struct store *store, const struct cached_step *step, const void *output,
		   size_t size, struct error *err)
	_must_check_ __attribute__((nonnull(1, 2, 5)));
/*
 * key: all of it, or the first 4 or more characters. ERR_NOT_FOUND; ERR_CONFLICT when
 * several begin so. *ret is to be released.
 */
int store_step_get(struct store *store, const char *key, struct cached_step *ret,
		   struct error *err) _must_check_ _nonnull_;
/* The output of one, by its whole key; to be freed. */
int store_step_output(struct store *store, const char *key, char **ret, size_t *ret_size,
		      struct error *err) _must_check_ _nonnull_;
/* It was found once more. */
int store_step_used(struct store *store, const char *key, int64_t now_ms, struct error *err)
	_must_check_ _nonnull_;
/* The one that was used last comes first. each returns 0 to go on. */
int store_step_list(struct store *store,
		    int (*each)(void *arg, const struct cached_step *step), void *arg,
		    struct error *err) _must_check_ __attribute__((nonnull(1, 2, 4)));
/* By its whole key; that there is none is no error. */
int store_step_delete(struct store *store, const char *key, struct error *err)
	_must_check_ _nonnull_;
/* 1: a result has this snapshot; 0: none has. */
int store_step_has_snapshot(struct store *store, const char *id, struct error *err)
	_must_check_ _nonnull_;

/* What a step of a chain is made of now; it stays when its result goes. */
int store_step_see(struct store *store, const char *chain, int number, const char *components,
		   int64_t now_ms, struct error *err) _must_check_ _nonnull_;
/* What it was made of when it was last seen, or NULL; to be freed. */
int store_step_seen(struct store *store, const char *chain, int number, char **ret,
		    struct error *err) _must_check_ _nonnull_;
/* Of chains that were not seen since. */
int store_step_forget(struct store *store, int64_t before_ms, struct error *err)
	_must_check_ _nonnull_;

#endif
