#include "lib/spawner/program.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "tests/unit/test.h"

static struct program read_program(uint32_t flags, const char *env, int r)
{
	static struct msg_run run;
	static struct message m;
	static char body[256];
	struct program p = { NO_PROGRAM };
	struct msg_status st = { 0 };
	size_t len = 0;

	/* as root has them */
	spawner.uid_count = 65536;
	/* a folder, a user, the environment, one step with two words */
	len += 3;
	memcpy(body, "/w\0", 3);
	memcpy(body + len, "0\0" "2\0", 4);
	len += 4;
	len += (size_t)snprintf(body + len, sizeof(body) - len, "%s", env) + 1;
	memcpy(body + len, "PATH=/bin\0" "1\0" "2\0ls\0-l\0", 20);
	len += r ? 15 : 20;
	run = (struct msg_run){
		.h = { MSG_RUN, MSG_VERSION, 0, (uint32_t)len }, .n_steps = 1, .flags = flags,
		.rows = 24, .cols = 80, .limits.pids = 7,
	};
	m = (struct message){ .h = &run.h, .body = body };
	check(program_read(&p, &m, &st) == r);
	check(!r || st.text[0]);
	return p;
}

static void release(struct program *p)
{
	program_close_stdio(p);
	body_release(&p->run);
}

static const char *variable(const struct program *p, const char *name)
{
	size_t len = strlen(name);

	for (char **e = p->run.env; *e; e++)
		if (!strncmp(*e, name, len) && (*e)[len] == '=')
			return *e + len + 1;
	return "(none)";
}

TEST(what_is_not_given_is_null)
{
	struct program p = read_program(0, "A=1", 0);
	char c;

	for (int i = 0; i < 3; i++)
		check(p.stdio[i] >= 0 && read(p.stdio[i], &c, 1) == 0);
	check(p.files < 0 && p.pty < 0);
	check_str(variable(&p, "A"), "1");
	check_str(variable(&p, "HOME"), p.account.home);
	check_str(variable(&p, "USER"), p.account.name);
	release(&p);
	check(p.stdio[0] < 0 && p.stdio[2] < 0);
}

TEST(what_the_caller_said_of_home_stays)
{
	struct program p = read_program(0, "HOME=/mine", 0);

	check_str(variable(&p, "HOME"), "/mine");
	check_str(variable(&p, "LOGNAME"), p.account.name);
	release(&p);
}

TEST(a_plan_points_to_it)
{
	struct program p = read_program(0, "A=1", 0);
	struct exec_plan plan;

	program_plan(&p, &plan);
	check_str(plan.path, "/bin");
	check_str(plan.workdir, "/w");
	check_str(plan.alternatives[0][0], "ls");
	check(plan.limits == &p.limits && plan.limits->pids == 7 && !plan.tty);
	for (int i = 0; i < 3; i++)
		check(plan.fd[i] == p.stdio[i]);
	p.pty = open("/dev/null", O_RDWR | O_CLOEXEC);
	p.no_cgroup = true;
	program_plan(&p, &plan);
	check(plan.tty && plan.fd[0] == p.pty && plan.fd[2] == p.pty && plan.no_cgroup);
	release(&p);
	check(p.pty < 0);
}

TEST(a_body_that_is_cut)
{
	struct program p = read_program(0, "A=1", -1);

	program_close_stdio(&p);
}

TEST(why_it_did_not_start)
{
	struct exec_plan plan = { .errnum = ENOENT, .what = "find", .which = "lx" };
	struct msg_status st = { .errnum = EMFILE, .text = "open a terminal" };
	struct msg_ended e = program_unstarted(&plan);

	check(e.exit_code == -1 && e.code == ERR_NO_COMMAND && e.errnum == ENOENT);
	check_str(e.text, "find 'lx'");
	plan = (struct exec_plan){ .errnum = EACCES, .what = "change the folder" };
	e = program_unstarted(&plan);
	check(e.code == ERR_CANNOT_RUN);
	check_str(e.text, "change the folder");
	plan.code = ERR_BUG;
	check(program_unstarted(&plan).code == ERR_BUG);
	e = program_failed(&st);
	check(e.code == ERR_CANNOT_RUN && e.errnum == EMFILE);
	check_str(e.text, "open a terminal");
}

TEST_MAIN;
