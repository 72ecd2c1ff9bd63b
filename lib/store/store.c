#include "lib/store/store.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/fault.h"
#include "lib/base/strbuf.h"
#include "lib/store/database.h"

#define DB	"faas.db"
#define WAL	DB "-wal"

static enum err_code code_of(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return ERR_BUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return ERR_CORRUPT;
	case SQLITE_FULL:
	case SQLITE_NOMEM:
	case SQLITE_TOOBIG:
		return ERR_LIMIT;
	case SQLITE_PERM:
	case SQLITE_READONLY:
	case SQLITE_AUTH:
		return ERR_DENIED;
	case SQLITE_CONSTRAINT:
		return ERR_USAGE;
	case SQLITE_MISUSE:
	case SQLITE_RANGE:
	case SQLITE_ERROR:
		return ERR_BUG;
	default:
		return ERR_SYSTEM;
	}
}

static int corrupt(struct error *err, const char *path, const char *why)
{
	err_set(err, ERR_CORRUPT, "'%s' is damaged: %s", path, why);
	return err_hint(err, "nothing was overwritten: restore a copy, or stop the executor "
			"and move '" DB "*' away to start afresh");
}

int store_fail(struct store *store, struct error *err, const char *what)
{
	int rc = sqlite3_extended_errcode(store->db);
	int errnum = sqlite3_system_errno(store->db);
	enum err_code code = code_of(rc);

	if (code == ERR_CORRUPT)
		return corrupt(err, store->path, sqlite3_errmsg(store->db));
	if (code == ERR_SYSTEM && errnum)
		return err_sys(err, errnum, "%s in '%s'", what, store->path);
	err_set(err, code, "%s in '%s': %s", what, store->path, sqlite3_errmsg(store->db));
	if (rc == SQLITE_FULL)
		return err_hint(err, "make room on that file system; 'faas execution prune' "
				"forgets old runs");
	if (code == ERR_BUSY)
		return err_hint(err, "another process uses the database: is a second "
				"executor running, or sqlite3?");
	return -1;
}

int store_run(struct store *store, const char *sql, struct error *err)
{
	if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return store_fail(store, err, "write");
	return 0;
}

int store_number(struct store *store, const char *sql, int64_t *ret, struct error *err)
{
	sqlite3_stmt *statement = NULL;
	int rc = sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL);

	if (rc == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW) {
		*ret = sqlite3_column_int64(statement, 0);
		sqlite3_finalize(statement);
		return 0;
	}
	store_fail(store, err, "read");
	sqlite3_finalize(statement);
	return -1;
}

static int control(struct store *store, enum statement which, const char *sql,
		   const char *point, struct error *err)
{
	sqlite3_stmt *statement = store_statement(store, which, NULL, sql, err);
	int r = fault(point), rc;

	if (!statement)
		return -1;
	if (r)
		return err_sys(err, r, "%s in '%s'", sql, store->path);
	rc = sqlite3_step(statement);
	if (rc != SQLITE_DONE)
		store_fail(store, err, sql);
	store_done(statement);
	return rc == SQLITE_DONE ? 0 : -1;
}

int store_begin(struct store *store, struct error *err)
{
	/* IMMEDIATE: the lock is taken now, where waiting for it is possible */
	return control(store, SQL_BEGIN, "BEGIN IMMEDIATE", "store.begin", err);
}

int store_commit(struct store *store, struct error *err)
{
	if (control(store, SQL_COMMIT, "COMMIT", "store.commit", err) == 0)
		return 0;
	store_rollback(store);
	return -1;
}

void store_rollback(struct store *store)
{
	if (!sqlite3_get_autocommit(store->db))
		(void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
}

int store_sync(struct store *store, struct error *err)
{
	sqlite3_file *log = NULL;
	int r = fault("store.sync"), rc;

	if (r)
		return err_sys(err, r, "flush '%s'", store->path);
	rc = sqlite3_file_control(store->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
	/* without a log nothing was written since it was opened */
	if (rc == SQLITE_OK && log && log->pMethods)
		rc = log->pMethods->xSync(log, SQLITE_SYNC_NORMAL);
	return rc == SQLITE_OK ? 0 : err_set(err, ERR_SYSTEM, "flush '%s': %s", store->path,
					     sqlite3_errstr(rc));
}

/* The type and size of a name in the folder; absent is size -1. */
static int look(int dirfd, const char *name, const char *dir, off_t *ret_size,
		struct error *err)
{
	struct stat st;

	*ret_size = -1;
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno == ENOENT)
			return 0;
		return err_sys(err, errno, "stat '%s/%s'", dir, name);
	}
	if (S_ISLNK(st.st_mode))
		return err_set(err, ERR_DENIED, "'%s/%s' is a symbolic link", dir, name);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_CORRUPT, "'%s/%s' is not a file", dir, name);
	*ret_size = st.st_size;
	return 0;
}

/*
 * What SQLite would get wrong: it follows links, makes files as the umask
 * says, and deletes a log whose database is empty or absent, which may hold
 * all there is.
 */
static int prepare_files(int dirfd, const char *dir, const char *path, bool *ret_unclean,
			 struct error *err)
{
	off_t db, wal, shm;
	cleanup_close int fd = -1;
	int r = fault("store.create");

	if (look(dirfd, DB, dir, &db, err) < 0 || look(dirfd, WAL, dir, &wal, err) < 0 ||
	    look(dirfd, DB "-shm", dir, &shm, err) < 0)
		return -1;
	if (db <= 0 && wal > 0)
		return corrupt(err, path, db ? "only its '-wal' is there" :
					       "it is empty, and its '-wal' is not");
	if (db < 0) {
		if (r)
			return err_sys(err, r, "create '%s'", path);
		fd = openat(dirfd, DB, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			    0600);
		if (fd < 0 && errno != EEXIST)
			return err_sys(err, errno, "create '%s'", path);
	} else if (fchmodat(dirfd, DB, 0600, 0) < 0 && errno != EPERM) {
		return err_sys(err, errno, "chmod '%s'", path);
	}
	/* The last to close it deletes the log: one that is left was not closed. */
	*ret_unclean = wal > 0;
	return 0;
}

static int connect_to(struct store *store, int dirfd, int busy_ms, struct error *err)
{
	char name[64];
	int rc;

	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d/" DB, dirfd);
	rc = sqlite3_open_v2(name, &store->db,
			     SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (!store->db)
		return err_set(err, ERR_LIMIT, "open '%s': no memory", store->path);
	if (rc != SQLITE_OK)
		return store_fail(store, err, "open");
	/*
	 * Until all checks have passed, closing must not move the log into the
	 * database: evidence would be written over.
	 */
	sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_db_config(store->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(store->db, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
	sqlite3_extended_result_codes(store->db, 1);
	sqlite3_busy_timeout(store->db, busy_ms);
	if (sqlite3_db_readonly(store->db, "main") == 1)
		return err_set(err, ERR_DENIED, "'%s' cannot be written", store->path);
	return 0;
}

/* What quick_check says first, when it is not "ok". */
static int check_pages(struct store *store, struct error *err)
{
	sqlite3_stmt *statement = NULL;
	const char *text;
	int ret = 0;

	if (sqlite3_prepare_v2(store->db, "PRAGMA quick_check(1)", -1, &statement,
			       NULL) != SQLITE_OK ||
	    sqlite3_step(statement) != SQLITE_ROW) {
		ret = store_fail(store, err, "check");
	} else {
		text = (const char *)sqlite3_column_text(statement, 0);
		if (!text || strcmp(text, "ok"))
			ret = corrupt(err, store->path, text ? text : "it cannot be read");
	}
	sqlite3_finalize(statement);
	return ret;
}

int store_open_wait(int dirfd, const char *dir, int busy_ms, struct store **ret,
		    struct error *err)
{
	CLEANUP(store_close) struct store *store = NULL;
	bool unclean = false;

	store = calloc(1, sizeof(*store));
	if (!store || asprintf(&store->path, "%s/" DB, dir) < 0)
		return err_set(err, ERR_LIMIT, "open '%s/" DB "': no memory", dir);
	if (prepare_files(dirfd, dir, store->path, &unclean, err) < 0 ||
	    connect_to(store, dirfd, busy_ms, err) < 0 ||
	    schema_check(store, err) < 0 ||
	    (unclean && check_pages(store, err) < 0))
		return -1;
	if (store_run(store, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
			     "PRAGMA journal_size_limit = 4194304;"
			     "PRAGMA cell_size_check = ON", err) < 0 ||
	    schema_migrate(store, err) < 0)
		return -1;
	sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
	*ret = TAKE_PTR(store);
	return 0;
}

int store_open(int dirfd, const char *dir, struct store **ret, struct error *err)
{
	return store_open_wait(dirfd, dir, STORE_BUSY_MS, ret, err);
}

void store_shrink(struct store *store)
{
	(void)sqlite3_db_release_memory(store->db);
}

void store_close(struct store *store)
{
	if (!store)
		return;
	if (store->db)
		store_rollback(store);
	for (size_t i = 0; i < SQL__MAX; i++)
		sqlite3_finalize(store->statements[i]);
	sqlite3_close(store->db);
	free(store->path);
	free(store);
}
