#ifndef FAAS_STORE_DATABASE_H
#define FAAS_STORE_DATABASE_H

/*
 * What the files of lib/store share. Nobody else includes it, but for tests.
 */

#include <sqlite3.h>

#include "lib/store/store.h"

enum {
	STORE_APPLICATION = 0x66616173,		/* "faas", in the file's header */
	STORE_BUSY_MS = 5000,			/* wait that long for a lock */
};

/*
 * Statements are prepared when first used and kept. The index is theirs alone;
 * the text is built from constants and the column tables, never from input.
 */
enum statement {
	SQL_BEGIN, SQL_COMMIT,
	SQL_EXECUTION_PUT, SQL_LABELS_VALID,
	SQL_EXECUTION_EXISTS, SQL_EXECUTION_BY_ID, SQL_EXECUTION_BY_NAME,
	SQL_EXECUTION_LAST, SQL_EXECUTION_BY_PREFIX, SQL_EXECUTION_LIST,
	SQL_EXECUTION_DELETE, SQL_EXECUTION_PRUNE, SQL_EXECUTION_PRUNE_DRY,
	SQL_ENVIRONMENT_PUT, SQL_ENVIRONMENT_GET, SQL_ENVIRONMENT_LIST,
	SQL_ENVIRONMENT_DELETE,
	SQL_SNAPSHOT_PUT, SQL_SNAPSHOT_BY_ID, SQL_SNAPSHOT_BY_NAME, SQL_SNAPSHOT_LAST,
	SQL_SNAPSHOT_BY_PREFIX, SQL_SNAPSHOT_LIST, SQL_SNAPSHOT_FIND, SQL_SNAPSHOT_RESTACK,
	SQL_SNAPSHOT_CHILD, SQL_SNAPSHOT_DELETE, SQL_SNAPSHOT_EXPIRED, SQL_SNAPSHOT_UNSYNCED,
	SQL_SNAPSHOT_EXPIRY,
	SQL_BRANCH_PUT, SQL_BRANCH_GET, SQL_BRANCH_LIST, SQL_BRANCH_DELETE, SQL_BRANCH_USER,
	SQL_STEP_PUT, SQL_STEP_PUT_OUTPUT, SQL_STEP_GET, SQL_STEP_OUTPUT, SQL_STEP_USED,
	SQL_STEP_LIST, SQL_STEP_DELETE, SQL_STEP_OF_SNAPSHOT,
	SQL_STEP_SEE, SQL_STEP_SEEN, SQL_STEP_FORGET,
	SQL_ENVIRONMENT_OF_SNAPSHOT, SQL_ENVIRONMENT_OF_BASE,
	SQL_INSTANCE_PUT, SQL_INSTANCE_BY_ID, SQL_INSTANCE_BY_NAME, SQL_INSTANCE_BY_PREFIX,
	SQL_INSTANCE_LAST, SQL_INSTANCE_LIST, SQL_INSTANCE_FORGET, SQL_INSTANCE_OF_SNAPSHOT,
	SQL_INSTANCE_OF_ENVIRONMENT, SQL_INSTANCE_EVENT_ADD, SQL_INSTANCE_EVENT_LIST,
	SQL__MAX
};

struct store {
	sqlite3 *db;
	char *path;				/* for messages */
	sqlite3_stmt *statements[SQL__MAX];
};

/* store_open() with another patience than STORE_BUSY_MS. */
int store_open_wait(int dirfd, const char *dir, int busy_ms, struct store **ret,
		    struct error *err) _must_check_ _nonnull_;

/* Reports the connection's last failure: "<what> in '<path>': <why>"; -1. */
int store_fail(struct store *store, struct error *err, const char *what);
/* Runs constant SQL that gives no rows. */
int store_run(struct store *store, const char *sql, struct error *err);
/* A PRAGMA or SELECT whose one result is a number. */
int store_number(struct store *store, const char *sql, int64_t *ret, struct error *err);

/* Is it ours, and not newer than this program? Changes nothing. */
int schema_check(struct store *store, struct error *err);
/* Brings it to the newest version, one transaction per step. */
int schema_migrate(struct store *store, struct error *err);
/* The version that schema_migrate() ends with. */
int schema_newest(void);

/*
 * Rows and structs
 * ----------------
 *
 * A table of columns says where in a struct each column of that name goes.
 * The first is the key. A field of the wrong type does not compile.
 */

enum column_type {
	COLUMN_CHARS,		/* char [n] */
	COLUMN_TEXT,		/* char *, malloc'ed, or NULL */
	COLUMN_INT,		/* int */
	COLUMN_INT64,		/* int64_t */
	COLUMN_BOOL,		/* bool */
};

struct column {
	const char *name;
	enum column_type type;
	size_t offset, size;
};

#define COLUMN__(kind, type_, s, field)					\
	{ .name = #field, .type = (kind), .size = sizeof(((s *)0)->field), \
	  .offset = offsetof(s, field) + 0 * sizeof(char[		\
		__builtin_types_compatible_p(__typeof__(((s *)0)->field), \
					     type_) ? 1 : -1]) }
#define COLUMN_CHARS(s, f)	COLUMN__(COLUMN_CHARS, char[sizeof(((s *)0)->f)], s, f)
#define COLUMN_TEXT(s, f)	COLUMN__(COLUMN_TEXT, char *, s, f)
#define COLUMN_INT(s, f)	COLUMN__(COLUMN_INT, int, s, f)
#define COLUMN_INT64(s, f)	COLUMN__(COLUMN_INT64, int64_t, s, f)
#define COLUMN_BOOL(s, f)	COLUMN__(COLUMN_BOOL, bool, s, f)

/* One kind of stored thing. */
struct entity {
	const char *table;
	const struct column *columns;
	size_t n_columns;
};

/*
 * A kept statement, reset, with nothing bound. In sql "@columns" stands for
 * the entity's columns. NULL, with a report, on failure. Give it back with
 * store_done() before the next use.
 */
sqlite3_stmt *store_statement(struct store *store, enum statement which,
			      const struct entity *entity, const char *sql,
			      struct error *err);
/* The same for "insert, or update the row with this key". */
sqlite3_stmt *store_upsert(struct store *store, enum statement which,
			   const struct entity *entity, struct error *err);
/* Frees its locks and forgets its values; NULL does nothing. */
void store_done(sqlite3_stmt *statement);
DEFINE_CLEANUP(sqlite3_stmt *, store_done);

/* Binds all columns, from parameter 1. */
int row_bind(sqlite3_stmt *statement, const struct entity *entity, const void *from);
/* Reads "@columns", which begin at result column first; -1 without memory. */
int row_load(sqlite3_stmt *statement, int first, const struct entity *entity, void *to);
void row_release(const struct entity *entity, void *object);

#endif
