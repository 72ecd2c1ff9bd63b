#include "lib/store/store.h"

#include <string.h>

#include "tests/unit/tempdir.h"

static struct error err;
static struct tempdir *dir;
static struct store *store;

static void begin(void)
{
	dir = tempdir_new();
	check(!store_open(dir->fd, dir->path, &store, &err));
}

static void end(void)
{
	store_close(store);
	tempdir_remove(dir);
}

static int put(const char *id, const char *name, const char *parent, const char *state)
{
	struct snapshot s = {
		.kind = "fs", .parent = (char *)(uintptr_t)parent, .environment = (char *)"host",
		.execution = (char *)"run1", .engine = (char *)"overlay",
		.comment = (char *)"why", .labels = (char *)"{\"a\":\"b\"}",
		.layers = (char *)"[\"x\"]", .created_ms = 7,
	};

	snprintf(s.id, sizeof(s.id), "%s", id);
	snprintf(s.name, sizeof(s.name), "%s", name);
	snprintf(s.state, sizeof(s.state), "%s", state);
	return store_snapshot_put(store, &s, &err);
}

static int collect(void *arg, const struct snapshot *s)
{
	char *text = arg;
	size_t len = strlen(text);

	snprintf(text + len, 200 - len, " %s", s->id);
	return 0;
}

TEST(every_field_comes_back)
{
	struct snapshot s = { 0 };

	begin();
	check(!put("abcd1", "base", NULL, "ready"));
	check(!store_snapshot_get(store, "base", &s, &err));
	check(s.seq == 1 && !strcmp(s.id, "abcd1") && !strcmp(s.name, "base"));
	check(!strcmp(s.state, "ready") && !strcmp(s.kind, "fs") && !s.parent);
	check(!strcmp(s.environment, "host") && !strcmp(s.execution, "run1"));
	check(!strcmp(s.engine, "overlay") && !strcmp(s.comment, "why"));
	check(!strcmp(s.labels, "{\"a\":\"b\"}") && !strcmp(s.layers, "[\"x\"]"));
	check(s.created_ms == 7);
	snapshot_release(&s);
	check(!s.environment && !s.id[0]);
	end();
}

TEST(found_by_id_name_prefix_and_last)
{
	struct snapshot s = { 0 };

	begin();
	check(!put("abcd1", "base", NULL, "ready") && !put("abcd2", "", "abcd1", "ready"));
	for (size_t i = 0; i < 3; i++) {
		static const char *const what[] = { "@last", "abcd2", "abcd2" };

		check(!store_snapshot_get(store, what[i], &s, &err) && !strcmp(s.id, "abcd2"));
		snapshot_release(&s);
	}
	check(store_snapshot_get(store, "abcd", &s, &err) < 0 && err.code == ERR_CONFLICT);
	check(store_snapshot_get(store, "abc", &s, &err) < 0 && err.code == ERR_NOT_FOUND);
	check(store_snapshot_get(store, "", &s, &err) < 0 && err.code == ERR_NOT_FOUND);
	check(store_snapshot_get(store, "@other", &s, &err) < 0 && err.code == ERR_NOT_FOUND);
	end();
}

TEST(one_in_the_making_is_listed_and_not_found)
{
	struct snapshot s = { 0 };
	char text[200] = "";

	begin();
	check(!put("abcd1", "base", NULL, "making"));
	check(store_snapshot_get(store, "base", &s, &err) < 0 && err.code == ERR_NOT_FOUND);
	check(store_snapshot_get(store, "@last", &s, &err) < 0);
	check(!store_snapshot_list(store, collect, text, &err) && !strcmp(text, " abcd1"));
	/* its name is taken, all the same */
	check(put("abcd2", "base", NULL, "ready") < 0 && err.code == ERR_EXISTS);
	check(!put("abcd1", "base", NULL, "ready"));
	check(!store_snapshot_get(store, "base", &s, &err));
	snapshot_release(&s);
	end();
}

TEST(a_parent_stays)
{
	begin();
	check(!put("abcd1", "base", NULL, "ready") && !put("abcd2", "kid", "abcd1", "making"));
	check(store_snapshot_delete(store, "abcd1", &err) < 0 && err.code == ERR_BUSY);
	check(strstr(err.msg, "'kid'"));
	check(!store_snapshot_delete(store, "abcd2", &err));
	check(!store_snapshot_delete(store, "abcd1", &err));
	check(store_snapshot_delete(store, "abcd1", &err) < 0 && err.code == ERR_NOT_FOUND);
	end();
}

static void put_ends(const char *id, int64_t expires_ms, int64_t synced_ms)
{
	struct snapshot s = {
		.state = "ready", .kind = "fs", .environment = (char *)"host",
		.layers = (char *)"[\"x\"]", .created_ms = 7, .expires_ms = expires_ms,
		.synced_ms = synced_ms, .entries = 3, .bytes = 4, .digest = (char *)"d",
		.checksum = (char *)"c",
	};

	snprintf(s.id, sizeof(s.id), "%s", id);
	check(!store_snapshot_put(store, &s, &err));
}

TEST(those_that_are_over_and_those_that_are_not_safe)
{
	struct snapshot s = { 0 };
	char text[200] = "";
	int64_t next = -1;

	begin();
	check(!store_snapshot_next_expiry(store, 0, &next, &err) && !next);
	put_ends("abcd1", 100, 0);
	put_ends("abcd2", 0, 5);
	put_ends("abcd3", 100, 5);
	put_ends("abcd4", 300, 0);
	check(!store_snapshot_expired(store, 99, collect, text, &err) && !*text);
	check(!store_snapshot_expired(store, 100, collect, text, &err));
	check(!strcmp(text, " abcd3 abcd1"));
	*text = '\0';
	check(!store_snapshot_unsynced(store, 10, collect, text, &err));
	check(!strcmp(text, " abcd1 abcd4"));
	*text = '\0';
	check(!store_snapshot_unsynced(store, 1, collect, text, &err) && !strcmp(text, " abcd1"));
	check(!store_snapshot_doubt(store, &err));
	*text = '\0';
	check(!store_snapshot_unsynced(store, 10, collect, text, &err) && !*text);
	check(!store_snapshot_get(store, "abcd1", &s, &err) && s.synced_ms == SNAPSHOT_UNSAFE);
	snapshot_release(&s);
	check(!store_snapshot_next_expiry(store, 0, &next, &err) && next == 100);
	check(!store_snapshot_next_expiry(store, 100, &next, &err) && next == 300);
	check(!store_snapshot_get(store, "abcd3", &s, &err));
	check(s.expires_ms == 100 && s.synced_ms == 5 && s.entries == 3 && s.bytes == 4);
	check(!strcmp(s.digest, "d") && !strcmp(s.checksum, "c"));
	snapshot_release(&s);
	end();
}

TEST(what_is_not_a_snapshot_is_refused)
{
	begin();
	check(put("abcd1", "a b", NULL, "ready") < 0 && err.code == ERR_USAGE);
	check(put("abcd1", "x", NULL, "nonsense") < 0);
	check(put("ab", "x", NULL, "ready") < 0);
	end();
}

TEST_MAIN;
