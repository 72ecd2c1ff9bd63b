#include "lib/spawner/spawner.h"

#include <fcntl.h>
#include <unistd.h>

/*
 * A network namespace costs more than all the others together, to make and to
 * take apart, and most runs send nothing. It may serve another sandbox if no
 * trace of the last one is in it: nothing inside may configure it, so what is
 * left to look at is traffic. Every packet, connection and refused send is
 * counted somewhere in these files; a socket that has gone without one has left
 * nothing behind.
 */

static const char *const names[UNTOUCHED_FILES] = {
	"/proc/self/net/dev", "/proc/self/net/snmp", "/proc/self/net/snmp6",
	"/proc/self/net/ip6_flowlabel",
};

/* Of the whole file, in pieces; 0 for one that cannot be read. */
static uint32_t sum(int fd)
{
	static char text[8192];
	uint32_t total = 1;
	off_t at = 0;
	ssize_t n;

	while ((n = pread(fd, text, sizeof(text), at)) > 0) {
		total = total * 31 + journal_check(text, (uint32_t)n);
		at += n;
	}
	return n < 0 || !at ? 0 : total;
}

void untouched_begin(struct untouched *u)
{
	for (int i = 0; i < UNTOUCHED_FILES; i++) {
		u->files[i] = open(names[i], O_RDONLY | O_CLOEXEC);
		u->sums[i] = u->files[i] < 0 ? 0 : sum(u->files[i]);
	}
}

bool untouched_still(const struct untouched *u)
{
	for (int i = 0; i < UNTOUCHED_FILES; i++) {
		/* without IPv6 its files are missing, and there is nothing to count */
		if (i < 2 && u->files[i] < 0)
			return false;
		if (u->files[i] >= 0 && (!u->sums[i] || sum(u->files[i]) != u->sums[i]))
			return false;
	}
	return true;
}
