#include "lib/spawner/program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void take_fds(struct program *p, struct message *m)
{
	int next = 0;

	if (p->flags & RUN_STDIN)
		p->stdio[0] = msg_take_fd(m, next++);
	if (p->flags & RUN_STDIO) {
		p->stdio[1] = msg_take_fd(m, next++);
		p->stdio[2] = msg_take_fd(m, next++);
	}
	if (p->flags & RUN_FILES)
		p->files = msg_take_fd(m, next++);
	for (int i = 0; i < 3; i++)
		if (p->stdio[i] < 0)
			p->stdio[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
}

static int set_home(struct program *p, struct msg_status *st)
{
	struct home_variables *v = &p->home;
	char *set[] = { v->home, v->user, v->logname };
	static const char *const names[] = { "HOME=", "USER=", "LOGNAME=" };
	size_t n = 0;
	char **env;

	(void)snprintf(v->home, sizeof(v->home), "HOME=%s", p->account.home);
	(void)snprintf(v->user, sizeof(v->user), "USER=%s", p->account.name);
	(void)snprintf(v->logname, sizeof(v->logname), "LOGNAME=%s", p->account.name);
	while (p->run.env[n])
		n++;
	env = calloc(n + 4, sizeof(*env));
	if (!env)
		return fail(st, "set HOME");
	memcpy(env, p->run.env, n * sizeof(*env));
	for (int i = 0; i < 3; i++) {
		bool have = false;

		for (size_t k = 0; p->run.env[k]; k++)
			have |= !strncmp(p->run.env[k], names[i], strlen(names[i]));
		if (!have)
			env[n++] = set[i];
	}
	free(p->run.env);
	p->run.env = env;
	return 0;
}

int program_read(struct program *p, struct message *m, struct msg_status *st)
{
	const struct msg_run *r = (const void *)m->h;

	p->flags = r->flags;
	p->limits = r->limits;
	p->rows = r->rows;
	p->cols = r->cols;
	take_fds(p, m);
	if (body_read(m, r->n_steps, &p->run, st) < 0) {
		st->code = ERR_BUG;
		return -1;
	}
	if (account_find("", p->run.user, &p->account, st) < 0)
		return -1;
	return set_home(p, st);
}

int program_open_pty(struct program *p, struct msg_status *st)
{
	struct winsize size = { .ws_row = p->rows, .ws_col = p->cols };
	int master = open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC), zero = 0;

	if (master < 0)
		return fail(st, "open a terminal");
	if (ioctl(master, TIOCSPTLCK, &zero) < 0) {
		(void)fail(st, "open a terminal");
		(void)close(master);
		return -1;
	}
	p->pty = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (p->pty < 0) {
		(void)fail(st, "open the terminal's other end");
		(void)close(master);
		return -1;
	}
	(void)ioctl(master, TIOCSWINSZ, &size);
	(void)!fchown(p->pty, p->account.uid, p->account.gid);
	return master;
}

void program_plan(const struct program *p, struct exec_plan *plan)
{
	*plan = (struct exec_plan){
		.alternatives = (char *const *const *)p->run.steps[p->step],
		.env = p->run.env, .workdir = p->run.workdir, .tty = p->pty >= 0,
		.uid = p->account.uid, .gid = p->account.gid,
		.groups = p->account.groups, .n_groups = p->account.n_groups,
		.limits = &p->limits, .no_cgroup = p->no_cgroup,
	};

	for (int i = 0; i < 3; i++)
		plan->fd[i] = p->pty >= 0 ? p->pty : p->stdio[i];
	for (char **e = p->run.env; *e; e++)
		if (!strncmp(*e, "PATH=", 5))
			plan->path = *e + 5;
}

struct msg_ended program_unstarted(const struct exec_plan *plan)
{
	struct msg_ended e = { .exit_code = -1, .errnum = plan->errnum };

	e.code = plan->code ? plan->code :
		plan->errnum == ENOENT ? ERR_NO_COMMAND : ERR_CANNOT_RUN;
	(void)snprintf(e.text, sizeof(e.text), "%s%s%s%s", plan->what,
		       plan->which ? " '" : "", plan->which ? plan->which : "",
		       plan->which ? "'" : "");
	return e;
}

struct msg_ended program_failed(const struct msg_status *st)
{
	struct msg_ended e = {
		.exit_code = -1, .errnum = st->errnum,
		.code = st->code ? st->code : ERR_CANNOT_RUN,
	};

	memcpy(e.text, st->text, sizeof(e.text));
	return e;
}

static void close_one(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

void program_close_stdio(struct program *p)
{
	for (int i = 0; i < 3; i++)
		close_one(&p->stdio[i]);
	close_one(&p->pty);
}
