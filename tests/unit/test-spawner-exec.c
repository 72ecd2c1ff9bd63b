#include "lib/spawner/spawner.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

/*
 * The child shares our memory until it execs, which sanitizers do not expect but
 * bear. As ourselves: becoming somebody else needs root, and the tests of the
 * executor do it.
 */

static char output[4096];
static int status;
static bool no_cgroup;
static struct limits limits;

static const char *run(char *const *const *alternatives, const char *path,
		       const char *workdir, struct exec_plan *p)
{
	static char *env[] = { (char *)"A=env", NULL };
	int out[2], null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	size_t n = 0;
	ssize_t got;
	pid_t pid;

	check(!pipe2(out, O_CLOEXEC));
	*p = (struct exec_plan){
	    .alternatives = alternatives,
	    .env = env,
	    .path = path,
	    .workdir = workdir,
	    .fd = {null, out[1], out[1]},
	    .uid = geteuid(),
	    .gid = getegid(),
	    .limits = &limits,
	    .no_cgroup = no_cgroup,
	};
	spawner.rootless = geteuid() != 0;
	spawner.uid_count = spawner.rootless ? 1 : 65536;
	status = 0;
	pid = exec_start(p);
	close(out[1]);
	close(null);
	while ((got = read(out[0], output + n, sizeof(output) - 1 - n)) > 0)
		n += (size_t)got;
	output[n] = '\0';
	close(out[0]);
	if (pid > 0)
		check(waitpid(pid, &status, 0) == pid);
	else
		check(p->errnum && p->what && pid == -1);
	/* nobody is left, started or not */
	check(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
	return pid > 0 ? output : "-";
}

#define W(s)		(char *)(uintptr_t)(s)

static const char *command(const char *a, const char *b, const char *c, const char *path,
			   struct exec_plan *p)
{
	char *argv[] = { W(a), W(b), W(c), NULL };
	char *const *alternatives[] = { argv, NULL };

	return run(alternatives, path, "/", p);
}

static void put_program(struct tempdir *dir, const char *name, const char *text,
			mode_t mode)
{
	put_file(dir, name, text, strlen(text));
	check(!fchmodat(dir->fd, name, mode, 0));
}

TEST(a_program_by_path_and_by_name)
{
	struct exec_plan p;

	check_str(command("/bin/sh", "-c", "echo $A; pwd", NULL, &p), "env\n/\n");
	check(status == 0);
	check_str(command("sh", "-c", "exit 7", NULL, &p), "");
	check(WEXITSTATUS(status) == 7);
	check_str(command("sh", "-c", "echo x", "/nothing:/bin:/usr/bin", &p), "x\n");
	check_str(command("sh", NULL, NULL, "/nothing", &p), "-");
	check(p.errnum == ENOENT && !strcmp(p.what, "find the program"));
	check_str(p.which, "sh");
}

TEST(what_it_inherits)
{
	struct exec_plan p;

	exec_forget_signals();
	/* nothing but 0, 1, 2 and what sh itself opens; no signal is blocked */
	check_str(
	    command("/bin/sh", "-c", "ls /proc/self/fd | tr '\\n' ' '; umask", NULL, &p),
	    "0 1 2 3 0022\n");
	check_str(command("/bin/sh", "-c", "grep -E '^Sig(Blk|Ign)' /proc/self/status",
			  NULL, &p),
		  "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
	check_str(command("/bin/sh", "-c", "ulimit -c", NULL, &p), "0\n");
}

TEST(without_cgroups_rlimits_stand_in)
{
	struct exec_plan p;

	no_cgroup = true;
	limits = (struct limits){ .memory = 64 << 20, .pids = 50 };
	check_str(command("/bin/sh", "-c", "ulimit -d", NULL, &p), "65536\n");
	no_cgroup = false;
	check(strcmp(command("/bin/sh", "-c", "ulimit -d", NULL, &p), "65536\n"));
	limits = (struct limits){ 0 };
}

TEST(the_first_that_exists)
{
	char *none[] = { W("faas-no-such-program"), NULL };
	char *second[] = { W("sh"), W("-c"), W("echo second"), NULL };
	char *third[] = { W("sh"), W("-c"), W("echo third"), NULL };
	char *const *all[] = { none, second, third, NULL };
	char *const *missing[] = { none, none, NULL };
	struct exec_plan p;

	check_str(run(all, NULL, "/", &p), "second\n");
	check_str(run(missing, NULL, "/", &p), "-");
	check(p.errnum == ENOENT);
	check_str(p.which, "faas-no-such-program");
}

TEST(why_it_does_not_start)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	char name[128];
	struct exec_plan p;

	put_program(dir, "data", "x", 0644);
	put_program(dir, "lost", "#!/no/such/interpreter\n", 0755);
	(void)snprintf(name, sizeof(name), "%s/data", dir->path);
	check_str(command(name, NULL, NULL, NULL, &p), "-");
	check(p.errnum == EACCES && !strcmp(p.what, "execute"));
	check_str(command("data", NULL, NULL, dir->path, &p), "-");
	check(p.errnum == EACCES);
	(void)snprintf(name, sizeof(name), "%s/lost", dir->path);
	check_str(command(name, NULL, NULL, NULL, &p), "-");
	check(p.errnum == ENOENT && p.code == ERR_CANNOT_RUN &&
	      strstr(p.what, "interpreter '/no/such/interpreter'"));
	check_str(command("lost", NULL, NULL, dir->path, &p), "-");
	check(p.errnum == ENOENT && p.code == ERR_CANNOT_RUN &&
	      strstr(p.what, "interpreter '/no/such/interpreter'"));
	check_str(command(dir->path, NULL, NULL, NULL, &p), "-");
	check(p.errnum == EACCES);
	(void)snprintf(name, sizeof(name), "%s/data/x", dir->path);
	check_str(command(name, NULL, NULL, NULL, &p), "-");
	check(p.errnum == ENOENT || p.errnum == ENOTDIR);
	check_str(command("", NULL, NULL, NULL, &p), "-");
	check(p.errnum == ENOENT);
}

TEST(a_script_without_a_first_line_is_for_the_shell)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	struct exec_plan p;

	put_program(dir, "script", "echo \"$1 $2\"\n", 0755);
	check_str(command("script", "a b", "c", dir->path, &p), "a b c\n");
}

TEST(a_working_directory_that_is_not_there)
{
	char *argv[] = { W("sh"), NULL };
	char *const *alternatives[] = { argv, NULL };
	struct exec_plan p;

	check_str(run(alternatives, NULL, "/no/such/folder", &p), "-");
	/* ENOENT alone would read as "no such program" */
	check(p.errnum == ENOENT && p.code == ERR_CANNOT_RUN);
	check(strstr(p.what, "working directory"));
	check_str(p.which, "/no/such/folder");
}

TEST_MAIN;
