#include "lib/archive/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0	/* a sanitizer needs terabytes of address space */
#endif

enum {
	MEMORY_LIMIT = 512 << 20,
	CPU_LIMIT = 1800,	/* seconds */
};

/* From the kernel's own headers: libc's clash with them. */
int mount(const char *source, const char *target, const char *type, unsigned long flags,
	  const void *data);
int umount2(const char *target, int flags);
enum { MOUNT_SLAVE_REC = 1 << 19 | 1 << 14, UNMOUNT_DETACH = 2 };

static int clone_mount(int fd, bool recursive, uint64_t attributes, int *ret,
		       struct error *err)
{
	struct mount_attr attr = { .attr_set = attributes };
	unsigned int deep = recursive ? AT_RECURSIVE : 0;
	cleanup_close int tree = -1;

	tree = (int)syscall(SYS_open_tree, fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
			    AT_EMPTY_PATH | deep);
	if (tree < 0)
		return err_sys(err, errno, "clone the mount");
	if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | deep, &attr,
		    sizeof(attr)) < 0)
		return err_sys(err, errno, "restrict the mount");
	*ret = TAKE_FD(tree);
	return 0;
}

/* The staging directory, which is the current one, becomes the only mount. */
static int enter_root(struct confine *c, struct error *err)
{
	cleanup_close int cwd = -1, tree = -1, root = -1;

	if (mount(NULL, "/", NULL, MOUNT_SLAVE_REC, NULL) < 0)
		return err_sys(err, errno, "leave the host's mounts");
	cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (cwd < 0)
		return err_sys(err, errno, "open the staging directory");
	if (clone_mount(cwd, false, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
			MOUNT_ATTR_NOEXEC, &tree, err) < 0)
		return -1;
	if (syscall(SYS_move_mount, tree, "", cwd, "", MOVE_MOUNT_F_EMPTY_PATH |
		    MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return err_sys(err, errno, "mount the staging directory");
	if (fchdir(tree) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
		return err_sys(err, errno, "make the staging directory the root");
	if (umount2(".", UNMOUNT_DETACH) < 0 || chdir("/") < 0)
		return err_sys(err, errno, "leave the host's root");
	root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* the descriptor that we were given still leads to the host */
	if (root < 0 || dup3(root, c->root_fd, O_CLOEXEC) < 0)
		return err_sys(err, errno, "hold the root");
	return 0;
}

static int drop_capabilities(const struct confine *c, struct error *err)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0 }, { 0 } };
	uint32_t keep = 1U << CAP_DAC_OVERRIDE | 1U << CAP_FOWNER;

	if (c->id_count)
		keep |= 1U << CAP_CHOWN;
	if (c->change_fsuid)
		keep |= 1U << CAP_SETUID | 1U << CAP_SETGID;
	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return err_sys(err, errno, "drop capabilities");
	data[0].effective = data[0].permitted = keep;
	if (syscall(SYS_capset, &head, data) < 0)
		return err_sys(err, errno, "drop capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(err, errno, "set no_new_privs");
	return 0;
}

static int limit(int what, rlim_t value, struct error *err)
{
	struct rlimit now, want;

	if (getrlimit(what, &now) < 0)
		return err_sys(err, errno, "read a limit");
	if (now.rlim_max != RLIM_INFINITY && now.rlim_max < value)
		value = now.rlim_max;
	want = (struct rlimit){ value, value };
	return setrlimit(what, &want) < 0 ? err_sys(err, errno, "set a limit") : 0;
}

static int set_limits(const struct confine *c, struct error *err)
{
	if (!SANITIZED && limit(RLIMIT_AS, MEMORY_LIMIT, err) < 0)
		return -1;
	if (limit(RLIMIT_CORE, 0, err) < 0 || limit(RLIMIT_CPU, CPU_LIMIT, err) < 0 ||
	    limit(RLIMIT_NOFILE, c->max_fds, err) < 0)
		return -1;
	return 0;
}

/* Dies with the parent, which holds the other end of go. */
static int follow_parent(int go, struct error *err)
{
	struct pollfd p = { .fd = go };

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return err_sys(err, errno, "follow the parent");
	if (poll(&p, 1, 0) != 0)
		return err_set(err, ERR_SYSTEM, "the parent is gone");
	return 0;
}

static int child(struct confine *c, int go, struct error *err)
{
	char byte;

	/* no maps, no go: the parent reports why */
	if (read(go, &byte, 1) != 1)
		_exit(1);
	if (c->id_count && setgroups(0, NULL) < 0)
		return err_sys(err, errno, "drop the groups");
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return err_sys(err, errno, "become the owner of the tree");
	if (follow_parent(go, err) < 0 || enter_root(c, err) < 0 ||
	    set_limits(c, err) < 0 || drop_capabilities(c, err) < 0)
		return -1;
	(void)umask(0);
	return SANITIZED ? 0 : confine_filter(c->snapshot, err);
}

static int write_map(pid_t pid, const char *file, const char *text, struct error *err)
{
	cleanup_close int fd = -1;
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, errno, "open %s", path);
	if (write(fd, text, strlen(text)) < 0)
		return err_sys(err, errno, "write %s", path);
	return 0;
}

static int write_maps(const struct confine *c, pid_t pid, struct error *err)
{
	char uids[128], gids[128];

	if (!c->id_count) {
		(void)snprintf(uids, sizeof(uids), "0 %u 1\n", (unsigned int)geteuid());
		(void)snprintf(gids, sizeof(gids), "0 %u 1\n", (unsigned int)getegid());
		if (write_map(pid, "setgroups", "deny", err) < 0)
			return -1;
		return write_map(pid, "uid_map", uids, err) < 0 ||
			write_map(pid, "gid_map", gids, err) < 0 ? -1 : 0;
	}
	(void)snprintf(uids, sizeof(uids), "0 %u %u\n", c->id_base, c->id_count);
	if (c->source_fd >= 0)
		(void)snprintf(uids, sizeof(uids), "0 %u %u\n%u 0 %u\n", c->id_base,
			       c->id_count, (unsigned int)CONFINE_HOST_IDS, c->id_base);
	return write_map(pid, "uid_map", uids, err) < 0 ||
		write_map(pid, "gid_map", uids, err) < 0 ? -1 : 0;
}

/* What needs the caller's privilege, before the child exists. */
static int prepare(struct confine *c, struct error *err)
{
	if (c->id_count && (c->id_base < c->id_count || c->id_count > CONFINE_HOST_IDS ||
			    c->id_base > UINT32_MAX - CONFINE_HOST_IDS))
		return err_set(err, ERR_USAGE, "the range of ids is not usable");
	if (c->id_count && !c->keep_owner && fchown(c->root_fd, c->id_base, c->id_base) < 0)
		return err_sys(err, errno, "give the staging directory away");
	if (c->id_count && c->source_fd >= 0) {
		cleanup_close int host = c->source_fd;

		if (clone_mount(host, c->cross_mounts, MOUNT_ATTR_RDONLY |
				MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
				&c->source_fd, err) < 0)
			return -1;
	}
	/* a namespace's copy of the current directory is in its copy of the mount */
	if (fchdir(c->root_fd) < 0)
		return err_sys(err, errno, "enter the staging directory");
	return 0;
}

pid_t confine_fork(struct confine *c, void (*failed)(void *data, const struct error *err),
		   void *data, struct error *err)
{
	const unsigned long flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID |
		CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | SIGCHLD;
	int go[2];
	pid_t pid;

	if (prepare(c, err) < 0)
		return -1;
	if (pipe2(go, O_CLOEXEC) < 0)
		return err_sys(err, errno, "make a pipe");
	/* no threads here: the plain system call is a fork */
	pid = (pid_t)syscall(SYS_clone, flags, NULL, NULL, NULL, NULL);
	if (pid == 0) {
		(void)close(go[1]);
		if (child(c, go[0], err) == 0)
			return 0;
		failed(data, err);
		_exit(1);
	}
	(void)close(go[0]);
	if (pid < 0) {
		int saved = errno;

		(void)close(go[1]);
		(void)err_sys(err, saved, "make namespaces");
		return err_hint(err, "see 'faas doctor'");
	}
	if (write_maps(c, pid, err) < 0) {
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
		(void)close(go[1]);
		return -1;
	}
	if (write(go[1], "", 1) != 1) {
		(void)waitpid(pid, NULL, 0);
		return err_sys(err, EPIPE, "start the child");
	}
	/* go[1] stays open until we die, which is how the child knows */
	return pid;
}
