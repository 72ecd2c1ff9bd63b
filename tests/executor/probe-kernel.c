/* The kernel's own doors, other architectures, sockets and terminals. The rows are at the end; probe.c has the verdicts. */
#include "tests/executor/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static char buffer[65536];

/* ---- the kernel's own doors ---- */

static int try_add_key(const char *arg UNUSED)
{
	return result(syscall(SYS_add_key, "user", "faas", "x", 1, -3));
}

static int try_keyctl(const char *arg UNUSED)
{
	return result(syscall(SYS_keyctl, 0, -3, 1));
}

static int try_request_key(const char *arg UNUSED)
{
	return result(syscall(SYS_request_key, "user", "faas", NULL, -3));
}

static int try_bpf(const char *arg UNUSED)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1,
	};

	return result(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)));
}

static int try_perf(const char *arg UNUSED)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE, .size = sizeof(attr),
		.config = PERF_COUNT_SW_TASK_CLOCK, .exclude_kernel = 1,
	};

	return result(syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0));
}

static int try_userfaultfd(const char *arg UNUSED)
{
	return result(syscall(SYS_userfaultfd, 1 /* user mode only */));
}

static int try_io_uring(const char *arg UNUSED)
{
	memset(buffer, 0, 256);
	return result(syscall(SYS_io_uring_setup, 1, buffer));
}

static int try_kexec(const char *arg UNUSED)
{
	return result(syscall(SYS_kexec_load, 0UL, 0UL, NULL, 0UL));
}

static int try_kexec_file(const char *arg UNUSED)
{
	return result(syscall(SYS_kexec_file_load, -1, -1, 0UL, NULL, 4UL));
}

static int try_init_module(const char *arg UNUSED)
{
	return result(syscall(SYS_init_module, buffer, 64UL, ""));
}

static int try_finit_module(const char *arg UNUSED)
{
	return result(syscall(SYS_finit_module, 0, "", 0));
}

static int try_delete_module(const char *arg UNUSED)
{
	return result(syscall(SYS_delete_module, "faas_no_such", O_NONBLOCK));
}

static int try_open_by_handle(const char *arg UNUSED)
{
	struct {
		struct file_handle h;
		unsigned char bytes[128];
	} f = { .h.handle_bytes = 128 };
	int id, dir = open("/usr", O_RDONLY);

	if (name_to_handle_at(AT_FDCWD, "/usr/bin", &f.h, &id, 0) < 0 && errno != ENOSYS)
		f.h.handle_bytes = 8;
	return result(open_by_handle_at(dir, &f.h, O_RDONLY));
}

static int try_name_to_handle(const char *arg UNUSED)
{
	struct {
		struct file_handle h;
		unsigned char bytes[128];
	} f = { .h.handle_bytes = 128 };
	int id;

	return result(name_to_handle_at(AT_FDCWD, "/usr", &f.h, &id, 0));
}

static int try_acct(const char *arg UNUSED)
{
	return result(syscall(SYS_acct, "/tmp/acct"));
}

static int try_swapon(const char *arg UNUSED)
{
	return result(swapon("/tmp/swap", 0));
}

static int try_reboot(const char *arg UNUSED)
{
	return result(reboot(RB_DISABLE_CAD));
}

static int try_settimeofday(const char *arg UNUSED)
{
	struct timeval tv;

	(void)gettimeofday(&tv, NULL);
	return result(settimeofday(&tv, NULL));
}

static int try_clock_adjtime(const char *arg UNUSED)
{
	struct timex t = { .modes = ADJ_STATUS };

	return result(clock_adjtime(CLOCK_REALTIME, &t));
}

static int try_clock_settime(const char *arg UNUSED)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return result(clock_settime(CLOCK_REALTIME, &ts));
}

static int try_iopl(const char *arg UNUSED)
{
	return result(syscall(SYS_iopl, 3));
}

static int try_ioperm(const char *arg UNUSED)
{
	return result(syscall(SYS_ioperm, 0x80UL, 1UL, 1));
}

static int try_syslog(const char *arg UNUSED)
{
	return result(klogctl(3, buffer, sizeof(buffer)));
}

static int try_quotactl(const char *arg UNUSED)
{
	return result(syscall(SYS_quotactl, 0x800001 << 8, "/dev/vda", 0, buffer));
}

static int try_vhangup(const char *arg UNUSED)
{
	return result(vhangup());
}

static int try_modify_ldt(const char *arg UNUSED)
{
	return result(syscall(SYS_modify_ldt, 0, buffer, 16UL));
}

static int try_personality(const char *arg UNUSED)
{
	return result(syscall(SYS_personality, 0x0040000UL /* no randomisation */));
}

static int try_lookup_dcookie(const char *arg UNUSED)
{
	return result(syscall(SYS_lookup_dcookie, 1UL, buffer, 4096UL));
}

static int try_fanotify(const char *arg UNUSED)
{
	return result(syscall(SYS_fanotify_init, 0x4 /* content */, 0));
}

static int try_seccomp_off(const char *arg UNUSED)
{
	return result(prctl(PR_SET_SECCOMP, 0, 0, 0, 0)) == EINVAL ? EPERM : 0;
}

static int try_privs_back(const char *arg UNUSED)
{
	return result(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0)) == EINVAL ? EPERM : 0;
}

static int try_cap_raise(const char *arg UNUSED)
{
	return result(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 21, 0, 0));
}

/* ---- calls of another architecture ---- */

static int try_int80(const char *arg UNUSED)
{
#ifdef __x86_64__
	long r;

	__asm__ volatile("int $0x80" : "=a"(r) : "a"(20 /* getpid */) : "memory");
	return r < 0 ? (int)-r : 0;
#else
	return ENOSYS;
#endif
}

static int try_x32(const char *arg UNUSED)
{
	return result(syscall(0x40000000 | 39 /* getpid */));
}

/* ---- sockets ---- */

static int try_socket(const char *spec)
{
	int family, type, protocol;

	if (sscanf(spec, "%d,%d,%d", &family, &type, &protocol) != 3)
		abort();
	return result(socket(family, type, protocol));
}

static int try_abstract(const char *name)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	size_t len = strlen(name);

	memcpy(sa.sun_path + 1, name, len);
	return result(connect(fd, (struct sockaddr *)&sa,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len)));
}

/* ---- terminals ---- */

static int try_sti(const char *arg UNUSED)
{
	return result(ioctl(0, TIOCSTI, "x"));
}

/* The same with bits that a filter on 64 bits would not look at. */
static int try_sti_high(const char *arg UNUSED)
{
	return result(syscall(SYS_ioctl, 0, 0x100000000UL | TIOCSTI, "x"));
}

static int try_linux_console(const char *arg UNUSED)
{
	char sub = 6;

	return result(ioctl(0, TIOCLINUX, &sub));
}

const struct probe probes_kernel[] = {
	{ "add_key", try_add_key, NULL },
	{ "keyctl", try_keyctl, NULL },
	{ "request_key", try_request_key, NULL },
	{ "bpf", try_bpf, NULL },
	{ "perf_event_open", try_perf, NULL },
	{ "userfaultfd", try_userfaultfd, NULL },
	{ "io_uring_setup", try_io_uring, NULL },
	{ "kexec_load", try_kexec, NULL },
	{ "kexec_file_load", try_kexec_file, NULL },
	{ "init_module", try_init_module, NULL },
	{ "finit_module", try_finit_module, NULL },
	{ "delete_module", try_delete_module, NULL },
	{ "open_by_handle_at", try_open_by_handle, NULL },
	{ "name_to_handle_at", try_name_to_handle, NULL },
	{ "acct", try_acct, NULL },
	{ "swapon", try_swapon, NULL },
	{ "reboot", try_reboot, NULL },
	{ "settimeofday", try_settimeofday, NULL },
	{ "clock_adjtime", try_clock_adjtime, NULL },
	{ "clock_settime", try_clock_settime, NULL },
	{ "iopl", try_iopl, NULL },
	{ "ioperm", try_ioperm, NULL },
	{ "syslog", try_syslog, NULL },
	{ "quotactl", try_quotactl, NULL },
	{ "vhangup", try_vhangup, NULL },
	{ "modify_ldt", try_modify_ldt, NULL },
	{ "personality-no-randomisation", try_personality, NULL },
	{ "lookup_dcookie", try_lookup_dcookie, NULL },
	{ "fanotify_init", try_fanotify, NULL },
	{ "seccomp-off", try_seccomp_off, NULL },
	{ "no_new_privs-off", try_privs_back, NULL },
	{ "ambient-capability", try_cap_raise, NULL },
	{ "int80", try_int80, NULL },
	{ "x32", try_x32, NULL },
	{ "socket-vsock", try_socket, "40,1,0" },
	{ "socket-alg", try_socket, "38,5,0" },
	{ "socket-packet-raw", try_socket, "17,3,768" },
	{ "socket-packet-dgram", try_socket, "17,2,768" },
	{ "socket-inet-raw", try_socket, "2,3,1" },
	{ "socket-inet6-raw", try_socket, "10,3,58" },
	{ "socket-netlink-audit", try_socket, "16,3,9" },
	{ "socket-netlink-netfilter", try_socket, "16,3,12" },
	{ "socket-netlink-uevent", try_socket, "16,3,15" },
	{ "socket-netlink-generic", try_socket, "16,3,16" },
	{ "socket-netlink-sock-diag", try_socket, "16,3,4" },
	{ "socket-netlink-xfrm", try_socket, "16,3,6" },
	{ "socket-can", try_socket, "29,3,1" },
	{ "socket-bluetooth", try_socket, "31,3,1" },
	{ "socket-key", try_socket, "15,3,2" },
	{ "socket-xdp", try_socket, "44,3,0" },
	{ "socket-tipc", try_socket, "30,5,0" },
	{ "socket-rds", try_socket, "21,5,0" },
	{ "socket-kcm", try_socket, "41,5,0" },
	{ "socket-smc", try_socket, "43,1,0" },
	{ "socket-x25", try_socket, "9,5,0" },
	{ "socket-ax25", try_socket, "3,5,0" },
	{ "socket-nfc", try_socket, "39,5,0" },
	{ "socket-qipcrtr", try_socket, "42,2,0" },
	{ "tiocsti", try_sti, NULL },
	{ "tiocsti-high-bits", try_sti_high, NULL },
	{ "tioclinux", try_linux_console, NULL },
	{ "abstract-socket", try_abstract, "faas-test-abstract" },
	{ 0 }
};
