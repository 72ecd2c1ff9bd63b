#ifndef FAAS_DOCTOR_SYS_H
#define FAAS_DOCTOR_SYS_H

/*
 * System calls and structures by their numbers: what a probe asks about may be
 * newer than the headers that faas is built with.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

/* The same on every architecture: they came after the tables were joined. */
enum {
	NR_PIDFD_SEND_SIGNAL = 424, NR_OPEN_TREE = 428, NR_MOVE_MOUNT = 429,
	NR_FSOPEN = 430, NR_FSCONFIG = 431, NR_FSMOUNT = 432, NR_PIDFD_OPEN = 434,
	NR_CLONE3 = 435, NR_CLOSE_RANGE = 436, NR_OPENAT2 = 437,
	NR_PIDFD_GETFD = 438, NR_MOUNT_SETATTR = 442, NR_LANDLOCK_CREATE = 444,
	NR_LANDLOCK_RESTRICT = 446,
};

struct sys_clone_args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal;
	uint64_t stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};

struct sys_mount_attr {
	uint64_t attr_set, attr_clr, propagation, userns_fd;
};

struct sys_open_how {
	uint64_t flags, mode, resolve;
};

enum {
	SYS_MOUNT_ATTR_IDMAP = 0x00100000,
	SYS_OPEN_TREE_CLONE = 1,
	SYS_FSCONFIG_SET_STRING = 1,
	SYS_FSCONFIG_CMD_CREATE = 6,
	SYS_MOVE_MOUNT_F_EMPTY_PATH = 4,
	SYS_RESOLVE_BENEATH = 8,
	SYS_RESOLVE_IN_ROOT = 16,
};

#define SYS_CLONE_NEWTIME	0x00000080ULL
#define SYS_CLONE_PIDFD		0x00001000ULL
#define SYS_CLONE_INTO_CGROUP	0x200000000ULL

static inline long sys_clone3(struct sys_clone_args *args)
{
	return syscall(NR_CLONE3, args, sizeof(*args));
}

static inline int sys_open_tree(int dir, const char *path, unsigned int flags)
{
	return (int)syscall(NR_OPEN_TREE, dir, path, flags);
}

static inline int sys_fsopen(const char *type)
{
	return (int)syscall(NR_FSOPEN, type, 1u /* FSOPEN_CLOEXEC */);
}

static inline int sys_fsconfig(int fd, unsigned int cmd, const char *key,
			       const char *value)
{
	return (int)syscall(NR_FSCONFIG, fd, cmd, key, value, 0);
}

static inline int sys_fsmount(int fd)
{
	return (int)syscall(NR_FSMOUNT, fd, 1u /* FSMOUNT_CLOEXEC */, 0u);
}

static inline int sys_move_mount(int from, const char *to)
{
	return (int)syscall(NR_MOVE_MOUNT, from, "", -100 /* AT_FDCWD */, to,
			    SYS_MOVE_MOUNT_F_EMPTY_PATH);
}

static inline int sys_mount_setattr(int fd, struct sys_mount_attr *attr)
{
	return (int)syscall(NR_MOUNT_SETATTR, fd, "", 0x1000 /* AT_EMPTY_PATH */, attr,
			    sizeof(*attr));
}

static inline int sys_openat2(int dir, const char *path, struct sys_open_how *how)
{
	return (int)syscall(NR_OPENAT2, dir, path, how, sizeof(*how));
}

static inline int sys_pidfd_open(pid_t pid)
{
	return (int)syscall(NR_PIDFD_OPEN, pid, 0u);
}

#endif
