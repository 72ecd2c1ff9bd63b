#include <stdio.h>
#include <string.h>

#include "lib/base/fault.h"
#include "lib/base/parse.h"
#include "lib/store/database.h"

#define S struct environment
static const struct column columns[] = {
	COLUMN_CHARS(S, name), COLUMN_CHARS(S, kind), COLUMN_CHARS(S, cache),
	COLUMN_TEXT(S, source), COLUMN_TEXT(S, path), COLUMN_TEXT(S, resources),
	COLUMN_TEXT(S, variables), COLUMN_TEXT(S, workdir), COLUMN_TEXT(S, user),
	COLUMN_TEXT(S, shell), COLUMN_TEXT(S, checksum), COLUMN_TEXT(S, image),
	COLUMN_INT64(S, created_ms), COLUMN_INT64(S, size_bytes), COLUMN_INT64(S, entries),
	COLUMN_TEXT(S, base), COLUMN_TEXT(S, snapshot), COLUMN_TEXT(S, languages),
	COLUMN_TEXT(S, features), COLUMN_TEXT(S, warm_up),
};
static const struct entity entity = { "environment", columns, ARRAY_SIZE(columns) };

void environment_release(struct environment *environment)
{
	row_release(&entity, environment);
	memset(environment, 0, sizeof(*environment));
}

int store_environment_put(struct store *store, const struct environment *environment,
			  struct error *err)
{
	CLEANUP(store_done) sqlite3_stmt *statement = NULL;
	int r = fault("store.environment.put");

	if (parse_name(environment->name) < 0)
		return err_set(err, ERR_USAGE, "'%s' is not a name", environment->name);
	if (!strcmp(environment->name, "host"))
		return err_set(err, ERR_EXISTS, "environment 'host' is built in");
	statement = store_upsert(store, SQL_ENVIRONMENT_PUT, &entity, err);
	if (!statement)
		return -1;
	if (r)
		return err_sys(err, r, "environment '%s'", environment->name);
	if (row_bind(statement, &entity, environment) != SQLITE_OK ||
	    sqlite3_step(statement) != SQLITE_DONE) {
		store_fail(store, err, "write");
		return err_wrap(err, "environment '%s'", environment->name);
	}
	return 0;
}

static int not_found(struct error *err, const char *name)
{
	err_set(err, ERR_NOT_FOUND, "no environment '%s'", name);
	return err_hint(err, "see 'faas env list'");
}

int store_environment_get(struct store *store, const char *name, struct environment *ret,
			  struct error *err)
{
	CLEANUP(store_done) sqlite3_stmt *statement =
		store_statement(store, SQL_ENVIRONMENT_GET, &entity,
				"SELECT @columns FROM environment WHERE name = ?1", err);
	struct environment environment = { 0 };
	int rc;

	if (!statement)
		return -1;
	sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
	rc = sqlite3_step(statement);
	if (rc == SQLITE_DONE)
		return not_found(err, name);
	if (rc != SQLITE_ROW)
		return store_fail(store, err, "read");
	if (row_load(statement, 0, &entity, &environment) < 0)
		return err_set(err, ERR_LIMIT, "environment '%s': no memory", name);
	*ret = environment;
	return 0;
}

int store_environment_list(struct store *store,
			   int (*each)(void *arg, const struct environment *environment),
			   void *arg, struct error *err)
{
	CLEANUP(store_done) sqlite3_stmt *statement =
		store_statement(store, SQL_ENVIRONMENT_LIST, &entity,
				"SELECT @columns FROM environment ORDER BY name", err);
	int rc;

	if (!statement)
		return -1;
	while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
		cleanup_environment struct environment environment = { 0 };

		if (row_load(statement, 0, &entity, &environment) < 0)
			return err_set(err, ERR_LIMIT, "list environments: no memory");
		if (each(arg, &environment))
			return 0;
	}
	return rc == SQLITE_DONE ? 0 : store_fail(store, err, "read");
}

int store_environment_delete(struct store *store, const char *name, struct error *err)
{
	CLEANUP(store_done) sqlite3_stmt *statement =
		store_statement(store, SQL_ENVIRONMENT_DELETE, &entity,
				"DELETE FROM environment WHERE name = ?1", err);
	int r = fault("store.environment.delete");

	if (!statement)
		return -1;
	if (r)
		return err_sys(err, r, "environment '%s'", name);
	sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
	if (sqlite3_step(statement) != SQLITE_DONE)
		return store_fail(store, err, "write");
	return sqlite3_changes(store->db) ? 0 : not_found(err, name);
}

/* A name, of an environment or ''; what: "base" or "snapshot". */
static int user_of(struct store *store, enum statement which, const char *sql, const char *what,
		   char ret[STORE_NAME], struct error *err)
{
	CLEANUP(store_done) sqlite3_stmt *statement =
		store_statement(store, which, NULL, sql, err);
	int rc;

	if (!statement)
		return -1;
	sqlite3_bind_text(statement, 1, what, -1, SQLITE_STATIC);
	rc = sqlite3_step(statement);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return store_fail(store, err, "read");
	if (rc == SQLITE_ROW)
		(void)snprintf(ret, STORE_NAME, "%s",
			       (const char *)sqlite3_column_text(statement, 0));
	return rc == SQLITE_ROW;
}

int store_environment_of_snapshot(struct store *store, const char *id, char ret[STORE_NAME],
				  struct error *err)
{
	return user_of(store, SQL_ENVIRONMENT_OF_SNAPSHOT,
		       "SELECT name FROM environment WHERE snapshot = ?1 LIMIT 1", id, ret, err);
}

int store_environment_of_base(struct store *store, const char *name, char ret[STORE_NAME],
			      struct error *err)
{
	return user_of(store, SQL_ENVIRONMENT_OF_BASE,
		       "SELECT name FROM environment WHERE base = ?1 LIMIT 1", name, ret, err);
}
