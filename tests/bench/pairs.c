/*
 * pairs: times commands against each other
 * ========================================
 *
 *	pairs [-n runs] [-w warm-up] [-g gap-us] @ours faas execute -- /bin/true \
 *		@peer bwrap ... /bin/true
 *
 * Each word that begins with @ names a command, and the words up to the next name
 * are its argv. The commands are run in turns (A B A B), each turn starting with
 * another one, so that what the machine does meanwhile hurts all alike. A run's time
 * is from before posix_spawn to after waitpid: what a caller waits for. No shell is
 * in it.
 *
 *	%before words...	follows a command: run, untimed, before each of its runs
 *	|			between words: the rest reads what the part before writes
 *
 * stdin and stdout are /dev/null. Between runs it sleeps for the gap (default 15 ms),
 * so that nobody pays for what the one before left to be done in the background; what
 * that costs shows in the rates of `load`. A command that fails ends the measurement
 * with status 1.
 *
 * Prints {"commands":[{"name","n","p50_us","p99_us",...,"ratio"}]}; the ratio is the
 * first command's median over this one's.
 */

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/samples.h"

enum { COMMANDS_MAX = 16, PARTS_MAX = 4 };

struct words {
	char **part[PARTS_MAX];		/* argv of each, NULL-ended */
	int n_parts;
};

struct command {
	const char *name;
	struct words run, before;
	struct samples times;
};

extern char **environ;

static struct command commands[COMMANDS_MAX];
static int n_commands;

static pid_t start(char **argv, int in, int out)
{
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int r;

	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_adddup2(&actions, in, 0);
	(void)posix_spawn_file_actions_adddup2(&actions, out, 1);
	r = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	if (!r)
		return pid;
	fprintf(stderr, "pairs: cannot run '%s': %s\n", argv[0], strerror(r));
	return -1;
}

/* All parts at once, as a shell's pipeline; 0 when all of them exit with 0. */
static int run(const struct words *w, int null)
{
	pid_t pids[PARTS_MAX];
	int in = null, bad = 0, started = 0;

	for (int i = 0; i < w->n_parts; i++) {
		int p[2] = { -1, null };

		if (i + 1 < w->n_parts && pipe2(p, O_CLOEXEC) < 0)
			return -1;
		pids[i] = start(w->part[i], in, p[1]);
		if (in != null)
			(void)close(in);
		if (p[1] != null)
			(void)close(p[1]);
		in = p[0];
		if (pids[i] < 0)
			return -1;
		started++;
	}
	for (int i = 0; i < started; i++) {
		int status;

		while (waitpid(pids[i], &status, 0) < 0 && errno == EINTR)
			;
		if (!status)
			continue;
		fprintf(stderr, "pairs: '%s' ended with %s %d\n", w->part[i][0],
			WIFEXITED(status) ? "status" : "signal",
			WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
		bad = -1;
	}
	return bad;
}

static int turn(struct command *c, int null, long gap_us, int timed)
{
	uint64_t began, ended;

	if (c->before.n_parts && run(&c->before, null) < 0)
		return -1;
	if (gap_us)
		(void)usleep((useconds_t)gap_us);
	began = clock_ns();
	if (run(&c->run, null) < 0)
		return -1;
	ended = clock_ns();
	if (timed)
		samples_add(&c->times, ended - began);
	return 0;
}

/* Cuts argv into commands, in place. */
static int parse(char **argv)
{
	struct words *w = NULL;

	for (; *argv; argv++) {
		if (**argv == '@') {
			if (n_commands == COMMANDS_MAX)
				return -1;
			commands[n_commands].name = *argv + 1;
			w = &commands[n_commands++].run;
		} else if (!strcmp(*argv, "%before") && n_commands) {
			w = &commands[n_commands - 1].before;
		} else if (w && w->n_parts && strcmp(*argv, "|")) {
			continue;	/* one more word of this part */
		} else if (w && !w->n_parts) {
			w->part[w->n_parts++] = argv;
			continue;
		} else if (w && argv[1] && w->n_parts < PARTS_MAX) {
			w->part[w->n_parts++] = argv + 1;
		} else {
			return -1;
		}
		*argv = NULL;
	}
	for (int i = 0; i < n_commands; i++)
		if (!commands[i].run.n_parts)
			return -1;
	return n_commands ? 0 : -1;
}

static void print(void)
{
	for (int i = 0; i < n_commands; i++)
		samples_sort(&commands[i].times);
	printf("{\"commands\":[");
	for (int i = 0; i < n_commands; i++) {
		const struct command *c = &commands[i];

		printf("%s{\"name\":\"%s\",", i ? "," : "", c->name);
		samples_print(&c->times);
		printf(",\"ratio\":%.4f}", samples_us(&commands[0].times, 500) /
		       samples_us(&c->times, 500));
	}
	printf("]}\n");
}

int main(int argc, char **argv)
{
	long runs = 200, warm_up = 10, gap_us = 15000;
	int opt, null = open("/dev/null", O_RDWR | O_CLOEXEC);

	while ((opt = getopt(argc, argv, "+n:w:g:")) > 0) {
		long value = optarg ? strtol(optarg, NULL, 10) : 0;

		*(opt == 'n' ? &runs : opt == 'w' ? &warm_up : &gap_us) = value;
	}
	if (null < 0 || runs < 1 || parse(argv + optind) < 0) {
		fprintf(stderr, "usage: pairs [-n runs] [-w warm-up] [-g gap-us] @name word..."
			" [%%before word...]...\n");
		return 2;
	}
	for (long i = -warm_up; i < runs; i++)
		for (int k = 0; k < n_commands; k++)
			if (turn(&commands[(i + warm_up + k) % n_commands], null, gap_us,
				 i >= 0) < 0)
				return 1;
	print();
	return 0;
}
