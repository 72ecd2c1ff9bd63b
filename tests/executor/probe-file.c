/* Files that nobody in a sandbox may read or write, and what a program is born with. The rows are at the end; probe.c has the verdicts. */
#include "tests/executor/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

static char buffer[65536];

/* ---- files ---- */

static int try_write(const char *path)
{
	struct stat st;
	int fd = open(path, O_WRONLY), r;

	if (fd < 0)
		return errno;
	/* what is open is enough for a file that holds a program or a sysctl */
	r = !fstat(fd, &st) && S_ISREG(st.st_mode) ? result(pwrite(fd, "", 0, 0)) : 0;
	return r == EINVAL ? 0 : r;
}

/* A second, wider map. */
static int try_map(const char *path)
{
	int fd = open(path, O_WRONLY);

	return fd < 0 ? errno : result(write(fd, "0 0 4294967295", 14));
}

static int try_read(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK);
	ssize_t n;

	if (fd < 0)
		return errno;
	n = read(fd, buffer, sizeof(buffer));
	if (n < 0)
		return errno;
	return n ? 0 : ENOENT;
}

/* /proc/1/mem at an address that is mapped in every program of ours */
static int try_read_mem(const char *path)
{
	int fd = open(path, O_RDONLY);

	return fd < 0 ? errno : result(pread(fd, buffer, 16, 0x400000));
}

static int try_list(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY);
	long n;

	if (fd < 0)
		return errno;
	n = syscall(SYS_getdents64, fd, buffer, sizeof(buffer));
	if (n < 0)
		return errno;
	return n > 48 ? 0 : ENOENT;	/* "." and ".." */
}

static int try_readlink(const char *path)
{
	return result(readlink(path, buffer, sizeof(buffer)));
}

static int try_stat(const char *path)
{
	struct stat st;

	return result(stat(path, &st));
}

/* Are the addresses there? All zero is as good as refused. */
static int try_kallsyms(const char *path)
{
	FILE *f = fopen(path, "r");
	unsigned long long address;

	if (!f)
		return errno;
	while (fscanf(f, "%llx%*[^\n]", &address) == 1)
		if (address)
			return 0;
	return EACCES;
}

static int try_mknod(const char *spec)
{
	unsigned int major, minor;
	char kind;

	if (sscanf(spec, "%c,%u,%u", &kind, &major, &minor) != 3)
		abort();
	(void)unlink("/tmp/node");
	if (mknod("/tmp/node", (kind == 'b' ? S_IFBLK : S_IFCHR) | 0666,
		  makedev(major, minor)) < 0)
		return errno;
	return result(open("/tmp/node", O_RDONLY | O_NONBLOCK));
}

static int try_setxattr(const char *name)
{
	/* VFS_CAP_REVISION_2, effective, cap_sys_admin */
	static const unsigned char cap[20] = { 1, 0, 0, 2, 0, 0, 0x20, 0 };
	int fd = open("/tmp/capable", O_RDWR | O_CREAT, 0755);

	return fd < 0 ? errno : result(fsetxattr(fd, name, cap, sizeof(cap), 0));
}

/* Does any mount honour setuid files, or device nodes outside our own /dev? */
static int try_mount_without(const char *option)
{
	FILE *f = fopen("/proc/self/mounts", "r");
	char where[256], options[1024];

	if (!f)
		return errno;
	while (fscanf(f, "%*s %255s %*s %1023s%*[^\n]", where, options) == 2)
		if (!strstr(options, option) &&
		    (strcmp(option, "nodev") || strncmp(where, "/dev", 4)))
			return 0;
	return EPERM;
}

static int try_cgroup_release(const char *arg UNUSED)
{
	(void)mkdir("/tmp/cg", 0755);
	return result(mount("cgroup", "/tmp/cg", "cgroup", 0, "memory"));
}

static int try_descriptors(const char *arg UNUSED)
{
	return inherited ? 0 : ENOENT;
}

static int status_field(const char *name, char *value)
{
	FILE *f = fopen("/proc/self/status", "r");
	size_t len = strlen(name);

	while (f && fgets(buffer, sizeof(buffer), f))
		if (!strncmp(buffer, name, len) && buffer[len] == ':') {
			(void)sscanf(buffer + len + 1, " %[^\n]", value);
			fclose(f);
			return 0;
		}
	return -1;
}

/* "field value": refused when it has that value */
static int try_status(const char *spec)
{
	char value[256] = "", name[64], want[64];

	if (sscanf(spec, "%63s %63s", name, want) != 2)
		abort();
	if (status_field(name, value) < 0)
		return 0;
	return strcmp(value, want) ? 0 : EPERM;
}

const struct probe probes_file[] = {
	{ "write-/proc/sysrq-trigger", try_write, "/proc/sysrq-trigger" },
	{ "write-/proc/sys/kernel/core_pattern", try_write, "/proc/sys/kernel/core_pattern" },
	{ "write-/proc/sys/kernel/modprobe", try_write, "/proc/sys/kernel/modprobe" },
	{ "write-/proc/sys/kernel/hostname", try_write, "/proc/sys/kernel/hostname" },
	{ "write-/proc/sys/kernel/randomize_va_space", try_write, "/proc/sys/kernel/randomize_va_space" },
	{ "write-/proc/sys/kernel/sysrq", try_write, "/proc/sys/kernel/sysrq" },
	{ "write-/proc/sys/kernel/ns_last_pid", try_write, "/proc/sys/kernel/ns_last_pid" },
	{ "write-/proc/sys/kernel/shmmax", try_write, "/proc/sys/kernel/shmmax" },
	{ "write-/proc/sys/vm/drop_caches", try_write, "/proc/sys/vm/drop_caches" },
	{ "write-/proc/sys/vm/overcommit_memory", try_write, "/proc/sys/vm/overcommit_memory" },
	{ "write-/proc/sys/fs/file-max", try_write, "/proc/sys/fs/file-max" },
	{ "write-/proc/sys/fs/mqueue/msg_max", try_write, "/proc/sys/fs/mqueue/msg_max" },
	{ "write-/proc/sys/fs/binfmt_misc/register", try_write, "/proc/sys/fs/binfmt_misc/register" },
	{ "write-/proc/sys/net/ipv4/ip_forward", try_write, "/proc/sys/net/ipv4/ip_forward" },
	{ "write-/proc/sys/net/ipv4/ip_unprivileged_port_start", try_write, "/proc/sys/net/ipv4/ip_unprivileged_port_start" },
	{ "write-/proc/sys/user/max_user_namespaces", try_write, "/proc/sys/user/max_user_namespaces" },
	{ "write-/proc/self/exe", try_write, "/proc/self/exe" },
	{ "write-/proc/1/exe", try_write, "/proc/1/exe" },
	{ "write-/proc/1/mem", try_write, "/proc/1/mem" },
	{ "write-/proc/1/oom_score_adj", try_write, "/proc/1/oom_score_adj" },
	{ "write-/proc/1/comm", try_write, "/proc/1/comm" },
	{ "write-/proc/1/uid_map", try_write, "/proc/1/uid_map" },
	{ "map-/proc/self/uid_map", try_map, "/proc/self/uid_map" },
	{ "map-/proc/self/gid_map", try_map, "/proc/self/gid_map" },
	{ "write-/proc/irq/default_smp_affinity", try_write, "/proc/irq/default_smp_affinity" },
	{ "write-/proc/mtrr", try_write, "/proc/mtrr" },
	{ "write-/proc/keys", try_write, "/proc/keys" },
	{ "write-/dev/kmsg", try_write, "/dev/kmsg" },
	{ "write-/dev/mem", try_write, "/dev/mem" },
	{ "write-/dev/kvm", try_write, "/dev/kvm" },
	{ "write-/dev/vda", try_write, "/dev/vda" },
	{ "write-/dev/fuse", try_write, "/dev/fuse" },
	{ "write-/dev/net/tun", try_write, "/dev/net/tun" },
	{ "write-/dev/console", try_write, "/dev/console" },
	{ "write-/dev/vsock", try_write, "/dev/vsock" },
	{ "write-/sys/kernel/uevent_helper", try_write, "/sys/kernel/uevent_helper" },
	{ "write-/sys/power/state", try_write, "/sys/power/state" },
	{ "write-/sys/fs/cgroup/memory/memory.limit_in_bytes", try_write, "/sys/fs/cgroup/memory/memory.limit_in_bytes" },
	{ "write-/sys/fs/cgroup/cgroup.procs", try_write, "/sys/fs/cgroup/cgroup.procs" },
	{ "write-/sys/firmware/efi", try_write, "/sys/firmware/efi" },
	{ "read-/proc/1/environ", try_read, "/proc/1/environ" },
	{ "read-/proc/1/maps", try_read, "/proc/1/maps" },
	{ "read-/proc/1/auxv", try_read, "/proc/1/auxv" },
	{ "read-/proc/1/stack", try_read, "/proc/1/stack" },
	{ "read-/proc/1/io", try_read, "/proc/1/io" },
	{ "read-/proc/1/syscall", try_read, "/proc/1/syscall" },
	{ "read-/proc/1/pagemap", try_read, "/proc/1/pagemap" },
	{ "read-/proc/kcore", try_read, "/proc/kcore" },
	{ "read-/proc/kmsg", try_read, "/proc/kmsg" },
	{ "read-/proc/keys", try_read, "/proc/keys" },
	{ "read-/proc/key-users", try_read, "/proc/key-users" },
	{ "read-/proc/timer_list", try_read, "/proc/timer_list" },
	{ "read-/proc/sched_debug", try_read, "/proc/sched_debug" },
	{ "read-/proc/vmcore", try_read, "/proc/vmcore" },
	{ "read-/proc/latency_stats", try_read, "/proc/latency_stats" },
	{ "read-/dev/kmsg", try_read, "/dev/kmsg" },
	{ "read-/dev/mem", try_read, "/dev/mem" },
	{ "read-/etc/shadow", try_read, "/etc/shadow" },
	{ "read-/etc/gshadow", try_read, "/etc/gshadow" },
	{ "read-/etc/shadow-", try_read, "/etc/shadow-" },
	{ "read-/etc/sudoers", try_read, "/etc/sudoers" },
	{ "read-/etc/ssh/ssh_host_rsa_key", try_read, "/etc/ssh/ssh_host_rsa_key" },
	{ "read-/etc/ssh/ssh_host_ed25519_key", try_read, "/etc/ssh/ssh_host_ed25519_key" },
	{ "read-/root/.bashrc", try_read, "/root/.bashrc" },
	{ "read-/root/.profile", try_read, "/root/.profile" },
	{ "read-/var/lib/faas/faas.db", try_read, "/var/lib/faas/faas.db" },
	{ "read-/var/log/dpkg.log", try_read, "/var/log/dpkg.log" },
	{ "read-/sys/kernel/debug", try_read, "/sys/kernel/debug" },
	{ "read-/sys/kernel/vmcoreinfo", try_read, "/sys/kernel/vmcoreinfo" },
	{ "read-/sys/kernel/notes", try_read, "/sys/kernel/notes" },
	{ "read-/sys/firmware/dmi/tables/DMI", try_read, "/sys/firmware/dmi/tables/DMI" },
	{ "readmem-/proc/1/mem", try_read_mem, "/proc/1/mem" },
	{ "list-/proc/1/fd", try_list, "/proc/1/fd" },
	{ "list-/proc/1/map_files", try_list, "/proc/1/map_files" },
	{ "list-/proc/1/ns", try_list, "/proc/1/ns" },
	{ "list-/proc/1/root", try_list, "/proc/1/root" },
	{ "list-/proc/1/cwd", try_list, "/proc/1/cwd" },
	{ "list-/root", try_list, "/root" },
	{ "list-/home", try_list, "/home" },
	{ "list-/etc/ssh", try_list, "/etc/ssh" },
	{ "list-/etc/ssl/private", try_list, "/etc/ssl/private" },
	{ "list-/var/lib/docker", try_list, "/var/lib/docker" },
	{ "list-/var/log", try_list, "/var/log" },
	{ "list-/boot", try_list, "/boot" },
	{ "list-/lost+found", try_list, "/lost+found" },
	{ "list-/media", try_list, "/media" },
	{ "list-/run/systemd", try_list, "/run/systemd" },
	{ "list-/run/user", try_list, "/run/user" },
	{ "list-/tmp/.X11-unix", try_list, "/tmp/.X11-unix" },
	{ "list-/sys/fs/cgroup", try_list, "/sys/fs/cgroup" },
	{ "list-/sys/kernel", try_list, "/sys/kernel" },
	{ "list-/sys/class", try_list, "/sys/class" },
	{ "list-/host", try_list, "/host" },
	{ "list-/up", try_list, "/up" },
	{ "list-/lower", try_list, "/lower" },
	{ "readlink-/proc/1/exe", try_readlink, "/proc/1/exe" },
	{ "readlink-/proc/1/cwd", try_readlink, "/proc/1/cwd" },
	{ "readlink-/proc/1/root", try_readlink, "/proc/1/root" },
	{ "readlink-/proc/1/fd/0", try_readlink, "/proc/1/fd/0" },
	{ "readlink-/proc/1/ns/user", try_readlink, "/proc/1/ns/user" },
	{ "stat-/run/docker.sock", try_stat, "/run/docker.sock" },
	{ "stat-/var/run/docker.sock", try_stat, "/var/run/docker.sock" },
	{ "stat-/run/dbus/system_bus_socket", try_stat, "/run/dbus/system_bus_socket" },
	{ "kallsyms", try_kallsyms, "/proc/kallsyms" },
	{ "mknod-null", try_mknod, "c,1,3" },
	{ "mknod-mem", try_mknod, "c,1,1" },
	{ "mknod-kmsg", try_mknod, "c,1,11" },
	{ "mknod-disk", try_mknod, "b,254,0" },
	{ "mknod-loop", try_mknod, "b,7,0" },
	{ "mknod-console", try_mknod, "c,5,1" },
	{ "setxattr-capability", try_setxattr, "security.capability" },
	{ "setxattr-trusted", try_setxattr, "trusted.overlay.opaque" },
	{ "mounts-suid", try_mount_without, "nosuid" },
	{ "mounts-dev", try_mount_without, "nodev" },
	{ "cgroup-v1-release_agent", try_cgroup_release, NULL },
	{ "inherited-descriptors", try_descriptors, NULL },
	{ "status-CapInh", try_status, "CapInh 0000000000000000" },
	{ "status-CapPrm", try_status, "CapPrm 0000000000000000" },
	{ "status-CapEff", try_status, "CapEff 0000000000000000" },
	{ "status-CapBnd", try_status, "CapBnd 0000000000000000" },
	{ "status-CapAmb", try_status, "CapAmb 0000000000000000" },
	{ "status-NoNewPrivs", try_status, "NoNewPrivs 1" },
	{ "status-Seccomp", try_status, "Seccomp 2" },
	{ "status-TracerPid", try_status, "TracerPid 0" },
	{ 0 }
};
