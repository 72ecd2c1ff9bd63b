#include <stdint.h>

#include "lib/base/cleanup.h"
#include "lib/store/database.h"
#include "tests/unit/test.h"

struct thing {
	char key[8];
	char *text;
	int number;
	int64_t large;
	bool flag;
};

static const struct column columns[] = {
	COLUMN_CHARS(struct thing, key), COLUMN_TEXT(struct thing, text),
	COLUMN_INT(struct thing, number), COLUMN_INT64(struct thing, large),
	COLUMN_BOOL(struct thing, flag),
};
static const struct entity entity = { "thing", columns, ARRAY_SIZE(columns) };

static struct error err;

static void open_store(struct store *store)
{
	*store = (struct store){ .path = (char *)"memory" };
	check(sqlite3_open(":memory:", &store->db) == SQLITE_OK);
	check(!store_run(store,
			 "CREATE TABLE thing (key TEXT PRIMARY KEY, text ANY, number ANY,"
			 " large ANY, flag ANY)",
			 &err));
}

static void close_store(struct store *store)
{
	for (int i = 0; i < SQL__MAX; i++)
		sqlite3_finalize(store->statements[i]);
	check(sqlite3_close(store->db) == SQLITE_OK);
}

static void put(struct store *store, const struct thing *t)
{
	sqlite3_stmt *s = store_upsert(store, SQL_EXECUTION_PUT, &entity, &err);

	check(s && row_bind(s, &entity, t) == SQLITE_OK);
	check(sqlite3_step(s) == SQLITE_DONE);
	store_done(s);
}

/* The first row, or -1 when it cannot be loaded. */
static int get(struct store *store, struct thing *t)
{
	sqlite3_stmt *s = store_statement(store, SQL_EXECUTION_BY_ID, &entity,
					  "SELECT 7, @columns FROM thing", &err);
	int r;

	check(s && sqlite3_step(s) == SQLITE_ROW);
	check(sqlite3_column_int(s, 0) == 7);
	*t = (struct thing){ 0 };
	r = row_load(s, 1, &entity, t);
	store_done(s);
	return r;
}

TEST(every_type_comes_back)
{
	struct thing in = { "k", (char *)"\xc3\xa4'\"", INT32_MIN, INT64_MAX, true }, out;
	struct store store;

	open_store(&store);
	put(&store, &in);
	check(!get(&store, &out));
	check_str(out.key, "k");
	check_str(out.text, in.text);
	check(out.number == INT32_MIN && out.large == INT64_MAX && out.flag);
	row_release(&entity, &out);
	check(!out.text);
	row_release(&entity, &out);

	/* over the same key: updated, and what is not known is so again */
	in = (struct thing){ .key = "k", .large = INT64_MIN };
	put(&store, &in);
	check(!get(&store, &out));
	check(!out.text && out.large == INT64_MIN && !out.flag && !out.number);
	int64_t n;

	check(!store_number(&store, "SELECT count(*) FROM thing", &n, &err) && n == 1);
	close_store(&store);
}

TEST(text_that_does_not_fit_is_cut)
{
	struct store store;
	struct thing out;

	open_store(&store);
	check(!store_run(&store, "INSERT INTO thing VALUES ('0123456789', 'x', 1, 1, 17)",
			 &err));
	check(!get(&store, &out));
	check_str(out.key, "0123456");
	check(out.flag);
	row_release(&entity, &out);
	close_store(&store);
}

TEST(values_of_other_types)
{
	struct store store;
	struct thing out;

	open_store(&store);
	check(!store_run(&store, "INSERT INTO thing VALUES (NULL, 5, 'x', x'00', NULL)",
			 &err));
	check(!get(&store, &out));
	check_str(out.key, "");
	check_str(out.text, "5");
	check(!out.number && !out.large && !out.flag);
	row_release(&entity, &out);
	close_store(&store);
}

TEST(statements_are_kept)
{
	struct store store;
	sqlite3_stmt *s;

	open_store(&store);
	s = store_upsert(&store, SQL_EXECUTION_PUT, &entity, &err);
	check(s && store_upsert(&store, SQL_EXECUTION_PUT, &entity, &err) == s);
	check(strstr(sqlite3_sql(s), "ON CONFLICT (key)"));
	check(!store_statement(&store, SQL_BEGIN, NULL, "SELECT nonsense FROM nowhere",
			       &err));
	check(strstr(err.msg, "memory"));
	store_done(NULL);
	close_store(&store);
}

TEST_MAIN;
