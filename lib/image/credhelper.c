#include "lib/image/credhelper.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/strbuf.h"

enum { ANSWER_LIMIT = 64 << 10, PROGRAM_SIZE = 128 };

static bool is_name(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_.-";

	return *name && strlen(name) < 64 && strspn(name, allowed) == strlen(name);
}

/* Not a pipe: who ends without reading it is no reason for a signal. */
static int question(const char *server, struct error *err)
{
	cleanup_close int fd = memfd_create("server", MFD_CLOEXEC);
	size_t len = strlen(server);

	if (fd < 0 || write(fd, server, len) != (ssize_t)len || lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(err, errno, "ask for credentials");
	return TAKE_FD(fd);
}

static int start(const char *program, int in, int out, pid_t *ret, struct error *err)
{
	char *argv[] = { (char *)(uintptr_t)program, (char *)"get", NULL };
	posix_spawn_file_actions_t actions;
	int r;

	if (posix_spawn_file_actions_init(&actions))
		return err_set(err, ERR_LIMIT, "no memory to start '%s'", program);
	r = posix_spawn_file_actions_adddup2(&actions, in, 0);
	if (!r)
		r = posix_spawn_file_actions_adddup2(&actions, out, 1);
	if (!r)
		r = posix_spawnp(ret, program, &actions, NULL, argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	if (!r)
		return 0;
	(void)err_sys(err, r, "start '%s', which keeps the credentials", program);
	return err_hint(err, "install it, or say '--username' and '--password-stdin'");
}

static int64_t now_ms(void)
{
	struct timespec t = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Up to its end; 0, or an errno. */
static int read_answer(int fd, int timeout_ms, struct strbuf *text)
{
	int64_t end = now_ms() + timeout_ms;
	char buf[4096];

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int64_t left = end - now_ms();
		int r = left > 0 ? poll(&p, 1, (int)left) : 0;
		ssize_t n;

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return r < 0 ? errno : ETIMEDOUT;
		n = read(fd, buf, sizeof(buf));
		if (n > 0)
			strbuf_add(text, buf, (size_t)n);
		explicit_bzero(buf, sizeof(buf));
		if (n <= 0 || strbuf_failed(text))
			return n < 0 ? errno : strbuf_failed(text) ? EFBIG : 0;
	}
}

static int take(const char *program, const struct strbuf *text, struct image_credential *ret,
		struct error *err)
{
	json_t *j = json_loadb(text->buf, text->len, 0, NULL);
	const char *user = json_string_value(json_object_get(j, "Username"));
	const char *secret = json_string_value(json_object_get(j, "Secret"));
	int r = -1;

	if (!user || !secret || strlen(user) >= sizeof(ret->username) ||
	    strlen(secret) >= sizeof(ret->password)) {
		(void)err_set(err, ERR_PROTOCOL, "'%s' gave no credentials", program);
		(void)err_hint(err, "does 'echo SERVER | %s get' work?", program);
	} else {
		(void)snprintf(ret->username, sizeof(ret->username), "%s", user);
		(void)snprintf(ret->password, sizeof(ret->password), "%s", secret);
		ret->identity = !strcmp(user, "<token>");
		r = 1;
	}
	json_decref(j);
	return r;
}

static int wait_for(pid_t pid)
{
	int status = -1;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

static int answered(const char *program, int failed, int status, struct strbuf *text,
		    struct image_credential *ret, struct error *err)
{
	if (failed == ETIMEDOUT) {
		(void)err_set(err, ERR_TIMEOUT, "'%s' does not say what the credentials are",
			      program);
		return err_hint(err, "say '--username' and '--password-stdin'");
	}
	if (failed)
		return err_sys(err, failed, "read what '%s' says", program);
	if (!status)
		return take(program, text, ret, err);
	/* the words that all of them have for it, on stdout */
	if (text->len && strstr(text->buf, "credentials not found"))
		return 0;
	(void)err_set(err, ERR_AUTH, "'%s' cannot say what the credentials are: %.200s", program,
		      text->len ? text->buf : "it failed");
	return err_hint(err, "say '--username' and '--password-stdin'");
}

int credhelper_get(const char *name, const char *server, int timeout_ms,
		   struct image_credential *ret, struct error *err)
{
	cleanup_strbuf struct strbuf text = STRBUF(ANSWER_LIMIT);
	char program[PROGRAM_SIZE];
	cleanup_close int in = -1, out = -1;
	int ends[2], failed, status, r;
	pid_t pid;

	if (!is_name(name))
		return err_set(err, ERR_USAGE, "'%.60s' cannot be a program that keeps credentials",
			       name);
	(void)snprintf(program, sizeof(program), "docker-credential-%s", name);
	in = question(server, err);
	if (in < 0)
		return -1;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, errno, "make a pipe");
	out = ends[0];
	r = start(program, in, ends[1], &pid, err);
	(void)close(ends[1]);
	if (r < 0)
		return -1;
	failed = read_answer(out, timeout_ms, &text);
	if (failed)
		(void)kill(pid, SIGKILL);
	status = wait_for(pid);
	r = answered(program, failed, status, &text, ret, err);
	if (text.len)
		explicit_bzero(text.buf, text.len);
	return r;
}
