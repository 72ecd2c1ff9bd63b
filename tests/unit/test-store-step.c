#include "lib/store/step.h"

#include <string.h>

#include "tests/unit/tempdir.h"

#define KEY_A	"aaaa000000000000000000000000000000000000000000000000000000000000"
#define KEY_B	"aaaa100000000000000000000000000000000000000000000000000000000000"
#define KEY_C	"cccc000000000000000000000000000000000000000000000000000000000000"

static struct error err;
static struct tempdir *dir;
static struct store *store;

static void put_snapshot(const char *id, const char *parent)
{
	struct snapshot s = {
		.state = "ready", .kind = "fs", .parent = (char *)(uintptr_t)parent,
		.environment = (char *)"host", .layers = (char *)"[]",
	};

	snprintf(s.id, sizeof(s.id), "%s", id);
	check(!store_snapshot_put(store, &s, &err));
}

static void begin(void)
{
	dir = tempdir_new();
	check(!store_open(dir->fd, dir->path, &store, &err));
	put_snapshot("snap1", NULL);
	put_snapshot("snap2", "snap1");
}

static void end(void)
{
	store_close(store);
	tempdir_remove(dir);
}

static int put(const char *key, const char *snapshot, int64_t used, const char *output)
{
	struct cached_step s = {
		.snapshot = (char *)(uintptr_t)snapshot, .chain = (char *)"c", .number = 2,
		.command = (char *)"RUN x", .components = (char *)"{}", .wall_us = 5,
		.created_ms = 1, .used_ms = used,
	};

	snprintf(s.key, sizeof(s.key), "%s", key);
	return store_step_put(store, &s, output, strlen(output), &err);
}

static int collect(void *arg, const struct cached_step *s)
{
	char *text = arg;
	size_t len = strlen(text);

	snprintf(text + len, 200 - len, " %.5s", s->key);
	return 0;
}

TEST(put_get_list_delete)
{
	struct cached_step s = { .key = "" };
	char text[200] = "", *output;
	size_t size;

	begin();
	check(!put(KEY_A, "snap1", 10, "out") && !put(KEY_B, "snap2", 20, "") &&
	      !put(KEY_C, "snap2", 15, "x"));
	check(!store_step_get(store, KEY_A, &s, &err));
	check(!strcmp(s.snapshot, "snap1") && !strcmp(s.command, "RUN x") && s.number == 2 &&
	      s.wall_us == 5 && !s.hits && !s.truncated);
	cached_step_release(&s);
	check(!store_step_output(store, KEY_A, &output, &size, &err));
	check(size == 3 && !memcmp(output, "out", 3));
	free(output);
	check(!store_step_output(store, KEY_B, &output, &size, &err) && !size);
	free(output);
	check(!store_step_used(store, KEY_A, 30, &err));
	check(!store_step_list(store, collect, text, &err));
	check_str(text, " aaaa0 aaaa1 cccc0");
	check(!store_step_get(store, "aaaa0", &s, &err) && s.hits == 1 && s.used_ms == 30);
	cached_step_release(&s);
	check(store_step_get(store, "aaaa", &s, &err) < 0 && err.code == ERR_CONFLICT);
	check(store_step_get(store, "ccc", &s, &err) < 0 && err.code == ERR_NOT_FOUND);
	check(store_step_get(store, "", &s, &err) < 0 && err.code == ERR_NOT_FOUND);
	check(!store_step_delete(store, KEY_A, &err) && !store_step_delete(store, KEY_A, &err));
	check(store_step_get(store, KEY_A, &s, &err) < 0 && err.code == ERR_NOT_FOUND);
	check(store_step_output(store, KEY_A, &output, &size, &err) < 0);
	end();
}

TEST(a_result_is_replaced_whole)
{
	struct cached_step s = { .key = "" };
	char *output;
	size_t size;

	begin();
	check(!put(KEY_A, "snap1", 10, "long output") && !put(KEY_A, "snap2", 11, "new"));
	check(!store_step_get(store, KEY_A, &s, &err) && !strcmp(s.snapshot, "snap2"));
	cached_step_release(&s);
	check(!store_step_output(store, KEY_A, &output, &size, &err) && size == 3);
	free(output);
	end();
}

TEST(a_result_goes_with_its_snapshot)
{
	struct cached_step s = { .key = "" };

	begin();
	check(put(KEY_A, "none", 1, "") < 0);
	check(!put(KEY_A, "snap2", 1, "x"));
	check(store_step_has_snapshot(store, "snap2", &err) == 1);
	check(!store_step_has_snapshot(store, "snap1", &err));
	check(!store_snapshot_delete(store, "snap2", &err));
	check(store_step_get(store, KEY_A, &s, &err) < 0 && err.code == ERR_NOT_FOUND);
	check(!store_step_has_snapshot(store, "snap2", &err));
	end();
}

TEST(what_was_seen)
{
	char *text;

	begin();
	check(!store_step_seen(store, "c", 1, &text, &err) && !text);
	check(!store_step_see(store, "c", 1, "{}", 10, &err) &&
	      !store_step_see(store, "c", 2, "{\"a\":1}", 20, &err) &&
	      !store_step_see(store, "c", 1, "{\"b\":1}", 11, &err));
	check(!store_step_seen(store, "c", 1, &text, &err));
	check_str(text, "{\"b\":1}");
	free(text);
	check(!store_step_forget(store, 20, &err));
	check(!store_step_seen(store, "c", 1, &text, &err) && !text);
	check(!store_step_seen(store, "c", 2, &text, &err) && text);
	free(text);
	end();
}

TEST(an_environment_keeps_its_snapshot)
{
	struct environment e = {
		.name = "built", .kind = "directory", .cache = "normal", .base = (char *)"host",
		.snapshot = (char *)"snap2",
	};
	char name[STORE_NAME];

	begin();
	check(!store_environment_of_base(store, "host", name, &err));
	check(!store_environment_put(store, &e, &err));
	check(store_environment_of_base(store, "host", name, &err) == 1);
	check_str(name, "built");
	check(store_environment_of_snapshot(store, "snap2", name, &err) == 1);
	check(!store_environment_of_snapshot(store, "snap1", name, &err));
	check(store_snapshot_delete(store, "snap2", &err) < 0 && err.code == ERR_BUSY);
	check(strstr(err.msg, "'built'"));
	check(!store_environment_delete(store, "built", &err));
	check(!store_snapshot_delete(store, "snap2", &err));
	end();
}

TEST_MAIN;
