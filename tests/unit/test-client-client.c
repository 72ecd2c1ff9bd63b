#include "lib/client/client.h"

#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

static struct error err;

static const char *state_dir(const char *wanted)
{
	static char buf[64];

	err = (struct error){ 0 };
	buf[0] = '\0';
	if (client_state_dir(wanted, buf, sizeof(buf), &err) < 0) {
		check(err.msg[0]);
		return err_name(err.code);
	}
	return buf;
}

/* What depends on who asks: in a process that is not root, and in one that is. */
static void as_user(uid_t uid, const char *home, const char *xdg, const char *want)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		if (geteuid() != uid && seteuid(uid) < 0)
			_exit(0);
		unsetenv("FAAS_STATE_DIR");
		home ? setenv("HOME", home, 1) : unsetenv("HOME");
		xdg ? setenv("XDG_STATE_HOME", xdg, 1) : unsetenv("XDG_STATE_HOME");
		check_str(state_dir(NULL), want);
		check_str(state_dir(""), want);
		_exit(0);
	}
	check(waitpid(pid, &status, 0) == pid && !status);
}

TEST(the_state_folder)
{
	as_user(0, "/root", "/x", "/var/lib/faas");
	as_user(1234, "/home/u", NULL, "/home/u/.local/state/faas");
	as_user(1234, "/home/u", "/s", "/s/faas");
	as_user(1234, "/home/u", "s", "/home/u/.local/state/faas");
	as_user(1234, "/home/u", "", "/home/u/.local/state/faas");
	as_user(1234, "home", NULL, "usage");
	as_user(1234, NULL, NULL, "usage");
	as_user(1234, "/a-home-folder-whose-name-is-longer-than-the-buffer-has-room-for",
		NULL, "usage");
}

TEST(the_state_folder_that_was_asked_for)
{
	check(!setenv("FAAS_STATE_DIR", "/env", 1));
	check_str(state_dir(NULL), "/env");
	check_str(state_dir(""), "/env");
	check_str(state_dir("/own"), "/own");
	check_str(state_dir("own"), "usage");
	check(!setenv("FAAS_STATE_DIR", "env", 1));
	check_str(state_dir(NULL), "usage");
	check_str(state_dir("/own"), "/own");
	check(!unsetenv("FAAS_STATE_DIR"));
}

TEST(text_and_bytes)
{
	cleanup_json json_t *text = client_text("\xc3\xa4");
	cleanup_json json_t *bytes = client_text("\xff\xfe");
	cleanup_json json_t *empty = client_text("");

	check_str(json_string_value(text), "\xc3\xa4");
	check_str(json_string_value(json_object_get(bytes, "base64")), "//4=");
	check_str(json_string_value(empty), "");
}

TEST(no_executor)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	struct client_options options = { .state_dir = dir->path, .no_start = true };
	struct client *c = NULL;

	check(client_connect(&options, &c, &err) == -1 && !c);
	check(err.code == ERR_UNAVAILABLE && err.hint[0]);
}

/* An executor that answers what it is told to, in a process of its own. */
static pid_t serve(const char *state, const char *const *answers)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	char run[96];
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t pid;

	(void)snprintf(run, sizeof(run), "%s/run", state);
	check(!mkdir(run, 0700));
	(void)snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/run/executor.sock", state);
	check(!bind(fd, (struct sockaddr *)&sa, sizeof(sa)) && !listen(fd, 1));
	pid = fork();
	if (!pid) {
		char buf[4096];
		int s = accept(fd, NULL, NULL);

		while (read(s, buf, sizeof(buf)) > 0)
			for (; *answers; answers++) {
				uint32_t len = (uint32_t)strlen(*answers);

				check(write(s, &len, 4) == 4);
				check(write(s, *answers, len) == (ssize_t)len);
			}
		_exit(0);
	}
	close(fd);
	return pid;
}

static void stop(const struct tempdir *dir, pid_t pid)
{
	int status;

	check(waitpid(pid, &status, 0) == pid && !status);
	check(!unlinkat(dir->fd, "run/executor.sock", 0));
}

TEST(answers_find_their_requests)
{
	static const char *const answers[] = {
	    "{\"id\":0,\"result\":{}}",
	    "{\"id\":2,\"result\":{\"n\":2}}",
	    "{\"id\":1,\"event\":\"started\",\"data\":{\"n\":0}}",
	    "{\"id\":1,\"result\":{\"n\":1}}",
	    "{\"id\":3,\"error\":{\"code\":\"busy\",\"message\":\"m\",\"hint\":\"h\"}}",
	    NULL,
	};
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	struct client_options options = { .state_dir = dir->path, .no_start = true };
	CLEANUP(client_free) struct client *c = NULL;
	pid_t pid = serve(dir->path, answers);
	json_t *result = NULL;
	json_int_t id[3];
	char event[32];

	check(!client_connect(&options, &c, &err));
	for (int i = 0; i < 3; i++)
		check(!client_send(c, "executor.status", NULL, NULL, 0, &id[i], &err));
	check(client_next(c, id[0], -1, event, &result, &err) == 1);
	check_str(event, "started");
	json_decref(result);
	check(client_next(c, id[0], -1, event, &result, &err) == 1 && !*event);
	check(json_integer_value(json_object_get(result, "n")) == 1);
	json_decref(result);
	check(client_next(c, id[1], 0, event, &result, &err) == 1);
	check(json_integer_value(json_object_get(result, "n")) == 2);
	json_decref(result);
	check(client_next(c, id[2], -1, event, &result, &err) == -1 &&
	      err.code == ERR_BUSY);
	check_str(err.msg, "m");
	check_str(err.hint, "h");
	check(client_next(c, 99, 0, event, &result, &err) == 0);
	check(client_take_fd(c) == -1 && client_fd(c) >= 0);
	client_free(c);
	c = NULL;
	stop(dir, pid);
}

TEST(another_version_refuses)
{
	static const char *const answers[] = {
	    "{\"id\":0,\"error\":{\"code\":\"unsupported\",\"message\":\"version\"}}",
	    NULL,
	};
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	struct client_options options = { .state_dir = dir->path, .no_start = true };
	CLEANUP(client_free) struct client *c = NULL;
	pid_t pid = serve(dir->path, answers);
	json_t *result = NULL;

	check(!client_connect(&options, &c, &err));
	check(client_call(c, "executor.status", NULL, &result, &err) == -1);
	check(err.code == ERR_UNSUPPORTED && !result);
	client_free(c);
	c = NULL;
	stop(dir, pid);
}

TEST(an_executor_that_hangs_is_not_waited_for_when_only_asked)
{
	static const char *const answers[] = { NULL };
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	struct client_options options = { .state_dir = dir->path, .no_start = true,
					  .answer_ms = 50 };
	struct client *c = NULL;
	pid_t pid = serve(dir->path, answers);
	json_t *result = NULL;

	check(!client_connect(&options, &c, &err));
	check(client_call(c, "execution.list", NULL, &result, &err) == -1);
	check(err.code == ERR_UNAVAILABLE && err.hint[0] && !result);
	client_free(c);
	stop(dir, pid);
}

TEST_MAIN;
