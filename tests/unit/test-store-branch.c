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

static int put(const char *name, const char *base, const char *head)
{
	struct branch b = { .base = (char *)(uintptr_t)base, .head = (char *)(uintptr_t)head,
			    .labels = (char *)"{}", .created_ms = 3 };

	snprintf(b.name, sizeof(b.name), "%s", name);
	return store_branch_put(store, &b, &err);
}

static int collect(void *arg, const struct branch *b)
{
	char *text = arg;
	size_t len = strlen(text);

	snprintf(text + len, 200 - len, " %s", b->name);
	return 0;
}

TEST(put_get_list_delete)
{
	struct branch b = { .name = "" };
	char text[200] = "";

	begin();
	check(!put("two", "s1", "s1") && !put("one", "s1", "s2") && !put("two", "s1", "s3"));
	check(!store_branch_get(store, "two", &b, &err));
	check(!strcmp(b.base, "s1") && !strcmp(b.head, "s3") && b.created_ms == 3);
	branch_release(&b);
	check(!b.base);
	check(!store_branch_list(store, collect, text, &err) && !strcmp(text, " one two"));
	check(!store_branch_delete(store, "one", &err));
	check(store_branch_delete(store, "one", &err) < 0 && err.code == ERR_NOT_FOUND);
	check(store_branch_get(store, "one", &b, &err) < 0 && err.code == ERR_NOT_FOUND);
	check(put("a b", "s1", "s1") < 0 && err.code == ERR_USAGE);
	end();
}

TEST(what_a_branch_stands_on_stays)
{
	struct snapshot s = { .id = "snap1", .state = "ready", .kind = "fs",
			      .environment = (char *)"host", .layers = (char *)"[]" };

	begin();
	check(!store_snapshot_put(store, &s, &err));
	check(!put("b", "other", "snap1"));
	check(store_snapshot_delete(store, "snap1", &err) < 0 && err.code == ERR_BUSY);
	check(strstr(err.msg, "'b'"));
	check(!put("b", "snap1", "other"));
	check(store_snapshot_delete(store, "snap1", &err) < 0 && err.code == ERR_BUSY);
	check(!store_branch_delete(store, "b", &err));
	check(!store_snapshot_delete(store, "snap1", &err));
	end();
}

TEST_MAIN;
