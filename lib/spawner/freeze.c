#include "lib/spawner/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * A sandbox that stands still while its files are copied: by cgroup v2 or the freezer of
 * v1, of which it notices nothing, or where there is neither by SIGSTOP to all processes
 * in it, by its pid 1. It goes on when the copy is made, and as well when the executor
 * dies, when the run is cancelled and when its time is over: then the copy is torn, and
 * that is said.
 */

enum { STOP_WAIT_US = 5000000, LOOK_MS = 20, LOOK_US = 200 };

static enum frozen way(void)
{
	if (mon.leaf.dir[CGROUP_UNIFIED] >= 0 &&
	    !faccessat(mon.leaf.dir[CGROUP_UNIFIED], "cgroup.freeze", W_OK, 0))
		return FROZEN_CGROUP;
	/* whose processes those are is known by another leaf */
	if (spawner.cgroups[CGROUP_FREEZER] >= 0 && mon.leaf.dir[CGROUP_PIDS] >= 0)
		return FROZEN_FREEZER;
	return FROZEN_SIGNAL;
}

void freeze_begin(void)
{
	/* an end is on its way to the executor, or a copy is being made: both say so */
	if (!mon.running || mon.ended || mon.frozen != FROZEN_NOT)
		return;
	mon.frozen = FROZEN_ASKED;
	tell_init(MSG_UPPER, way() == FROZEN_SIGNAL ? SIGSTOP : 0);
}

static bool late(uint64_t until)
{
	errno = EBUSY;
	return now_us() > until;
}

/* The kernel stops each where it next would return to its own code. */
static int stop_cgroup(uint64_t until)
{
	int dir = mon.leaf.dir[CGROUP_UNIFIED];
	int events = openat(dir, "cgroup.events", O_RDONLY | O_CLOEXEC);
	int r = events < 0 ? -1 : write_file_at(dir, "cgroup.freeze", "1");
	char text[256];

	while (r >= 0) {
		struct pollfd p = { .fd = events, .events = POLLPRI };
		ssize_t n = pread(events, text, sizeof(text) - 1, 0);

		text[n > 0 ? n : 0] = '\0';
		if (number_in(text, "frozen"))
			break;
		if (late(until))
			r = -1;
		else
			(void)poll(&p, 1, LOOK_MS);
	}
	if (events >= 0)
		(void)close(events);
	return r;
}

/* Calls each for every process in a leaf; how many there are, or -1. */
static int each_process(int dir, void (*each)(int to, const char *pid), int to)
{
	int fd = openat(dir, "cgroup.procs", O_RDONLY | O_CLOEXEC), n = 0;
	char text[4096], pid[24];
	size_t len = 0;
	ssize_t got = -1;

	while (fd >= 0 && (got = read(fd, text, sizeof(text))) > 0)
		for (ssize_t i = 0; i < got; i++) {
			if (text[i] != '\n') {
				if (len < sizeof(pid) - 1)
					pid[len++] = text[i];
				continue;
			}
			pid[len] = '\0';
			len = 0;
			n++;
			if (each)
				each(to, pid);
		}
	if (fd >= 0)
		(void)close(fd);
	return got < 0 ? -1 : n;
}

static void move(int to, const char *pid)
{
	/* it may have ended */
	(void)write_file_at(to, "cgroup.procs", pid);
}

static int open_freezer(void)
{
	int *dir = &mon.leaf.dir[CGROUP_FREEZER], all = spawner.cgroups[CGROUP_FREEZER];

	if (*dir < 0 && (!mkdirat(all, mon.leaf.name, 0755) || errno == EEXIST))
		*dir = openat(all, mon.leaf.name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *dir;
}

/*
 * What is moved to a leaf that is frozen stops there, and forks no more: so after some
 * rounds all are in it.
 */
static int stop_freezer(uint64_t until)
{
	int all = mon.leaf.dir[CGROUP_PIDS], dir = open_freezer(), n, in;
	char state[32];

	if (dir < 0 || write_file_at(dir, "freezer.state", "FROZEN") < 0)
		return -1;
	do {
		n = each_process(all, move, dir);
		in = each_process(dir, NULL, -1);
		if (n < 0 || in < 0 || late(until))
			return -1;
	} while (each_process(all, NULL, -1) != in);
	for (;;) {
		/* again: one that then went to sleep in vfork() was not told, and is not asked twice */
		if (write_file_at(dir, "freezer.state", "FROZEN") < 0 ||
		    read_file_at(dir, "freezer.state", state, sizeof(state)) < 0)
			return -1;
		if (!strncmp(state, "FROZEN", 6))
			return 0;
		if (late(until))
			return -1;
		(void)usleep(LOOK_US);
	}
}

static int stop_all(struct msg_status *st)
{
	uint64_t until = now_us() + STOP_WAIT_US;
	int r = 0;

	mon.frozen = way();
	if (mon.frozen == FROZEN_CGROUP)
		r = stop_cgroup(until);
	else if (mon.frozen == FROZEN_FREEZER)
		r = stop_freezer(until);
	return r < 0 ? fail(st, "stop every process of the sandbox") : 0;
}

void freeze_upper(struct message *m)
{
	struct msg_status st = *(const struct msg_status *)m->h;
	int fd = msg_take_fd(m, 0), r = st.errnum ? -1 : 0;

	if (mon.frozen == FROZEN_ASKED) {
		mon.frozen_us = now_us();
		mon.still = true;
		if (!r)
			r = stop_all(&st);
		if (r)
			freeze_undo();
		tell(MSG_FROZEN, &st, sizeof(st), &fd, !r && fd >= 0);
	} else {
		/* it was let go before it stood still, but not by its pid 1 */
		if (way() == FROZEN_SIGNAL)
			tell_init(MSG_CANCEL, SIGCONT);
	}
	if (fd >= 0)
		(void)close(fd);
}

void freeze_undo(void)
{
	if (mon.frozen == FROZEN_CGROUP)
		(void)write_file_at(mon.leaf.dir[CGROUP_UNIFIED], "cgroup.freeze", "0");
	else if (mon.frozen == FROZEN_FREEZER && mon.leaf.dir[CGROUP_FREEZER] >= 0)
		(void)write_file_at(mon.leaf.dir[CGROUP_FREEZER], "freezer.state", "THAWED");
	else if (mon.frozen == FROZEN_SIGNAL)
		tell_init(MSG_CANCEL, SIGCONT);
	mon.frozen = FROZEN_NOT;
	mon.still = false;
}

void freeze_end(void)
{
	struct msg_thawed t = { .still = mon.still, .paused_us = now_us() - mon.frozen_us };

	freeze_undo();
	tell(MSG_THAWED, &t, sizeof(t), NULL, 0);
}
