#include "lib/api/instance.h"

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
	{ "shell", FIELD_BOOLEAN, false, "the first word is the shell, the environment's if it "
	  "has one" },
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
	{ "files_only", FIELD_BOOLEAN, false, "put the files in, and run nothing" },
	{ "detach", FIELD_BOOLEAN, false, "answer when it has started" },
	{ "log", FIELD_BOOLEAN, false, "keep the output" },
	{ "log_bytes", FIELD_INTEGER, false, "how much output is kept" },
	{ "parent", FIELD_STRING, false, "snapshot to begin with" },
	{ "branch", FIELD_STRING, false, "branch to begin with, and to move on" },
	{ "snapshot", FIELD_STRING, false, "keep the files as a snapshot of this name, or none" },
	{ "comment", FIELD_STRING, false, "comment of that snapshot" },
	{ "snapshot_ttl_ms", FIELD_INTEGER, false, "delete that snapshot so long after the run" },
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
	{ "languages", FIELD_ARRAY, false, "names of languages that it is for" },
	{ "features", FIELD_OBJECT, false, "true or false, by name; for the record" },
	{ "warm_up", FIELD_STRING, false, "code that is run ahead when cache is aggressive" },
	{ "replace", FIELD_BOOLEAN, false, "replace an environment of that name" },
	{ NULL }
};

static const struct field environment_pull[] = {
	{ "name", FIELD_STRING, true, "name of the environment" },
	{ "reference", FIELD_STRING, false, "of an image in a registry" },
	{ "from", FIELD_STRING, false, "folder or archive, instead; its descriptor comes along" },
	{ "tag", FIELD_STRING, false, "which image of that" },
	{ "platform", FIELD_STRING, false, "os/architecture[/variant]; this machine's if absent" },
	{ "insecure", FIELD_BOOLEAN, false, "without HTTPS, or with any certificate" },
	{ "username", FIELD_STRING, false, "who asks the registry" },
	{ "password", FIELD_STRING, false, "the password, or a token" },
	{ "identity", FIELD_BOOLEAN, false, "the password is a token that gets others" },
	{ "ca", FIELD_STRING, false, "certificates, in PEM, that are believed besides" },
	{ "patience_ms", FIELD_INTEGER, false, "how long a silent registry is waited for" },
	{ "proxy", FIELD_STRING, false, "address of a proxy" },
	{ "http_proxy", FIELD_STRING, false, "the same, for a registry without HTTPS" },
	{ "no_proxy", FIELD_STRING, false, "hosts to be reached without it" },
	{ "source", FIELD_STRING, false, "where it came from, for the record" },
	{ "variables", FIELD_OBJECT, false, "variables besides the image's own" },
	{ "resources", FIELD_OBJECT, false, "default limits" },
	{ "workdir", FIELD_STRING, false, "default working directory" },
	{ "user", FIELD_STRING, false, "default user" },
	{ "shell", FIELD_STRING, false, "what runs CODE without a language" },
	{ "cache", FIELD_STRING, false, "none, normal or aggressive" },
	{ "languages", FIELD_ARRAY, false, "names of languages that it is for" },
	{ "features", FIELD_OBJECT, false, "true or false, by name; for the record" },
	{ "warm_up", FIELD_STRING, false, "code that is run ahead when cache is aggressive" },
	{ "replace", FIELD_BOOLEAN, false, "replace an environment of that name" },
	{ NULL }
};

static const struct field environment_update[] = {
	{ "name", FIELD_STRING, true, "name of the environment" },
	{ "variables", FIELD_OBJECT, false, "variables to set; null takes one away" },
	{ "resources", FIELD_OBJECT, false, "default limits to set; null takes one away" },
	{ "workdir", FIELD_STRING, false, "default working directory; empty: none" },
	{ "user", FIELD_STRING, false, "default user; empty: none" },
	{ "shell", FIELD_STRING, false, "what runs CODE without a language; empty: the usual" },
	{ "cache", FIELD_STRING, false, "none, normal or aggressive" },
	{ "languages", FIELD_ARRAY, false, "names of languages that it is for" },
	{ "features", FIELD_OBJECT, false, "true or false, by name; null takes one away" },
	{ "warm_up", FIELD_STRING, false, "code that is run ahead; empty: none" },
	{ NULL }
};

static const struct field environment_export[] = {
	{ "name", FIELD_STRING, true, "name of the environment" },
	{ "format", FIELD_STRING, true, "tar, tar.gz, tar.zst, oci or oci-archive; the "
	  "descriptor of a file, or of an empty folder for oci, comes along" },
	{ "tag", FIELD_STRING, false, "of the image" },
	{ NULL }
};

static const struct field environment_prune[] = {
	{ "dry_run", FIELD_BOOLEAN, false, "only say how much" },
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

static const struct field snapshot_create[] = {
	{ "name", FIELD_STRING, false, "name of the new snapshot" },
	{ "execution", FIELD_STRING, false, "execution that runs, or that ended and kept its files" },
	{ "branch", FIELD_STRING, false, "branch whose head it is to be" },
	{ "environment", FIELD_STRING, false, "environment as it is" },
	{ "instance", FIELD_STRING, false, "instance, as it is now" },
	{ "snapshot", FIELD_STRING, false, "snapshot of which it is one more" },
	{ "comment", FIELD_STRING, false, "its comment" },
	{ "labels", FIELD_OBJECT, false, "labels, text to text" },
	{ "ttl_ms", FIELD_INTEGER, false, "delete it so long after now; 0: never" },
	{ "sync", FIELD_BOOLEAN, false, "answer when it would survive a loss of power" },
	{ NULL }
};

static const struct field snapshot_list[] = {
	{ "labels", FIELD_ARRAY, false, "only those with all of these key=value" },
	{ "environment", FIELD_STRING, false, "only those of this environment" },
	{ "name", FIELD_STRING, false, "only those with such a name: a pattern with *, ? and []" },
	{ "since_ms", FIELD_INTEGER, false, "only those created since" },
	{ "after", FIELD_INTEGER, false, "cursor of an earlier page" },
	{ "limit", FIELD_INTEGER, false, "how many at most" },
	{ NULL }
};

static const struct field snapshot_delete[] = {
	{ "id", FIELD_STRING, true, "id, its first characters, name, or @last" },
	{ "others", FIELD_ARRAY, false, "more of them" },
	{ "recursive", FIELD_BOOLEAN, false, "and all that stand on them" },
	{ "dry_run", FIELD_BOOLEAN, false, "only say which" },
	{ NULL }
};

static const struct field snapshot_prune[] = {
	{ "keep_last", FIELD_INTEGER, false, "how many of the newest stay" },
	{ "older_than_ms", FIELD_INTEGER, false, "only those created that long ago" },
	{ "labels", FIELD_ARRAY, false, "only those with all of these key=value" },
	{ "environment", FIELD_STRING, false, "only those of this environment" },
	{ "named", FIELD_BOOLEAN, false, "those that have a name, too" },
	{ "dry_run", FIELD_BOOLEAN, false, "only say which" },
	{ NULL }
};

static const struct field snapshot_restore[] = {
	{ "id", FIELD_STRING, true, "id, its first characters, name, or @last" },
	{ "branch", FIELD_STRING, true, "branch to move there, or to begin there" },
	{ "force", FIELD_BOOLEAN, false, "though it is not in the branch's history" },
	{ NULL }
};

static const struct field snapshot_repair[] = {
	{ "dry_run", FIELD_BOOLEAN, false, "only say what" },
	{ NULL }
};

static const struct field snapshot_check[] = {
	{ "ids", FIELD_ARRAY, false, "which; all when there are none" },
	{ NULL }
};

static const struct field snapshot_export[] = {
	{ "id", FIELD_STRING, true, "id, its first characters, name, or @last; a descriptor to "
	  "write to comes along" },
	{ "since", FIELD_STRING, false, "snapshot that the other side has" },
	{ "level", FIELD_INTEGER, false, "of compression by zstd, 1 to 19" },
	{ "sign", FIELD_BOOLEAN, false, "a descriptor of a private key comes along" },
	{ NULL }
};

static const struct field snapshot_import[] = {
	{ "name", FIELD_STRING, false, "its name; a descriptor to read from comes along" },
	{ "environment", FIELD_STRING, false, "environment that it is to stand on" },
	{ "ttl_ms", FIELD_INTEGER, false, "delete it so long after now; 0: never" },
	{ "max_bytes", FIELD_INTEGER, false, "refuse what has more content" },
	{ "verify", FIELD_BOOLEAN, false, "a descriptor of a public key comes along" },
	{ NULL }
};

static const struct field snapshot_update[] = {
	{ "id", FIELD_STRING, true, "id, its first characters, name, or @last" },
	{ "name", FIELD_STRING, false, "new name; empty: none" },
	{ "comment", FIELD_STRING, false, "new comment; empty: none" },
	{ "labels", FIELD_OBJECT, false, "labels to set; null takes one away" },
	{ "ttl_ms", FIELD_INTEGER, false, "delete it so long after now; 0: never" },
	{ NULL }
};

static const struct field snapshot_diff[] = {
	{ "id", FIELD_STRING, true, "snapshot or branch; alone: against its parent or base" },
	{ "other", FIELD_STRING, false, "snapshot or branch to compare it with" },
	{ "branches", FIELD_BOOLEAN, false, "both are names of branches" },
	{ "paths", FIELD_ARRAY, false, "only these, and what is below them" },
	{ "lines", FIELD_BOOLEAN, false, "count lines of text" },
	{ "patch", FIELD_BOOLEAN, false, "unified differences of text" },
	{ "limit", FIELD_INTEGER, false, "how many at most, in one answer" },
	{ "after", FIELD_STRING, false, "what an earlier answer says under 'next'" },
	{ "summary", FIELD_BOOLEAN, false, "only their number and a digest of them" },
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

static const struct field branch_advance[] = {
	{ "name", FIELD_STRING, true, "name of the branch" },
	{ "from", FIELD_STRING, true, "snapshot where it is to be now" },
	{ "to", FIELD_STRING, true, "snapshot that began there" },
	{ NULL }
};

#define STEP_FIELDS \
	{ "chain", FIELD_STRING, true, "which chain, for what is told of changes" }, \
	{ "number", FIELD_INTEGER, true, "which of its steps" }, \
	{ "environment", FIELD_STRING, false, "name of the environment that it begins with" }, \
	{ "parent", FIELD_STRING, false, "snapshot that it begins with" }, \
	{ "argv", FIELD_ARRAY, false, "the command; none: files come in, and that is all" }, \
	{ "shell", FIELD_BOOLEAN, false, "as of execution.create" }, \
	{ "env", FIELD_OBJECT, false, "variables of the command" }, \
	{ "files", FIELD_OBJECT, false, "each path with the digest of what goes there" }, \
	{ "limits", FIELD_OBJECT, false, "as of execution.create" }, \
	{ "network", FIELD_STRING, false, "none, nat or host" }, \
	{ "user", FIELD_STRING, false, "user inside" }, \
	{ "workdir", FIELD_STRING, false, "absolute working directory" }, \
	{ "fresh", FIELD_BOOLEAN, false, "whatever is known is not good enough" }

static const struct field chain_find[] = {
	STEP_FIELDS,
	{ NULL }
};

static const struct field chain_keep[] = {
	STEP_FIELDS,
	{ "execution", FIELD_STRING, true, "id of the run that made it" },
	{ "key", FIELD_STRING, true, "what chain.find said before that run" },
	{ "command", FIELD_STRING, false, "the step as it was written" },
	{ "output", FIELD_STRING, false, "what it wrote, in base64" },
	{ "truncated", FIELD_BOOLEAN, false, "it wrote more than that" },
	{ NULL }
};

static const struct field chain_name[] = {
	{ "name", FIELD_STRING, true, "name for the snapshot" },
	{ "id", FIELD_STRING, false, "the snapshot; none: only say whether the name can be had" },
	{ NULL }
};

static const struct field chain_by_key[] = {
	{ "key", FIELD_STRING, true, "key, or its first characters" },
	{ NULL }
};

static const struct field chain_prune[] = {
	{ "keep_last", FIELD_INTEGER, false, "how many of those used last stay" },
	{ "older_than_ms", FIELD_INTEGER, false, "only those not used for that long" },
	{ "dry_run", FIELD_BOOLEAN, false, "only say which" },
	{ NULL }
};

static const struct field environment_build[] = {
	{ "name", FIELD_STRING, true, "name of the environment" },
	{ "snapshot", FIELD_STRING, false, "whose files it has" },
	{ "source", FIELD_STRING, false, "what it was built of, for the record" },
	{ "variables", FIELD_OBJECT, false, "variables of every program in it" },
	{ "resources", FIELD_OBJECT, false, "default limits" },
	{ "workdir", FIELD_STRING, false, "default working directory" },
	{ "user", FIELD_STRING, false, "default user" },
	{ "shell", FIELD_STRING, false, "what runs CODE without a language" },
	{ "cache", FIELD_STRING, false, "none, normal or aggressive" },
	{ "languages", FIELD_ARRAY, false, "names of languages that it is for" },
	{ "features", FIELD_OBJECT, false, "true or false, by name; for the record" },
	{ "warm_up", FIELD_STRING, false, "code that is run ahead when cache is aggressive" },
	{ "replace", FIELD_BOOLEAN, false, "replace an environment of that name" },
	{ "dry_run", FIELD_BOOLEAN, false, "only say whether the name can be had" },
	{ NULL }
};

static const struct field branch_merge[] = {
	{ "theirs", FIELD_ARRAY, true, "branches and snapshots to merge, in this order" },
	{ "into", FIELD_STRING, false, "branch to merge into, and to move on" },
	{ "strategy", FIELD_STRING, false,
	  "three-way, union, intersection, latest, ours or theirs" },
	{ "conflict", FIELD_STRING, false, "lines that both changed: none, merge or diff3" },
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
