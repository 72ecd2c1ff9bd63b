#ifndef FAAS_API_OPERATION_H
#define FAAS_API_OPERATION_H

/*
 * The table of operations
 * =======================
 *
 * Everything that can be asked of faas, once. The executor's handlers, the
 * socket protocol, the client library, and (with the method, path and scope) the
 * REST routes and permission checks are read from here; so is the validation: a
 * field that is not listed is refused by name.
 */

#include <jansson.h>
#include <stdbool.h>

#include "lib/base/error.h"

enum field_type {
	FIELD_STRING,
	FIELD_INTEGER,		/* not negative */
	FIELD_BOOLEAN,
	FIELD_OBJECT,
	FIELD_ARRAY,
};

struct field {
	const char *name;
	enum field_type type;
	bool required;
	const char *help;
};

struct operation {
	const char *name;	/* "execution.create" */
	const char *method;	/* of the REST route */
	const char *path;	/* below /api/v1; {x} is field x */
	const char *scope;	/* that a key needs */
	const struct field *fields;	/* ended by a NULL name */
	const char *summary;
};

/* name, method, path, scope, fields, summary */
#define OPERATIONS(X) \
	X(HELLO, "hello", "GET", "/version", "none", hello, \
	  "agree on the protocol's version") \
	X(EXECUTION_CREATE, "execution.create", "POST", "/executions", "execute", \
	  execution_create, "run a command in a sandbox") \
	X(EXECUTION_LIST, "execution.list", "GET", "/executions", "read", \
	  execution_list, "list executions, newest first") \
	X(EXECUTION_GET, "execution.get", "GET", "/executions/{id}", "read", by_id, \
	  "show one execution") \
	X(EXECUTION_WAIT, "execution.wait", "GET", "/executions/{id}/wait", "read", by_id, \
	  "wait until an execution has ended") \
	X(EXECUTION_CANCEL, "execution.cancel", "POST", "/executions/{id}/cancel", "execute", \
	  execution_cancel, "end an execution") \
	X(EXECUTION_SIGNAL, "execution.signal", "POST", "/executions/{id}/signal", "execute", \
	  execution_signal, "send a signal to an execution's program") \
	X(EXECUTION_LOGS, "execution.logs", "GET", "/executions/{id}/logs", "read", by_id, \
	  "read the output that was kept") \
	X(EXECUTION_ATTACH, "execution.attach", "POST", "/executions/{id}/attach", "execute", \
	  by_id, "take the terminal of a running execution") \
	X(EXECUTION_DELETE, "execution.delete", "DELETE", "/executions/{id}", "execute", by_id, \
	  "forget a finished execution and its log") \
	X(EXECUTION_PRUNE, "execution.prune", "POST", "/executions/prune", "execute", \
	  execution_prune, "forget finished executions and their logs") \
	X(ENVIRONMENT_CREATE, "environment.create", "POST", "/environments", "environment", \
	  environment_create, "make an environment from a folder or an archive") \
	X(ENVIRONMENT_PULL, "environment.pull", "POST", "/environments/pull", "environment", \
	  environment_pull, "make an environment from an image") \
	X(ENVIRONMENT_UPDATE, "environment.update", "PATCH", "/environments/{name}", \
	  "environment", environment_update, "change the defaults of an environment") \
	X(ENVIRONMENT_EXPORT, "environment.export", "POST", "/environments/{name}/export", \
	  "environment", environment_export, "write an environment as an archive or an image") \
	X(ENVIRONMENT_PRUNE, "environment.prune", "POST", "/environments/prune", \
	  "environment", environment_prune, "remove what was kept of images") \
	X(ENVIRONMENT_LIST, "environment.list", "GET", "/environments", "read", nothing, \
	  "list environments") \
	X(ENVIRONMENT_GET, "environment.get", "GET", "/environments/{name}", "read", by_name, \
	  "show one environment") \
	X(ENVIRONMENT_DELETE, "environment.delete", "DELETE", "/environments/{name}", \
	  "environment", by_name, "delete an environment") \
	X(ENVIRONMENT_PROGRAMS, "environment.programs", "GET", \
	  "/environments/{name}/programs", "read", environment_programs, \
	  "which of some programs an environment has") \
	X(SNAPSHOT_CREATE, "snapshot.create", "POST", "/snapshots", "snapshot", \
	  snapshot_create, "make a snapshot of what is kept, or of an environment") \
	X(SNAPSHOT_LIST, "snapshot.list", "GET", "/snapshots", "read", snapshot_list, \
	  "list snapshots, oldest first") \
	X(SNAPSHOT_GET, "snapshot.get", "GET", "/snapshots/{id}", "read", snapshot_by_id, \
	  "show one snapshot") \
	X(SNAPSHOT_UPDATE, "snapshot.update", "PATCH", "/snapshots/{id}", "snapshot", \
	  snapshot_update, "change name, comment, labels and end of a snapshot") \
	X(SNAPSHOT_DELETE, "snapshot.delete", "DELETE", "/snapshots/{id}", "snapshot", \
	  snapshot_delete, "delete snapshots, all or none") \
	X(SNAPSHOT_PRUNE, "snapshot.prune", "POST", "/snapshots/prune", "snapshot", \
	  snapshot_prune, "delete old snapshots that nothing needs") \
	X(SNAPSHOT_RESTORE, "snapshot.restore", "POST", "/snapshots/{id}/restore", "snapshot", \
	  snapshot_restore, "move a branch back to a snapshot, or begin one there") \
	X(SNAPSHOT_CHECK, "snapshot.check", "POST", "/snapshots/check", "read", snapshot_check, \
	  "look whether files of snapshots are what they were") \
	X(SNAPSHOT_REPAIR, "snapshot.repair", "POST", "/snapshots/repair", "snapshot", \
	  snapshot_repair, "remove what is left of damaged snapshots") \
	X(SNAPSHOT_EXPORT, "snapshot.export", "POST", "/snapshots/{id}/export", "read", \
	  snapshot_export, "write a snapshot to a descriptor as one file") \
	X(SNAPSHOT_IMPORT, "snapshot.import", "POST", "/snapshots/import", "snapshot", \
	  snapshot_import, "make a snapshot of an exported one") \
	X(SNAPSHOT_DIFF, "snapshot.diff", "GET", "/snapshots/{id}/diff", "read", snapshot_diff, \
	  "what differs between two snapshots or branches") \
	X(SNAPSHOT_USAGE, "snapshot.usage", "GET", "/usage/snapshots", "read", nothing, \
	  "what each snapshot holds on the disk") \
	X(BRANCH_CREATE, "branch.create", "POST", "/branches", "snapshot", branch_create, \
	  "begin a branch at a snapshot or at another branch") \
	X(BRANCH_LIST, "branch.list", "GET", "/branches", "read", nothing, "list branches") \
	X(BRANCH_GET, "branch.get", "GET", "/branches/{name}", "read", branch_by_name, \
	  "show one branch") \
	X(BRANCH_DELETE, "branch.delete", "DELETE", "/branches/{name}", "snapshot", \
	  branch_by_name, "delete a branch, and what nothing else stands on") \
	X(BRANCH_ADVANCE, "branch.advance", "POST", "/branches/{name}/advance", "snapshot", \
	  branch_advance, "move a branch on to a snapshot that was made where it is") \
	X(ENVIRONMENT_BUILD, "environment.build", "POST", "/environments/build", "environment", \
	  environment_build, "make an environment of a snapshot's files") \
	X(CHAIN_FIND, "chain.find", "POST", "/chain/find", "read", chain_find, \
	  "find the result of a step by what it is made of") \
	X(CHAIN_KEEP, "chain.keep", "POST", "/chain/keep", "snapshot", chain_keep, \
	  "keep the result of a step that was run") \
	X(CHAIN_NAME, "chain.name", "POST", "/chain/name", "snapshot", chain_name, \
	  "give the result of a chain a name, which an older result loses") \
	X(CHAIN_LIST, "chain.list", "GET", "/chain", "read", nothing, \
	  "list the results of steps, the one used last first") \
	X(CHAIN_GET, "chain.get", "GET", "/chain/{key}", "read", chain_by_key, \
	  "show the result of a step") \
	X(CHAIN_DELETE, "chain.delete", "DELETE", "/chain/{key}", "snapshot", chain_by_key, \
	  "delete the result of a step") \
	X(CHAIN_PRUNE, "chain.prune", "POST", "/chain/prune", "snapshot", chain_prune, \
	  "delete results of steps") \
	X(BRANCH_MERGE, "branch.merge", "POST", "/branches/merge", "snapshot", branch_merge, \
	  "merge branches and snapshots, into a branch or a new snapshot") \
	X(INSTANCE_CREATE, "instance.create", "POST", "/instances", "instance", \
	  instance_create_fields, "start an instance: a sandbox that lives on") \
	X(INSTANCE_LIST, "instance.list", "GET", "/instances", "read", instance_list_fields, \
	  "list instances, oldest first") \
	X(INSTANCE_GET, "instance.get", "GET", "/instances/{id}", "read", instance_by_id_fields, \
	  "show one instance") \
	X(INSTANCE_UPDATE, "instance.update", "PATCH", "/instances/{id}", "instance", \
	  instance_update_fields, "change name, labels, times and restarts of an instance") \
	X(INSTANCE_START, "instance.start", "POST", "/instances/{id}/start", "instance", \
	  instance_by_id_fields, "start an instance that has stopped") \
	X(INSTANCE_STOP, "instance.stop", "POST", "/instances/{id}/stop", "instance", \
	  instance_end_fields, "end what runs in an instance, and keep its files") \
	X(INSTANCE_RESTART, "instance.restart", "POST", "/instances/{id}/restart", "instance", \
	  instance_end_fields, "stop an instance, and start it again") \
	X(INSTANCE_PAUSE, "instance.pause", "POST", "/instances/{id}/pause", "instance", \
	  instance_by_id_fields, "freeze an instance, with its memory") \
	X(INSTANCE_RESUME, "instance.resume", "POST", "/instances/{id}/resume", "instance", \
	  instance_by_id_fields, "let a paused instance go on") \
	X(INSTANCE_TERMINATE, "instance.terminate", "DELETE", "/instances/{id}", "instance", \
	  instance_end_fields, "end an instance, and remove its files") \
	X(INSTANCE_WAIT, "instance.wait", "GET", "/instances/{id}/wait", "read", \
	  instance_wait_fields, "wait until an instance is in a state") \
	X(INSTANCE_LOGS, "instance.logs", "GET", "/instances/{id}/logs", "read", \
	  instance_by_id_fields, "read the output of an instance's program") \
	X(INSTANCE_EVENTS, "instance.events", "GET", "/events/instances", "read", \
	  instance_events_fields, "what happened to instances, oldest first") \
	X(INSTANCE_EXEC, "instance.exec", "POST", "/instances/{instance}/exec", "execute", \
	  instance_exec_fields, "run one more command in an instance") \
	X(INSTANCE_CONNECT, "instance.connect", "POST", "/instances/{id}/connect", "instance", \
	  instance_connect_fields, "a socket that is connected to a port of an instance") \
	X(EXECUTOR_STATUS, "executor.status", "GET", "/status", "read", nothing, \
	  "what the executor is doing") \
	X(EXECUTOR_STOP, "executor.stop", "POST", "/stop", "admin", executor_stop, \
	  "stop the executor")

enum operation_id {
#define X(id, name, method, path, scope, fields, summary) OP_##id,
	OPERATIONS(X)
#undef X
	OP__MAX
};

/* The operation of that name, or -1. */
int operation_find(const char *name);
const struct operation *operation_at(int id);
/* Are the parameters (an object, or NULL) what the operation takes? */
int operation_check(const struct operation *op, const json_t *params, struct error *err);

#endif
