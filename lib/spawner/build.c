#include "lib/spawner/spawner.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * From clone3 to a finished sandbox
 * =================================
 *
 * Mounts are made with the spawner's privilege, outside any user namespace of
 * the sandbox, so that nothing inside can undo them; the user namespace comes
 * last. Mount points are found by openat2 without symlinks: a layer whose /dev
 * or /proc is a link is refused, not followed (CVE-2025-31133 and its kin).
 */

int build_io_fd = -1, build_upper_fd = -1;

static int point(int root, const char *name, struct msg_status *st)
{
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	int fd = (int)syscall(SYS_openat2, root, name, &how, sizeof(how));

	if (fd < 0 && errno == ENOENT && !mkdirat(root, name, 0755)) {
		(void)!fchownat(root, name, spawner.uid_base, spawner.uid_base,
			       AT_SYMLINK_NOFOLLOW);
		fd = (int)syscall(SYS_openat2, root, name, &how, sizeof(how));
	}
	if (fd < 0)
		(void)fail(st, "find '/%s' in the environment", name);
	return fd;
}

/* Attaches a detached mount, which it closes, over the folder `name`. */
static int attach(int root, const char *name, int mnt, struct msg_status *st)
{
	int at, r = 0;

	if (mnt < 0)
		return fail(st, "make the mount for '/%s'", name);
	at = point(root, name, st);
	if (at < 0)
		r = -1;
	else if (move_mount(mnt, "", at, "",
			    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		r = fail(st, "mount '/%s'", name);
	if (at >= 0)
		(void)close(at);
	(void)close(mnt);
	return r;
}

/* options: key, value pairs, NULL-ended */
static int new_mount(const char *type, const char *const *options, unsigned int attr)
{
	int fs = fsopen(type, FSOPEN_CLOEXEC), mnt = -1, saved;

	if (fs < 0)
		return -1;
	for (; *options; options += 2)
		if (fsconfig(fs, FSCONFIG_SET_STRING, options[0], options[1], 0) < 0)
			goto out;
	if (!fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		mnt = fsmount(fs, FSMOUNT_CLOEXEC, attr);
out:
	saved = errno;
	(void)close(fs);
	errno = saved;
	return mnt;
}

static int read_only_over(int root, const char *name, struct msg_status *st)
{
	struct mount_attr ro = { .attr_set = MOUNT_ATTR_RDONLY };
	int mnt = open_tree(root, name, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (mnt >= 0 && mount_setattr(mnt, "", AT_EMPTY_PATH, &ro, sizeof(ro)) < 0) {
		(void)close(mnt);
		mnt = -1;
	}
	return attach(root, name, mnt, st);
}

/* An empty file or folder over what is there. */
static int hide(int root, const struct hidden *what, struct msg_status *st)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC | O_NOFOLLOW,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
			MOUNT_ATTR_NOEXEC,
	};
	int mnt = open_tree(AT_FDCWD, what->folder ? "/empty" : "/none",
			    OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	int at = -1, r = 0;
	char name[64];

	(void)snprintf(name, sizeof(name), "proc/%s", what->name);
	if (mnt >= 0 && !mount_setattr(mnt, "", AT_EMPTY_PATH, &attr, sizeof(attr)))
		at = (int)syscall(SYS_openat2, root, name, &how, sizeof(how));
	if (at < 0 || move_mount(mnt, "", at, "",
				 MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		r = fail(st, "hide '/%s'", name);
	if (at >= 0)
		(void)close(at);
	if (mnt >= 0)
		(void)close(mnt);
	return r;
}

static int mount_system(int root, struct msg_status *st)
{
	static const char *const none[] = { NULL };
	static const char *const pts[] = {
		"ptmxmode", "0666", "mode", "0620", NULL
	};
	const unsigned int safe = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	unsigned int tree = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
		(spawner.rootless ? AT_RECURSIVE : 0);

	if (attach(root, "dev", open_tree(AT_FDCWD, "/dev", tree), st) < 0 ||
	    attach(root, "dev/shm",
		   open_tree(AT_FDCWD, "/up/shm", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC),
		   st) < 0 ||
	    attach(root, "dev/pts", new_mount("devpts", pts, MOUNT_ATTR_NOSUID |
					      MOUNT_ATTR_NOEXEC), st) < 0 ||
	    attach(root, "proc", new_mount("proc", none, safe), st) < 0)
		return -1;
	for (int i = 0; i < spawner.n_hidden; i++)
		if (hide(root, &spawner.hidden[i], st) < 0)
			return -1;
	/* As root nothing inside owns a sysctl; rootless, the sandbox's root may. */
	if (spawner.rootless && read_only_over(root, "proc/sys", st) < 0)
		return -1;
	return 0;
}

/* The name server of slirp4netns, in place of the machine's, which is not in reach. */
static int write_resolver(struct msg_status *st)
{
	static const char text[] = "nameserver 10.0.2.3\n";
	int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int etc = root < 0 ? -1 : point(root, "etc", st), fd, r = 0;

	if (root >= 0)
		(void)close(root);
	if (etc < 0)
		return -1;
	(void)unlinkat(etc, "resolv.conf", 0);
	fd = openat(etc, "resolv.conf", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0 || fchown(fd, spawner.uid_base, spawner.uid_base) < 0 ||
	    write(fd, text, sizeof(text) - 1) < 0)
		r = fail(st, "write '/etc/resolv.conf' of the sandbox");
	if (fd >= 0)
		(void)close(fd);
	(void)close(etc);
	return r;
}

int build_sandbox(const struct msg_build *b, const char *stack, struct msg_status *st)
{
	int root;

	if (b->network == NETWORK_HOST && setns(spawner.host_net, CLONE_NEWNET) < 0)
		return fail(st, "enter the host's network");
	if (unshare(CLONE_NEWNS) < 0)
		return fail(st, "create the sandbox's mount namespace");
	if (overlay_mount(b, stack, st) < 0)
		return -1;
	build_upper_fd = overlay_open_upper();
	root = open("/root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return fail(st, "open the new root");
	if (mount_system(root, st) < 0) {
		(void)close(root);
		return -1;
	}
	if (fchdir(root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
		return fail(st, "pivot into the environment");
	(void)close(root);
	if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return fail(st, "leave the template");
	if (sethostname(b->hostname, strlen(b->hostname)) < 0)
		return fail(st, "set the host name");
	if (b->network == NETWORK_NAT && write_resolver(st) < 0)
		return -1;
	/* Readable for ever through this descriptor, and never again by name. */
	build_io_fd = open("/proc/self/io", O_RDONLY | O_CLOEXEC);
	return 0;
}

/*
 * A new overlay knows no names yet, and the first program pays for each that it
 * looks up. While nobody waits, look up what nearly every program needs.
 */
void build_warm(void)
{
	static const char *const names[] = {
		"/etc/ld.so.cache", "/etc/ld.so.preload", "/etc/passwd", "/bin/sh", "/work",
		"/dev/null", "/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
#if defined(__aarch64__)
		"/lib/ld-linux-aarch64.so.1", "/lib/aarch64-linux-gnu/libc.so.6",
#else
		"/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/libc.so.6",
#endif
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		int fd = open(names[i], O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

		if (fd >= 0)
			(void)close(fd);
	}
}

void build_close_inherited(int sock)
{
	/* what is not open, -1, comes last and ends the loop */
	const unsigned int keep[] = {
		(unsigned int)sock, (unsigned int)build_io_fd, (unsigned int)spawner.filter,
		(unsigned int)build_upper_fd,
	};
	unsigned int from = 0;

	for (;;) {
		unsigned int next = ~0u;

		for (size_t i = 0; i < ARRAY_SIZE(keep); i++)
			if (keep[i] >= from && keep[i] < next)
				next = keep[i];
		if (next > from)
			(void)syscall(SYS_close_range, from, next - 1, 0);
		if (next == ~0u)
			break;
		from = next + 1;
	}
	/* 0 to 2 stay taken, so that no descriptor that comes later is one of them */
	for (int fd = open("/dev/null", O_RDWR | O_CLOEXEC); fd >= 0 && fd < 2;)
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
}

/* EINVAL: there are no more; of the first there always is one. */
static int drop_bounding(struct msg_status *st)
{
	for (int cap = 0; cap <= 63; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0) {
			if (errno == EINVAL && cap > CAP_AUDIT_READ)
				break;
			return fail(st, "drop capability %d for good", cap);
		}
	return 0;
}

static int drop_capabilities(struct msg_status *st)
{
	static const int keep[] = {
		CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_KILL, CAP_SETGID, CAP_SETUID,
	};
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(keep); i++) {
		data[keep[i] / 32].permitted |= 1u << (keep[i] % 32);
		data[keep[i] / 32].effective |= 1u << (keep[i] % 32);
	}
	if (syscall(SYS_capset, &head, data) < 0)
		return fail(st, "drop capabilities");
	return 0;
}

#ifndef LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET
#define LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET	(1ULL << 0)
#define LANDLOCK_SCOPE_SIGNAL			(1ULL << 1)
#endif

/*
 * In the host's network namespace the host's abstract sockets are in reach, and
 * only Landlock (ABI 6) can take them away. Elsewhere namespaces already did.
 */
static int scope_sockets(struct msg_status *st)
{
	struct {
		uint64_t fs, net, scoped;
	} attr = { .scoped = LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET };
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, 1u);
	int fd;

	if (abi < 6) {
		errno = ENOSYS;
		return fail(st, "close the host's abstract sockets, which needs "
			    "Landlock ABI 6 (this kernel has %ld),", abi > 0 ? abi : 0);
	}
	fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (fd < 0 || syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		return fail(st, "restrict the sandbox with Landlock");
	(void)close(fd);
	return 0;
}

static int load_filter(struct msg_status *st)
{
	static struct sock_filter code[4096];
	struct sock_fprog prog;
	ssize_t n = pread(spawner.filter, code, sizeof(code), 0);

	if (n <= 0 || n % (ssize_t)sizeof(code[0])) {
		errno = n < 0 ? errno : EPROTO;
		return fail(st, "read the seccomp filter");
	}
	prog.len = (unsigned short)(n / (ssize_t)sizeof(code[0]));
	prog.filter = code;
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0)
		return fail(st, "load the seccomp filter");
	return 0;
}

int build_confine_ahead(const struct msg_build *b, struct msg_status *st)
{
	if (drop_bounding(st) < 0)
		return -1;
	if (b->network == NETWORK_HOST && scope_sockets(st) < 0)
		return -1;
	return load_filter(st);
}

int build_confine(struct msg_status *st)
{
	/* with one user it is not allowed, and there are no others' groups to be in */
	if (spawner.uid_count > 1 && syscall(SYS_setgroups, 0, NULL) < 0)
		return fail(st, "drop supplementary groups");
	if (syscall(SYS_setresgid, 0, 0, 0) < 0 || syscall(SYS_setresuid, 0, 0, 0) < 0)
		return fail(st, "become the sandbox's root");
	/* Nothing inside may trace or read pid 1, whatever its uid. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return fail(st, "hide pid 1");
	return drop_capabilities(st);
}
