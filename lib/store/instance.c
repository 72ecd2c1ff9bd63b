#include "lib/store/instance.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/fault.h"
#include "lib/base/parse.h"
#include "lib/store/database.h"

enum { PREFIX_MIN = 4 };

#define S struct instance
static const struct column columns[] = {
	COLUMN_CHARS(S, id), COLUMN_CHARS(S, name), COLUMN_CHARS(S, state),
	COLUMN_CHARS(S, wanted), COLUMN_TEXT(S, environment), COLUMN_TEXT(S, base),
	COLUMN_TEXT(S, layer), COLUMN_TEXT(S, execution), COLUMN_TEXT(S, request),
	COLUMN_TEXT(S, labels), COLUMN_TEXT(S, ports), COLUMN_CHARS(S, restart),
	COLUMN_INT(S, restart_max), COLUMN_INT(S, restarts), COLUMN_BOOL(S, remove),
	COLUMN_TEXT(S, reason), COLUMN_INT(S, exit_code), COLUMN_INT(S, signal),
	COLUMN_INT64(S, ttl_ms), COLUMN_INT64(S, auto_stop_ms), COLUMN_TEXT(S, boot),
	COLUMN_INT64(S, expires_ms), COLUMN_INT64(S, expires_boot_ms),
	COLUMN_INT64(S, active_ms), COLUMN_INT64(S, active_boot_ms),
	COLUMN_INT64(S, created_ms), COLUMN_INT64(S, started_ms), COLUMN_INT64(S, stopped_ms),
	COLUMN_INT64(S, updated_ms),
};
static const struct entity entity = { "instance", columns, ARRAY_SIZE(columns) };
#undef S

#define S struct instance_event
static const struct column event_columns[] = {
	COLUMN_CHARS(S, instance), COLUMN_INT64(S, at_ms), COLUMN_CHARS(S, type),
	COLUMN_TEXT(S, detail),
};
static const struct entity event_entity = { "instance_event", event_columns,
					    ARRAY_SIZE(event_columns) };
#undef S

void instance_release(struct instance *instance)
{
	row_release(&entity, instance);
	memset(instance, 0, sizeof(*instance));
}

int store_instance_put(struct store *store, const struct instance *instance, struct error *err)
{
	CLEANUP(store_done) sqlite3_stmt *statement = NULL;
	int r = fault("store.instance.put");

	if (instance->name[0] && parse_name(instance->name) < 0)
		return err_set(err, ERR_USAGE, "'%s' is not a name", instance->name);
	statement = store_upsert(store, SQL_INSTANCE_PUT, &entity, err);
	if (!statement)
		return -1;
	if (r)
		return err_sys(err, r, "instance '%s'", instance->id);
	if (row_bind(statement, &entity, instance) == SQLITE_OK &&
	    sqlite3_step(statement) == SQLITE_DONE)
		return 0;
	if (sqlite3_extended_errcode(store->db) == SQLITE_CONSTRAINT_UNIQUE) {
		(void)err_set(err, ERR_EXISTS, "there is an instance '%s' already",
			      instance->name);
		return err_hint(err, "'faas instance show %s' shows it; choose another name",
				instance->name);
	}
	store_fail(store, err, "write");
	return err_wrap(err, "instance '%s'", instance->id);
}

static int load(sqlite3_stmt *statement, struct instance *ret, struct error *err)
{
	*ret = (struct instance){ .id = "" };
	if (row_load(statement, 1, &entity, ret) < 0)
		return err_set(err, ERR_LIMIT, "instance: no memory");
	ret->seq = sqlite3_column_int64(statement, 0);
	return 0;
}

/* 1: *ret is loaded; 0: there is none. With only_one, a second is ERR_CONFLICT. */
static int get_one(struct store *store, enum statement which, const char *sql, const char *what,
		   bool only_one, struct instance *ret, struct error *err)
{
	CLEANUP(store_done) sqlite3_stmt *statement =
		store_statement(store, which, &entity, sql, err);
	struct instance got;
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
	if (load(statement, &got, err) < 0)
		return -1;
	if (only_one && sqlite3_step(statement) == SQLITE_ROW) {
		instance_release(&got);
		(void)err_set(err, ERR_CONFLICT, "several instances begin with '%s'", what);
		return err_hint(err, "give more of its id; see 'faas instance list'");
	}
	*ret = got;
	return 1;
}

int store_instance_find(struct store *store, const char *id, struct instance *ret,
			struct error *err)
{
	return get_one(store, SQL_INSTANCE_BY_ID,
		       "SELECT seq, @columns FROM instance WHERE id = ?1", id, false, ret, err);
}

int store_instance_get(struct store *store, const char *what, struct instance *ret,
		       struct error *err)
{
	int r;

	if (!strcmp(what, "@last"))
		r = get_one(store, SQL_INSTANCE_LAST, "SELECT seq, @columns FROM instance "
			    "ORDER BY state = 'terminated', seq DESC LIMIT 1", NULL, false, ret,
			    err);
	else
		r = store_instance_find(store, what, ret, err);
	if (!r && *what && *what != '@')
		r = get_one(store, SQL_INSTANCE_BY_NAME, "SELECT seq, @columns FROM instance "
			    "WHERE name = ?1 ORDER BY state = 'terminated', seq DESC LIMIT 1", what,
			    false, ret, err);
	if (!r && strlen(what) >= PREFIX_MIN && *what != '@')
		r = get_one(store, SQL_INSTANCE_BY_PREFIX, "SELECT seq, @columns FROM instance "
			    "WHERE substr(id, 1, length(?1)) = ?1 LIMIT 2", what, true, ret, err);
	if (r)
		return r < 0 ? -1 : 0;
	(void)err_set(err, ERR_NOT_FOUND, "no instance '%s'", what);
	return err_hint(err, "see 'faas instance list --all'");
}

int store_instance_list(struct store *store,
			int (*each)(void *arg, const struct instance *instance), void *arg,
			struct error *err)
{
	CLEANUP(store_done) sqlite3_stmt *statement =
		store_statement(store, SQL_INSTANCE_LIST, &entity,
				"SELECT seq, @columns FROM instance ORDER BY seq", err);
	int rc;

	if (!statement)
		return -1;
	while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
		cleanup_instance struct instance got = { .id = "" };

		if (load(statement, &got, err) < 0)
			return -1;
		if (each(arg, &got))
			return 0;
	}
	return rc == SQLITE_DONE ? 0 : store_fail(store, err, "read");
}

int store_instance_forget(struct store *store, int64_t before_ms, struct error *err)
{
	CLEANUP(store_done) sqlite3_stmt *statement =
		store_statement(store, SQL_INSTANCE_FORGET, NULL, "DELETE FROM instance WHERE "
				"state = 'terminated' AND updated_ms < ?1", err);
	int r = fault("store.instance.forget");

	if (!statement)
		return -1;
	if (r)
		return err_sys(err, r, "forget instances");
	sqlite3_bind_int64(statement, 1, before_ms);
	return sqlite3_step(statement) == SQLITE_DONE ? 0 : store_fail(store, err, "write");
}

/* Its name, or its id when it has none. */
static int user_of(struct store *store, enum statement which, const char *sql, const char *what,
		   char ret[STORE_NAME], struct error *err)
{
	CLEANUP(store_done) sqlite3_stmt *statement = store_statement(store, which, NULL, sql, err);
	int rc;

	if (!statement)
		return -1;
	sqlite3_bind_text(statement, 1, what, -1, SQLITE_STATIC);
	rc = sqlite3_step(statement);
	if (rc == SQLITE_ROW)
		(void)snprintf(ret, STORE_NAME, "%s",
			       (const char *)sqlite3_column_text(statement, 0));
	return rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : store_fail(store, err, "read");
}

#define USER	"SELECT CASE name WHEN '' THEN id ELSE name END FROM instance WHERE "

int store_instance_of_snapshot(struct store *store, const char *id, char ret[STORE_NAME],
			       struct error *err)
{
	return user_of(store, SQL_INSTANCE_OF_SNAPSHOT,
		       USER "base = ?1 AND state <> 'terminated' LIMIT 1", id, ret, err);
}

int store_instance_of_environment(struct store *store, const char *name, char ret[STORE_NAME],
				  struct error *err)
{
	return user_of(store, SQL_INSTANCE_OF_ENVIRONMENT,
		       USER "environment = ?1 AND state <> 'terminated' LIMIT 1", name, ret, err);
}

int store_instance_event_add(struct store *store, const struct instance_event *event,
			     struct error *err)
{
	CLEANUP(store_done) sqlite3_stmt *statement =
		store_statement(store, SQL_INSTANCE_EVENT_ADD, NULL,
				"INSERT INTO instance_event (instance, at_ms, type, detail) "
				"VALUES (?1, ?2, ?3, ?4)", err);
	int r = fault("store.instance.event");

	if (!statement)
		return -1;
	if (r)
		return err_sys(err, r, "note what happened to instance '%s'", event->instance);
	if (row_bind(statement, &event_entity, event) != SQLITE_OK ||
	    sqlite3_step(statement) != SQLITE_DONE)
		return store_fail(store, err, "write");
	return 0;
}

int store_instance_event_list(struct store *store, const char *instance, int64_t after_seq,
			      int limit,
			      int (*each)(void *arg, const struct instance_event *event),
			      void *arg, struct error *err)
{
	CLEANUP(store_done) sqlite3_stmt *statement =
		store_statement(store, SQL_INSTANCE_EVENT_LIST, &event_entity,
				"SELECT seq, @columns FROM instance_event WHERE "
				"(?1 IS NULL OR instance = ?1) AND seq > ?2 ORDER BY seq LIMIT ?3",
				err);
	int rc;

	if (!statement)
		return -1;
	sqlite3_bind_text(statement, 1, instance, -1, SQLITE_STATIC);
	sqlite3_bind_int64(statement, 2, after_seq);
	sqlite3_bind_int(statement, 3, limit);
	while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
		struct instance_event got = { .instance = "" };
		int stop;

		if (row_load(statement, 1, &event_entity, &got) < 0)
			return err_set(err, ERR_LIMIT, "list events: no memory");
		got.seq = sqlite3_column_int64(statement, 0);
		stop = each(arg, &got);
		row_release(&event_entity, &got);
		if (stop)
			return 0;
	}
	return rc == SQLITE_DONE ? 0 : store_fail(store, err, "read");
}
