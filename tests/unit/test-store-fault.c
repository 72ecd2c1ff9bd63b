/*
 * Each failure point of lib/store, in a FAULTS=1 build: the call fails with
 * the code of a full disk, and what was there before is there after.
 */

#include "lib/store/store.h"

#include <sys/wait.h>

#include "tests/unit/tempdir.h"

#ifdef FAAS_FAULTS

static struct error err;

static int count_one(void *arg, const struct execution *execution)
{
	(void)execution;
	++*(int *)arg;
	return 0;
}

static int count(struct store *store)
{
	int n = 0;

	check(!store_execution_list(store, &(struct execution_filter){ 0 }, count_one, &n,
				    &err));
	return n;
}

static int put(struct store *store, const char *id)
{
	struct execution execution = { .state = "exited" };

	snprintf(execution.id, sizeof(execution.id), "%s", id);
	return store_execution_put(store, &execution, &err);
}

static int put_environment(struct store *store)
{
	struct environment e = { .name = "py", .kind = "archive", .cache = "none" };

	return store_environment_put(store, &e, &err);
}

static int batch(struct store *store)
{
	if (store_begin(store, &err) < 0)
		return -1;
	if (put(store, "e-0002") < 0 || put(store, "e-0003") < 0) {
		store_rollback(store);
		return -1;
	}
	return store_commit(store, &err);
}

static int delete(struct store *store)
{
	return store_execution_delete(store, "e-0001", &err);
}

static int prune(struct store *store)
{
	struct execution_prune all = { .before_ms = INT64_MAX };
	uint64_t n = 0;

	return store_execution_prune(store, &all, NULL, NULL, &n, &err);
}

static int put_one(struct store *store)
{
	return put(store, "e-0002");
}

static int delete_environment(struct store *store)
{
	return store_environment_delete(store, "py", &err);
}

TEST(a_full_disk_changes_nothing)
{
	static const struct {
		const char *fault;
		int (*call)(struct store *store);
	} rows[] = {
		{ "store.begin=ENOSPC", batch },
		{ "store.execution.put=ENOSPC", batch },
		{ "store.commit=ENOSPC", batch },
		{ "store.execution.put=ENOSPC", put_one },
		{ "store.execution.delete=ENOSPC", delete },
		{ "store.execution.prune=ENOSPC", prune },
		{ "store.environment.put=ENOSPC", put_environment },
		{ "store.environment.delete=ENOSPC", delete_environment },
	};
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	struct store *store = NULL;

	check(!store_open(dir->fd, dir->path, &store, &err));
	check(!put(store, "e-0001") && !put_environment(store));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		check(!setenv("FAAS_FAULT", rows[i].fault, 1));
		check(rows[i].call(store) < 0 && err.code == ERR_LIMIT);
		check(!unsetenv("FAAS_FAULT"));
		check(count(store) == 1);
	}
	check(!batch(store) && !prune(store) && !delete_environment(store));
	store_close(store);
}

/* In a process of its own, because "@2" counts what the process passes. */
static void fail_to_open(struct tempdir *dir, const char *fault)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		struct store *store = NULL;

		check(!setenv("FAAS_FAULT", fault, 1));
		check(store_open(dir->fd, dir->path, &store, &err) < 0);
		check(err.code == ERR_LIMIT && !store);
		_exit(0);
	}
	check(waitpid(pid, &status, 0) == pid && !status);
}

TEST(opening_goes_on_where_it_failed)
{
	static const char *const faults[] = {
		"store.create=ENOSPC", "store.migrate=ENOSPC", "store.migrate=ENOSPC@2",
		"store.commit=ENOSPC", "store.commit=ENOSPC@2", "store.begin=ENOSPC",
	};

	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
		struct store *store = NULL;

		fail_to_open(dir, faults[i]);
		check(!store_open(dir->fd, dir->path, &store, &err));
		check(!put(store, "e-0001") && count(store) == 1);
		store_close(store);
	}
}

#else

TEST(nothing_without_faults)
{
	check(ARRAY_SIZE(((struct execution *)0)->id) == STORE_ID);
}

#endif

TEST_MAIN;
