#ifndef FAAS_CMD_INSTANCE_H
#define FAAS_CMD_INSTANCE_H

/*
 * What the files of `faas instance` share: instance.c lists and shows, -start.c starts,
 * -forward.c forwards ports, -end.c stops, pauses and changes, -exec.c runs commands, -wait.c waits, -run.c does all
 * of it in one.
 */

#include "cmd/command.h"
#include "cmd/execute.h"
#include "cmd/execution.h"
#include "cmd/output.h"

json_t *instance_id(const char *what);
void put_instance(struct out *o, const json_t *i);
int instance_show_one(struct ctx *ctx, const json_t *i, struct error *err);

/* What `start` and `run` begin with. */
struct start_options {
	struct run_options run;
	const char *snapshot, *name, *restart;
	uint64_t ttl_ms, auto_stop_ms;
	bool remove;
	struct opt_strs ports;
};

#define START_OPTIONS(T, f)						\
	OPT_GROUP("What it is"),					\
	OPT_STR('E', "env", "name", T, f.run.environment, HINT_ENVIRONMENT, \
		"start it in environment <name>",			\
		.env = "FAAS_ENV", .config = "env"),			\
	OPT_STR('s', "snapshot", "snapshot", T, f.snapshot, HINT_SNAPSHOT, \
		"begin with the files of <snapshot>, or of a branch"),	\
	OPT_STR(0, "name", "name", T, f.name, HINT_NONE, "name it"),	\
	OPT_STRS(0, "label", "label", T, f.run.labels, HINT_NONE,	\
		 "attach the label KEY=value"),				\
	OPT_STRS(0, "port", "number", T, f.ports, HINT_NONE,		\
		 "note that it serves port <number>"),			\
	OPT_STRS('e', "env-var", "var", T, f.run.variables, HINT_VARIABLE, \
		 "set variable NAME=value for its program, or pass NAME on"), \
	OPT_STRS(0, "env-file", "file", T, f.run.env_files, HINT_FILE,	\
		 "set the variables in <file>, one NAME=value a line"),	\
	OPT_STR('w', "workdir", "dir", T, f.run.workdir, HINT_NONE,	\
		"start its program in folder <dir> (default: /work)"),	\
	OPT_STR('u', "user", "user", T, f.run.user, HINT_USER,		\
		"run its program as <user>: name or uid[:gid]"),	\
	OPT_GROUP("How long it lives"),					\
	OPT_MS(0, "ttl", "time", T, f.ttl_ms,				\
	       "terminate it <time> from now, such as 12h"),		\
	OPT_MS(0, "auto-stop", "time", T, f.auto_stop_ms,		\
	       "stop it when nobody used it for <time>"),		\
	OPT_STR(0, "restart", "policy", T, f.restart, HINT_NONE,	\
		"start it again: no, on-failure[:times] or always"), \
	OPT_FLAG(0, "rm", T, f.remove, "terminate it when it has stopped"), \
	OPT_GROUP("Limits"),						\
	OPT_CHOICE(0, "network", "mode", T, f.run.network, run_networks, \
		   "what it can reach", .env = "FAAS_NETWORK", .config = "network"), \
	OPT_MS(0, "grace", "time", T, f.run.grace_ms,			\
	       "from asking it to end until killing it (default: 10s)"), \
	OPT_SIZE(0, "memory", "size", T, f.run.memory,			\
		 "let it use <size> of memory (default: half of all)",	\
		 .env = "FAAS_MEMORY", .config = "memory"),		\
	OPT_CPUS(0, "cpus", "number", T, f.run.cpus,			\
		 "let it use <number> CPUs, such as 0.5",		\
		 .env = "FAAS_CPUS", .config = "cpus"),			\
	OPT_UINT(0, "pids", "number", T, f.run.pids,			\
		 "let it have <number> processes (default: 1024)",	\
		 .env = "FAAS_PIDS", .config = "pids"),			\
	OPT_SIZE(0, "io", "size", T, f.run.io,				\
		 "let it read and write <size> a second of the disk"),	\
	OPT_FLAG(0, "allow-degraded", T, f.run.allow_degraded,		\
		 "start it even where a limit cannot be enforced")

/* words: of its program, or none. *ret is the instance, running. */
int instance_begin(struct client **client, const struct start_options *o,
		   const struct opt_rest *words, json_t **ret, struct error *err) _must_check_;
/* Into params: "on-failure:3" */
int instance_put_restart(json_t *params, const char *policy, struct error *err) _must_check_;

/* Waits until all of these are so. conditions: "tcp:80", "state:running", ...; 0: for ever */
int instance_wait_all(struct client **client, const char *what, const struct opt_strs *conditions,
		      uint64_t timeout_ms, struct error *err) _must_check_;

extern const struct cmd instance_cmd_start, instance_cmd_stop, instance_cmd_restart,
	instance_cmd_pause, instance_cmd_resume, instance_cmd_terminate, instance_cmd_update,
	instance_cmd_exec, instance_cmd_wait, instance_cmd_events, instance_cmd_logs,
	instance_cmd_run, instance_cmd_forward;

#endif
