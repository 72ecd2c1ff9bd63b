#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/parse.h"
#include "lib/executor/executor.h"

/*
 * One executor a folder: the lock goes with the process, whatever kills it. A unit that is
 * started while another executor serves the folder has taken its socket, so that nobody
 * reaches that any more: it is made to go, and the unit's has its sandboxes.
 */

enum { SYSTEMD_FD = 3, PATIENCE_MS = 5000, STEP_MS = 10 };

/* From systemd, by its socket-activation protocol (sd_listen_fds(3)). */
int lock_inherited(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	uint64_t n;

	if (!pid || !fds || parse_u64(pid, &n) < 0 || n != (uint64_t)getpid() ||
	    parse_u64(fds, &n) < 0 || n != 1)
		return -1;
	(void)fcntl(SYSTEMD_FD, F_SETFD, FD_CLOEXEC);
	(void)fcntl(SYSTEMD_FD, F_SETFL, O_NONBLOCK);
	return SYSTEMD_FD;
}

static pid_t holder(int lock)
{
	char text[32] = "", path[64], name[32] = "";
	ssize_t n = pread(lock, text, sizeof(text) - 1, 0);
	cleanup_close int fd = -1;
	uint64_t pid;

	text[n > 0 ? strcspn(text, "\n") : 0] = '\0';
	if (parse_u64(text, &pid) < 0 || pid < 2 || pid > INT32_MAX)
		return 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, name, sizeof(name) - 1);
	return n > 0 && !strcmp(name, "faas-executor\n") ? (pid_t)pid : 0;
}

static bool waited(int lock)
{
	for (int ms = 0; flock(lock, LOCK_EX | LOCK_NB) < 0; ms += STEP_MS) {
		if (errno != EWOULDBLOCK || ms >= PATIENCE_MS)
			return false;
		(void)poll(NULL, 0, STEP_MS);
	}
	return true;
}

/* What runs there goes on: a sandbox outlives its executor, and clients ask the next one. */
static bool take_over(int lock)
{
	static const int signals[] = { SIGTERM, SIGKILL };

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		pid_t pid = holder(lock);

		if (pid)
			(void)kill(pid, signals[i]);
		if (waited(lock))
			return true;
	}
	return false;
}

int lock_take(struct executor *x, struct error *err)
{
	char text[32];
	int n;

	x->lock = openat(x->run_dir, "executor.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (x->lock < 0)
		return err_sys(err, errno, "open '%s/run/executor.lock'", x->state_path);
	if (flock(x->lock, LOCK_EX | LOCK_NB) < 0 && (lock_inherited() < 0 || !take_over(x->lock))) {
		(void)err_set(err, ERR_BUSY, "an executor (pid %d) already serves '%s'",
			      (int)holder(x->lock), x->state_path);
		return err_hint(err, "'faas executor stop', or another FAAS_STATE_DIR");
	}
	n = snprintf(text, sizeof(text), "%d\n", getpid());
	if (ftruncate(x->lock, 0) < 0 || pwrite(x->lock, text, (size_t)n, 0) != n)
		return err_sys(err, errno, "write '%s/run/executor.lock'", x->state_path);
	return 0;
}
