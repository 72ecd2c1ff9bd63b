#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/doctor/cgroup.h"
#include "lib/doctor/checks.h"
#include "lib/doctor/child.h"
#include "lib/doctor/sys.h"

enum { FILE_PATH = 700 };

static void pause_ms(long ms)
{
	struct timespec ts = { .tv_nsec = ms * 1000000 };

	(void)nanosleep(&ts, NULL);
}

static int read_in(const char *dir, const char *file, char *buf, size_t size)
{
	char path[FILE_PATH];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, file);
	return probe_read(path, buf, size);
}

static int write_in(const char *dir, const char *file, const char *text)
{
	char path[FILE_PATH];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, file);
	return probe_write(path, text);
}

/* A cgroup under parent, remembered for undo_cgroup(). */
static int make(struct probe *p, const char *parent)
{
	char name[PROBE_NAME], path[sizeof(p->made)];

	(void)snprintf(path, sizeof(path), "%s/%s", parent, probe_name(p, name));
	if (mkdir(path, 0755) < 0)
		return -1;
	memcpy(p->made, path, sizeof(p->made));
	return 0;
}

void undo_cgroup(struct probe *p)
{
	char off[32];

	/* A process that was killed with the probe takes a moment to leave. */
	if (p->made[0]) {
		(void)write_in(p->made, "freezer.state", "THAWED");
		for (int i = 0; i < 40 && rmdir(p->made) < 0 && errno == EBUSY; i++)
			pause_ms(5);
	}
	if (p->enabled[0]) {
		(void)snprintf(off, sizeof(off), "-%s", p->controller);
		(void)write_in(p->enabled, "cgroup.subtree_control", off);
	}
}

/* A cgroup anywhere in that hierarchy: beside us, else at its top. */
static int make_somewhere(struct probe *p, const char *controller)
{
	struct cgroup_place place;

	if (cgroup_find(controller, &place) < 0) {
		probe_say(p, DOCTOR_MISSING, controller ? "not mounted"
			  : "cgroup v2 is not mounted");
		return -1;
	}
	if (make(p, place.own) == 0 || make(p, place.base) == 0)
		return 0;
	probe_sys(p, errno, "make a cgroup");
	if (geteuid())
		probe_fix(p, controller ? "run the executor as root, or boot with "
			  "systemd.unified_cgroup_hierarchy=1"
			  : "systemd-run --user --scope -p Delegate=yes faas doctor");
	return -1;
}

void probe_cgroup_layout(struct probe *p)
{
	static const char *const names[] = { "memory", "cpu", "pids", "blkio" };
	struct cgroup_place place;
	bool v2 = cgroup_find(NULL, &place) == 0, v1 = false;
	char list[256] = "";

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		v1 = v1 || cgroup_find(names[i], &place) == 0;
	if (!v1 && !v2)
		return probe_say(p, DOCTOR_MISSING, "no cgroups are mounted");
	if (v1)
		return probe_say(p, DOCTOR_DEGRADED, "%s: limits go through version 1",
				 v2 ? "hybrid" : "version 1");
	if (cgroup_find(NULL, &place) == 0)
		(void)read_in(place.own, "cgroup.controllers", list, sizeof(list));
	probe_say(p, DOCTOR_OK, "version 2, with %s", list[0] ? list : "no controllers");
}

/* A process in the cgroup that was made; -1 with the probe filled in. */
static pid_t sleeper_inside(struct probe *p)
{
	char number[32];
	pid_t pid = child_fork();

	if (!pid)
		for (;;)
			pause();
	if (pid < 0) {
		probe_sys(p, errno, "fork");
		return -1;
	}
	(void)snprintf(number, sizeof(number), "%ld", (long)pid);
	if (write_in(p->made, "cgroup.procs", number) < 0) {
		probe_sys(p, errno, "move a process into a cgroup");
		child_end(pid);
		return -1;
	}
	return pid;
}

void probe_cgroup2_kill(struct probe *p)
{
	pid_t pid;

	if (make_somewhere(p, NULL) < 0)
		return;
	pid = sleeper_inside(p);
	if (pid < 0)
		return;
	if (write_in(p->made, "cgroup.kill", "1") < 0) {
		probe_sys(p, errno, "cgroup.kill");
		return child_end(pid);
	}
	(void)child_wait(pid);
	probe_say(p, DOCTOR_OK, "a whole tree of processes dies at once");
}

static bool becomes(const char *dir, const char *file, const char *want)
{
	for (int i = 0; i < 100; i++) {
		char path[FILE_PATH], text[128] = "";
		cleanup_close int fd = -1;
		ssize_t n;

		(void)snprintf(path, sizeof(path), "%s/%s", dir, file);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
		if (n > 0 && strstr(text, want))
			return true;
		pause_ms(2);
	}
	return false;
}

void probe_cgroup2_freeze(struct probe *p)
{
	pid_t pid;

	if (make_somewhere(p, NULL) < 0)
		return;
	pid = sleeper_inside(p);
	if (pid < 0)
		return;
	if (write_in(p->made, "cgroup.freeze", "1") < 0)
		probe_sys(p, errno, "cgroup.freeze");
	else if (!becomes(p->made, "cgroup.events", "frozen 1"))
		probe_say(p, DOCTOR_MISSING, "a cgroup did not freeze");
	else
		probe_say(p, DOCTOR_OK, "froze and thawed a process");
	(void)write_in(p->made, "cgroup.freeze", "0");
	child_end(pid);
}

void probe_cgroup1_freezer(struct probe *p)
{
	pid_t pid;

	if (make_somewhere(p, "freezer") < 0)
		return;
	pid = sleeper_inside(p);
	if (pid < 0)
		return;
	if (write_in(p->made, "freezer.state", "FROZEN") < 0)
		probe_sys(p, errno, "freezer.state");
	else if (!becomes(p->made, "freezer.state", "FROZEN"))
		probe_say(p, DOCTOR_MISSING, "a cgroup did not freeze");
	else
		probe_say(p, DOCTOR_OK, "froze and thawed a process");
	(void)write_in(p->made, "freezer.state", "THAWED");
	child_end(pid);
}

void probe_clone_into_cgroup(struct probe *p)
{
	struct sys_clone_args args = {
		.flags = SYS_CLONE_INTO_CGROUP, .exit_signal = SIGCHLD,
	};
	cleanup_close int fd = -1;
	long pid;

	if (make_somewhere(p, NULL) < 0)
		return;
	fd = open(p->made, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	args.cgroup = (uint64_t)fd;
	pid = sys_clone3(&args);
	if (!pid)
		_exit(0);
	if (pid < 0)
		return probe_sys(p, errno, "clone3(CLONE_INTO_CGROUP)");
	(void)child_wait((pid_t)pid);
	probe_say(p, DOCTOR_OK, "a process is born inside its limits");
}

/* Switches the controller on for the children of dir, if it is not. */
static int enable(struct probe *p, const char *dir, const char *controller)
{
	char list[256] = "", on[32];

	if (read_in(dir, "cgroup.subtree_control", list, sizeof(list)) < 0)
		return -1;
	if (cgroup_in_list(list, " ", controller))
		return 0;
	(void)snprintf(on, sizeof(on), "+%s", controller);
	if (write_in(dir, "cgroup.subtree_control", on) < 0)
		return -1;
	(void)snprintf(p->enabled, sizeof(p->enabled), "%s", dir);
	p->controller = controller;
	return 0;
}

/* Writes a limit in the cgroup that was made; a NULL text only looks. */
static void set_limit(struct probe *p, const char *file, const char *text)
{
	char path[FILE_PATH];

	(void)snprintf(path, sizeof(path), "%s/%s", p->made, file);
	if (text ? probe_write(path, text) < 0 : access(path, W_OK) < 0)
		return probe_sys(p, errno, file);
	probe_say(p, DOCTOR_OK, "%s can be set", file);
}

static void version2(struct probe *p, const char *controller, const char *file,
		     const char *text)
{
	struct cgroup_place place;
	char list[256], *dir = place.own;
	bool listed = false, full = false, top = false;

	if (cgroup_find(NULL, &place) < 0)
		return probe_say(p, DOCTOR_MISSING, "cgroup v2 is not mounted");
	/* as the executor looks: in our own, else beside it or above, but out of no limit */
	for (; !top; *strrchr(dir, '/') = '\0') {
		top = strlen(dir) <= strlen(place.base);
		if (read_in(dir, "cgroup.controllers", list, sizeof(list)) >= 0 &&
		    cgroup_in_list(list, " ", controller)) {
			listed = true;
			if (enable(p, dir, controller) < 0)
				full = full || errno == EBUSY;
			else if (make(p, dir) == 0)
				return set_limit(p, file, text);
		}
		if (cgroup_is_limited(dir))
			break;
	}
	if (!listed) {
		probe_say(p, DOCTOR_MISSING, "no such controller here");
	} else if (full) {
		probe_say(p, DOCTOR_DEGRADED, "our cgroup holds processes; they have to "
			  "move to one below it first");
	} else {
		probe_say(p, DOCTOR_MISSING, "the controller is there, but its cgroup "
			  "belongs to another user");
		probe_fix(p, "as root: write '[Service]' and 'Delegate=cpu io memory pids' to "
			  "/etc/systemd/system/user@.service.d/delegate.conf; then log in again");
	}
}

static void version1(struct probe *p, const char *controller, const char *file,
		     const char *text)
{
	if (make_somewhere(p, controller) == 0)
		set_limit(p, file, text);
}

void probe_cgroup2_memory(struct probe *p)
{
	version2(p, "memory", "memory.max", "67108864");
}

void probe_cgroup2_cpu(struct probe *p)
{
	version2(p, "cpu", "cpu.max", "50000 100000");
}

void probe_cgroup2_pids(struct probe *p)
{
	version2(p, "pids", "pids.max", "10");
}

void probe_cgroup2_io(struct probe *p)
{
	version2(p, "io", "io.max", NULL);
}

void probe_cgroup1_memory(struct probe *p)
{
	version1(p, "memory", "memory.limit_in_bytes", "67108864");
}

void probe_cgroup1_cpu(struct probe *p)
{
	version1(p, "cpu", "cpu.cfs_quota_us", "50000");
}

void probe_cgroup1_pids(struct probe *p)
{
	version1(p, "pids", "pids.max", "10");
}

void probe_cgroup1_blkio(struct probe *p)
{
	version1(p, "blkio", "blkio.throttle.read_bps_device", NULL);
}
