#include "lib/api/operation.h"

#include <stdint.h>
#include <string.h>

static const struct field nothing[] = { { NULL } };

static const struct field hello[] = {
	{ "version", FIELD_INTEGER, true, "version of the socket protocol" },
	{ "client", FIELD_STRING, false, "name and version of the client" },
	{ "quiet", FIELD_BOOLEAN, false, "answer only to refuse" },
	{ NULL }
};

static const struct field by_id[] = {
	{ "id", FIELD_STRING, true, "id, its first characters, name, or @last" },
	{ NULL }
};

static const struct field by_name[] = {
	{ "name", FIELD_STRING, true, "name of the environment" },
	{ NULL }
};

static const struct field execution_create[] = {
	{ "id", FIELD_STRING, false, "id to give it: 12 of [a-z2-7], a letter first" },
	{ "steps", FIELD_ARRAY, true, "steps of alternatives of argv" },
	{ "environment", FIELD_STRING, false, "name of the environment" },
	{ "mode", FIELD_STRING, false, "ephemeral, cached or branched" },
	{ "env", FIELD_OBJECT, false, "variables of the program" },
	{ "workdir", FIELD_STRING, false, "absolute working directory" },
	{ "user", FIELD_STRING, false, "user inside, by name or uid[:gid]" },
	{ "name", FIELD_STRING, false, "name of the execution" },
	{ "labels", FIELD_OBJECT, false, "labels, text to text" },
	{ "language", FIELD_STRING, false, "language of the code, for the record" },
	{ "code_sha256", FIELD_STRING, false, "digest of the code, for the record" },
	{ "network", FIELD_STRING, false, "none, nat or host" },
	{ "limits", FIELD_OBJECT, false, "memory, pids, cpu_millis, disk, io_bps" },
	{ "timeout_ms", FIELD_INTEGER, false, "deadline, 0 for none" },
	{ "grace_ms", FIELD_INTEGER, false, "from TERM to KILL" },
	{ "tty", FIELD_OBJECT, false, "rows and cols of a terminal" },
	{ "stdin", FIELD_BOOLEAN, false, "a descriptor for stdin comes along" },
	{ "stdio", FIELD_BOOLEAN, false, "descriptors for stdout and stderr come along" },
	{ "files", FIELD_BOOLEAN, false, "a file channel comes along" },
	{ "detach", FIELD_BOOLEAN, false, "answer when it has started" },
	{ "log", FIELD_BOOLEAN, false, "keep the output" },
	{ "log_bytes", FIELD_INTEGER, false, "how much output is kept" },
	{ "parent", FIELD_STRING, false, "snapshot to begin with" },
	{ "branch", FIELD_STRING, false, "branch to begin with, and to move on" },
	{ "snapshot", FIELD_STRING, false, "keep the files as a snapshot of this name, or none" },
	{ "comment", FIELD_STRING, false, "comment of that snapshot" },
	{ "on_success", FIELD_BOOLEAN, false, "keep it only if the program exits with 0" },
	{ "brief", FIELD_BOOLEAN, false, "answer with how it ended, and no more" },
	{ "allow_degraded", FIELD_BOOLEAN, false, "run even if a limit cannot be had" },
	{ NULL }
};

static const struct field execution_list[] = {
	{ "state", FIELD_STRING, false, "only those in this state" },
	{ "environment", FIELD_STRING, false, "only those in this environment" },
	{ "name", FIELD_STRING, false, "only those of this name" },
	{ "labels", FIELD_ARRAY, false, "only those with all of these key=value" },
	{ "since_ms", FIELD_INTEGER, false, "only those created since" },
	{ "before", FIELD_INTEGER, false, "cursor of an earlier page" },
	{ "limit", FIELD_INTEGER, false, "how many at most" },
	{ NULL }
};

static const struct field execution_cancel[] = {
	{ "id", FIELD_STRING, true, "id, its first characters, name, or @last" },
	{ "grace_ms", FIELD_INTEGER, false, "from TERM to KILL" },
	{ NULL }
};

static const struct field execution_signal[] = {
	{ "id", FIELD_STRING, true, "id, its first characters, name, or @last" },
	{ "signal", FIELD_INTEGER, true, "number of the signal" },
	{ NULL }
};

static const struct field execution_prune[] = {
	{ "keep_last", FIELD_INTEGER, false, "how many of the newest stay" },
	{ "older_than_ms", FIELD_INTEGER, false, "only those created that long ago" },
	{ "dry_run", FIELD_BOOLEAN, false, "only say which" },
	{ NULL }
};

static const struct field environment_create[] = {
	{ "name", FIELD_STRING, true, "name of the environment" },
	{ "kind", FIELD_STRING, true, "directory or archive; its descriptor comes along" },
	{ "source", FIELD_STRING, false, "where it came from, for the record" },
	{ "variables", FIELD_OBJECT, false, "variables of every program in it" },
	{ "resources", FIELD_OBJECT, false, "default limits" },
	{ "workdir", FIELD_STRING, false, "default working directory" },
	{ "user", FIELD_STRING, false, "default user" },
	{ "shell", FIELD_STRING, false, "what runs CODE without a language" },
	{ "cache", FIELD_STRING, false, "none, normal or aggressive" },
	{ "replace", FIELD_BOOLEAN, false, "replace an environment of that name" },
	{ NULL }
};

static const struct field environment_programs[] = {
	{ "name", FIELD_STRING, true, "name of the environment" },
	{ "programs", FIELD_ARRAY, true, "names to look for in its PATH, or paths" },
	{ NULL }
};

static const struct field snapshot_by_id[] = {
	{ "id", FIELD_STRING, true, "id, its first characters, name, or @last" },
	{ NULL }
};

static const struct field snapshot_update[] = {
	{ "id", FIELD_STRING, true, "id, its first characters, name, or @last" },
	{ "name", FIELD_STRING, false, "new name; empty: none" },
	{ "comment", FIELD_STRING, false, "new comment; empty: none" },
	{ "labels", FIELD_OBJECT, false, "labels to set; null takes one away" },
	{ NULL }
};

static const struct field snapshot_diff[] = {
	{ "id", FIELD_STRING, true, "snapshot or branch; alone: against its parent or base" },
	{ "other", FIELD_STRING, false, "snapshot or branch to compare it with" },
	{ "branches", FIELD_BOOLEAN, false, "both are names of branches" },
	{ "paths", FIELD_ARRAY, false, "only these, and what is below them" },
	{ "lines", FIELD_BOOLEAN, false, "count lines of text" },
	{ "patch", FIELD_BOOLEAN, false, "unified differences of text" },
	{ NULL }
};

static const struct field branch_by_name[] = {
	{ "name", FIELD_STRING, true, "name of the branch" },
	{ NULL }
};

static const struct field branch_create[] = {
	{ "name", FIELD_STRING, true, "name of the new branch" },
	{ "from", FIELD_STRING, true, "snapshot, or branch, to begin at" },
	{ "labels", FIELD_OBJECT, false, "labels, text to text" },
	{ NULL }
};

static const struct field branch_merge[] = {
	{ "theirs", FIELD_ARRAY, true, "branches and snapshots to merge, in this order" },
	{ "into", FIELD_STRING, false, "branch to merge into, and to move on" },
	{ "strategy", FIELD_STRING, false,
	  "three-way, union, intersection, latest, ours or theirs" },
	{ "name", FIELD_STRING, false, "name of the snapshot that it becomes" },
	{ "comment", FIELD_STRING, false, "comment of that snapshot" },
	{ "dry_run", FIELD_BOOLEAN, false, "say what would be, and change nothing" },
	{ NULL }
};

static const struct field executor_stop[] = {
	{ "now", FIELD_BOOLEAN, false, "cancel what is running" },
	{ NULL }
};

static const struct operation operations[OP__MAX] = {
#define X(id, name, method, path, scope, fields, summary) \
	[OP_##id] = { name, method, path, scope, fields, summary },
	OPERATIONS(X)
#undef X
};

int operation_find(const char *name)
{
	for (int i = 0; i < OP__MAX; i++)
		if (!strcmp(operations[i].name, name))
			return i;
	return -1;
}

const struct operation *operation_at(int id)
{
	return &operations[id];
}

static bool has_type(const json_t *value, enum field_type type)
{
	switch (type) {
	case FIELD_STRING:
		return json_is_string(value) &&
			!memchr(json_string_value(value), '\0', json_string_length(value));
	case FIELD_INTEGER:
		return json_is_integer(value) && json_integer_value(value) >= 0;
	case FIELD_BOOLEAN:
		return json_is_boolean(value);
	case FIELD_OBJECT:
		return json_is_object(value);
	case FIELD_ARRAY:
		return json_is_array(value);
	}
	return false;
}

int operation_check(const struct operation *op, const json_t *params, struct error *err)
{
	static const char *const types[] = {
		"text", "a whole number", "true or false", "an object", "an array"
	};
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)params, key, value) {
		const struct field *f = op->fields;

		while (f->name && strcmp(f->name, key))
			f++;
		if (!f->name)
			return err_set(err, ERR_USAGE, "%s has no field '%.64s'", op->name, key);
		if (!has_type(value, f->type))
			return err_set(err, ERR_USAGE, "field '%s' must be %s", key,
				       types[f->type]);
	}
	for (const struct field *f = op->fields; f->name; f++)
		if (f->required && !json_object_get(params, f->name))
			return err_set(err, ERR_USAGE, "%s needs the field '%s'", op->name,
				       f->name);
	return 0;
}
