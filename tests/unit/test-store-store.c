#include "lib/store/store.h"

#include <signal.h>
#include <sys/wait.h>

#include "lib/store/database.h"
#include "tests/unit/tempdir.h"

static struct error err;

static struct store *must_open(struct tempdir *dir)
{
	struct store *store = NULL;

	if (store_open(dir->fd, dir->path, &store, &err) < 0)
		fprintf(stderr, "%s\n", err.msg);
	check(store);
	return store;
}

static void add(struct store *store, const char *id)
{
	struct execution execution = { .state = "exited" };

	snprintf(execution.id, sizeof(execution.id), "%s", id);
	check(!store_execution_put(store, &execution, &err));
}

static int64_t count(struct store *store)
{
	int64_t n;

	check(!store_number(store, "SELECT count(*) FROM execution", &n, &err));
	return n;
}

/* Runs SQL on the file behind the store's back. */
static void sql(struct tempdir *dir, const char *text)
{
	char path[128];
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/faas.db", dir->path);
	check(sqlite3_open(path, &db) == SQLITE_OK);
	if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
		fprintf(stderr, "%s\n", sqlite3_errmsg(db));
	check(!sqlite3_errcode(db));
	sqlite3_close(db);
}

/* Fails with this code, says this, and leaves the files as they were. */
static void refuses(struct tempdir *dir, enum err_code code, const char *part)
{
	static const char *const names[] = { "faas.db", "faas.db-wal" };
	char *before[2], *after[2];
	size_t n_before[2], n_after[2];
	struct store *store = NULL;

	for (int i = 0; i < 2; i++)
		before[i] = get_file(dir, names[i], &n_before[i]);
	check(store_open(dir->fd, dir->path, &store, &err) < 0);
	check(!store);
	check_str(err_name(err.code), err_name(code));
	if (!strstr(err.msg, part))
		fprintf(stderr, "'%s' is not in '%s'\n", part, err.msg);
	check(strstr(err.msg, part) && strstr(err.msg, dir->path));
	for (int i = 0; i < 2; i++) {
		after[i] = get_file(dir, names[i], &n_after[i]);
		/* to look into a database SQLite needs a log, which may be empty */
		check(n_before[i] == n_after[i]);
		check(!n_before[i] || !memcmp(before[i], after[i], n_before[i]));
		free(before[i]);
		free(after[i]);
	}
}

TEST(what_is_kept_is_made_safe)
{
	struct tempdir *dir = tempdir_new();
	struct store *store = must_open(dir);

	/* with nothing to write, with something, and in the middle of it */
	check(!store_sync(store, &err));
	add(store, "aaaa");
	check(!store_sync(store, &err));
	check(!store_begin(store, &err) && !store_sync(store, &err) && !store_commit(store, &err));
	check(count(store) == 1);
	store_close(store);
	tempdir_remove(dir);
}

TEST(a_new_store_is_private_and_survives)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	struct store *store = must_open(dir);
	struct stat st;

	check(!fstatat(dir->fd, "faas.db", &st, 0) && (st.st_mode & 07777) == 0600);
	add(store, "e-0001");
	check(!fstatat(dir->fd, "faas.db-wal", &st, 0) && (st.st_mode & 07777) == 0600);
	store_close(store);
	check(fstatat(dir->fd, "faas.db-wal", &st, 0) < 0);

	check(!fchmodat(dir->fd, "faas.db", 0644, 0));
	store = must_open(dir);
	check(count(store) == 1);
	check(!fstatat(dir->fd, "faas.db", &st, 0) && (st.st_mode & 07777) == 0600);
	store_close(store);
}

TEST(an_empty_file_is_a_new_store)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();

	put_file(dir, "faas.db", "", 0);
	store_close(must_open(dir));
	store_close(must_open(dir));
}

TEST(a_log_without_its_database_is_kept)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();

	put_file(dir, "faas.db-wal", "something", 9);
	refuses(dir, ERR_CORRUPT, "only its '-wal'");
	put_file(dir, "faas.db", "", 0);
	refuses(dir, ERR_CORRUPT, "empty");
	check(strstr(err.hint, "nothing was overwritten"));
}

TEST(what_is_not_a_database_is_kept)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	char noise[8192];

	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (char)(i * 7919 >> 3);
	put_file(dir, "faas.db", noise, sizeof(noise));
	refuses(dir, ERR_CORRUPT, "damaged");
	put_file(dir, "faas.db", "hello", 5);
	refuses(dir, ERR_CORRUPT, "damaged");
}

TEST(what_is_not_a_file_is_kept)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();

	check(!mkdirat(dir->fd, "faas.db", 0700));
	refuses(dir, ERR_CORRUPT, "not a file");
	check(!unlinkat(dir->fd, "faas.db", AT_REMOVEDIR));
	check(!mkfifoat(dir->fd, "faas.db", 0600));
	check(store_open(dir->fd, dir->path, &(struct store *){ NULL }, &err) < 0);
	check(err.code == ERR_CORRUPT);
	check(!unlinkat(dir->fd, "faas.db", 0));

	check(!symlinkat("/tmp/faas-unit-elsewhere", dir->fd, "faas.db"));
	refuses(dir, ERR_DENIED, "symbolic link");
	check(access("/tmp/faas-unit-elsewhere", F_OK) < 0);
	check(!unlinkat(dir->fd, "faas.db", 0));
	check(!symlinkat("/tmp/faas-unit-elsewhere", dir->fd, "faas.db-wal"));
	refuses(dir, ERR_DENIED, "symbolic link");
}

/* A store with enough rows for many pages, closed. */
static void fill(struct tempdir *dir)
{
	struct store *store = must_open(dir);
	char id[32];

	check(!store_begin(store, &err));
	for (int i = 0; i < 500; i++) {
		snprintf(id, sizeof(id), "e-%06d", i);
		add(store, id);
	}
	check(!store_commit(store, &err));
	store_close(store);
}

TEST(a_truncated_file_is_kept)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	size_t len;
	char *data;

	fill(dir);
	data = get_file(dir, "faas.db", &len);
	check(len > 16384);
	put_file(dir, "faas.db", data, len / 2);
	refuses(dir, ERR_CORRUPT, "damaged");
	put_file(dir, "faas.db", data, 4096);
	refuses(dir, ERR_CORRUPT, "damaged");
	put_file(dir, "faas.db", data, 50);
	refuses(dir, ERR_CORRUPT, "damaged");
	free(data);
}

/* Leaves a log behind, as a crash does. */
static void crash_after_writing(struct tempdir *dir)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		struct store *store = must_open(dir);

		add(store, "e-crash");
		_exit(0);
	}
	check(waitpid(pid, &status, 0) == pid && !status);
}

TEST(damage_inside_is_found_after_a_crash)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	struct store *store;
	size_t len;
	char *data;

	fill(dir);
	crash_after_writing(dir);
	data = get_file(dir, "faas.db", &len);
	for (size_t page = 4; page * 4096 < len; page++)
		memset(data + page * 4096 + 1, 0xa5, 2000);
	put_file(dir, "faas.db", data, len);
	refuses(dir, ERR_CORRUPT, "damaged");
	refuses(dir, ERR_CORRUPT, "damaged");
	free(data);

	/* and without damage the log is taken in */
	unlinkat(dir->fd, "faas.db", 0);
	unlinkat(dir->fd, "faas.db-wal", 0);
	unlinkat(dir->fd, "faas.db-shm", 0);
	fill(dir);
	crash_after_writing(dir);
	store = must_open(dir);
	check(count(store) == 501);
	store_close(store);
}

TEST(damage_found_in_use_is_an_error)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	struct execution execution = { 0 };
	struct store *store;
	size_t len;
	char *data;

	fill(dir);
	data = get_file(dir, "faas.db", &len);
	/* behind the schema, which is read when it is opened */
	for (size_t page = 26; page * 4096 < len; page++)
		memset(data + page * 4096, 0xa5, 4096);
	put_file(dir, "faas.db", data, len);
	free(data);
	store = must_open(dir);
	check(store_execution_get(store, "e-000250", &execution, &err) < 0);
	check(err.code == ERR_CORRUPT);
	store_close(store);
}

static int ignore(void *arg, const struct execution *execution)
{
	(void)arg;
	check(strnlen(execution->id, STORE_ID) < STORE_ID);
	return 0;
}

/* Whatever the bytes are: no crash, and an error has words. */
TEST(any_damage_is_survived)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	struct execution_filter all = { 0 };
	unsigned int seed = 1;
	size_t len;
	char *data;

	fill(dir);
	data = get_file(dir, "faas.db", &len);
	for (int round = 0; round < 60; round++) {
		struct store *store = NULL;
		struct execution execution = { .id = "e-new", .state = "exited" };
		size_t span = round % 3 ? len : 200;
		char *copy = malloc(len);

		memcpy(copy, data, len);
		for (int i = 0; i < 1 + round; i++) {
			seed = seed * 1103515245 + 12345;
			copy[(seed >> 8) % span] ^= (char)(1 + (seed >> 4) % 255);
		}
		put_file(dir, "faas.db", copy, len);
		free(copy);
		err = (struct error){ 0 };
		if (!store_open(dir->fd, dir->path, &store, &err) &&
		    !store_execution_put(store, &execution, &err) &&
		    !store_execution_list(store, &all, ignore, NULL, &err))
			check(!err.msg[0]);
		else
			check(err.msg[0] && err.code != ERR_NONE);
		store_close(store);
		unlinkat(dir->fd, "faas.db-wal", 0);
		unlinkat(dir->fd, "faas.db-shm", 0);
	}
	free(data);
}

TEST(a_newer_file_is_kept)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	char want[64];

	fill(dir);
	sql(dir, "PRAGMA user_version = 99");
	snprintf(want, sizeof(want), "has version 99, and this faas knows up to version %d",
		 schema_newest());
	refuses(dir, ERR_CONFLICT, want);
}

TEST(a_file_of_another_program_is_kept)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();

	sql(dir, "CREATE TABLE bookmarks (url); PRAGMA user_version = 1");
	refuses(dir, ERR_CONFLICT, "another program");
}

TEST(a_locked_store_says_so)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	struct store *store, *other = NULL;
	struct execution execution = { .id = "e-0001", .state = "exited" };

	store = must_open(dir);
	check(!store_open_wait(dir->fd, dir->path, 20, &other, &err));
	check(!store_begin(store, &err));
	add(store, "e-0002");
	check(store_execution_put(other, &execution, &err) < 0);
	check(err.code == ERR_BUSY && strstr(err.hint, "another process"));
	check(store_begin(other, &err) < 0 && err.code == ERR_BUSY);
	check(!store_commit(store, &err));
	check(!store_execution_put(other, &execution, &err));
	store_close(other);
	store_close(store);

	sql(dir, "PRAGMA journal_mode = DELETE");
	{
		char path[128];
		sqlite3 *db;

		snprintf(path, sizeof(path), "%s/faas.db", dir->path);
		check(sqlite3_open(path, &db) == SQLITE_OK);
		check(!sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL));
		other = NULL;
		check(store_open_wait(dir->fd, dir->path, 20, &other, &err) < 0);
		check(err.code == ERR_BUSY && !other);
		sqlite3_close(db);
	}
	store = must_open(dir);
	check(count(store) == 2);
	store_close(store);
}

TEST(a_folder_that_cannot_be_written)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	pid_t pid;
	int status;

	store_close(must_open(dir));
	check(!fchmod(dir->fd, 0555) && !fchmodat(dir->fd, "faas.db", 0444, 0));
	pid = fork();
	if (!pid) {
		struct store *store = NULL;

		if (!geteuid() && setresuid(65534, 65534, 65534) < 0)
			_exit(9);
		if (store_open(dir->fd, dir->path, &store, &err) == 0)
			_exit(1);
		fprintf(stderr, "%s", err.code == ERR_DENIED ? "" : err.msg);
		_exit(err.code == ERR_DENIED ? 0 : 2);
	}
	check(waitpid(pid, &status, 0) == pid);
	check(!status);
	check(!fchmod(dir->fd, 0755));
}

TEST(version_1_becomes_the_newest)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	struct execution execution = { 0 };
	struct store *store;
	int64_t version;

	/* as the first version made it, with two live ones of one name */
	store = must_open(dir);
	add(store, "e-0000");
	store_close(store);
	sql(dir, "DROP TABLE instance_event; DROP TABLE instance;"
		 "ALTER TABLE execution DROP COLUMN instance;"
		 "ALTER TABLE environment DROP COLUMN languages;"
		 "ALTER TABLE environment DROP COLUMN features;"
		 "ALTER TABLE environment DROP COLUMN warm_up;"
		 "DROP TABLE step; DROP TABLE step_seen; DROP INDEX environment_snapshot;"
		 "ALTER TABLE environment DROP COLUMN base;"
		 "ALTER TABLE environment DROP COLUMN snapshot;"
		 "DROP TABLE snapshot; ALTER TABLE execution DROP COLUMN parent;"
		 "DROP TABLE branch; ALTER TABLE execution DROP COLUMN branch;"
		 "ALTER TABLE execution DROP COLUMN snapshot;"
		 "DROP INDEX execution_live_name; DROP INDEX execution_name;"
		 "DROP INDEX execution_state; PRAGMA user_version = 1;"
		 "UPDATE execution SET name = 'web', state = 'running', argv = '[\"x\"]';"
		 "INSERT INTO execution SELECT 9, 'e-0009', name, state, argv, env,"
		 " code_sha256, language, mode, environment, engine, workdir, user, network,"
		 " limits, degraded, labels, exit_code, signal, oom_killed, timed_out,"
		 " cancelled, error_code, error_message, created_ms, started_ms, ended_ms,"
		 " setup_us, wall_us, user_us, system_us, memory_peak, memory_source,"
		 " io_read, io_write, detached, logged, log_truncated, log_bytes, pid"
		 " FROM execution");
	store = must_open(dir);
	check(!store_number(store, "PRAGMA user_version", &version, &err));
	check(version == schema_newest() && version >= 2);
	check(!store_execution_get(store, "web", &execution, &err));
	check_str(execution.id, "e-0009");
	check_str(execution.argv, "[\"x\"]");
	execution_release(&execution);
	check(!store_execution_get(store, "e-0000", &execution, &err));
	check_str(execution.name, "");
	execution_release(&execution);
	store_close(store);
}

TEST(a_batch_is_whole_or_not_there)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	struct store *store = must_open(dir);

	check(!store_begin(store, &err));
	check(store_begin(store, &err) < 0 && err.code == ERR_BUG);
	add(store, "e-0001");
	store_rollback(store);
	store_rollback(store);
	check(count(store) == 0);
	check(!store_begin(store, &err));
	add(store, "e-0002");
	store_close(store);
	store = must_open(dir);
	check(count(store) == 0);
	store_close(store);
}

enum { BATCH = 40 };

/* Puts batches until killed; says so after each row. */
static void put_for_ever(struct tempdir *dir, int out)
{
	struct store *store = must_open(dir);
	char id[32];

	for (int i = 0;; i++) {
		if (i % BATCH == 0)
			check(!store_begin(store, &err));
		snprintf(id, sizeof(id), "e-%d-%d", (int)getpid(), i);
		add(store, id);
		check(write(out, ".", 1) == 1);
		if (i % BATCH == BATCH - 1)
			check(!store_commit(store, &err));
	}
}

TEST(a_kill_leaves_whole_batches)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	int64_t last = 0;

	for (int round = 1; round <= 12; round++) {
		int fds[2], left = round * 37;
		struct store *store;
		char dot;
		pid_t pid;

		check(!pipe(fds));
		pid = fork();
		if (!pid)
			put_for_ever(dir, fds[1]);
		close(fds[1]);
		while (left-- && read(fds[0], &dot, 1) == 1)
			;
		check(!kill(pid, SIGKILL) && waitpid(pid, NULL, 0) == pid);
		close(fds[0]);

		store = must_open(dir);
		check(count(store) % BATCH == 0);
		check(count(store) >= last + round * 37 / BATCH * BATCH - BATCH);
		last = count(store);
		store_close(store);
	}
	check(last > 0);
}

TEST_MAIN;
