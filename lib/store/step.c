#include "lib/store/step.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/fault.h"
#include "lib/store/database.h"

enum { PREFIX_MIN = 4 };

#define S struct cached_step
static const struct column columns[] = {
	COLUMN_CHARS(S, key), COLUMN_TEXT(S, snapshot), COLUMN_TEXT(S, chain),
	COLUMN_INT(S, number), COLUMN_TEXT(S, command), COLUMN_TEXT(S, components),
	COLUMN_BOOL(S, truncated), COLUMN_INT64(S, wall_us), COLUMN_INT64(S, created_ms),
	COLUMN_INT64(S, used_ms), COLUMN_INT64(S, hits),
};
static const struct entity entity = { "step", columns, ARRAY_SIZE(columns) };

void cached_step_release(struct cached_step *step)
{
	row_release(&entity, step);
	memset(step, 0, sizeof(*step));
}

static int put_output(struct store *store, const char *key, const void *output, size_t size,
		      struct error *err)
{
	CLEANUP(store_done) sqlite3_stmt *statement =
		store_statement(store, SQL_STEP_PUT_OUTPUT, NULL,
				"UPDATE step SET output = ?2 WHERE key = ?1", err);

	if (!statement)
		return -1;
	sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC);
	sqlite3_bind_blob64(statement, 2, output ? output : "", size, SQLITE_STATIC);
	return sqlite3_step(statement) == SQLITE_DONE ? 0 : store_fail(store, err, "write");
}

int store_step_put(struct store *store, const struct cached_step *step, const void *output,
		   size_t size, struct error *err)
{
	CLEANUP(store_done) sqlite3_stmt *statement =
		store_upsert(store, SQL_STEP_PUT, &entity, err);
	int r = fault("store.step.put");

	if (!statement)
		return -1;
	if (r)
		return err_sys(err, r, "keep the result of a step");
	if (row_bind(statement, &entity, step) != SQLITE_OK ||
	    sqlite3_step(statement) != SQLITE_DONE) {
		store_fail(store, err, "write");
		return err_wrap(err, "keep the result of a step");
	}
	return put_output(store, step->key, output, size, err);
}

int store_step_get(struct store *store, const char *key, struct cached_step *ret,
		   struct error *err)
{
	CLEANUP(store_done) sqlite3_stmt *statement =
		store_statement(store, SQL_STEP_GET, &entity,
				"SELECT @columns FROM step WHERE key BETWEEN ?1 AND ?1 || 'g' "
				"LIMIT 2", err);
	struct cached_step got = { .key = "" };
	int rc = SQLITE_DONE;

	if (!statement)
		return -1;
	sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC);
	if (strlen(key) >= PREFIX_MIN)
		rc = sqlite3_step(statement);
	if (rc == SQLITE_DONE) {
		(void)err_set(err, ERR_NOT_FOUND, "no result has the key '%.64s'", key);
		return err_hint(err, "see 'faas chain list'");
	}
	if (rc != SQLITE_ROW)
		return store_fail(store, err, "read");
	if (row_load(statement, 0, &entity, &got) < 0)
		return err_set(err, ERR_LIMIT, "read the result of a step: no memory");
	if (sqlite3_step(statement) == SQLITE_ROW) {
		cached_step_release(&got);
		return err_set(err, ERR_CONFLICT, "several keys begin with '%s'", key);
	}
	*ret = got;
	return 0;
}

int store_step_output(struct store *store, const char *key, char **ret, size_t *ret_size,
		      struct error *err)
{
	CLEANUP(store_done) sqlite3_stmt *statement =
		store_statement(store, SQL_STEP_OUTPUT, NULL,
				"SELECT output FROM step WHERE key = ?1", err);
	const void *data;
	size_t size;
	char *copy;
	int rc;

	if (!statement)
		return -1;
	sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC);
	rc = sqlite3_step(statement);
	if (rc == SQLITE_DONE)
		return err_set(err, ERR_NOT_FOUND, "no result has the key '%s'", key);
	if (rc != SQLITE_ROW)
		return store_fail(store, err, "read");
	data = sqlite3_column_blob(statement, 0);
	size = (size_t)sqlite3_column_bytes(statement, 0);
	copy = malloc(size + 1);
	if (!copy)
		return err_set(err, ERR_LIMIT, "read the output of a step: no memory");
	if (size)
		memcpy(copy, data, size);
	*ret = copy;
	*ret_size = size;
	return 0;
}

int store_step_used(struct store *store, const char *key, int64_t now_ms, struct error *err)
{
	CLEANUP(store_done) sqlite3_stmt *statement =
		store_statement(store, SQL_STEP_USED, NULL, "UPDATE step SET used_ms = ?2, "
				"hits = hits + 1 WHERE key = ?1", err);

	if (!statement)
		return -1;
	sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC);
	sqlite3_bind_int64(statement, 2, now_ms);
	return sqlite3_step(statement) == SQLITE_DONE ? 0 : store_fail(store, err, "write");
}

int store_step_list(struct store *store,
		    int (*each)(void *arg, const struct cached_step *step), void *arg,
		    struct error *err)
{
	CLEANUP(store_done) sqlite3_stmt *statement =
		store_statement(store, SQL_STEP_LIST, &entity, "SELECT @columns FROM step "
				"ORDER BY used_ms DESC, created_ms DESC, rowid DESC", err);
	int rc;

	if (!statement)
		return -1;
	while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
		cleanup_cached_step struct cached_step got = { .key = "" };

		if (row_load(statement, 0, &entity, &got) < 0)
			return err_set(err, ERR_LIMIT, "list results of steps: no memory");
		if (each(arg, &got))
			return 0;
	}
	return rc == SQLITE_DONE ? 0 : store_fail(store, err, "read");
}

int store_step_delete(struct store *store, const char *key, struct error *err)
{
	CLEANUP(store_done) sqlite3_stmt *statement =
		store_statement(store, SQL_STEP_DELETE, NULL, "DELETE FROM step WHERE key = ?1",
				err);
	int r = fault("store.step.delete");

	if (!statement)
		return -1;
	if (r)
		return err_sys(err, r, "delete the result of a step");
	sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC);
	return sqlite3_step(statement) == SQLITE_DONE ? 0 : store_fail(store, err, "write");
}

int store_step_has_snapshot(struct store *store, const char *id, struct error *err)
{
	CLEANUP(store_done) sqlite3_stmt *statement =
		store_statement(store, SQL_STEP_OF_SNAPSHOT, NULL,
				"SELECT 1 FROM step WHERE snapshot = ?1 LIMIT 1", err);
	int rc;

	if (!statement)
		return -1;
	sqlite3_bind_text(statement, 1, id, -1, SQLITE_STATIC);
	rc = sqlite3_step(statement);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return store_fail(store, err, "read");
	return rc == SQLITE_ROW;
}

int store_step_see(struct store *store, const char *chain, int number, const char *components,
		   int64_t now_ms, struct error *err)
{
	CLEANUP(store_done) sqlite3_stmt *statement =
		store_statement(store, SQL_STEP_SEE, NULL,
				"INSERT OR REPLACE INTO step_seen (chain, number, components, "
				"used_ms) VALUES (?1, ?2, ?3, ?4)", err);

	if (!statement)
		return -1;
	sqlite3_bind_text(statement, 1, chain, -1, SQLITE_STATIC);
	sqlite3_bind_int(statement, 2, number);
	sqlite3_bind_text(statement, 3, components, -1, SQLITE_STATIC);
	sqlite3_bind_int64(statement, 4, now_ms);
	return sqlite3_step(statement) == SQLITE_DONE ? 0 : store_fail(store, err, "write");
}

int store_step_seen(struct store *store, const char *chain, int number, char **ret,
		    struct error *err)
{
	CLEANUP(store_done) sqlite3_stmt *statement =
		store_statement(store, SQL_STEP_SEEN, NULL, "SELECT components FROM step_seen "
				"WHERE chain = ?1 AND number = ?2", err);
	int rc;

	if (!statement)
		return -1;
	sqlite3_bind_text(statement, 1, chain, -1, SQLITE_STATIC);
	sqlite3_bind_int(statement, 2, number);
	rc = sqlite3_step(statement);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return store_fail(store, err, "read");
	*ret = rc == SQLITE_ROW ? strdup((const char *)sqlite3_column_text(statement, 0)) : NULL;
	return 0;
}

int store_step_forget(struct store *store, int64_t before_ms, struct error *err)
{
	CLEANUP(store_done) sqlite3_stmt *statement =
		store_statement(store, SQL_STEP_FORGET, NULL,
				"DELETE FROM step_seen WHERE used_ms < ?1", err);

	if (!statement)
		return -1;
	sqlite3_bind_int64(statement, 1, before_ms);
	return sqlite3_step(statement) == SQLITE_DONE ? 0 : store_fail(store, err, "write");
}
