#include <stdint.h>

#include "lib/base/cleanup.h"
#include "lib/store/database.h"
#include "tests/unit/test.h"

static struct error err;

static void open_empty(struct store *store)
{
	*store = (struct store){ .path = (char *)"memory" };
	check(sqlite3_open(":memory:", &store->db) == SQLITE_OK);
}

static void close_store(struct store *store)
{
	for (int i = 0; i < SQL__MAX; i++)
		sqlite3_finalize(store->statements[i]);
	check(sqlite3_close(store->db) == SQLITE_OK);
}

static int64_t number(struct store *store, const char *sql)
{
	int64_t n;

	check(!store_number(store, sql, &n, &err));
	return n;
}

static void run(struct store *store, const char *sql)
{
	check(!store_run(store, sql, &err));
}

TEST(from_nothing_to_the_newest)
{
	struct store store;

	open_empty(&store);
	check(!schema_check(&store, &err));
	check(!schema_migrate(&store, &err));
	check(number(&store, "PRAGMA user_version") == schema_newest());
	check(number(&store, "PRAGMA application_id") == STORE_APPLICATION);
	check(number(&store, "SELECT count(*) FROM sqlite_schema WHERE name IN"
		     " ('execution', 'environment')") == 2);
	check(!schema_check(&store, &err));
	/* again: nothing to do */
	check(!schema_migrate(&store, &err));
	close_store(&store);
}

TEST(another_programs_file)
{
	struct store store;

	open_empty(&store);
	run(&store, "CREATE TABLE t (x)");
	check(schema_check(&store, &err) < 0 && err.code == ERR_CONFLICT && err.hint[0]);
	run(&store, "DROP TABLE t");
	run(&store, "PRAGMA application_id = 17");
	check(schema_check(&store, &err) < 0 && strstr(err.msg, "another program"));
	close_store(&store);
	open_empty(&store);
	run(&store, "PRAGMA user_version = 1");
	check(schema_check(&store, &err) < 0);
	close_store(&store);
}

TEST(a_newer_file)
{
	struct store store;

	open_empty(&store);
	check(!schema_migrate(&store, &err));
	run(&store, "PRAGMA user_version = 9999");
	check(schema_check(&store, &err) < 0 && err.code == ERR_CONFLICT);
	check(strstr(err.msg, "9999"));
	close_store(&store);
}

TEST(a_step_that_fails_is_undone)
{
	struct store store;

	/* a table that the first step wants to make */
	open_empty(&store);
	run(&store, "CREATE TABLE environment (x)");
	check(schema_migrate(&store, &err) < 0 && strstr(err.msg, "version 1"));
	check(number(&store, "PRAGMA user_version") == 0);
	check(number(&store,
		     "SELECT count(*) FROM sqlite_schema WHERE name = 'execution'") == 0);
	run(&store, "DROP TABLE environment");
	check(!schema_migrate(&store, &err));
	close_store(&store);
}

TEST(rules_are_in_the_file)
{
	static const char *const bad[] = {
	    "INSERT INTO environment (name, kind, cache, created_ms, size_bytes, entries)"
	    " VALUES ('x', 'host', 'none', 0, 0, 0)",
	    "INSERT INTO environment (name, kind, cache, created_ms, size_bytes, entries)"
	    " VALUES ('x', 'archive', 'some', 0, 0, 0)",
	    "INSERT INTO environment (name, kind, cache, created_ms, size_bytes, entries)"
	    " VALUES ('x', 'archive', 'none', 'soon', 0, 0)",
	};
	struct store store;

	open_empty(&store);
	check(!schema_migrate(&store, &err));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		check(store_run(&store, bad[i], &err) < 0);
	run(&store,
	    "INSERT INTO environment (name, kind, cache, created_ms, size_bytes, entries)"
	    " VALUES ('x', 'archive', 'none', 0, 0, 0)");
	close_store(&store);
}

TEST_MAIN;
