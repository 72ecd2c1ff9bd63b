#include "lib/spawner/execs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int orphan_address(struct sockaddr_un *sa)
{
	*sa = (struct sockaddr_un){ .sun_family = AF_UNIX };
	return snprintf(sa->sun_path, sizeof(sa->sun_path), "/proc/self/fd/%d/m.%s",
			spawner.run_dir, mon.id);
}

/* The executor died. A sandbox that nobody uses yet has no reason to stay. */
void orphan_begin(void)
{
	struct sockaddr_un sa;
	char name[MSG_ID + 4];

	answer_leave();
	(void)close(mon.executor);
	mon.executor = -1;
	freeze_undo();
	if (!mon.running || mon.ended)
		leave();
	(void)orphan_address(&sa);
	(void)snprintf(name, sizeof(name), "m.%s", mon.id);
	mon.listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (mon.listener < 0)
		return;
	(void)unlinkat(spawner.run_dir, name, 0);
	if (bind(mon.listener, (struct sockaddr *)&sa, sizeof(sa)) < 0 ||
	    listen(mon.listener, 1) < 0) {
		(void)close(mon.listener);
		mon.listener = -1;
	}
}

bool orphan_abandoned(void)
{
	struct stat st;

	return !fstat(spawner.run_dir, &st) && !st.st_nlink;
}

void orphan_end(void)
{
	char name[MSG_ID + 4];

	if (mon.listener < 0)
		return;
	(void)snprintf(name, sizeof(name), "m.%s", mon.id);
	(void)unlinkat(spawner.run_dir, name, 0);
	(void)close(mon.listener);
	mon.listener = -1;
}

void orphan_adopted(void)
{
	int fd = accept4(mon.listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	orphan_end();
	mon.executor = fd;
}

void orphan_send_state(void)
{
	struct msg_state s = {
		.pid = mon.pid_seen, .running = mon.running && !mon.ended,
		.started_ms = mon.started_ms, .setup_us = mon.setup_us,
	};

	(void)snprintf(s.id, sizeof(s.id), "%s", mon.id);
	tell(MSG_STATE, &s, sizeof(s), &mon.out.pty, mon.out.pty >= 0);
	execs_send_state();
}
