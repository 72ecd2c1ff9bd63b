#ifndef FAAS_EXECUTOR_ENVIRONMENT_H
#define FAAS_EXECUTOR_ENVIRONMENT_H

/*
 * Handlers of the environment operations; see operation.c for what a handler is.
 */

#include "lib/executor/executor.h"

int environment_create(struct session *s, json_int_t id, const json_t *params,
		       struct error *err);
/* image.c */
int environment_pull(struct session *s, json_int_t id, const json_t *params,
		     struct error *err);
int environment_prune(struct session *s, json_int_t id, const json_t *params,
		      struct error *err);
/* export.c */
int environment_export(struct session *s, json_int_t id, const json_t *params,
		       struct error *err);
void export_session_gone(struct session *s);
/* Is one at work in this environment, or in any (NULL)? */
bool export_any(const char *name);
/* update.c */
int environment_update(struct session *s, json_int_t id, const json_t *params,
		       struct error *err);
int environment_list(struct session *s, json_int_t id, const json_t *params,
		     struct error *err);
int environment_get(struct session *s, json_int_t id, const json_t *params,
		    struct error *err);
int environment_delete(struct session *s, json_int_t id, const json_t *params,
		       struct error *err);
/* Which of the programs asked for are in the environment's PATH. */
int environment_programs(struct session *s, json_int_t id, const json_t *params,
			 struct error *err);

/* warm.c: languages, features and warm-up of a request; what it does not name stays. */
int environment_describe(const json_t *params, struct environment *e, struct error *err)
	_must_check_;
/* It is made, or changed, or the executor starts: when it is aggressive, it is warmed up. */
void environment_warm(struct executor *x, const struct environment *e);
int environment_warm_all(struct executor *x, struct error *err) _must_check_;
/* Cancels what is run ahead in it. */
void environment_cool(struct executor *x, const char *name);

/* The folder of one that is replaced. */
void environment_discard(struct executor *x, const struct environment *e);

/* At start: removes folders that no environment has, left by a death. */
int environment_sweep(struct executor *x, struct error *err);
/* Its request goes on without it. */
void environment_session_gone(struct session *s);

#endif
