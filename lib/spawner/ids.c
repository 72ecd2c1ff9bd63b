#include "lib/spawner/spawner.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * The user namespace that everything without root is in. Its root is the executor's own
 * user; where /etc/subuid and /etc/subgid give that user more, newgidmap and newuidmap,
 * which may do what we may not, put those after it: then a sandbox can have other users.
 */

enum mapped { MAPPED_NONE = 1, MAPPED_GROUPS = 2, MAPPED_ALL = 0 };

static int run_helper(const char *name, pid_t pid, uint32_t own, uint32_t first, uint32_t count)
{
	static const char *const folders[] = {
		"/usr/bin", "/bin", "/usr/local/bin", "/run/wrappers/bin"
	};
	char target[16], id[16], from[16], n[16], path[64];
	char zero[] = "0", one[] = "1", word[] = "newidmap";
	char *const argv[] = { word, target, zero, id, one, one, from, n, NULL };
	char *const env[] = { NULL };
	int status = -1;
	pid_t helper;

	(void)snprintf(target, sizeof(target), "%d", pid);
	(void)snprintf(id, sizeof(id), "%u", own);
	(void)snprintf(from, sizeof(from), "%u", first);
	(void)snprintf(n, sizeof(n), "%u", count);
	helper = fork();
	if (!helper) {
		/* they have words for nobody: what went wrong is said by 'faas doctor' */
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		for (int i = 0; i < 3; i++)
			(void)dup2(null, i);
		for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
			(void)snprintf(path, sizeof(path), "%s/%s", folders[i], name);
			(void)execve(path, argv, env);
		}
		_exit(127);
	}
	return helper > 0 && waitpid(helper, &status, 0) == helper && !status ? 0 : -1;
}

/* From outside of the namespace, once it is there. */
_noreturn_ static void map_from_outside(int gate, pid_t pid)
{
	char c;

	if (read(gate, &c, 1) != 1 ||
	    run_helper("newgidmap", pid, spawner.own_gid, spawner.sub_gid, spawner.sub_count) < 0)
		_exit(MAPPED_NONE);
	if (run_helper("newuidmap", pid, spawner.own_uid, spawner.sub_uid, spawner.sub_count) < 0)
		_exit(MAPPED_GROUPS);
	_exit(MAPPED_ALL);
}

static int map_one(enum mapped mapped, struct msg_status *st)
{
	char map[64];

	spawner.lacks |= LACKS_SUBIDS;
	spawner.uid_count = 1;
	(void)snprintf(map, sizeof(map), "0 %u 1", spawner.own_uid);
	if (write_file_at(AT_FDCWD, "/proc/self/uid_map", map) < 0)
		return fail(st, "map uid %u", spawner.own_uid);
	if (mapped == MAPPED_GROUPS)
		return 0;
	if (write_file_at(AT_FDCWD, "/proc/self/setgroups", "deny") < 0 && errno != ENOENT)
		return fail(st, "write setgroups");
	(void)snprintf(map, sizeof(map), "0 %u 1", spawner.own_gid);
	if (write_file_at(AT_FDCWD, "/proc/self/gid_map", map) < 0)
		return fail(st, "map gid %u", spawner.own_gid);
	return 0;
}

int enter_own_user_namespace(struct msg_status *st)
{
	enum mapped mapped = MAPPED_NONE;
	int gate[2] = { -1, -1 }, status = 0;
	pid_t self = getpid(), mapper = 0;

	if (spawner.sub_count && !pipe2(gate, O_CLOEXEC)) {
		mapper = fork();
		if (!mapper) {
			(void)close(gate[1]);
			map_from_outside(gate[0], self);
		}
		(void)close(gate[0]);
	}
	if (unshare(CLONE_NEWUSER) < 0)
		return fail(st, "create a user namespace");
	if (mapper > 0 && write(gate[1], "", 1) == 1 && waitpid(mapper, &status, 0) == mapper &&
	    WIFEXITED(status))
		mapped = (enum mapped)WEXITSTATUS(status);
	if (gate[1] >= 0)
		(void)close(gate[1]);
	spawner.lacks |= LACKS_IDMAP;
	spawner.uid_base = 0;
	spawner.uid_count = spawner.sub_count + 1;
	return mapped == MAPPED_ALL ? 0 : map_one(mapped, st);
}
