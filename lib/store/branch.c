#include <stdio.h>
#include <string.h>

#include "lib/base/fault.h"
#include "lib/base/parse.h"
#include "lib/store/database.h"

#define S struct branch
static const struct column columns[] = {
	COLUMN_CHARS(S, name), COLUMN_TEXT(S, base), COLUMN_TEXT(S, head),
	COLUMN_TEXT(S, labels), COLUMN_INT64(S, created_ms),
};
static const struct entity entity = { "branch", columns, ARRAY_SIZE(columns) };

void branch_release(struct branch *branch)
{
	row_release(&entity, branch);
	memset(branch, 0, sizeof(*branch));
}

int store_branch_put(struct store *store, const struct branch *branch, struct error *err)
{
	CLEANUP(store_done) sqlite3_stmt *statement = NULL;
	int r = fault("store.branch.put");

	if (parse_name(branch->name) < 0)
		return err_set(err, ERR_USAGE, "'%s' is not a name", branch->name);
	statement = store_upsert(store, SQL_BRANCH_PUT, &entity, err);
	if (!statement)
		return -1;
	if (r)
		return err_sys(err, r, "branch '%s'", branch->name);
	if (row_bind(statement, &entity, branch) != SQLITE_OK ||
	    sqlite3_step(statement) != SQLITE_DONE) {
		store_fail(store, err, "write");
		return err_wrap(err, "branch '%s'", branch->name);
	}
	return 0;
}

static int not_found(struct error *err, const char *name)
{
	(void)err_set(err, ERR_NOT_FOUND, "no branch '%s'", name);
	return err_hint(err, "see 'faas branch list'");
}

int store_branch_get(struct store *store, const char *name, struct branch *ret,
		     struct error *err)
{
	CLEANUP(store_done) sqlite3_stmt *statement =
		store_statement(store, SQL_BRANCH_GET, &entity,
				"SELECT @columns FROM branch WHERE name = ?1", err);
	struct branch got = { 0 };
	int rc;

	if (!statement)
		return -1;
	sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
	rc = sqlite3_step(statement);
	if (rc == SQLITE_DONE)
		return not_found(err, name);
	if (rc != SQLITE_ROW)
		return store_fail(store, err, "read");
	if (row_load(statement, 0, &entity, &got) < 0)
		return err_set(err, ERR_LIMIT, "branch '%s': no memory", name);
	*ret = got;
	return 0;
}

int store_branch_list(struct store *store,
		      int (*each)(void *arg, const struct branch *branch), void *arg,
		      struct error *err)
{
	CLEANUP(store_done) sqlite3_stmt *statement =
		store_statement(store, SQL_BRANCH_LIST, &entity,
				"SELECT @columns FROM branch ORDER BY name", err);
	int rc;

	if (!statement)
		return -1;
	while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
		cleanup_branch struct branch got = { .name = "" };

		if (row_load(statement, 0, &entity, &got) < 0)
			return err_set(err, ERR_LIMIT, "list branches: no memory");
		if (each(arg, &got))
			return 0;
	}
	return rc == SQLITE_DONE ? 0 : store_fail(store, err, "read");
}

int store_branch_delete(struct store *store, const char *name, struct error *err)
{
	CLEANUP(store_done) sqlite3_stmt *statement =
		store_statement(store, SQL_BRANCH_DELETE, NULL,
				"DELETE FROM branch WHERE name = ?1", err);
	int r = fault("store.branch.delete");

	if (!statement)
		return -1;
	if (r)
		return err_sys(err, r, "branch '%s'", name);
	sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
	if (sqlite3_step(statement) != SQLITE_DONE)
		return store_fail(store, err, "write");
	return sqlite3_changes(store->db) ? 0 : not_found(err, name);
}
