#include "cmd/instance.h"

/*
 * faas instance exec: one more command in an instance that runs.
 */

#define ARGS struct execute_args

static const struct opt exec_opts[] = {
	OPERAND("instance", ARGS, run.instance, HINT_INSTANCE, "instance to run it in"),
	OPT_GROUP("What is run, and where"),
	OPT_STR('l', "language", "name", ARGS, run.language, HINT_LANGUAGE,
		"the code is in language <name>"),
	OPT_STRS('e', "env-var", "var", ARGS, run.variables, HINT_VARIABLE,
		 "set variable NAME=value, or pass NAME on"),
	OPT_STRS(0, "env-file", "file", ARGS, run.env_files, HINT_FILE,
		 "set the variables in <file>, one NAME=value a line"),
	OPT_STR('w', "workdir", "dir", ARGS, run.workdir, HINT_NONE,
		"start in folder <dir> of the instance (default: /work)"),
	OPT_STR('u', "user", "user", ARGS, run.user, HINT_USER,
		"run as <user> of the instance: name or uid[:gid]"),
	OPT_STRS('f', "file", "file", ARGS, run.files, HINT_FILE,
		 "put <file>, or SRC:DST, into the instance first"),
	OPT_STRS('a', "artifact", "path", ARGS, run.artifacts, HINT_NONE,
		 "bring <path> back when the program has ended"),
	OPT_STR(0, "artifact-dir", "dir", ARGS, run.artifact_dir, HINT_DIR,
		"where artifacts go (default: the current folder)"),
	OPT_STR(0, "name", "name", ARGS, run.name, HINT_NONE, "name the execution"),
	OPT_STRS(0, "label", "label", ARGS, run.labels, HINT_NONE,
		 "attach the label KEY=value to the execution"),
	OPT_MS(0, "timeout", "time", ARGS, run.timeout_ms,
	       "stop it after <time>, and exit with 124",
	       .env = "FAAS_TIMEOUT", .config = "timeout"),
	OPT_MS(0, "grace", "time", ARGS, run.grace_ms,
	       "from asking it to end until killing it (default: 10s)"),
	OPT_GROUP("Input and output"),
	OPT_TRI('t', 'T', "tty", ARGS, tty,
		"give the program a terminal (default: when stdin and stdout are one)"),
	OPT_FLAG('i', "interactive", ARGS, interactive, "pass stdin on, which is the default",
		 .hidden = true),
	OPT_FLAG('n', "no-stdin", ARGS, no_stdin, "give the program an empty stdin"),
	OPT_FLAG('d', "detach", ARGS, detach, "print the execution's id and leave it running"),
	OPT_FLAG(0, "log", ARGS, log, "show the output and keep it, for 'faas execution logs'"),
	OPT_INT(0, "status-fd", "fd", ARGS, status_fd,
		"write the result as one line of JSON to descriptor <fd>"),
	OPT_STR(0, "status-file", "file", ARGS, status_file, HINT_FILE,
		"write the result as one line of JSON to <file>"),
	OPT_STR(0, "id-file", "file", ARGS, id_file, HINT_FILE,
		"write the execution's id to <file> when it starts"),
	OPERAND_REST("code", ARGS, words,
		     "code, or a file and its arguments, or '--' and a command"),
	OPT_END
};

static const char *const examples[] = {
	"faas instance exec web 'ls /work | wc -l'",
	"faas instance exec -it web -- bash",
	NULL
};

const struct cmd instance_cmd_exec = {
	.name = "exec",
	.summary = "run one more command in an instance, and exit as it did",
	.flags = CMD_PASSES_STATUS,
	.args_size = sizeof(ARGS),
	.opts = exec_opts,
	.run = execute_run,
	.examples = examples,
};
