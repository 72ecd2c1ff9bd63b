#ifndef FAAS_CMD_EXECUTION_H
#define FAAS_CMD_EXECUTION_H

/*
 * What the commands of `faas execution` share: execution.c lists and shows,
 * execution-end.c waits, cancels and forgets, execution-logs.c shows output.
 */

#include "cmd/command.h"
#include "cmd/output.h"
#include "lib/client/execution.h"

extern const struct cmd execution_logs, execution_attach;
extern const struct cmd execution_wait, execution_cancel, execution_delete, execution_prune;

/* A connection to the local executor, which is started if need be. */
int executor_connect(struct client **ret, struct error *err) _must_check_;

/* One question to the executor; takes params. */
int executor_call(const char *op, json_t *params, json_t **ret, struct error *err) _must_check_;
/* For completion: only if one runs, and answers at once. Takes params. */
int executor_ask_quickly(const char *op, json_t *params, json_t **ret, struct error *err)
	_must_check_;

/* execution.get and the like: one that takes an id. */
json_t *execution_id(const char *what);

/*
 * What `faas execute` would have exited with: the program's status, or that of
 * faas' own failure.
 */
int execution_exit(const json_t *record);
bool execution_has_ended(const json_t *record);

/*
 * Shows its output and takes its terminal until it ends: *ret_record is then how, or
 * NULL when the user detached before. Forwards signals, if asked to.
 */
int execution_attach_to(struct ctx *ctx, const char *id, bool forward, json_t **ret_record,
			struct error *err) _must_check_;

/* The fields of a record, in a row or an object. */
void put_execution(struct out *o, const json_t *record);

#endif
