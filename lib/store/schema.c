#include <inttypes.h>
#include <stdio.h>

#include "lib/base/fault.h"
#include "lib/store/database.h"

/*
 * How to get from each version of the file to the next. A step that was
 * released never changes: files that went through it exist.
 */
static const char *const steps[] = {
	/* 1: executions and environments */
	"PRAGMA application_id = 1717657971;"
	"CREATE TABLE execution ("
	"	seq INTEGER PRIMARY KEY AUTOINCREMENT,"
	"	id TEXT NOT NULL UNIQUE CHECK (length(id) BETWEEN 4 AND 39),"
	"	name TEXT NOT NULL CHECK (length(name) <= 128),"
	"	state TEXT NOT NULL CHECK (state IN"
	"		('queued', 'running', 'exited', 'failed', 'lost')),"
	"	argv TEXT, env TEXT, code_sha256 TEXT, language TEXT, mode TEXT,"
	"	environment TEXT, engine TEXT, workdir TEXT, user TEXT, network TEXT,"
	"	limits TEXT, degraded TEXT, labels TEXT,"
	"	exit_code INTEGER NOT NULL, signal INTEGER NOT NULL,"
	"	oom_killed INTEGER NOT NULL, timed_out INTEGER NOT NULL,"
	"	cancelled INTEGER NOT NULL, error_code TEXT, error_message TEXT,"
	"	created_ms INTEGER NOT NULL, started_ms INTEGER NOT NULL,"
	"	ended_ms INTEGER NOT NULL, setup_us INTEGER NOT NULL,"
	"	wall_us INTEGER NOT NULL, user_us INTEGER NOT NULL,"
	"	system_us INTEGER NOT NULL, memory_peak INTEGER NOT NULL,"
	"	memory_source TEXT, io_read INTEGER NOT NULL, io_write INTEGER NOT NULL,"
	"	detached INTEGER NOT NULL, logged INTEGER NOT NULL,"
	"	log_truncated INTEGER NOT NULL, log_bytes INTEGER NOT NULL,"
	"	pid INTEGER NOT NULL"
	") STRICT;"
	"CREATE TABLE environment ("
	"	name TEXT NOT NULL PRIMARY KEY CHECK (length(name) <= 128),"
	"	kind TEXT NOT NULL CHECK (kind IN ('directory', 'archive')),"
	"	cache TEXT NOT NULL CHECK (cache IN ('none', 'normal', 'aggressive')),"
	"	source TEXT, path TEXT, resources TEXT, variables TEXT, workdir TEXT,"
	"	user TEXT, shell TEXT, checksum TEXT, created_ms INTEGER NOT NULL,"
	"	size_bytes INTEGER NOT NULL, entries INTEGER NOT NULL"
	") STRICT;",

	/* 2: a name belongs to one live execution; names and states are found fast */
	"UPDATE execution SET name = '' WHERE state IN ('queued', 'running') AND"
	"	EXISTS (SELECT 1 FROM execution newer WHERE"
	"		newer.name = execution.name AND newer.seq > execution.seq AND"
	"		newer.state IN ('queued', 'running'));"
	"CREATE UNIQUE INDEX execution_live_name ON execution (name)"
	"	WHERE name <> '' AND state IN ('queued', 'running');"
	"CREATE INDEX execution_name ON execution (name) WHERE name <> '';"
	"CREATE INDEX execution_state ON execution (state);",

	/* 3: snapshots of files, and the executions that begin and end with one */
	"ALTER TABLE execution ADD COLUMN parent TEXT;"
	"ALTER TABLE execution ADD COLUMN snapshot TEXT;"
	"ALTER TABLE execution ADD COLUMN branch TEXT;"
	"CREATE TABLE snapshot ("
	"	seq INTEGER PRIMARY KEY AUTOINCREMENT,"
	"	id TEXT NOT NULL UNIQUE CHECK (length(id) BETWEEN 4 AND 39),"
	"	name TEXT NOT NULL CHECK (length(name) <= 128),"
	"	state TEXT NOT NULL CHECK (state IN ('making', 'trying', 'ready')),"
	"	kind TEXT NOT NULL CHECK (kind IN ('fs')),"
	"	parent TEXT REFERENCES snapshot (id), environment TEXT NOT NULL,"
	"	execution TEXT, engine TEXT, comment TEXT, labels TEXT,"
	"	layers TEXT NOT NULL, created_ms INTEGER NOT NULL"
	") STRICT;"
	"CREATE UNIQUE INDEX snapshot_name ON snapshot (name) WHERE name <> '';"
	"CREATE INDEX snapshot_parent ON snapshot (parent) WHERE parent IS NOT NULL;"
	"CREATE TABLE branch ("
	"	name TEXT NOT NULL PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 128),"
	"	base TEXT NOT NULL, head TEXT NOT NULL, labels TEXT,"
	"	created_ms INTEGER NOT NULL"
	") STRICT;",

	/* 4: environments from images */
	"CREATE TABLE environment_4 ("
	"	name TEXT NOT NULL PRIMARY KEY CHECK (length(name) <= 128),"
	"	kind TEXT NOT NULL CHECK (kind IN ('directory', 'archive', 'image', 'layers')),"
	"	cache TEXT NOT NULL CHECK (cache IN ('none', 'normal', 'aggressive')),"
	"	source TEXT, path TEXT, resources TEXT, variables TEXT, workdir TEXT,"
	"	user TEXT, shell TEXT, checksum TEXT, image TEXT,"
	"	created_ms INTEGER NOT NULL, size_bytes INTEGER NOT NULL,"
	"	entries INTEGER NOT NULL"
	") STRICT;"
	"INSERT INTO environment_4 SELECT name, kind, cache, source, path, resources,"
	"	variables, workdir, user, shell, checksum, NULL, created_ms, size_bytes,"
	"	entries FROM environment;"
	"DROP TABLE environment;"
	"ALTER TABLE environment_4 RENAME TO environment;",
	/* 5: results of steps by their keys, and environments that are built of them */
	"CREATE TABLE step ("
	"	key TEXT NOT NULL PRIMARY KEY CHECK (length(key) = 64),"
	"	snapshot TEXT NOT NULL REFERENCES snapshot (id) ON DELETE CASCADE,"
	"	chain TEXT NOT NULL, number INTEGER NOT NULL, command TEXT NOT NULL,"
	"	components TEXT NOT NULL, output BLOB, truncated INTEGER NOT NULL DEFAULT 0,"
	"	wall_us INTEGER NOT NULL, created_ms INTEGER NOT NULL,"
	"	used_ms INTEGER NOT NULL, hits INTEGER NOT NULL"
	") STRICT;"
	"CREATE INDEX step_snapshot ON step (snapshot);"
	/* what a step of a chain was made of when it was last asked for */
	"CREATE TABLE step_seen ("
	"	chain TEXT NOT NULL, number INTEGER NOT NULL, components TEXT NOT NULL,"
	"	used_ms INTEGER NOT NULL, PRIMARY KEY (chain, number)"
	") STRICT, WITHOUT ROWID;"
	"ALTER TABLE environment ADD COLUMN base TEXT;"
	"ALTER TABLE environment ADD COLUMN snapshot TEXT REFERENCES snapshot (id);"
	"CREATE INDEX environment_snapshot ON environment (snapshot)"
	"	WHERE snapshot IS NOT NULL;",
	/* 6: when snapshots end, and what is known of their files */
	"ALTER TABLE snapshot ADD COLUMN expires_ms INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE snapshot ADD COLUMN synced_ms INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE snapshot ADD COLUMN entries INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE snapshot ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE snapshot ADD COLUMN digest TEXT;"
	"ALTER TABLE snapshot ADD COLUMN checksum TEXT;"
	"CREATE INDEX snapshot_expires ON snapshot (expires_ms) WHERE expires_ms > 0;"
	"CREATE INDEX snapshot_synced ON snapshot (seq) WHERE synced_ms = 0;",
	/* 7: the second parent of a merge */
	"ALTER TABLE snapshot ADD COLUMN merged TEXT;",
	/* 8: what is known of environments, and what is run to warm them up */
	"ALTER TABLE environment ADD COLUMN languages TEXT;"
	"ALTER TABLE environment ADD COLUMN features TEXT;"
	"ALTER TABLE environment ADD COLUMN warm_up TEXT;",
};

int schema_newest(void)
{
	return (int)ARRAY_SIZE(steps);
}

int schema_check(struct store *store, struct error *err)
{
	int64_t application, version, objects;

	if (store_number(store, "PRAGMA application_id", &application, err) < 0 ||
	    store_number(store, "PRAGMA user_version", &version, err) < 0 ||
	    store_number(store, "SELECT count(*) FROM sqlite_schema", &objects, err) < 0)
		return -1;
	if (!application && !version && !objects)
		return 0;
	if (application != STORE_APPLICATION) {
		err_set(err, ERR_CONFLICT, "'%s' is a database of another program",
			store->path);
		return err_hint(err, "move it away; faas does not write to it");
	}
	if (version > schema_newest()) {
		err_set(err, ERR_CONFLICT, "'%s' has version %" PRId64
			", and this faas knows up to version %d",
			store->path, version, schema_newest());
		return err_hint(err, "use the newer faas that made it, or another store; "
				"nothing was changed");
	}
	return 0;
}

/* Another process may have taken the step while this one waited for the lock. */
static int take_step(struct store *store, int64_t to, struct error *err)
{
	char sql[64];
	int64_t version;
	int r = fault("store.migrate");

	if (r)
		return err_sys(err, r, "migrate '%s' to version %" PRId64, store->path, to);
	if (store_number(store, "PRAGMA user_version", &version, err) < 0)
		return -1;
	if (version >= to)
		return 0;
	(void)snprintf(sql, sizeof(sql), "PRAGMA user_version = %" PRId64, to);
	if (store_run(store, steps[to - 1], err) < 0 || store_run(store, sql, err) < 0)
		return err_wrap(err, "migrate to version %" PRId64, to);
	return 0;
}

int schema_migrate(struct store *store, struct error *err)
{
	int64_t version;

	if (store_number(store, "PRAGMA user_version", &version, err) < 0)
		return -1;
	while (version < schema_newest()) {
		if (store_begin(store, err) < 0)
			return -1;
		if (take_step(store, version + 1, err) < 0) {
			store_rollback(store);
			return -1;
		}
		if (store_commit(store, err) < 0)
			return -1;
		version++;
	}
	return 0;
}
