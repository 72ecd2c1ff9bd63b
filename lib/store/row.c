#include <stdlib.h>
#include <string.h>

#include "lib/base/strbuf.h"
#include "lib/store/database.h"

enum { LIMIT_SQL = 16 * 1024 };

static void add_columns(struct strbuf *sb, const struct entity *entity, const char *form)
{
	for (size_t i = 0; i < entity->n_columns; i++) {
		const char *name = entity->columns[i].name;

		strbuf_adds(sb, i ? ", " : "");
		if (*form == '?')
			strbuf_addf(sb, "?%zu", i + 1);
		else if (*form == '=')
			strbuf_addf(sb, "%s = excluded.%s", name, name);
		else
			strbuf_adds(sb, name);
	}
}

static sqlite3_stmt *keep(struct store *store, enum statement which,
			  const struct strbuf *sql, struct error *err)
{
	if (strbuf_failed(sql)) {
		err_set(err, ERR_LIMIT, "no memory for a statement");
		return NULL;
	}
	if (sqlite3_prepare_v3(store->db, sql->buf, -1, SQLITE_PREPARE_PERSISTENT,
			       &store->statements[which], NULL) != SQLITE_OK)
		store_fail(store, err, "prepare a statement");
	return store->statements[which];
}

sqlite3_stmt *store_statement(struct store *store, enum statement which,
			      const struct entity *entity, const char *sql,
			      struct error *err)
{
	cleanup_strbuf struct strbuf sb = STRBUF(LIMIT_SQL);
	const char *at = entity ? strstr(sql, "@columns") : NULL;

	if (store->statements[which])
		return store->statements[which];
	if (at) {
		strbuf_add(&sb, sql, (size_t)(at - sql));
		add_columns(&sb, entity, "name");
		sql = at + strlen("@columns");
	}
	strbuf_adds(&sb, sql);
	return keep(store, which, &sb, err);
}

/* Unlike INSERT OR REPLACE it keeps the row, and with it the order. */
sqlite3_stmt *store_upsert(struct store *store, enum statement which,
			   const struct entity *entity, struct error *err)
{
	cleanup_strbuf struct strbuf sb = STRBUF(LIMIT_SQL);

	if (store->statements[which])
		return store->statements[which];
	strbuf_addf(&sb, "INSERT INTO %s (", entity->table);
	add_columns(&sb, entity, "name");
	strbuf_adds(&sb, ") VALUES (");
	add_columns(&sb, entity, "?");
	strbuf_addf(&sb, ") ON CONFLICT (%s) DO UPDATE SET ", entity->columns[0].name);
	add_columns(&sb, entity, "=");
	return keep(store, which, &sb, err);
}

void store_done(sqlite3_stmt *statement)
{
	if (!statement)
		return;
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
}

static int bind_one(sqlite3_stmt *statement, int i, const struct column *column,
		    const char *field)
{
	switch (column->type) {
	case COLUMN_CHARS:
		return sqlite3_bind_text(statement, i, field, -1, SQLITE_STATIC);
	case COLUMN_TEXT:
		return sqlite3_bind_text(statement, i, *(char *const *)(const void *)field,
					 -1, SQLITE_STATIC);
	case COLUMN_INT:
		return sqlite3_bind_int(statement, i, *(const int *)(const void *)field);
	case COLUMN_INT64:
		return sqlite3_bind_int64(statement, i,
					  *(const int64_t *)(const void *)field);
	case COLUMN_BOOL:
		return sqlite3_bind_int(statement, i, *(const bool *)(const void *)field);
	}
	return SQLITE_MISUSE;
}

int row_bind(sqlite3_stmt *statement, const struct entity *entity, const void *from)
{
	for (size_t i = 0; i < entity->n_columns; i++) {
		const struct column *column = &entity->columns[i];
		int rc = bind_one(statement, (int)i + 1, column,
				  (const char *)from + column->offset);

		if (rc != SQLITE_OK)
			return rc;
	}
	return SQLITE_OK;
}

static int load_text(sqlite3_stmt *statement, int i, const struct column *column,
		     char *field)
{
	const char *text = (const char *)sqlite3_column_text(statement, i);
	char *copy;

	if (!text)
		return sqlite3_column_type(statement, i) == SQLITE_NULL ? 0 : -1;
	if (column->type == COLUMN_CHARS) {
		/* longer only when the file was edited by hand */
		size_t len = strnlen(text, column->size - 1);

		memcpy(field, text, len);
		field[len] = '\0';
		return 0;
	}
	copy = strdup(text);
	if (!copy)
		return -1;
	*(char **)(void *)field = copy;
	return 0;
}

int row_load(sqlite3_stmt *statement, int first, const struct entity *entity, void *to)
{
	for (size_t i = 0; i < entity->n_columns; i++) {
		const struct column *column = &entity->columns[i];
		char *field = (char *)to + column->offset;
		int at = first + (int)i;

		switch (column->type) {
		case COLUMN_CHARS:
		case COLUMN_TEXT:
			if (load_text(statement, at, column, field) < 0) {
				row_release(entity, to);
				return -1;
			}
			break;
		case COLUMN_INT:
			*(int *)(void *)field = sqlite3_column_int(statement, at);
			break;
		case COLUMN_INT64:
			*(int64_t *)(void *)field = sqlite3_column_int64(statement, at);
			break;
		case COLUMN_BOOL:
			*(bool *)(void *)field = sqlite3_column_int(statement, at) != 0;
			break;
		}
	}
	return 0;
}

void row_release(const struct entity *entity, void *object)
{
	for (size_t i = 0; i < entity->n_columns; i++)
		if (entity->columns[i].type == COLUMN_TEXT) {
			char **text = (char **)(void *)((char *)object +
							entity->columns[i].offset);

			free(*text);
			*text = NULL;
		}
}
