#include "lib/doctor/scope.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/doctor/cgroup.h"

#define BUSCTL	"/usr/bin/busctl"

enum { STEP_MS = 10, STEPS = 500 };

/* The address of the user's bus, where systemd puts it. */
static bool find_bus(char *address, size_t size)
{
	char path[64];
	struct stat st;

	(void)snprintf(path, sizeof(path), "/run/user/%u/bus", geteuid());
	(void)snprintf(address, size, "DBUS_SESSION_BUS_ADDRESS=unix:path=%s", path);
	return !stat(path, &st) && S_ISSOCK(st.st_mode) && st.st_uid == geteuid();
}

/* What systemd-run --scope does, for a process that is there already. */
static bool ask(char *scope, char *bus)
{
	char pid[24];
	char *argv[] = {
		(char *)"busctl", (char *)"--user", (char *)"--quiet", (char *)"--timeout=5",
		(char *)"call", (char *)"org.freedesktop.systemd1",
		(char *)"/org/freedesktop/systemd1", (char *)"org.freedesktop.systemd1.Manager",
		(char *)"StartTransientUnit", (char *)"ssa(sv)a(sa(sv))", scope,
		(char *)"fail", (char *)"3", (char *)"Description", (char *)"s",
		(char *)"Sandboxes of faas", (char *)"PIDs", (char *)"au", (char *)"1", pid,
		(char *)"Delegate", (char *)"b", (char *)"true", (char *)"0", NULL
	};
	char *env[] = { bus, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none;
	int r, status = -1;
	pid_t child;

	(void)snprintf(pid, sizeof(pid), "%d", getpid());
	(void)sigemptyset(&none);
	(void)posix_spawnattr_init(&attr);
	(void)posix_spawnattr_setsigmask(&attr, &none);
	(void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0);
	(void)posix_spawn_file_actions_adddup2(&actions, 0, 1);
	(void)posix_spawn_file_actions_adddup2(&actions, 0, 2);
	r = posix_spawn(&child, BUSCTL, &actions, &attr, argv, env);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)posix_spawnattr_destroy(&attr);
	return !r && waitpid(child, &status, 0) == child && !status;
}

static bool inside(const char *scope)
{
	struct cgroup_place place;
	const char *last;

	if (cgroup_find(NULL, &place) < 0)
		return false;
	last = strrchr(place.own, '/');
	return last && !strcmp(last + 1, scope);
}

bool scope_join(const char *name)
{
	struct cgroup_place place;
	char bus[128], scope[128];

	if (!geteuid() || cgroup_find(NULL, &place) < 0 || !find_bus(bus, sizeof(bus)))
		return false;
	(void)snprintf(scope, sizeof(scope), "%.90s-%d.scope", name, getpid());
	if (!ask(scope, bus))
		return false;
	/* it answers before it has done it */
	for (int i = 0; i < STEPS && !inside(scope); i++)
		(void)poll(NULL, 0, STEP_MS);
	return inside(scope);
}
