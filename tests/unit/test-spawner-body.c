#include "lib/spawner/spawner.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/test.h"

static struct run_body body;
static struct msg_status st;

static int read_body(const char *text, size_t len, unsigned int n_steps)
{
	static struct msg_run run;
	static struct message m;
	char *exact = malloc(len ? len : 1); /* a byte too far is seen by a sanitizer */
	int r;

	memcpy(exact, text, len);
	run = (struct msg_run){ .h = { MSG_RUN, MSG_VERSION, 0, (uint32_t)len } };
	m.h = &run.h;
	m.body = exact;
	body = (struct run_body){ 0 };
	st = (struct msg_status){ 0 };
	r = body_read(&m, n_steps, &body, &st);
	free(exact);
	return r;
}

#define READ(text, n)	read_body(text, sizeof(text) - 1, n)

static void release(void)
{
	for (int i = 0; i < body.n_steps; i++) {
		for (int a = 0; body.steps[i][a]; a++)
			free((void *)(uintptr_t)body.steps[i][a]);
		free((void *)(uintptr_t)body.steps[i]);
	}
	free((void *)(uintptr_t)body.steps);
	free((void *)(uintptr_t)body.env);
	free((void *)(uintptr_t)body.workdir);
}

TEST(a_whole_run)
{
	check(!READ("/w\0app\0"
		    "2\0A=1\0B=\0"
		    "2\0"
		    "3\0cc\0-o\0x y\0"
		    "1\0tcc\0"
		    "1\0"
		    "1\0./x\0",
		    2));
	check_str(body.workdir, "/w");
	check_str(body.user, "app");
	check_str(body.env[0], "A=1");
	check_str(body.env[1], "B=");
	check(!body.env[2] && body.n_steps == 2);
	check_str(body.steps[0][0][2], "x y");
	check(!body.steps[0][0][3]);
	check_str(body.steps[0][1][0], "tcc");
	check(!body.steps[0][2]);
	check_str(body.steps[1][0][0], "./x");
	check(!body.steps[1][0][1] && !body.steps[1][1]);
	release();
}

/* In a process of its own: who is told so ends, and does not free. */
static void refused(const char *text, size_t len, unsigned int n_steps)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		check(read_body(text, len, n_steps) == -1);
		check(st.errnum == EPROTO && st.text[0]);
		_exit(0);
	}
	check(waitpid(pid, &status, 0) == pid && !status);
}

#define REFUSED(text, n)	refused(text, sizeof(text) - 1, n)

TEST(what_is_cut_is_refused)
{
	static const char whole[] = "/w\0app\0" "1\0A=1\0" "1\0" "2\0cc\0x";

	for (size_t len = 0; len < sizeof(whole); len++)
		refused(whole, len, 1);
	check(!read_body(whole, sizeof(whole), 1));
	release();
	/* more steps than there are, and none */
	refused(whole, sizeof(whole), 2);
	refused(whole, sizeof(whole), 0);
}

TEST(counts_that_are_wrong)
{
	REFUSED("/\0\0" "9\0A=1\0" "1\0" "1\0a\0", 1);
	REFUSED("/\0\0" "99999999999\0A=1\0" "1\0" "1\0a\0", 1);
	REFUSED("/\0\0" "0\0" "0\0", 1);
	REFUSED("/\0\0" "0\0" "1\0" "7\0a\0", 1);
	REFUSED("/\0\0" "0\0" "7\0" "1\0a\0", 1);
	/* a command without a word */
	REFUSED("/\0\0" "0\0" "1\0" "0\0", 1);
	REFUSED("/\0\0" "0\0" "2\0" "1\0a\0" "0\0", 1);
	REFUSED("", 1);
	REFUSED("\0\0\0", 1);
}

TEST_MAIN;
