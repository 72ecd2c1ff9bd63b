#include <stdio.h>
#include <string.h>

#include "lib/base/fault.h"
#include "lib/base/parse.h"
#include "lib/base/strbuf.h"
#include "lib/store/database.h"

enum {
	PREFIX_MIN = 4,			/* of an id; shorter ones are typing errors */
	CANDIDATES = 5,			/* named when a prefix fits several */
};

#define S struct execution
static const struct column columns[] = {
	COLUMN_CHARS(S, id), COLUMN_CHARS(S, name), COLUMN_CHARS(S, state),
	COLUMN_TEXT(S, argv), COLUMN_TEXT(S, env), COLUMN_TEXT(S, code_sha256),
	COLUMN_TEXT(S, language), COLUMN_TEXT(S, mode), COLUMN_TEXT(S, environment),
	COLUMN_TEXT(S, engine), COLUMN_TEXT(S, workdir), COLUMN_TEXT(S, user),
	COLUMN_TEXT(S, network), COLUMN_TEXT(S, limits), COLUMN_TEXT(S, degraded),
	COLUMN_TEXT(S, labels), COLUMN_INT(S, exit_code), COLUMN_INT(S, signal),
	COLUMN_BOOL(S, oom_killed), COLUMN_BOOL(S, timed_out), COLUMN_BOOL(S, cancelled),
	COLUMN_TEXT(S, error_code), COLUMN_TEXT(S, error_message),
	COLUMN_INT64(S, created_ms), COLUMN_INT64(S, started_ms),
	COLUMN_INT64(S, ended_ms), COLUMN_INT64(S, setup_us), COLUMN_INT64(S, wall_us),
	COLUMN_INT64(S, user_us), COLUMN_INT64(S, system_us),
	COLUMN_INT64(S, memory_peak), COLUMN_TEXT(S, memory_source),
	COLUMN_INT64(S, io_read), COLUMN_INT64(S, io_write), COLUMN_BOOL(S, detached),
	COLUMN_BOOL(S, logged), COLUMN_BOOL(S, log_truncated),
	COLUMN_INT64(S, log_bytes), COLUMN_INT(S, pid),
	COLUMN_TEXT(S, parent), COLUMN_TEXT(S, snapshot),
	COLUMN_TEXT(S, branch), COLUMN_TEXT(S, instance),
};
static const struct entity entity = { "execution", columns, ARRAY_SIZE(columns) };

void execution_release(struct execution *execution)
{
	row_release(&entity, execution);
	memset(execution, 0, sizeof(*execution));
}

/*
 * Not a CHECK of the table: functions in a schema that is not trusted are
 * refused, and the schema of a file that others may have touched is not.
 */
static int check_labels(struct store *store, const struct execution *execution,
			struct error *err)
{
	CLEANUP(store_done) sqlite3_stmt *statement = NULL;

	if (!execution->labels)
		return 0;
	statement = store_statement(store, SQL_LABELS_VALID, NULL,
				    "SELECT CASE WHEN json_valid(?1) THEN "
				    "json_type(?1) = 'object' ELSE 0 END", err);
	if (!statement)
		return -1;
	sqlite3_bind_text(statement, 1, execution->labels, -1, SQLITE_STATIC);
	if (sqlite3_step(statement) != SQLITE_ROW)
		return store_fail(store, err, "check labels");
	if (!sqlite3_column_int(statement, 0))
		return err_set(err, ERR_USAGE, "execution '%s': labels are not a JSON object",
			       execution->id);
	return 0;
}

int store_execution_put(struct store *store, const struct execution *execution,
			struct error *err)
{
	CLEANUP(store_done) sqlite3_stmt *statement = NULL;
	int r = fault("store.execution.put");

	if (execution->name[0] && parse_name(execution->name) < 0)
		return err_set(err, ERR_USAGE, "'%s' is not a name", execution->name);
	if (check_labels(store, execution, err) < 0)
		return -1;
	statement = store_upsert(store, SQL_EXECUTION_PUT, &entity, err);
	if (!statement)
		return -1;
	if (r)
		return err_sys(err, r, "execution '%s'", execution->id);
	if (row_bind(statement, &entity, execution) == SQLITE_OK &&
	    sqlite3_step(statement) == SQLITE_DONE)
		return 0;
	if (sqlite3_extended_errcode(store->db) == SQLITE_CONSTRAINT_UNIQUE) {
		err_set(err, ERR_EXISTS, "an execution named '%s' has not finished",
			execution->name);
		return err_hint(err, "wait for it with 'faas execution wait %.40s', or use "
				"another name", execution->name);
	}
	store_fail(store, err, "write");
	return err_wrap(err, "execution '%s'", execution->id);
}

/* @columns come after seq; *ret is written only on success. */
static int load(sqlite3_stmt *statement, struct execution *ret, struct error *err)
{
	struct execution execution = { 0 };

	if (row_load(statement, 1, &entity, &execution) < 0)
		return err_set(err, ERR_LIMIT, "read an execution: no memory");
	execution.seq = sqlite3_column_int64(statement, 0);
	*ret = execution;
	return 0;
}

/* 1 when there was a row, 0 when there was none. */
static int get_one(struct store *store, enum statement which, const char *sql,
		   const char *what, struct execution *ret, struct error *err)
{
	CLEANUP(store_done) sqlite3_stmt *statement =
		store_statement(store, which, &entity, sql, err);
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
	return load(statement, ret, err) < 0 ? -1 : 1;
}

/* Ids are ASCII, so all that begin so lie below the prefix and a DEL. */
static int get_by_prefix(struct store *store, const char *prefix, struct execution *ret,
			 struct error *err)
{
	CLEANUP(store_done) sqlite3_stmt *statement = NULL;
	cleanup_execution struct execution first = { 0 };
	cleanup_strbuf struct strbuf candidates = STRBUF(400);
	char end[STORE_ID + 1];
	int rc, n = 0;

	if (strlen(prefix) < PREFIX_MIN || strlen(prefix) >= STORE_ID)
		return 0;
	statement = store_statement(store, SQL_EXECUTION_BY_PREFIX, &entity,
				    "SELECT seq, @columns FROM execution WHERE id >= ?1 AND "
				    "id < ?2 ORDER BY seq DESC LIMIT ?3", err);
	if (!statement)
		return -1;
	(void)snprintf(end, sizeof(end), "%s\x7f", prefix);
	sqlite3_bind_text(statement, 1, prefix, -1, SQLITE_STATIC);
	sqlite3_bind_text(statement, 2, end, -1, SQLITE_STATIC);
	sqlite3_bind_int(statement, 3, CANDIDATES + 1);
	while ((rc = sqlite3_step(statement)) == SQLITE_ROW && n++ < CANDIDATES) {
		if (n == 1 && load(statement, &first, err) < 0)
			return -1;
		strbuf_addf(&candidates, "%s%s", n > 1 ? ", " : "",
			    sqlite3_column_text(statement, 1));
	}
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return store_fail(store, err, "read");
	if (n > 1) {
		err_set(err, ERR_CONFLICT, "'%s' is the beginning of several executions: "
			"%s%s", prefix, candidates.buf, n > CANDIDATES ? ", ..." : "");
		return err_hint(err, "give more of the id");
	}
	*ret = TAKE(first, (struct execution){ 0 });
	return n;
}

int store_execution_get(struct store *store, const char *what, struct execution *ret,
			struct error *err)
{
	int r;

	if (!strcmp(what, "@last")) {
		r = get_one(store, SQL_EXECUTION_LAST,
			    "SELECT seq, @columns FROM execution ORDER BY seq DESC LIMIT 1",
			    NULL, ret, err);
		if (r)
			return r < 0 ? -1 : 0;
		return err_set(err, ERR_NOT_FOUND, "nothing was executed yet");
	}
	r = get_one(store, SQL_EXECUTION_BY_ID,
		    "SELECT seq, @columns FROM execution WHERE id = ?1", what, ret, err);
	if (!r && *what)
		r = get_one(store, SQL_EXECUTION_BY_NAME,
			    "SELECT seq, @columns FROM execution WHERE name = ?1 AND "
			    "name <> '' ORDER BY state IN ('queued', 'running') DESC, "
			    "seq DESC LIMIT 1", what, ret, err);
	if (!r)
		r = get_by_prefix(store, what, ret, err);
	if (r)
		return r < 0 ? -1 : 0;
	err_set(err, ERR_NOT_FOUND, "no execution '%s'", what);
	return err_hint(err, "see 'faas execution list'");
}

bool store_execution_exists(struct store *store, const char *id)
{
	struct error err;
	CLEANUP(store_done) sqlite3_stmt *statement =
		store_statement(store, SQL_EXECUTION_EXISTS, NULL,
				"SELECT 1 FROM execution WHERE id = ?1", &err);

	if (!statement)
		return false;
	sqlite3_bind_text(statement, 1, id, -1, SQLITE_STATIC);
	return sqlite3_step(statement) == SQLITE_ROW;
}

int store_execution_delete(struct store *store, const char *id, struct error *err)
{
	CLEANUP(store_done) sqlite3_stmt *statement =
		store_statement(store, SQL_EXECUTION_DELETE, NULL,
				"DELETE FROM execution WHERE id = ?1 AND "
				"state NOT IN ('queued', 'running')", err);
	cleanup_execution struct execution left = { 0 };
	int r = fault("store.execution.delete");

	if (!statement)
		return -1;
	if (r)
		return err_sys(err, r, "execution '%s'", id);
	sqlite3_bind_text(statement, 1, id, -1, SQLITE_STATIC);
	if (sqlite3_step(statement) != SQLITE_DONE)
		return store_fail(store, err, "write");
	if (sqlite3_changes(store->db))
		return 0;
	r = get_one(store, SQL_EXECUTION_BY_ID,
		    "SELECT seq, @columns FROM execution WHERE id = ?1", id, &left, err);
	if (r < 0)
		return -1;
	if (!r) {
		err_set(err, ERR_NOT_FOUND, "no execution '%s'", id);
		return err_hint(err, "see 'faas execution list'");
	}
	err_set(err, ERR_BUSY, "execution '%s' has not finished", id);
	return err_hint(err, "end it with 'faas execution cancel %.40s'", id);
}

/* ["a=b", ...] for json_each(). Bytes above ASCII are UTF-8 already. */
static void add_labels(struct strbuf *sb, const char *const *labels)
{
	strbuf_addc(sb, '[');
	for (size_t i = 0; labels && labels[i]; i++) {
		strbuf_adds(sb, i ? ",\"" : "\"");
		for (const char *p = labels[i]; *p; p++) {
			if (*p == '"' || *p == '\\')
				strbuf_addf(sb, "\\%c", *p);
			else if ((unsigned char)*p < ' ')
				strbuf_addf(sb, "\\u%04x", (unsigned int)*p);
			else
				strbuf_addc(sb, *p);
		}
		strbuf_addc(sb, '"');
	}
	strbuf_addc(sb, ']');
}

/* A parameter that is NULL or 0 asks for nothing, so that one text serves all. */
static const char list_sql[] =
	"SELECT seq, @columns FROM execution WHERE"
	" (?1 IS NULL OR state = ?1) AND"
	" (?2 IS NULL OR environment = ?2) AND"
	" (?3 IS NULL OR name = ?3) AND"
	" created_ms >= ?4 AND seq < ?5 AND"
	" (?6 = '[]' OR NOT EXISTS (SELECT 1 FROM json_each(?6) AS wanted WHERE"
	"  NOT EXISTS (SELECT 1 FROM json_each(execution.labels) AS label WHERE"
	"   label.key || '=' || label.value = wanted.value)))"
	" ORDER BY seq DESC LIMIT ?7";

int store_execution_list(struct store *store, const struct execution_filter *filter,
			 int (*each)(void *arg, const struct execution *execution),
			 void *arg, struct error *err)
{
	CLEANUP(store_done) sqlite3_stmt *statement = NULL;
	cleanup_strbuf struct strbuf labels = STRBUF(64 * 1024);
	int rc;

	add_labels(&labels, filter->labels);
	if (strbuf_failed(&labels))
		return err_set(err, ERR_LIMIT, "too many labels to look for");
	statement = store_statement(store, SQL_EXECUTION_LIST, &entity, list_sql, err);
	if (!statement)
		return -1;
	sqlite3_bind_text(statement, 1, filter->state, -1, SQLITE_STATIC);
	sqlite3_bind_text(statement, 2, filter->environment, -1, SQLITE_STATIC);
	sqlite3_bind_text(statement, 3, filter->name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(statement, 4, filter->since_ms);
	sqlite3_bind_int64(statement, 5, filter->before ? filter->before : INT64_MAX);
	sqlite3_bind_text(statement, 6, labels.buf, -1, SQLITE_STATIC);
	sqlite3_bind_int64(statement, 7, filter->limit && filter->limit < INT64_MAX ?
						 (int64_t)filter->limit : -1);
	while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
		cleanup_execution struct execution execution = { 0 };

		if (load(statement, &execution, err) < 0)
			return -1;
		if (each(arg, &execution))
			return 0;
	}
	return rc == SQLITE_DONE ? 0 : store_fail(store, err, "read");
}

#define PRUNABLE							\
	"FROM execution WHERE state NOT IN ('queued', 'running') AND "	\
	"created_ms < ?1 AND seq NOT IN (SELECT seq FROM execution WHERE " \
	"state NOT IN ('queued', 'running') ORDER BY seq DESC LIMIT ?2)"

int store_execution_prune(struct store *store, const struct execution_prune *prune,
			  void (*each)(void *arg, const char *id), void *arg,
			  uint64_t *count, struct error *err)
{
	CLEANUP(store_done) sqlite3_stmt *statement = NULL;
	int r = fault("store.execution.prune"), rc;
	uint64_t n = 0;

	statement = prune->dry_run ?
		store_statement(store, SQL_EXECUTION_PRUNE_DRY, NULL,
				"SELECT id " PRUNABLE, err) :
		store_statement(store, SQL_EXECUTION_PRUNE, NULL,
				"DELETE " PRUNABLE " RETURNING id", err);
	if (!statement)
		return -1;
	if (r && !prune->dry_run)
		return err_sys(err, r, "prune executions");
	sqlite3_bind_int64(statement, 1, prune->before_ms);
	sqlite3_bind_int64(statement, 2, prune->keep_last < INT64_MAX ?
						 (int64_t)prune->keep_last : INT64_MAX);
	while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
		if (each)
			each(arg, (const char *)sqlite3_column_text(statement, 0));
		n++;
	}
	if (rc != SQLITE_DONE)
		return store_fail(store, err, "prune");
	*count += n;
	return 0;
}
