#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/subid.h"
#include "lib/doctor/checks.h"
#include "lib/doctor/child.h"
#include "lib/doctor/ns.h"
#include "lib/doctor/program.h"

enum { PATH = 512 };

static bool find(struct probe *p, const char *name, char path[PATH])
{
	if (program_find(name, path, PATH) == 0)
		return true;
	probe_say(p, DOCTOR_MISSING, "%s is not installed", name);
	probe_fix(p, "apt-get install uidmap");
	return false;
}

/* As lib/spawner/ids.c does it, in a namespace that nobody needs. */
static bool map(struct probe *p, const char *program, pid_t pid, unsigned int own,
		unsigned int first, unsigned int count)
{
	char target[16], id[16], from[16], n[16], text[512];
	const char *argv[] = { program, target, "0", id, "1", "1", from, n, NULL };

	(void)snprintf(target, sizeof(target), "%ld", (long)pid);
	(void)snprintf(id, sizeof(id), "%u", own);
	(void)snprintf(from, sizeof(from), "%u", first);
	(void)snprintf(n, sizeof(n), "%u", count);
	if (child_output(argv, text, sizeof(text)) == 0)
		return true;
	probe_say(p, DOCTOR_MISSING, "%.*s", (int)strcspn(text, "\n"), text);
	probe_fix(p, "install uidmap again: its programs are set-user-ID root, and work neither "
		  "on a file system that is mounted nosuid nor with no_new_privs");
	return false;
}

void probe_subids(struct probe *p)
{
	char users[PATH], groups[PATH];
	unsigned int count;
	struct subids s;
	pid_t pid;
	bool works;

	if (!find(p, "newuidmap", users) || !find(p, "newgidmap", groups))
		return;
	if (!geteuid())
		return probe_say(p, DOCTOR_OK, "newuidmap and newgidmap are here, for users whom "
				 "/etc/subuid and /etc/subgid give ids");
	s = subid_read(geteuid());
	count = s.uids < s.gids ? s.uids : s.gids;
	if (!count) {
		probe_say(p, DOCTOR_MISSING, "/etc/subuid and /etc/subgid give user %u no ids",
			  geteuid());
		return probe_fix(p, "as root: usermod --add-subuids 100000-165535 "
				 "--add-subgids 100000-165535 $(id -un %u)", geteuid());
	}
	pid = ns_user_child(p);
	if (pid < 0)
		return;
	works = map(p, groups, pid, getegid(), s.gid, count) &&
		map(p, users, pid, geteuid(), s.uid, count);
	child_end(pid);
	if (works)
		probe_say(p, DOCTOR_OK, "%u users besides root", count);
}
