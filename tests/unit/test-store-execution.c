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

static int put(const char *id, const char *name, const char *state, const char *labels)
{
	struct execution execution = { .exit_code = -1 };

	snprintf(execution.id, sizeof(execution.id), "%s", id);
	snprintf(execution.name, sizeof(execution.name), "%s", name);
	snprintf(execution.state, sizeof(execution.state), "%s", state);
	execution.labels = (char *)labels;
	execution.environment = (char *)(execution.id[2] % 2 ? "host" : "tools");
	/* e-1... is of second 1 */
	execution.created_ms = (execution.id[2] - '0') * 1000;
	return store_execution_put(store, &execution, &err);
}

/* The id that this finds, or the name of the error. */
static const char *found(const char *what)
{
	static char id[STORE_ID];
	struct execution execution = { 0 };

	if (store_execution_get(store, what, &execution, &err) < 0)
		return err_name(err.code);
	snprintf(id, sizeof(id), "%s", execution.id);
	execution_release(&execution);
	return id;
}

static int collect(void *arg, const struct execution *execution)
{
	char *text = arg;
	size_t len = strlen(text);

	snprintf(text + len, 200 - len, " %s", execution->id);
	return 0;
}

static const char *listed(const struct execution_filter *filter)
{
	static char text[200];

	text[0] = '\0';
	if (store_execution_list(store, filter, collect, text, &err) < 0)
		return err.msg;
	return text;
}
#define LISTED(...)	listed(&(struct execution_filter){ __VA_ARGS__ })

static void fill(struct execution *e)
{
	*e = (struct execution){
		.id = "e-all", .name = "full", .state = "exited",
		.argv = strdup("[\"a b\",\"\"]"), .env = strdup("{\"K\":\"v\"}"),
		.code_sha256 = strdup("00ff"), .language = strdup("python"),
		.mode = strdup("cached"), .environment = strdup("host"),
		.engine = strdup("namespaces"), .workdir = strdup("/work"),
		.user = strdup("me"), .network = strdup("none"), .limits = strdup("{}"),
		.degraded = strdup("[]"), .labels = strdup("{\"a\":\"\xc3\xa9\"}"),
		.exit_code = 137, .signal = 9, .oom_killed = true, .timed_out = true,
		.cancelled = true, .error_code = strdup("timeout"),
		.error_message = strdup("the 'deadline' passed"),
		.created_ms = 1, .started_ms = 2, .ended_ms = 3, .setup_us = 4,
		.wall_us = 5, .user_us = 6, .system_us = 7, .memory_peak = INT64_MAX,
		.memory_source = strdup("cgroup"), .io_read = 8, .io_write = 9,
		.detached = true, .logged = true, .log_truncated = true,
		.log_bytes = 10, .pid = 4242,
	};
}

TEST(every_field_comes_back)
{
	cleanup_execution struct execution a = { 0 }, b = { 0 };

	begin();
	fill(&a);
	check(!store_execution_put(store, &a, &err));
	check(!store_execution_get(store, "e-all", &b, &err));
	check(b.seq == 1);
	check_str(b.id, a.id); check_str(b.name, a.name); check_str(b.state, a.state);
	check_str(b.argv, a.argv); check_str(b.env, a.env);
	check_str(b.code_sha256, a.code_sha256); check_str(b.language, a.language);
	check_str(b.mode, a.mode); check_str(b.environment, a.environment);
	check_str(b.engine, a.engine); check_str(b.workdir, a.workdir);
	check_str(b.user, a.user); check_str(b.network, a.network);
	check_str(b.limits, a.limits); check_str(b.degraded, a.degraded);
	check_str(b.labels, a.labels); check_str(b.error_code, a.error_code);
	check_str(b.error_message, a.error_message);
	check_str(b.memory_source, a.memory_source);
	check(b.exit_code == 137 && b.signal == 9 && b.pid == 4242);
	check(b.oom_killed && b.timed_out && b.cancelled);
	check(b.detached && b.logged && b.log_truncated);
	check(b.created_ms == 1 && b.started_ms == 2 && b.ended_ms == 3);
	check(b.setup_us == 4 && b.wall_us == 5 && b.user_us == 6 && b.system_us == 7);
	check(b.memory_peak == INT64_MAX && b.io_read == 8 && b.io_write == 9);
	check(b.log_bytes == 10);
	end();
}

TEST(what_is_not_known_stays_so)
{
	struct execution execution = { 0 };

	begin();
	check(!put("e-1abc", "", "queued", NULL));
	check(!store_execution_get(store, "e-1abc", &execution, &err));
	check(!execution.argv && !execution.labels && execution.exit_code == -1);
	check(!execution.oom_killed && !execution.pid);
	execution_release(&execution);
	check(!execution.id[0] && !execution.environment);
	end();
}

TEST(putting_again_replaces_and_keeps_the_order)
{
	begin();
	check(!put("e-1abc", "", "running", "{\"k\":\"v\"}"));
	check(!put("e-2abc", "", "running", NULL));
	check(!put("e-1abc", "", "exited", NULL));
	check_str(LISTED(0), " e-2abc e-1abc");
	check_str(LISTED(.state = "exited"), " e-1abc");
	check_str(found("@last"), "e-2abc");
	end();
}

TEST(finding)
{
	begin();
	check_str(found("@last"), "not-found");
	check(!put("e-1abc1", "web", "exited", NULL));
	check(!put("e-1abc2", "web", "running", NULL));
	check(!put("e-2abc3", "web", "exited", NULL));
	check(!put("e-3abc4", "e-2a", "exited", NULL));
	check_str(found("@last"), "e-3abc4");
	check_str(found("e-1abc1"), "e-1abc1");
	check_str(found("web"), "e-1abc2");
	check_str(found("e-2ab"), "e-2abc3");
	check_str(found("e-2a"), "e-3abc4");
	check_str(found("e-1a"), "conflict");
	check_str(err.msg, "'e-1a' is the beginning of several executions: e-1abc2, e-1abc1");
	check_str(found("e-1"), "not-found");
	check_str(found("e-9xyz"), "not-found");
	check_str(err.msg, "no execution 'e-9xyz'");
	check_str(err.hint, "see 'faas execution list'");
	check_str(found(""), "not-found");
	check_str(found("%"), "not-found");
	check_str(found("e-1abc1' OR 1=1 --"), "not-found");
	for (char c = '0'; c < '9'; c++) {
		char id[] = "e-1abc-many-?";

		id[12] = c;
		check(!put(id, "", "exited", NULL));
	}
	check_str(found("e-1abc-m"), "conflict");
	check(strstr(err.msg, ", ..."));
	end();
}

TEST(a_name_belongs_to_one_that_has_not_finished)
{
	begin();
	check(!put("e-1abc", "web", "running", NULL));
	check(put("e-2abc", "web", "queued", NULL) < 0);
	check(err.code == ERR_EXISTS);
	check_str(err.msg, "an execution named 'web' has not finished");
	check(!put("e-1abc", "web", "exited", NULL));
	check(!put("e-2abc", "web", "queued", NULL));
	check(!put("e-3abc", "", "queued", NULL));
	check(!put("e-4abc", "", "queued", NULL));
	end();
}

TEST(what_breaks_a_rule_is_refused)
{
	begin();
	check(put("e-1abc", "", "sleeping", NULL) < 0 && err.code == ERR_USAGE);
	check(put("e-1abc", "a b", "queued", NULL) < 0 && err.code == ERR_USAGE);
	check(put("", "", "queued", NULL) < 0 && err.code == ERR_USAGE);
	check(put("e-1abc", "", "queued", "{") < 0 && err.code == ERR_USAGE);
	check(put("e-1abc", "", "queued", "[]") < 0 && err.code == ERR_USAGE);
	check_str(LISTED(0), "");
	end();
}

TEST(lists_are_filtered)
{
	const char *const one[] = { "a=1", NULL };
	const char *const two[] = { "a=1", "b=x\"y", NULL };
	const char *const none[] = { "a=2", NULL };

	begin();
	check(!put("e-1abc", "", "exited", "{\"a\":\"1\"}"));
	check(!put("e-2abc", "web", "exited", "{\"a\":\"1\",\"b\":\"x\\\"y\"}"));
	check(!put("e-3abc", "web", "failed", NULL));
	check(!put("e-4abc", "", "running", "{\"a\":1}"));
	check_str(LISTED(0), " e-4abc e-3abc e-2abc e-1abc");
	check_str(LISTED(.limit = 2), " e-4abc e-3abc");
	check_str(LISTED(.limit = 2, .before = 3), " e-2abc e-1abc");
	check_str(LISTED(.before = 1), "");
	check_str(LISTED(.since_ms = 3000), " e-4abc e-3abc");
	check_str(LISTED(.state = "exited"), " e-2abc e-1abc");
	check_str(LISTED(.name = "web"), " e-3abc e-2abc");
	check_str(LISTED(.environment = "host"), " e-3abc e-1abc");
	check_str(LISTED(.labels = one), " e-4abc e-2abc e-1abc");
	check_str(LISTED(.labels = two), " e-2abc");
	check_str(LISTED(.labels = none), "");
	check_str(LISTED(.state = "exited", .labels = one, .name = "web"), " e-2abc");
	end();
}

static int stop(void *arg, const struct execution *execution)
{
	(void)execution;
	return ++*(int *)arg == 2;
}

TEST(a_list_can_be_stopped_and_writing_goes_on)
{
	int n = 0;

	begin();
	for (char c = '1'; c < '6'; c++) {
		char id[] = "e-?abc";

		id[2] = c;
		check(!put(id, "", "exited", NULL));
	}
	check(!store_execution_list(store, &(struct execution_filter){ 0 }, stop, &n, &err));
	check(n == 2);
	check(!store_begin(store, &err) && !store_commit(store, &err));
	end();
}

TEST(deleting)
{
	begin();
	check(!put("e-1abc", "", "running", NULL));
	check(store_execution_delete(store, "e-1abc", &err) < 0 && err.code == ERR_BUSY);
	check(!put("e-1abc", "", "lost", NULL));
	check(store_execution_delete(store, "e-1ab", &err) < 0);
	check(err.code == ERR_NOT_FOUND);
	check(!store_execution_delete(store, "e-1abc", &err));
	check_str(LISTED(0), "");
	end();
}

static void note(void *arg, const char *id)
{
	char *text = arg;
	size_t len = strlen(text);

	snprintf(text + len, 200 - len, " %s", id);
}

TEST(pruning)
{
	struct execution_prune prune = { .keep_last = 1, .before_ms = 4000, .dry_run = true };
	char text[200] = "";
	uint64_t n = 0;

	begin();
	check(!put("e-1abc", "", "exited", NULL));
	check(!put("e-2abc", "", "running", NULL));
	check(!put("e-3abc", "", "failed", NULL));
	check(!put("e-4abc", "", "exited", NULL));
	check(!store_execution_prune(store, &prune, note, text, &n, &err));
	check_str(text, " e-1abc e-3abc");
	check(n == 2);
	check_str(LISTED(0), " e-4abc e-3abc e-2abc e-1abc");
	prune.dry_run = false;
	prune.keep_last = 2;
	check(!store_execution_prune(store, &prune, NULL, NULL, &n, &err));
	check(n == 3);
	check_str(LISTED(0), " e-4abc e-3abc e-2abc");
	prune = (struct execution_prune){ .before_ms = INT64_MAX };
	check(!store_execution_prune(store, &prune, NULL, NULL, &n, &err));
	check_str(LISTED(0), " e-2abc");
	end();
}

TEST_MAIN;
