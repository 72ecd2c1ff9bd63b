#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/api/operation.h"
#include "lib/base/cleanup.h"
#include "lib/executor/result.h"
#include "lib/executor/environment.h"
#include "lib/executor/executor.h"
#include "lib/executor/instance.h"
#include "lib/executor/merge.h"
#include "lib/executor/snapshot.h"

/*
 * Handlers, one for each operation. A handler answers now (session_result) or
 * leaves the request with something that will; when it returns -1 the error is
 * the answer.
 */

enum { GRACE_MAX_MS = 86400000 };	/* a day */

typedef int handler(struct session *s, json_int_t id, const json_t *params,
		    struct error *err);

static const char *text_of(const json_t *params, const char *key)
{
	return json_string_value(json_object_get(params, key));
}

/* Comes before a look at the other fields, of which another version may have others. */
static int check_version(const json_t *params, struct error *err)
{
	const json_t *version = json_object_get(params, "version");

	if (!json_is_integer(version) || json_integer_value(version) == WIRE_VERSION)
		return 0;
	(void)err_set(err, ERR_PROTOCOL, "this executor (faas %s) speaks version %d of the "
		      "protocol, the client version %lld", FAAS_VERSION, WIRE_VERSION,
		      (long long)json_integer_value(version));
	return err_hint(err, "'faas executor stop', then try again");
}

static int do_hello(struct session *s, json_int_t id, const json_t *params,
		    struct error *err)
{
	(void)err;
	s->greeted = true;
	if (json_is_true(json_object_get(params, "quiet")))
		return 0;
	session_result(s, id, json_pack("{s:i,s:s}", "version", WIRE_VERSION, "executor",
					FAAS_VERSION), NULL, 0);
	return 0;
}

static int list_one(void *arg, const struct execution *e)
{
	json_array_append_new(arg, report_execution(e));
	return 0;
}

static int do_execution_list(struct session *s, json_int_t id, const json_t *params,
			     struct error *err)
{
	const json_t *labels = json_object_get(params, "labels");
	const char *wanted[65] = { NULL };
	struct execution_filter f = {
		.state = text_of(params, "state"),
		.environment = text_of(params, "environment"),
		.name = text_of(params, "name"),
		.since_ms = json_integer_value(json_object_get(params, "since_ms")),
		.before = json_integer_value(json_object_get(params, "before")),
		.limit = (uint64_t)json_integer_value(json_object_get(params, "limit")),
		.labels = wanted,
	};
	cleanup_json json_t *list = json_array();

	if (json_array_size(labels) > 64)
		return err_set(err, ERR_USAGE, "more than 64 labels");
	for (size_t i = 0; i < json_array_size(labels); i++) {
		wanted[i] = json_string_value(json_array_get(labels, i));
		if (!wanted[i])
			return err_set(err, ERR_USAGE, "a label must be text");
	}
	run_note_all(s->x);
	if (run_flush(s->x, err) < 0 ||
	    store_execution_list(s->x->store, &f, list_one, list, err) < 0)
		return -1;
	session_result(s, id, json_incref(list), NULL, 0);
	return 0;
}

/* From memory while it runs, else from the database. */
int execution_find(struct executor *x, const char *what, struct run **ret_run,
		   struct execution *ret, struct error *err)
{
	bool last = !strcmp(what, "@last");

	*ret_run = last ? NULL : run_find(x, what);
	if (*ret_run)
		return 0;
	if (run_flush(x, err) < 0)
		return -1;
	/* a queued one is newer than all that the database knows */
	if (last && x->runs && !strcmp(x->runs->rec.state, "queued")) {
		*ret_run = x->runs;
		return 0;
	}
	if (store_execution_get(x->store, what, ret, err) < 0)
		return -1;
	*ret_run = last ? run_find(x, ret->id) : NULL;
	return 0;
}

static int do_execution_get(struct session *s, json_int_t id, const json_t *params,
			    struct error *err)
{
	cleanup_execution struct execution e = { 0 };
	struct run *run;

	if (execution_find(s->x, text_of(params, "id"), &run, &e, err) < 0)
		return -1;
	session_result(s, id, report_execution(run ? &run->rec : &e), NULL, 0);
	return 0;
}

static int do_execution_wait(struct session *s, json_int_t id, const json_t *params,
			     struct error *err)
{
	cleanup_execution struct execution e = { 0 };
	struct run *run;

	if (execution_find(s->x, text_of(params, "id"), &run, &e, err) < 0)
		return -1;
	if (run && !run->finished) {
		struct waiter *w = calloc(1, sizeof(*w));

		if (!w)
			return err_sys(err, ENOMEM, "wait");
		*w = (struct waiter){ run->waiters, s, id };
		run->waiters = w;
		return 0;
	}
	session_result(s, id, report_execution(run ? &run->rec : &e), NULL, 0);
	return 0;
}

static int running(struct executor *x, const char *what, struct run **ret, struct error *err)
{
	cleanup_execution struct execution e = { 0 };

	if (execution_find(x, what, ret, &e, err) < 0)
		return -1;
	if (!*ret || (*ret)->finished)
		return err_set(err, ERR_CONFLICT, "execution '%s' has ended", what);
	return 0;
}

static int do_execution_cancel(struct session *s, json_int_t id, const json_t *params,
			       struct error *err)
{
	const json_t *grace = json_object_get(params, "grace_ms");
	json_int_t ms = json_integer_value(grace);
	struct run *run;

	if (running(s->x, text_of(params, "id"), &run, err) < 0)
		return -1;
	session_result(s, id, json_pack("{s:s}", "id", run->rec.id), NULL, 0);
	run_cancel(run, !grace ? run->msg.grace_ms : ms > GRACE_MAX_MS ? GRACE_MAX_MS
						       : (uint64_t)ms);
	return 0;
}

static int do_execution_signal(struct session *s, json_int_t id, const json_t *params,
			       struct error *err)
{
	json_int_t sig = json_integer_value(json_object_get(params, "signal"));
	struct run *run;

	if (sig < 1 || sig > 64)
		return err_set(err, ERR_USAGE, "there is no signal %lld", (long long)sig);
	if (running(s->x, text_of(params, "id"), &run, err) < 0 ||
	    run_signal(run, (int)sig, err) < 0)
		return -1;
	session_result(s, id, json_pack("{s:s}", "id", run->rec.id), NULL, 0);
	return 0;
}

static int do_execution_logs(struct session *s, json_int_t id, const json_t *params,
			     struct error *err)
{
	cleanup_execution struct execution e = { 0 };
	cleanup_close int fd = -1;
	const struct execution *rec;
	struct run *run;

	if (execution_find(s->x, text_of(params, "id"), &run, &e, err) < 0)
		return -1;
	rec = run ? &run->rec : &e;
	if (!rec->logged) {
		(void)err_set(err, ERR_NOT_FOUND, "the output of execution '%s' went to its client "
			      "and was not kept", rec->id);
		return err_hint(err, "'faas execute --detach' keeps it");
	}
	fd = run_log_folder(s->x, rec->id, false, err);
	if (fd < 0)
		return -1;
	session_result(s, id, report_execution(rec), &fd, 1);
	return 0;
}

static int do_execution_attach(struct session *s, json_int_t id, const json_t *params,
			       struct error *err)
{
	struct run *run;

	if (running(s->x, text_of(params, "id"), &run, err) < 0)
		return -1;
	if (!run->rec.logged)
		return err_set(err, ERR_CONFLICT, "execution '%s' belongs to the client that "
			       "started it", run->rec.id);
	session_result(s, id, report_execution(&run->rec), &run->pty, run->pty >= 0);
	return 0;
}

static int do_executor_status(struct session *s, json_int_t id, const json_t *params,
			      struct error *err)
{
	(void)params;
	(void)err;
	session_result(s, id, report_status(s->x), NULL, 0);
	return 0;
}

static int do_executor_stop(struct session *s, json_int_t id, const json_t *params,
			    struct error *err)
{
	(void)err;
	s->x->stopping = json_is_true(json_object_get(params, "now")) ? STOP_NOW : STOP_DRAIN;
	session_result(s, id, json_pack("{s:I,s:I}", "pid", (json_int_t)getpid(), "active",
					(json_int_t)s->x->n_running), NULL, 0);
	return 0;
}

static handler *const handlers[OP__MAX] = {
	[OP_HELLO] = do_hello,
	[OP_EXECUTION_CREATE] = execution_create,
	[OP_EXECUTION_LIST] = do_execution_list,
	[OP_EXECUTION_GET] = do_execution_get,
	[OP_EXECUTION_WAIT] = do_execution_wait,
	[OP_EXECUTION_CANCEL] = do_execution_cancel,
	[OP_EXECUTION_SIGNAL] = do_execution_signal,
	[OP_EXECUTION_LOGS] = do_execution_logs,
	[OP_EXECUTION_ATTACH] = do_execution_attach,
	[OP_EXECUTION_DELETE] = forget_execution,
	[OP_EXECUTION_PRUNE] = forget_executions,
	[OP_ENVIRONMENT_CREATE] = environment_create,
	[OP_ENVIRONMENT_PULL] = environment_pull,
	[OP_ENVIRONMENT_UPDATE] = environment_update,
	[OP_ENVIRONMENT_EXPORT] = environment_export,
	[OP_ENVIRONMENT_PRUNE] = environment_prune,
	[OP_ENVIRONMENT_LIST] = environment_list,
	[OP_ENVIRONMENT_GET] = environment_get,
	[OP_ENVIRONMENT_DELETE] = environment_delete,
	[OP_ENVIRONMENT_PROGRAMS] = environment_programs,
	[OP_SNAPSHOT_CREATE] = snapshot_create,
	[OP_SNAPSHOT_PRUNE] = snapshot_prune,
	[OP_SNAPSHOT_RESTORE] = snapshot_restore,
	[OP_SNAPSHOT_REPAIR] = snapshot_repair,
	[OP_SNAPSHOT_CHECK] = snapshot_check,
	[OP_SNAPSHOT_EXPORT] = snapshot_export,
	[OP_SNAPSHOT_IMPORT] = snapshot_import,
	[OP_SNAPSHOT_LIST] = snapshot_list,
	[OP_SNAPSHOT_GET] = snapshot_get,
	[OP_SNAPSHOT_UPDATE] = snapshot_update,
	[OP_SNAPSHOT_DELETE] = snapshot_delete,
	[OP_SNAPSHOT_DIFF] = snapshot_diff_files,
	[OP_SNAPSHOT_USAGE] = snapshot_usage,
	[OP_BRANCH_CREATE] = branch_create,
	[OP_BRANCH_LIST] = branch_list,
	[OP_BRANCH_GET] = branch_get,
	[OP_BRANCH_DELETE] = branch_delete,
	[OP_BRANCH_ADVANCE] = branch_advance_to,
	[OP_ENVIRONMENT_BUILD] = environment_build,
	[OP_CHAIN_FIND] = result_find,
	[OP_CHAIN_KEEP] = result_keep,
	[OP_CHAIN_NAME] = result_name,
	[OP_CHAIN_LIST] = result_list,
	[OP_CHAIN_GET] = result_get,
	[OP_CHAIN_DELETE] = result_delete,
	[OP_CHAIN_PRUNE] = result_prune,
	[OP_BRANCH_MERGE] = branch_merge,
	[OP_INSTANCE_CREATE] = instance_create,
	[OP_INSTANCE_LIST] = instance_list,
	[OP_INSTANCE_GET] = instance_get,
	[OP_INSTANCE_UPDATE] = instance_update,
	[OP_INSTANCE_START] = instance_start,
	[OP_INSTANCE_STOP] = instance_stop,
	[OP_INSTANCE_RESTART] = instance_restart,
	[OP_INSTANCE_PAUSE] = instance_pause,
	[OP_INSTANCE_RESUME] = instance_resume,
	[OP_INSTANCE_TERMINATE] = instance_terminate,
	[OP_INSTANCE_WAIT] = instance_wait,
	[OP_INSTANCE_LOGS] = instance_logs,
	[OP_INSTANCE_EVENTS] = instance_events,
	[OP_INSTANCE_EXEC] = instance_exec,
	[OP_INSTANCE_CONNECT] = instance_connect,
	[OP_EXECUTOR_STATUS] = do_executor_status,
	[OP_EXECUTOR_STOP] = do_executor_stop,
};

void operation_run(struct session *s, json_int_t id, const char *name, json_t *params)
{
	int op = operation_find(name);
	struct error err;

	s->x->busy_us = clock_us();
	if (op < 0)
		(void)err_set(&err, ERR_USAGE, "there is no operation '%.64s'", name);
	else if (!s->greeted && op != OP_HELLO)
		(void)err_set(&err, ERR_PROTOCOL, "the first request must be hello");
	else if (!(op == OP_HELLO && check_version(params, &err) < 0) &&
		 !operation_check(operation_at(op), params, &err) &&
		 !handlers[op](s, id, params, &err))
		return;
	session_error(s, id, &err);
}
