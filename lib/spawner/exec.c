#include "lib/spawner/spawner.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * The child shares our memory until it execs (no page table is copied), so it
 * calls the kernel and nothing that keeps state in libc, and leaves its reason
 * in the plan when it cannot go on.
 */

enum { STACK_SIZE = 8 << 20, FILES = 65536 };

static char stack[64 * 1024] __attribute__((aligned(16)));

static int stop(struct exec_plan *p, const char *what, const char *which)
{
	p->errnum = errno ? errno : EIO;
	p->what = what;
	p->which = which;
	return -1;
}

static int set_limit(int what, uint64_t soft)
{
	struct rlimit rl;

	if (getrlimit(what, &rl) < 0)
		return -1;
	if (rl.rlim_max == RLIM_INFINITY || rl.rlim_max > soft)
		rl.rlim_max = soft;
	rl.rlim_cur = rl.rlim_max;
	return setrlimit(what, &rl);
}

/* The same everywhere, whatever the shell had that started the executor. */
static int set_soft(int what, uint64_t soft)
{
	struct rlimit rl;

	if (getrlimit(what, &rl) < 0)
		return -1;
	rl.rlim_cur = rl.rlim_max < soft ? rl.rlim_max : soft;
	return setrlimit(what, &rl);
}

/* Where there are no cgroups, these are what is left to limit with. */
static int set_limits(struct exec_plan *p)
{
	if (!p->no_cgroup)
		return 0;
	if (p->limits->pids && set_limit(RLIMIT_NPROC, p->limits->pids) < 0)
		return stop(p, "limit processes", NULL);
	if (p->limits->memory && set_limit(RLIMIT_DATA, p->limits->memory) < 0)
		return stop(p, "limit memory", NULL);
	return 0;
}

static int set_user(struct exec_plan *p)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { 0 };

	if (spawner.uid_count > 1 &&
	    syscall(SYS_setgroups, (size_t)p->n_groups, p->groups) < 0)
		return stop(p, "set the groups of the user", NULL);
	if (syscall(SYS_setresgid, p->gid, p->gid, p->gid) < 0 ||
	    syscall(SYS_setresuid, p->uid, p->uid, p->uid) < 0)
		return stop(p, "become the user", NULL);
	if (syscall(SYS_capset, &head, none) < 0)
		return stop(p, "drop all capabilities", NULL);
	return 0;
}

static int set_stdio(struct exec_plan *p)
{
	for (int i = 0; i < 3; i++)
		if (dup2(p->fd[i], i) < 0)
			return stop(p, "set up standard input and output", NULL);
	if (p->tty && ioctl(0, TIOCSCTTY, 0) < 0)
		return stop(p, "take the terminal", NULL);
	if (syscall(SYS_close_range, 3u, ~0u, 0) < 0)
		return stop(p, "close descriptors", NULL);
	return 0;
}

/* By system calls: libc does not let go of the two that it keeps for itself. */
void exec_forget_signals(void)
{
	struct {
		void *handler;
		unsigned long flags;
		void *restorer;
		uint64_t mask;
	} dfl = { 0 };

	for (int sig = 1; sig <= 64; sig++)
		(void)syscall(SYS_rt_sigaction, sig, &dfl, NULL, sizeof(dfl.mask));
}

static void default_signals(void)
{
	/* what spawner, monitor and init ignore; exec resets what they handle */
	static const int ignored[] = { SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTERM, SIGCHLD };
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		(void)sigaction(ignored[i], &dfl, NULL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* As execvp does: a file without a known format is for the shell. */
static void run_by_shell(const char *path, char *const *argv, char *const *env)
{
	const char *words[260] = { "sh", path };
	int n = 0;

	while (argv[n])
		n++;
	if (n > 256)
		return;
	for (int i = 1; i <= n; i++)
		words[i + 1] = argv[i];
	(void)execve("/bin/sh", (char *const *)(uintptr_t)words, env);
	errno = ENOEXEC;
}

static char uninterpreted[4096];	/* a program that is there, and its interpreter not */

/* What to say of it: "find the interpreter '/bin/x' of", or of its loader. */
static const char *interpreter_of(void)
{
	static char text[160];
	char line[128];
	int fd = open(uninterpreted, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);
	const char *word = line + 2;

	if (fd >= 0)
		(void)close(fd);
	line[n > 0 ? n : 0] = '\0';
	if (strncmp(line, "#!", 2))
		return "find the dynamic loader of";
	word += strspn(word, " \t");
	(void)snprintf(text, sizeof(text), "find the interpreter '%.*s' of",
		       (int)strcspn(word, " \t\n"), word);
	return text;
}

/* Returns when it failed, with errno; 0 in *missing when the file is there. */
static void try_path(const char *path, char *const *argv, char *const *env, bool *missing)
{
	struct stat st;

	(void)execve(path, argv, env);
	if (errno == ENOENT && !stat(path, &st)) {
		*missing = false;	/* its interpreter is what is not there */
		(void)snprintf(uninterpreted, sizeof(uninterpreted), "%s", path);
		errno = ENOENT;
	} else if (errno == ENOEXEC) {
		*missing = false;
		run_by_shell(path, argv, env);
	} else if (errno != ENOENT && errno != ENOTDIR) {
		*missing = false;
	}
}

static void try_command(struct exec_plan *p, char *const *argv, bool *missing)
{
	const char *dir = p->path ? p->path : "/usr/local/bin:/usr/bin:/bin";
	char path[4096];
	int kept = ENOENT;

	if (!argv[0][0]) {
		errno = ENOENT;
		return;
	}
	if (strchr(argv[0], '/')) {
		try_path(argv[0], argv, p->env, missing);
		return;
	}
	for (;;) {
		size_t len = strcspn(dir, ":"), name = strlen(argv[0]);

		if (len + name + 2 < sizeof(path)) {
			memcpy(path, len ? dir : ".", len ? len : 1);
			path[len ? len : 1] = '/';
			memcpy(path + (len ? len : 1) + 1, argv[0], name + 1);
			try_path(path, argv, p->env, missing);
			if (errno != ENOENT && errno != ENOTDIR)
				kept = errno;
		}
		dir += len;
		if (!*dir)
			break;
		dir++;
	}
	errno = kept;
}

/* What is the same for every program. */
static int prepare(struct exec_plan *p)
{
	(void)umask(022);
	default_signals();
	if (syscall(SYS_setsid) < 0)
		return stop(p, "start a session", NULL);
	if (set_limit(RLIMIT_CORE, 0) < 0)
		return stop(p, "forbid core dumps", NULL);
	if (set_soft(RLIMIT_STACK, STACK_SIZE) < 0 || set_soft(RLIMIT_NOFILE, FILES) < 0)
		return stop(p, "set limits of the stack and of files", NULL);
	return 0;
}

/* Returns when it failed. */
static void become(struct exec_plan *p)
{
	bool missing = true;
	int worst = ENOENT;
	const char *which = p->alternatives[0][0];

	if (set_stdio(p) < 0 || set_limits(p) < 0 || set_user(p) < 0)
		return;
	if (chdir(p->workdir) < 0) {
		(void)stop(p, "enter the working directory", p->workdir);
		/* not the program: ENOENT here does not read as "not found" */
		p->code = ERR_CANNOT_RUN;
		return;
	}
	for (char *const *const *a = p->alternatives; *a; a++) {
		bool gone = true;

		try_command(p, *a, &gone);
		if (!gone && missing) {
			missing = false;
			worst = errno;
			which = (*a)[0];
		}
	}
	errno = worst;
	if (!missing && worst == ENOENT) {
		(void)stop(p, interpreter_of(), which);
		p->code = ERR_CANNOT_RUN;
	} else {
		(void)stop(p, missing ? "find the program" : "execute", which);
	}
}

static int child(void *arg)
{
	struct exec_plan *p = arg;

	if (!prepare(p))
		become(p);
	_exit(126);
}

/* The descriptors are our parent's too, until it is known whose turn it is. */
static int child_ahead(void *arg)
{
	struct exec_plan *p = arg;

	if (prepare(p) < 0 || !p->wait(p))
		_exit(126);
	/* closes none, but the table is ours then; unshare(2) is not allowed any more */
	if (syscall(SYS_close_range, ~0u, ~0u, CLOSE_RANGE_UNSHARE) < 0)
		(void)stop(p, "have descriptors of its own", NULL);
	else
		become(p);
	_exit(126);
}

pid_t exec_start(struct exec_plan *plan)
{
	pid_t pid;

	plan->errnum = plan->code = 0;
	if (plan->wait)
		pid = clone(child_ahead, stack + sizeof(stack),
			    CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD, plan);
	else
		pid = clone(child, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD,
			    plan);
	if (pid < 0) {
		(void)stop(plan, "start a process", NULL);
		return -1;
	}
	if (plan->errnum) {
		(void)waitpid(pid, NULL, 0);
		return -1;
	}
	return pid;
}
