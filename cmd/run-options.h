#ifndef FAAS_CMD_RUN_OPTIONS_H
#define FAAS_CMD_RUN_OPTIONS_H

/*
 * The options that every command which runs something has, and the request they
 * make. Put RUN_OPTIONS(ARGS, run) in its table and a struct run_options in ARGS.
 */

#include "lib/client/code.h"
#include "lib/cli/opt.h"

struct run_options {
	enum code_kind kind;		/* CODE_GUESS on a command line */
	const char *environment, *mode, *language, *workdir, *user, *name, *network;
	struct opt_strs variables, env_files, files, artifacts, labels;
	const char *artifact_dir;
	uint64_t timeout_ms, grace_ms;
	uint64_t memory, cpus, pids, disk, io;
	const char *parent, *snapshot;
	const char *branch;		/* of a command that names one; no option */
	const char *instance;		/* the same */
	uint64_t snapshot_ttl_ms;
	bool on_success;		/* of a command that means it; no option */
	bool allow_degraded;
};

extern const char *const run_modes[], *const run_networks[];

#define RUN_OPTIONS(T, f)						\
	OPT_GROUP("What is run, and where"),				\
	OPT_STR('E', "env", "name", T, f.environment, HINT_ENVIRONMENT,	\
		"run in environment <name>",		\
		.env = "FAAS_ENV", .config = "env"),			\
	OPT_CHOICE('m', "mode", "mode", T, f.mode, run_modes,		\
		   "how the sandbox is had",	\
		   .env = "FAAS_MODE", .config = "mode"),		\
	OPT_STR('l', "language", "name", T, f.language, HINT_LANGUAGE,	\
		"the code is in language <name>"),			\
	OPT_STRS('e', "env-var", "var", T, f.variables, HINT_VARIABLE,	\
		 "set variable NAME=value, or pass NAME on"),		\
	OPT_STRS(0, "env-file", "file", T, f.env_files, HINT_FILE,	\
		 "set the variables in <file>, one NAME=value a line"),	\
	OPT_STR('w', "workdir", "dir", T, f.workdir, HINT_NONE,		\
		"start in folder <dir> of the sandbox (default: /work)"), \
	OPT_STR('u', "user", "user", T, f.user, HINT_USER,		\
		"run as <user> of the environment: name or uid[:gid]"),	\
	OPT_STRS('f', "file", "file", T, f.files, HINT_FILE,		\
		 "put <file>, or SRC:DST, into the sandbox first"),	\
	OPT_STRS('a', "artifact", "path", T, f.artifacts, HINT_NONE,	\
		 "bring <path> back when the program has ended"),	\
	OPT_STR(0, "artifact-dir", "dir", T, f.artifact_dir, HINT_DIR,	\
		"where artifacts go (default: the current folder)"),	\
	OPT_STR(0, "name", "name", T, f.name, HINT_NONE,		\
		"name the execution"),					\
	OPT_STRS(0, "label", "label", T, f.labels, HINT_NONE,		\
		 "attach the label KEY=value to the execution"),	\
	OPT_GROUP("Snapshots"),						\
	OPT_STR('p', "parent", "snapshot", T, f.parent, HINT_SNAPSHOT,	\
		"begin with the files of <snapshot>"),			\
	OPT_STR('s', "snapshot", "name", T, f.snapshot, HINT_NONE,	\
		"keep the files as a new snapshot; '' for one without a name"), \
	OPT_MS(0, "snapshot-ttl", "time", T, f.snapshot_ttl_ms,		\
	       "delete that snapshot <time> after the run, such as 7d"), \
	OPT_GROUP("Limits"),						\
	OPT_CHOICE(0, "network", "mode", T, f.network, run_networks,	\
		   "what it can reach",			\
		   .env = "FAAS_NETWORK", .config = "network"),		\
	OPT_MS(0, "timeout", "time", T, f.timeout_ms,			\
	       "stop it after <time>, and exit with 124",		\
	       .env = "FAAS_TIMEOUT", .config = "timeout"),		\
	OPT_MS(0, "grace", "time", T, f.grace_ms,			\
	       "from asking it to end until killing it (default: 10s)"), \
	OPT_SIZE(0, "memory", "size", T, f.memory,			\
		 "let it use <size> of memory (default: half of all)",	\
		 .env = "FAAS_MEMORY", .config = "memory"),		\
	OPT_CPUS(0, "cpus", "number", T, f.cpus,			\
		 "let it use <number> CPUs, such as 0.5",		\
		 .env = "FAAS_CPUS", .config = "cpus"),			\
	OPT_UINT(0, "pids", "number", T, f.pids,			\
		 "let it have <number> processes (default: 1024)",	\
		 .env = "FAAS_PIDS", .config = "pids"),			\
	OPT_SIZE(0, "disk", "size", T, f.disk,				\
		 "let it write <size> to files (default: 1G)"),		\
	OPT_SIZE(0, "io", "size", T, f.io,				\
		 "let it read and write <size> a second of the disk"),	\
	OPT_FLAG(0, "allow-degraded", T, f.allow_degraded,		\
		 "run even where a limit cannot be enforced")

struct run_plan {
	struct code_plan code;
	json_t *params;			/* of execution.create */
	json_t *parent;			/* what snapshot.get said, or NULL */
	struct execution_file *files;
	int n_files;
};

/* Release it either way. */
int run_plan_make(struct client *client, const struct run_options *o,
		  const struct opt_rest *words, bool tty, struct run_plan *ret,
		  struct error *err) _must_check_;
void run_plan_release(struct run_plan *plan);

#endif
