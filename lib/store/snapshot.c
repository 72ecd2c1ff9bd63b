#include <stdio.h>
#include <string.h>

#include "lib/base/fault.h"
#include "lib/base/parse.h"
#include "lib/store/database.h"
#include "lib/store/instance.h"

enum { PREFIX_MIN = 4 };

#define S struct snapshot
static const struct column columns[] = {
	COLUMN_CHARS(S, id), COLUMN_CHARS(S, name), COLUMN_CHARS(S, state),
	COLUMN_CHARS(S, kind), COLUMN_TEXT(S, parent), COLUMN_TEXT(S, merged), COLUMN_TEXT(S, environment),
	COLUMN_TEXT(S, execution), COLUMN_TEXT(S, engine), COLUMN_TEXT(S, comment),
	COLUMN_TEXT(S, labels), COLUMN_TEXT(S, layers), COLUMN_INT64(S, created_ms),
	COLUMN_INT64(S, expires_ms), COLUMN_INT64(S, synced_ms), COLUMN_INT64(S, entries),
	COLUMN_INT64(S, bytes), COLUMN_TEXT(S, digest), COLUMN_TEXT(S, checksum),
};
static const struct entity entity = { "snapshot", columns, ARRAY_SIZE(columns) };

void snapshot_release(struct snapshot *snapshot)
{
	row_release(&entity, snapshot);
	memset(snapshot, 0, sizeof(*snapshot));
}

int store_snapshot_put(struct store *store, const struct snapshot *snapshot, struct error *err)
{
	CLEANUP(store_done) sqlite3_stmt *statement = NULL;
	int r = fault("store.snapshot.put");

	if (snapshot->name[0] && parse_name(snapshot->name) < 0)
		return err_set(err, ERR_USAGE, "'%s' is not a name", snapshot->name);
	statement = store_upsert(store, SQL_SNAPSHOT_PUT, &entity, err);
	if (!statement)
		return -1;
	if (r)
		return err_sys(err, r, "snapshot '%s'", snapshot->id);
	if (row_bind(statement, &entity, snapshot) == SQLITE_OK &&
	    sqlite3_step(statement) == SQLITE_DONE)
		return 0;
	if (sqlite3_extended_errcode(store->db) == SQLITE_CONSTRAINT_UNIQUE) {
		(void)err_set(err, ERR_EXISTS, "there is a snapshot '%s' already", snapshot->name);
		return err_hint(err, "choose another name, or 'faas snapshot delete %s'",
				snapshot->name);
	}
	store_fail(store, err, "write");
	return err_wrap(err, "snapshot '%s'", snapshot->id);
}

/* 1: *ret is loaded; 0: there is none. With only_one, a second is ERR_CONFLICT. */
static int get_one(struct store *store, enum statement which, const char *sql, const char *what,
		   bool only_one, struct snapshot *ret, struct error *err)
{
	CLEANUP(store_done) sqlite3_stmt *statement =
		store_statement(store, which, &entity, sql, err);
	struct snapshot got = { 0 };
	int rc;

	if (!statement)
		return -1;
	if (what)
		sqlite3_bind_text(statement, 1, what, -1, SQLITE_STATIC);
	rc = sqlite3_step(statement);
	if (rc == SQLITE_DONE)
		return 0;
	if (rc != SQLITE_ROW)
		return store_fail(store, err, "read");
	if (row_load(statement, 1, &entity, &got) < 0)
		return err_set(err, ERR_LIMIT, "snapshot '%s': no memory",
			       what ? what : "@last");
	got.seq = sqlite3_column_int64(statement, 0);
	if (only_one && sqlite3_step(statement) == SQLITE_ROW) {
		snapshot_release(&got);
		(void)err_set(err, ERR_CONFLICT, "several snapshots begin with '%s'", what);
		return err_hint(err, "give more of its id; see 'faas snapshot list'");
	}
	*ret = got;
	return 1;
}

int store_snapshot_get(struct store *store, const char *what, struct snapshot *ret,
		       struct error *err)
{
	int r;

	if (!strcmp(what, "@last"))
		r = get_one(store, SQL_SNAPSHOT_LAST, "SELECT seq, @columns FROM snapshot "
			    "WHERE state = 'ready' ORDER BY seq DESC LIMIT 1", NULL, false, ret,
			    err);
	else
		r = get_one(store, SQL_SNAPSHOT_BY_ID, "SELECT seq, @columns FROM snapshot "
			    "WHERE id = ?1 AND state = 'ready'", what, false, ret, err);
	if (!r && *what && *what != '@')
		r = get_one(store, SQL_SNAPSHOT_BY_NAME, "SELECT seq, @columns FROM snapshot "
			    "WHERE name = ?1 AND state = 'ready'", what, false, ret, err);
	if (!r && strlen(what) >= PREFIX_MIN && *what != '@')
		r = get_one(store, SQL_SNAPSHOT_BY_PREFIX, "SELECT seq, @columns FROM snapshot "
			    "WHERE substr(id, 1, length(?1)) = ?1 AND state = 'ready' LIMIT 2",
			    what, true, ret, err);
	if (r)
		return r < 0 ? -1 : 0;
	(void)err_set(err, ERR_NOT_FOUND, "no snapshot '%s'", what);
	return err_hint(err, "see 'faas snapshot list'");
}

int store_snapshot_find(struct store *store, const char *id, struct snapshot *ret,
			struct error *err)
{
	return get_one(store, SQL_SNAPSHOT_FIND, "SELECT seq, @columns FROM snapshot "
		       "WHERE id = ?1", id, false, ret, err);
}

/* bound: the statement's one parameter, or -1 when it has none */
static int list(struct store *store, enum statement which, const char *sql, int64_t bound,
		int (*each)(void *arg, const struct snapshot *snapshot), void *arg,
		struct error *err)
{
	CLEANUP(store_done) sqlite3_stmt *statement =
		store_statement(store, which, &entity, sql, err);
	int rc;

	if (!statement)
		return -1;
	if (bound >= 0)
		sqlite3_bind_int64(statement, 1, bound);
	while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
		cleanup_snapshot struct snapshot snapshot = { 0 };

		if (row_load(statement, 1, &entity, &snapshot) < 0)
			return err_set(err, ERR_LIMIT, "list snapshots: no memory");
		snapshot.seq = sqlite3_column_int64(statement, 0);
		if (each(arg, &snapshot))
			return 0;
	}
	return rc == SQLITE_DONE ? 0 : store_fail(store, err, "read");
}

int store_snapshot_restack(struct store *store, const char *from, const char *to,
			   struct error *err)
{
	CLEANUP(store_done) sqlite3_stmt *statement =
		store_statement(store, SQL_SNAPSHOT_RESTACK, NULL,
				"UPDATE snapshot SET layers = replace(layers, ?1, ?2) "
				"WHERE instr(layers, ?1)", err);
	int r = fault("store.snapshot.restack");

	if (!statement)
		return -1;
	if (r)
		return err_sys(err, r, "change stacks of layers");
	sqlite3_bind_text(statement, 1, from, -1, SQLITE_STATIC);
	sqlite3_bind_text(statement, 2, to, -1, SQLITE_STATIC);
	return sqlite3_step(statement) == SQLITE_DONE ? 0 : store_fail(store, err, "write");
}

int store_snapshot_list(struct store *store,
			int (*each)(void *arg, const struct snapshot *snapshot), void *arg,
			struct error *err)
{
	return list(store, SQL_SNAPSHOT_LIST, "SELECT seq, @columns FROM snapshot ORDER BY seq",
		    -1, each, arg, err);
}

int store_snapshot_expired(struct store *store, int64_t now_ms,
			   int (*each)(void *arg, const struct snapshot *snapshot), void *arg,
			   struct error *err)
{
	return list(store, SQL_SNAPSHOT_EXPIRED, "SELECT seq, @columns FROM snapshot WHERE "
		    "expires_ms > 0 AND expires_ms <= ?1 AND state = 'ready' ORDER BY seq DESC",
		    now_ms, each, arg, err);
}

int store_snapshot_unsynced(struct store *store, int limit,
			    int (*each)(void *arg, const struct snapshot *snapshot), void *arg,
			    struct error *err)
{
	return list(store, SQL_SNAPSHOT_UNSYNCED, "SELECT seq, @columns FROM snapshot WHERE "
		    "synced_ms = 0 AND state = 'ready' ORDER BY seq LIMIT ?1", limit, each, arg,
		    err);
}

int store_snapshot_doubt(struct store *store, struct error *err)
{
	return store_run(store, "UPDATE snapshot SET synced_ms = -1 WHERE synced_ms = 0 AND "
			 "state = 'ready'", err);
}

int store_snapshot_next_expiry(struct store *store, int64_t after_ms, int64_t *ret,
			       struct error *err)
{
	CLEANUP(store_done) sqlite3_stmt *statement =
		store_statement(store, SQL_SNAPSHOT_EXPIRY, NULL,
				"SELECT min(expires_ms) FROM snapshot WHERE expires_ms > 0 AND "
				"expires_ms > ?1", err);

	if (!statement)
		return -1;
	sqlite3_bind_int64(statement, 1, after_ms);
	if (sqlite3_step(statement) != SQLITE_ROW)
		return store_fail(store, err, "read");
	*ret = sqlite3_column_int64(statement, 0);
	return 0;
}

/* Who stands on it; what it is called when it has a name. */
static int check_children(struct store *store, const char *id, struct error *err)
{
	CLEANUP(store_done) sqlite3_stmt *statement =
		store_statement(store, SQL_SNAPSHOT_CHILD, NULL,
				"SELECT CASE name WHEN '' THEN id ELSE name END, count(*) "
				"FROM snapshot WHERE parent = ?1", err);
	int n;

	if (!statement)
		return -1;
	sqlite3_bind_text(statement, 1, id, -1, SQLITE_STATIC);
	if (sqlite3_step(statement) != SQLITE_ROW)
		return store_fail(store, err, "read");
	n = sqlite3_column_int(statement, 1);
	if (!n)
		return 0;
	(void)err_set(err, ERR_BUSY, "snapshot '%s' is the parent of '%s'%s", id,
		      (const char *)sqlite3_column_text(statement, 0), n > 1 ? " and others" : "");
	return err_hint(err, "delete those first; see 'faas snapshot tree'");
}

/* A branch that begins there, or is there. */
static int check_branches(struct store *store, const char *id, struct error *err)
{
	CLEANUP(store_done) sqlite3_stmt *statement =
		store_statement(store, SQL_BRANCH_USER, NULL,
				"SELECT name FROM branch WHERE base = ?1 OR head = ?1 LIMIT 1", err);
	int rc;

	if (!statement)
		return -1;
	sqlite3_bind_text(statement, 1, id, -1, SQLITE_STATIC);
	rc = sqlite3_step(statement);
	if (rc == SQLITE_DONE)
		return 0;
	if (rc != SQLITE_ROW)
		return store_fail(store, err, "read");
	(void)err_set(err, ERR_BUSY, "branch '%s' needs snapshot '%s'",
		      (const char *)sqlite3_column_text(statement, 0), id);
	return err_hint(err, "delete the branch first; see 'faas branch list'");
}

static int check_environments(struct store *store, const char *id, struct error *err)
{
	char name[STORE_NAME];
	int r = store_environment_of_snapshot(store, id, name, err);

	if (r <= 0)
		return r;
	(void)err_set(err, ERR_BUSY, "environment '%s' is built on snapshot '%s'", name, id);
	return err_hint(err, "'faas env delete %s' first", name);
}

static int check_instances(struct store *store, const char *id, struct error *err)
{
	char name[STORE_NAME];
	int r = store_instance_of_snapshot(store, id, name, err);

	if (r <= 0)
		return r;
	(void)err_set(err, ERR_BUSY, "instance '%s' stands on snapshot '%s'", name, id);
	return err_hint(err, "'faas instance terminate %s' first", name);
}

int store_snapshot_delete(struct store *store, const char *id, struct error *err)
{
	CLEANUP(store_done) sqlite3_stmt *statement =
		store_statement(store, SQL_SNAPSHOT_DELETE, NULL,
				"DELETE FROM snapshot WHERE id = ?1", err);
	int r = fault("store.snapshot.delete");

	if (!statement || check_children(store, id, err) < 0 ||
	    check_branches(store, id, err) < 0 || check_environments(store, id, err) < 0 ||
	    check_instances(store, id, err) < 0)
		return -1;
	if (r)
		return err_sys(err, r, "snapshot '%s'", id);
	sqlite3_bind_text(statement, 1, id, -1, SQLITE_STATIC);
	if (sqlite3_step(statement) != SQLITE_DONE)
		return store_fail(store, err, "write");
	if (!sqlite3_changes(store->db))
		return err_set(err, ERR_NOT_FOUND, "no snapshot '%s'", id);
	return 0;
}
