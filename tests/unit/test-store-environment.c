#include "lib/store/store.h"

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

static int put(const char *name, const char *kind, const char *cache)
{
	struct environment environment = {
		.source = (char *)"./rootfs.tar", .path = (char *)"/x",
		.resources = (char *)"{\"memory\":1}", .variables = (char *)"{\"A\":\"b\"}",
		.workdir = (char *)"/work", .user = (char *)"me", .shell = (char *)"/bin/sh",
		.checksum = (char *)"sha256:00", .created_ms = 1, .size_bytes = 2,
		.entries = 3,
	};

	snprintf(environment.name, sizeof(environment.name), "%s", name);
	snprintf(environment.kind, sizeof(environment.kind), "%s", kind);
	snprintf(environment.cache, sizeof(environment.cache), "%s", cache);
	return store_environment_put(store, &environment, &err);
}

static int collect(void *arg, const struct environment *environment)
{
	char *text = arg;
	size_t len = strlen(text);

	snprintf(text + len, 200 - len, " %s", environment->name);
	return 0;
}

static const char *listed(void)
{
	static char text[200];

	text[0] = '\0';
	check(!store_environment_list(store, collect, text, &err));
	return text;
}

TEST(every_field_comes_back)
{
	struct environment e = { 0 };

	begin();
	check(!put("py", "archive", "normal"));
	check(!store_environment_get(store, "py", &e, &err));
	check_str(e.name, "py"); check_str(e.kind, "archive"); check_str(e.cache, "normal");
	check_str(e.source, "./rootfs.tar"); check_str(e.path, "/x");
	check_str(e.resources, "{\"memory\":1}"); check_str(e.variables, "{\"A\":\"b\"}");
	check_str(e.workdir, "/work"); check_str(e.user, "me");
	check_str(e.shell, "/bin/sh"); check_str(e.checksum, "sha256:00");
	check(e.created_ms == 1 && e.size_bytes == 2 && e.entries == 3);
	environment_release(&e);
	check(!e.source && !e.name[0]);
	end();
}

TEST(putting_again_replaces)
{
	struct environment e = { 0 };

	begin();
	check(!put("py", "archive", "normal"));
	check(!put("py", "directory", "none"));
	check_str(listed(), " py");
	check(!store_environment_get(store, "py", &e, &err));
	check_str(e.kind, "directory");
	environment_release(&e);
	end();
}

TEST(lists_by_name_and_deletes)
{
	struct environment e = { 0 };

	begin();
	check_str(listed(), "");
	check(!put("zig:0.1", "archive", "normal"));
	check(!put("alpine", "archive", "aggressive"));
	check_str(listed(), " alpine zig:0.1");
	check(!store_environment_delete(store, "alpine", &err));
	check(store_environment_delete(store, "alpine", &err) < 0);
	check(err.code == ERR_NOT_FOUND);
	check_str(err.msg, "no environment 'alpine'");
	check_str(err.hint, "see 'faas env list'");
	check(store_environment_get(store, "alpine", &e, &err) < 0);
	check(err.code == ERR_NOT_FOUND && !e.name[0]);
	check_str(listed(), " zig:0.1");
	end();
}

TEST(what_breaks_a_rule_is_refused)
{
	begin();
	check(put("host", "archive", "normal") < 0 && err.code == ERR_EXISTS);
	check(put("a b", "archive", "normal") < 0 && err.code == ERR_USAGE);
	check(put("", "archive", "normal") < 0 && err.code == ERR_USAGE);
	check(put("a", "host", "normal") < 0 && err.code == ERR_USAGE);
	check(put("a", "archive", "some") < 0 && err.code == ERR_USAGE);
	check_str(listed(), "");
	end();
}

TEST_MAIN;
