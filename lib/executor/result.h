#ifndef FAAS_EXECUTOR_RESULT_H
#define FAAS_EXECUTOR_RESULT_H

/*
 * Results of steps, found by what the steps are made of, and environments that are
 * built of steps. A client asks with chain.find; when there is none it runs the step
 * as any execution, kept as a snapshot with the label CHAIN_LABEL, and then says
 * chain.keep. A client that dies between the two leaves a snapshot that chain.prune
 * removes.
 */

#include "lib/executor/executor.h"

#define CHAIN_LABEL	"faas.chain"

/* ---- handlers; see operation.c ---- */
int result_find(struct session *s, json_int_t id, const json_t *params, struct error *err);
int result_keep(struct session *s, json_int_t id, const json_t *params, struct error *err);
int result_name(struct session *s, json_int_t id, const json_t *params, struct error *err);
/* result-kept.c */
int result_list(struct session *s, json_int_t id, const json_t *params, struct error *err);
int result_get(struct session *s, json_int_t id, const json_t *params, struct error *err);
int result_delete(struct session *s, json_int_t id, const json_t *params, struct error *err);
int result_prune(struct session *s, json_int_t id, const json_t *params, struct error *err);
/* built.c */
int environment_build(struct session *s, json_int_t id, const json_t *params,
		      struct error *err);

/*
 * A snapshot of a step that no result has any more, and those below it, as far as
 * nothing needs them and they have no name: gone. How many.
 */
unsigned int result_release(struct executor *x, const char *snapshot);
bool result_made(const struct snapshot *s);
/*
 * Results keep nobody from deleting: when nothing else stands on that snapshot, or on
 * that environment (the other is NULL), they go.
 */
void result_yield(struct executor *x, const char *snapshot, const char *environment);

/* ---- built.c: environments whose files are a snapshot's ---- */
/* Its path is then that of the root below all of its layers; NULL for the host's. */
int built_root(struct executor *x, struct environment *e, struct error *err);
/* Its snapshot is the run's parent, unless that begins with another one. */
int built_stack(struct executor *x, const struct environment *e, struct run *run,
		struct error *err);
/* Has it this program, in its layers or below them? */
bool built_has(struct executor *x, const struct environment *e, const char *program);
/*
 * Where the files of an environment's snapshots are on this machine, for a client that
 * looks at them itself: "files" in *to.
 */
int built_report_files(struct executor *x, const char *environment, json_t *to,
		       struct error *err);
/* ERR_BUSY when an environment is built on it. */
int built_check(struct executor *x, const char *name, struct error *err);

#endif
