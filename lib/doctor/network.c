#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/doctor/checks.h"
#include "lib/doctor/ns.h"

void probe_netns(struct probe *p)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	cleanup_close int fd = -1;

	if (ns_enter(p, CLONE_NEWNET) < 0)
		return;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo) < 0)
		return probe_sys(p, errno, "bring up the loopback of a network namespace");
	probe_say(p, DOCTOR_OK, "a network of its own, with loopback");
}

void probe_tun(struct probe *p)
{
	struct ifreq tap = { .ifr_name = "faas0", .ifr_flags = IFF_TAP | IFF_NO_PI };
	cleanup_close int fd = -1;

	if (ns_enter(p, CLONE_NEWNET) < 0)
		return;
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		probe_sys(p, errno, "open /dev/net/tun");
		if (errno == EACCES)
			probe_fix(p, "chmod 0666 /dev/net/tun");
		return;
	}
	if (ioctl(fd, TUNSETIFF, &tap) < 0)
		return probe_sys(p, errno, "make a tap device");
	probe_say(p, DOCTOR_OK, "a tap device can be made");
}
