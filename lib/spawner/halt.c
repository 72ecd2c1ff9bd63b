#include "lib/spawner/spawner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { HALT_WAIT_US = 5000000, DEEP_US = 100000, LOOK_US = 200 };

/*
 * Stopped, or on its way out: what /proc says after the name, which the program chose.
 * states: of which none runs code of its own.
 */
static bool stands(int proc, const char *pid, const char *states)
{
	char path[300], text[512], *end;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "%s/stat", pid);
	n = read_file_at(proc, path, text, sizeof(text));
	/* gone meanwhile */
	if (n <= 0)
		return true;
	end = strrchr(text, ')');
	return end && end[1] == ' ' && strchr(states, end[2]);
}

static bool all_stand(const char *states)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	bool all = d;

	while (all && (e = readdir(d)))
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9' && strcmp(e->d_name, "1"))
			all = stands(dirfd(d), e->d_name, states);
	if (d)
		(void)closedir(d);
	return all;
}

int halt_all(struct msg_status *st)
{
	uint64_t began = now_us(), until = began + HALT_WAIT_US;

	if (kill(-1, SIGSTOP) < 0 && errno != ESRCH)
		return fail(st, "stop every process of the sandbox");
	/* one in vfork() waits for its child, which stands, and stops no more by itself */
	while (!all_stand(now_us() > began + DEEP_US ? "TtZXD" : "TtZX")) {
		if (now_us() > until) {
			(void)kill(-1, SIGCONT);
			errno = EBUSY;
			return fail(st, "stop every process of the sandbox");
		}
		(void)usleep(LOOK_US);
		/* one that was being made when the others were told */
		(void)kill(-1, SIGSTOP);
	}
	return 0;
}
