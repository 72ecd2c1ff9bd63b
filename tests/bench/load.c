/*
 * load: many clients at once
 * ==========================
 *
 *	load spawn CLIENTS RUNS -- WORD...	CLIENTS loops of posix_spawn and waitpid
 *	load hold CLIENTS RUNS MODE -- WORD...	CLIENTS connections held open, one run
 *						after the other on each; MODE is
 *						ephemeral or cached
 *
 * RUNS is the number in all. The first form measures anything that is a process: whole
 * `faas execute` runs, or the bare payload that they are compared with. The second
 * speaks the socket protocol through lib/client and hands /dev/null to each run as
 * stdin, stdout and stderr: what a program that keeps its connection gets. A run that
 * does not exit with 0 ends the measurement with status 1.
 *
 * Prints {"clients","seconds","rate","n","p50_us","p99_us",...}.
 */

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/client/client.h"
#include "tests/bench/samples.h"

enum { CLIENTS_MAX = 1024 };

extern char **environ;

static long clients, runs;

static int report(uint64_t *times, size_t n, uint64_t began)
{
	double seconds = (double)(clock_ns() - began) / 1e9;
	struct samples s = { .v = times, .n = n, .size = n };

	samples_sort(&s);
	printf("{\"clients\":%ld,\"seconds\":%.3f,\"rate\":%.1f,", clients, seconds,
	       (double)n / seconds);
	samples_print(&s);
	printf("}\n");
	return 0;
}

/* ---- processes ---- */

static int spawn_once(char **argv, const posix_spawn_file_actions_t *actions)
{
	int status, r;
	pid_t pid;

	r = posix_spawnp(&pid, argv[0], actions, NULL, argv, environ);
	if (r) {
		fprintf(stderr, "load: cannot run '%s': %s\n", argv[0], strerror(r));
		return -1;
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (status)
		fprintf(stderr, "load: '%s' ended with wait status %#x\n", argv[0],
			(unsigned int)status);
	return status ? -1 : 0;
}

/* One client: takes the next run's number until there are no more. */
static int spawn_loop(char **argv, uint64_t *times, long *next)
{
	posix_spawn_file_actions_t actions;
	long i;

	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	(void)posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	while ((i = __atomic_fetch_add(next, 1, __ATOMIC_RELAXED)) < runs) {
		uint64_t began = clock_ns();

		if (spawn_once(argv, &actions) < 0)
			return -1;
		times[i] = clock_ns() - began;
	}
	return 0;
}

static int spawn_all(char **argv)
{
	size_t size = sizeof(uint64_t) * (size_t)(runs + 1);
	uint64_t *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
				-1, 0);
	uint64_t began = clock_ns();
	int bad = 0, status;

	if (shared == MAP_FAILED)
		return -1;
	for (long i = 0; i < clients; i++) {
		pid_t pid = fork();

		if (!pid)
			_exit(spawn_loop(argv, shared + 1, (long *)shared) < 0);
		if (pid < 0)
			return -1;
	}
	while (wait(&status) > 0)
		bad |= status;
	return bad ? -1 : report(shared + 1, (size_t)runs, began);
}

/* ---- connections ---- */

struct connection {
	struct client *client;
	json_int_t call;
	uint64_t began;
	bool busy;
};

static struct connection conns[CLIENTS_MAX];
static json_t *request;
static int null_fd;

static int send_one(struct connection *c, struct error *err)
{
	const int fds[] = { null_fd, null_fd, null_fd };

	c->began = clock_ns();
	c->busy = true;
	return client_send(c->client, "execution.create", json_deep_copy(request), fds, 3,
			   &c->call, err);
}

/* What has come for one connection: 1 when its run has ended. */
static int take_one(struct connection *c, struct error *err)
{
	char event[32];
	json_t *result = NULL;
	int r;

	do {
		json_decref(result);
		result = NULL;
		r = client_next(c->client, c->call, 0, event, &result, err);
	} while (r > 0 && *event);
	if (r > 0) {
		const json_t *code = json_object_get(result, "exit_code");

		if (!json_is_integer(code) || json_integer_value(code))
			r = err_set(err, ERR_SYSTEM, "a run did not exit with 0");
		c->busy = false;
	}
	json_decref(result);
	return r;
}

static int drive(uint64_t *times, struct error *err)
{
	struct pollfd p[CLIENTS_MAX];
	long sent = 0, done = 0;

	for (long i = 0; i < clients; i++) {
		p[i] = (struct pollfd){ client_fd(conns[i].client), POLLIN, 0 };
		if (sent < runs && send_one(&conns[i], err) < 0)
			return -1;
		sent += sent < runs;
	}
	while (done < runs) {
		if (poll(p, (nfds_t)clients, -1) < 0 && errno != EINTR)
			return err_sys(err, errno, "poll");
		for (long i = 0; i < clients; i++) {
			int r = p[i].revents && conns[i].busy ? take_one(&conns[i], err) : 0;

			if (r < 0)
				return -1;
			if (!r)
				continue;
			times[done++] = clock_ns() - conns[i].began;
			if (sent < runs && send_one(&conns[i], err) < 0)
				return -1;
			sent += sent < runs;
		}
	}
	return 0;
}

static int hold_all(const char *mode, char **argv)
{
	struct client_options options = { 0 };
	uint64_t *times = calloc((size_t)runs, sizeof(*times)), began;
	json_t *words = json_array();
	struct error err;
	int r = 0;

	for (; *argv; argv++)
		(void)json_array_append_new(words, json_string(*argv));
	request = json_pack("{s:[[o]],s:s,s:b,s:b}", "steps", words, "mode", mode, "stdin", 1,
			    "stdio", 1);
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (!times || !request || null_fd < 0)
		return -1;
	for (long i = 0; !r && i < clients; i++)
		r = client_connect(&options, &conns[i].client, &err);
	began = clock_ns();
	if (!r)
		r = drive(times, &err);
	if (r < 0)
		fprintf(stderr, "load: %s\n", err.msg);
	else
		r = report(times, (size_t)runs, began);
	for (long i = 0; i < clients; i++)
		client_free(conns[i].client);
	json_decref(request);
	free(times);
	return r;
}

int main(int argc, char **argv)
{
	bool hold = argc > 1 && !strcmp(argv[1], "hold");
	int words = hold ? 6 : 5;

	if (argc > words)
		clients = strtol(argv[2], NULL, 10), runs = strtol(argv[3], NULL, 10);
	if (clients < 1 || clients > CLIENTS_MAX || runs < 1 || strcmp(argv[words - 1], "--") ||
	    (!hold && strcmp(argv[1], "spawn"))) {
		fprintf(stderr, "usage: load spawn <clients> <runs> -- <word>...\n"
			"       load hold <clients> <runs> <mode> -- <word>...\n");
		return 2;
	}
	return (hold ? hold_all(argv[4], argv + words) : spawn_all(argv + words)) < 0;
}
