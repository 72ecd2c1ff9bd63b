#include "lib/helper/task.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/test.h"

/* What stands in for a helper: a shell script that says what it is told. */
static json_t *ask(const char *script, int extra_fd, struct error *err)
{
	struct task_request req = {
		.program = "/tmp/faas-helper-XXXXXX", .fds = { extra_fd }, .n_fds = extra_fd >= 0,
	};
	char path[] = "/tmp/faas-helper-XXXXXX";
	json_t *words = json_pack("{s:s}", "do", "this"), *result = NULL;
	struct pollfd p = { .events = POLLIN };
	struct task *h;
	int fd = mkstemp(path), r;

	check(fd >= 0 && dprintf(fd, "#!/bin/sh\n%s\n", script) > 0);
	check(!fchmod(fd, 0700) && !close(fd));
	req.program = path;
	req.ask = words;
	r = task_start(&req, &h, err);
	if (!r) {
		p.fd = task_fd(h);
		do
			(void)poll(&p, 1, -1);
		while (!task_read(h));
		r = task_finish(h, &result, err);
	}
	check(!unlink(path));
	json_decref(words);
	return r < 0 ? NULL : result;
}

static void fails(const char *script, enum err_code code, const char *message)
{
	struct error err = { 0 };

	check(!ask(script, -1, &err));
	check(err.code == code);
	check_str(err.msg, message);
}

TEST(it_reads_what_it_is_asked_and_answers)
{
	struct error err = { 0 };
	json_t *j = ask("read x; echo '{\"progress\":{\"n\":1}}'; "
			"echo \"{\\\"ok\\\":true,\\\"asked\\\":$x}\"", -1, &err);

	check(j);
	check_str(json_string_value(json_object_get(json_object_get(j, "asked"), "do")), "this");
	json_decref(j);
}

TEST(its_descriptors_begin_at_three)
{
	struct error err = { 0 };
	int pipes[2];
	char buf[3];
	json_t *j;

	check(!pipe2(pipes, O_CLOEXEC));
	j = ask("printf hi >&3; echo '{\"ok\":true}'", pipes[1], &err);
	check(j);
	check(read(pipes[0], buf, 2) == 2 && !memcmp(buf, "hi", 2));
	json_decref(j);
	(void)close(pipes[0]);
	(void)close(pipes[1]);
}

TEST(its_error_is_ours)
{
	struct error err = { 0 };

	fails("echo '{\"ok\":false,\"code\":\"conflict\",\"message\":\"m\"}'; exit 1",
	      ERR_CONFLICT, "m");
	check(!ask("echo '{\"ok\":false,\"code\":\"limit\",\"message\":\"m\","
		   "\"hint\":\"do\"}'; exit 1", -1, &err));
	check_str(err.hint, "do");
}

TEST(what_is_no_result_is_an_error)
{
	char start[128];

	for (int i = 0; i < 5; i++) {
		static const char *const scripts[] = {
			"exit 0", "echo '{\"ok\":true}'; exit 1", "echo nonsense; echo '{\"ok\":true}'",
			"echo '{\"ok\":1}'", "printf '{\"ok\":true}'",
		};
		struct error err = { 0 };

		check(!ask(scripts[i], -1, &err));
		check(err.code == ERR_PROTOCOL);
		check(strstr(err.msg, "ended without a result"));
	}
	(void)snprintf(start, sizeof(start), "kill -9 $$");
	{
		struct error err = { 0 };

		check(!ask(start, -1, &err));
		check(err.code == ERR_SYSTEM && strstr(err.msg, "killed by signal 9"));
	}
}

TEST(one_that_is_not_there_is_named)
{
	struct task_request req = { .program = "faas-no-such" };
	struct error err = { 0 };
	struct task *h;
	json_t *words = json_object();

	req.ask = words;
	check(task_start(&req, &h, &err) < 0);
	check(err.code == ERR_UNSUPPORTED && strstr(err.msg, "faas-no-such"));
	json_decref(words);
}

TEST(one_that_is_given_up_is_gone)
{
	struct task_request req = { .program = "/bin/cat" };
	json_t *words = json_object();
	struct error err = { 0 };
	struct task *h;

	req.ask = words;
	check(!task_start(&req, &h, &err));
	task_free(h);
	json_decref(words);
}

TEST_MAIN;
