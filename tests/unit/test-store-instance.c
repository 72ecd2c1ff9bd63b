#include "lib/store/instance.h"

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

static int put(const char *id, const char *name, const char *state)
{
	struct instance i = {
		.wanted = "running", .environment = (char *)"host", .base = (char *)"base",
		.layer = (char *)"layer", .request = (char *)"{}", .restart = "no",
		.updated_ms = 5, .expires_boot_ms = 7, .remove = true,
	};

	snprintf(i.id, sizeof(i.id), "%s", id);
	snprintf(i.name, sizeof(i.name), "%s", name);
	snprintf(i.state, sizeof(i.state), "%s", state);
	return store_instance_put(store, &i, &err);
}

static void is(const char *what, const char *id)
{
	cleanup_instance struct instance i = { .id = "" };

	check(!store_instance_get(store, what, &i, &err));
	check_str(i.id, id);
}

static int collect(void *arg, const struct instance *i)
{
	char *text = arg;
	size_t len = strlen(text);

	snprintf(text + len, 200 - len, " %s", i->id);
	return 0;
}

TEST(put_get_list)
{
	struct instance i = { .id = "" };
	char text[200] = "";

	begin();
	check(!put("aaaa1", "web", "pending") && !put("aaab2", "", "running"));
	check(!put("aaaa1", "web", "running"));
	check(!store_instance_get(store, "web", &i, &err));
	check(!strcmp(i.state, "running") && !strcmp(i.environment, "host") && i.remove);
	check(i.expires_boot_ms == 7 && i.seq == 1);
	instance_release(&i);
	check(!i.environment);
	is("aaab2", "aaab2");
	is("aaab", "aaab2");
	is("@last", "aaab2");
	check(store_instance_get(store, "none", &i, &err) < 0 && err.code == ERR_NOT_FOUND);
	check(!put("aaaa9", "", "stopped"));
	check(store_instance_get(store, "aaaa", &i, &err) < 0 && err.code == ERR_CONFLICT);
	check(!store_instance_list(store, collect, text, &err));
	check_str(text, " aaaa1 aaab2 aaaa9");
	check(put("cccc1", "a b", "stopped") < 0 && err.code == ERR_USAGE);
	check(put("cccc1", "c", "asleep") < 0);
	end();
}

TEST(a_name_belongs_to_one_that_lives)
{
	begin();
	check(!put("aaaa1", "web", "terminated") && !put("bbbb1", "web", "stopped"));
	check(put("cccc1", "web", "pending") < 0 && err.code == ERR_EXISTS);
	is("web", "bbbb1");
	check(!put("bbbb1", "web", "terminated"));
	is("web", "bbbb1");
	check(!put("cccc1", "web", "pending"));
	is("web", "cccc1");
	is("@last", "cccc1");
	end();
}

TEST(who_stands_on_what)
{
	struct snapshot s = { .id = "base", .state = "ready", .kind = "fs",
			      .environment = (char *)"host", .layers = (char *)"[\"base\"]" };
	char name[STORE_NAME];

	begin();
	check(!store_snapshot_put(store, &s, &err));
	check(store_instance_of_snapshot(store, "base", name, &err) == 0);
	check(!put("aaaa1", "web", "stopped"));
	check(store_instance_of_snapshot(store, "base", name, &err) == 1);
	check_str(name, "web");
	check(store_instance_of_environment(store, "host", name, &err) == 1);
	check(store_instance_of_environment(store, "else", name, &err) == 0);
	check(store_snapshot_delete(store, "base", &err) < 0 && err.code == ERR_BUSY);
	check(strstr(err.msg, "web"));
	check(!put("aaaa1", "web", "terminated"));
	check(store_instance_of_environment(store, "host", name, &err) == 0);
	check(!store_snapshot_delete(store, "base", &err));
	end();
}

static int collect_event(void *arg, const struct instance_event *e)
{
	char *text = arg;
	size_t len = strlen(text);

	snprintf(text + len, 200 - len, " %s:%s%s", e->instance, e->type, e->detail ? "+" : "");
	return 0;
}

static int happened(const char *id, const char *type)
{
	struct instance_event e = { .at_ms = 1 };

	snprintf(e.instance, sizeof(e.instance), "%s", id);
	snprintf(e.type, sizeof(e.type), "%s", type);
	e.detail = strcmp(type, "created") ? NULL : (char *)"{}";
	return store_instance_event_add(store, &e, &err);
}

TEST(events)
{
	char text[200] = "";

	begin();
	check(!put("aaaa1", "", "running") && !put("bbbb1", "", "terminated"));
	check(!happened("aaaa1", "created") && !happened("bbbb1", "created"));
	check(!happened("aaaa1", "running"));
	check(!store_instance_event_list(store, "aaaa1", 0, 10, collect_event, text, &err));
	check_str(text, " aaaa1:created+ aaaa1:running");
	*text = '\0';
	check(!store_instance_event_list(store, NULL, 1, 1, collect_event, text, &err));
	check_str(text, " bbbb1:created+");
	*text = '\0';
	/* what happened to one that is forgotten is forgotten */
	check(!store_instance_forget(store, 6, &err));
	check(!store_instance_event_list(store, NULL, 0, 10, collect_event, text, &err));
	check_str(text, " aaaa1:created+ aaaa1:running");
	*text = '\0';
	check(!store_instance_list(store, collect, text, &err));
	check_str(text, " aaaa1");
	end();
}

TEST_MAIN;
