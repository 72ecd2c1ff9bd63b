#include "lib/executor/executor.h"

#include "tests/unit/test.h"

static const char *text(const json_t *j, const char *key)
{
	const json_t *v = json_object_get(j, key);

	check(v);
	return json_is_null(v) ? "null" : json_is_string(v) ? json_string_value(v) : "?";
}

static json_int_t number(const json_t *j, const char *key)
{
	check(json_is_integer(json_object_get(j, key)));
	return json_integer_value(json_object_get(j, key));
}

TEST(a_record_of_which_nothing_is_known)
{
	static const char *const nulls[] = {
		"name", "language", "mode", "exit_code", "signal", "error", "started_at",
		"ended_at", "created_at", "pid",
	};
	struct execution e = { .exit_code = -1, .id = "abcd", .state = "queued" };
	cleanup_json json_t *j = report_execution(&e);

	for (size_t i = 0; i < ARRAY_SIZE(nulls); i++)
		check_str(text(j, nulls[i]), "null");
	check(json_is_array(json_object_get(j, "argv")));
	check(json_is_array(json_object_get(j, "degraded")));
	check(json_is_object(json_object_get(j, "env")));
	check(json_is_object(json_object_get(j, "labels")));
	check(json_is_object(json_object_get(j, "usage")));
}

TEST(a_whole_record)
{
	struct execution e = {
	    .id = "abcd",
	    .name = "n",
	    .state = "exited",
	    .argv = (char *)"[\"a\",\"b\"]",
	    .env = (char *)"{\"A\":\"x\"}",
	    .limits = (char *)"{\"pids\":5}",
	    .labels = (char *)"{\"k\":\"v\"}",
	    .degraded = (char *)"[\"d\"]",
	    .exit_code = 0,
	    .created_ms = 1795226040123,
	    .wall_us = 17,
	    .pid = 9,
	    .memory_source = (char *)"cgroup",
	    .seq = 5,
	    .timed_out = true,
	};
	cleanup_json json_t *j = report_execution(&e);

	check(json_array_size(json_object_get(j, "argv")) == 2);
	check_str(text(json_object_get(j, "env"), "A"), "x");
	check(number(json_object_get(j, "limits"), "pids") == 5);
	check(number(j, "exit_code") == 0 && number(j, "cursor") == 5 &&
	      number(j, "pid") == 9);
	check_str(text(j, "created_at"), "2026-11-21T01:54:00.123Z");
	check(number(json_object_get(j, "usage"), "wall_us") == 17);
	check(json_is_true(json_object_get(j, "timed_out")));
	check(json_is_false(json_object_get(j, "oom_killed")));
}

TEST(what_was_stored_badly)
{
	struct execution e = {
	    .id = "abcd",
	    .state = "failed",
	    .argv = (char *)"[",
	    .labels = (char *)"",
	    .exit_code = -1,
	    .error_code = (char *)"limit",
	    .error_message = NULL,
	};
	cleanup_json json_t *j = report_execution(&e);

	check(json_array_size(json_object_get(j, "argv")) == 0);
	check_str(text(json_object_get(j, "error"), "code"), "limit");
	check_str(text(json_object_get(j, "error"), "message"), "");
}

/* The bytes of a file's name, or a character that was cut: the error stays one. */
TEST(an_error_that_is_not_utf8)
{
	struct execution e = {
	    .id = "abcd",
	    .state = "failed",
	    .exit_code = -1,
	    .error_code = (char *)"denied",
	    .error_message = (char *)"open '\xff\xc3'",
	    .workdir = (char *)"/\xff",
	};
	cleanup_json json_t *j = report_execution(&e);
	char *dump = json_dumps(j, 0);

	check(dump);
	free(dump);
	check_str(text(json_object_get(j, "error"), "message"), "open '\?\?'");
	check_str(text(j, "workdir"), "/?");
}

TEST(environments)
{
	struct environment e = { .name = "py", .kind = "archive", .cache = "normal",
				 .size_bytes = 7, .entries = 3, .shell = (char *)"sh" };
	cleanup_json json_t *j = report_environment(&e);

	check(j);
	check_str(text(j, "name"), "py");
	check_str(text(j, "shell"), "sh");
	check_str(text(j, "source"), "null");
	check(number(j, "size_bytes") == 7 && number(j, "entries") == 3);
	check(json_is_object(json_object_get(j, "variables")));
}

TEST(the_status)
{
	struct slot gone = { .name = "gone", .removed = true };
	struct slot py = {.name = "py", .next = &gone, .warm = {.count = 2, .hits = 4}};
	struct executor x = { .state_path = "/s\xff", .slots = &py, .blanks.target = 3,
			      .cgroups = { -1, 5, -1, 6, -1, -1 }, .store_failed = true };

	(void)snprintf(x.store_error.msg, sizeof(x.store_error.msg), "disk \xff");
	cleanup_json json_t *j = report_status(&x);

	check(j);
	check_str(text(j, "state_dir"), "/s?");
	check_str(text(j, "error"), "disk ?");
	check(json_array_size(json_object_get(j, "pools")) == 2);
	check(number(json_array_get(json_object_get(j, "pools"), 1), "hits") == 4);
	check(json_array_size(json_object_get(j, "cgroups")) == 2);
	check_str(json_string_value(json_array_get(json_object_get(j, "cgroups"), 0)),
		  "memory");
}

TEST_MAIN;
