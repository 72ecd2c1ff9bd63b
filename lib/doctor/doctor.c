#include "lib/doctor/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fault.h"
#include "lib/doctor/cgroup.h"
#include "lib/doctor/child.h"
#include "lib/doctor/probe.h"
#include "lib/doctor/scope.h"
#include "lib/doctor/state.h"

static const char *const verdict_names[] = {
	[DOCTOR_OK] = "ok",
	[DOCTOR_DEGRADED] = "degraded",
	[DOCTOR_MISSING] = "missing",
	[DOCTOR_UNKNOWN] = "unknown",
};

const char *doctor_verdict_name(enum doctor_verdict v)
{
	return verdict_names[v];
}

size_t doctor_count(void)
{
	size_t n = 0;

	while (checks[n].name)
		n++;
	return n;
}

const char *doctor_check_name(size_t i)
{
	return checks[i].name;
}

static const struct check *find(const char *name)
{
	for (const struct check *c = checks; c->name; c++)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}

static bool wanted(const struct doctor_request *req, const char *name)
{
	if (!req->checks)
		return true;
	for (const char *const *w = req->checks; *w; w++)
		if (!strcmp(*w, name))
			return true;
	return false;
}

static uint64_t now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* In the child: nothing here comes back but *p, which is shared memory. */
static void probe_main(const struct check *c, struct probe *p)
{
	struct itimerval t = { .it_value.tv_sec = PROBE_DEADLINE_MS / 1000,
			       .it_value.tv_usec = PROBE_DEADLINE_MS % 1000 * 1000 };
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)sigaction(SIGALRM, &dfl, NULL);
	(void)sigaction(SIGCHLD, &dfl, NULL);
	(void)setitimer(ITIMER_REAL, &t, NULL);
	c->probe(p);
	child_exit(0);
}

static int run_check(const struct check *c, struct probe *p, struct error *err)
{
	pid_t pid = child_fork();
	int status;

	if (pid < 0)
		return err_sys(err, errno, "start check '%s'", c->name);
	if (!pid)
		probe_main(c, p);
	status = child_wait(pid);
	if (status == 128 + SIGALRM)
		probe_say(p, DOCTOR_UNKNOWN, "no answer within %d ms",
			  PROBE_DEADLINE_MS);
	else if (status > 128)
		probe_say(p, DOCTOR_UNKNOWN, "the check died of signal %d",
			  status - 128);
	if (c->undo)
		c->undo(p);
	return 0;
}

static bool faulty(const char *name)
{
	char point[64];

	(void)snprintf(point, sizeof(point), "doctor.%s", name);
	return fault(point) != 0;
}

static int one(const struct check *c, struct probe *p, const struct probe *blank,
	       struct doctor_check_result *ret, struct error *err)
{
	uint64_t start = now_us();

	*p = *blank;
	probe_say(p, DOCTOR_UNKNOWN, "the check gave no answer");
	if (faulty(c->name))
		probe_say(p, DOCTOR_MISSING, "made to fail by FAAS_FAULT");
	else if (run_check(c, p, err) < 0)
		return -1;

	*ret = (struct doctor_check_result){
		.name = c->name, .group = c->group, .effect = c->effect,
		.verdict = p->verdict, .us = now_us() - start,
	};
	memcpy(ret->detail, p->detail, sizeof(ret->detail));
	(void)snprintf(ret->fix, sizeof(ret->fix), "%s", p->fix[0] ? p->fix : c->fix);
	return 0;
}

/* An executor would get one by this: what is looked at is what that can do. */
static void own_cgroup(const struct doctor_request *req)
{
	struct cgroup_place place;

	for (const struct check *c = checks; c->name; c++)
		if (wanted(req, c->name) && !strcmp(c->group, "cgroup")) {
			if (!cgroup_find(NULL, &place) && access(place.own, W_OK) < 0)
				(void)scope_join("faas-doctor");
			return;
		}
}

int doctor_run(const struct doctor_request *req,
	       void (*each)(const struct doctor_check_result *r, void *arg),
	       void *arg, struct error *err)
{
	char dir[STATE_PATH];
	struct probe blank = { .runner = getpid() };
	struct probe *shared;
	int r = 0;

	for (const char *const *w = req->checks; w && *w; w++)
		if (!find(*w))
			return err_set(err, ERR_USAGE, "no check '%s'", *w);

	blank.state_dir = req->state_dir ? req->state_dir : state_default(dir);
	own_cgroup(req);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return err_sys(err, errno, "memory for the checks");

	for (const struct check *c = checks; c->name && !r; c++) {
		struct doctor_check_result res;

		if (!wanted(req, c->name))
			continue;
		r = one(c, shared, &blank, &res, err);
		if (!r)
			each(&res, arg);
	}
	(void)munmap(shared, sizeof(*shared));
	return r;
}
