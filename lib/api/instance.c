#include "lib/api/instance.h"

#define BY_ID								\
	{ "id", FIELD_STRING, true, "id, its first characters, name, or @last" }

const struct field instance_by_id_fields[] = {
	BY_ID,
	{ NULL }
};

const struct field instance_create_fields[] = {
	{ "id", FIELD_STRING, false, "id to give it: 12 of [a-z2-7], a letter first" },
	{ "name", FIELD_STRING, false, "name of the instance" },
	{ "environment", FIELD_STRING, false, "name of the environment" },
	{ "parent", FIELD_STRING, false, "snapshot or branch to begin with" },
	{ "steps", FIELD_ARRAY, false, "its program, as of execution.create; none: it idles" },
	{ "shell", FIELD_BOOLEAN, false, "as of execution.create" },
	{ "env", FIELD_OBJECT, false, "variables of the program" },
	{ "workdir", FIELD_STRING, false, "absolute working directory" },
	{ "user", FIELD_STRING, false, "user inside, by name or uid[:gid]" },
	{ "labels", FIELD_OBJECT, false, "labels, text to text" },
	{ "ports", FIELD_ARRAY, false, "ports that it serves, for the record" },
	{ "network", FIELD_STRING, false, "none, nat or host" },
	{ "limits", FIELD_OBJECT, false, "memory, pids, cpu_millis, disk, io_bps" },
	{ "grace_ms", FIELD_INTEGER, false, "from TERM to KILL when it is stopped" },
	{ "log_bytes", FIELD_INTEGER, false, "how much output is kept" },
	{ "ttl_ms", FIELD_INTEGER, false, "terminate it so long after its start; 0: never" },
	{ "auto_stop_ms", FIELD_INTEGER, false, "stop it when nobody used it for so long" },
	{ "restart", FIELD_STRING, false, "no, on-failure or always" },
	{ "restart_max", FIELD_INTEGER, false, "so often in a row, on failure; 0: for ever" },
	{ "remove", FIELD_BOOLEAN, false, "terminate it when it has stopped" },
	{ "allow_degraded", FIELD_BOOLEAN, false, "run even if a limit cannot be had" },
	{ NULL }
};

const struct field instance_list_fields[] = {
	{ "states", FIELD_ARRAY, false, "only those in one of these states" },
	{ "all", FIELD_BOOLEAN, false, "those that were terminated, too" },
	{ "environment", FIELD_STRING, false, "only those in this environment" },
	{ "name", FIELD_STRING, false, "only those whose name this pattern fits: * and ?" },
	{ "labels", FIELD_ARRAY, false, "only those with all of these key=value" },
	{ NULL }
};

const struct field instance_end_fields[] = {
	BY_ID,
	{ "grace_ms", FIELD_INTEGER, false, "from TERM to KILL" },
	{ NULL }
};

const struct field instance_update_fields[] = {
	BY_ID,
	{ "name", FIELD_STRING, false, "another name; empty: none" },
	{ "labels", FIELD_OBJECT, false, "labels to set; null takes one away" },
	{ "ttl_ms", FIELD_INTEGER, false, "terminate it so long from now; 0: never" },
	{ "auto_stop_ms", FIELD_INTEGER, false, "stop it when nobody used it so long; 0: never" },
	{ "restart", FIELD_STRING, false, "no, on-failure or always" },
	{ "restart_max", FIELD_INTEGER, false, "so often in a row, on failure; 0: for ever" },
	{ "remove", FIELD_BOOLEAN, false, "terminate it when it has stopped" },
	{ NULL }
};

const struct field instance_wait_fields[] = {
	BY_ID,
	{ "states", FIELD_ARRAY, true, "answer when it is in one of these states" },
	{ NULL }
};

const struct field instance_connect_fields[] = {
	BY_ID,
	{ "port", FIELD_INTEGER, true, "of the instance's loopback" },
	{ "protocol", FIELD_STRING, false, "tcp or udp" },
	{ NULL }
};

const struct field instance_events_fields[] = {
	{ "id", FIELD_STRING, false, "of one only: id, its first characters, name, or @last" },
	{ "after", FIELD_INTEGER, false, "cursor of the last one seen" },
	{ "limit", FIELD_INTEGER, false, "how many at most" },
	{ NULL }
};

const struct field instance_exec_fields[] = {
	{ "instance", FIELD_STRING, true, "id, its first characters, name, or @last" },
	{ "id", FIELD_STRING, false, "id of the execution: 12 of [a-z2-7], a letter first" },
	{ "steps", FIELD_ARRAY, true, "steps of alternatives of argv" },
	{ "shell", FIELD_BOOLEAN, false, "as of execution.create" },
	{ "env", FIELD_OBJECT, false, "variables of the program" },
	{ "workdir", FIELD_STRING, false, "absolute working directory" },
	{ "user", FIELD_STRING, false, "user inside, by name or uid[:gid]" },
	{ "name", FIELD_STRING, false, "name of the execution" },
	{ "labels", FIELD_OBJECT, false, "labels, text to text" },
	{ "language", FIELD_STRING, false, "language of the code, for the record" },
	{ "code_sha256", FIELD_STRING, false, "digest of the code, for the record" },
	{ "timeout_ms", FIELD_INTEGER, false, "deadline, 0 for none" },
	{ "grace_ms", FIELD_INTEGER, false, "from TERM to KILL" },
	{ "tty", FIELD_OBJECT, false, "rows and cols of a terminal" },
	{ "stdin", FIELD_BOOLEAN, false, "a descriptor for stdin comes along" },
	{ "stdio", FIELD_BOOLEAN, false, "descriptors for stdout and stderr come along" },
	{ "files", FIELD_BOOLEAN, false, "a file channel comes along" },
	{ "files_only", FIELD_BOOLEAN, false, "put the files in, and run nothing" },
	{ "detach", FIELD_BOOLEAN, false, "answer when it has started" },
	{ "log", FIELD_BOOLEAN, false, "keep the output" },
	{ "log_bytes", FIELD_INTEGER, false, "how much output is kept" },
	{ "brief", FIELD_BOOLEAN, false, "answer with how it ended, and no more" },
	{ NULL }
};
