#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/doctor/checks.h"
#include "lib/doctor/child.h"
#include "lib/doctor/ns.h"
#include "lib/doctor/state.h"
#include "lib/doctor/sys.h"

enum { PATH = STATE_PATH + 64 };

/* A folder that exists everywhere; what is mounted on it only we see. */
static const char *const spot = "/tmp";

static int scratch(struct probe *p, const char *options)
{
	if (mount("faas-doctor", spot, "tmpfs", MS_NOSUID | MS_NODEV, options) == 0)
		return 0;
	probe_sys(p, errno, "mount a tmpfs");
	return -1;
}

/*
 * Mounts lower and base/upper on base/merged and sees a write land in upper. Names
 * are relative, because ',' and ':' in a path mean something in the options.
 */
static void overlay(struct probe *p, const char *lower, const char *base, bool userxattr)
{
	char options[128];
	int fd;

	if (chdir(base) < 0 || mkdir("lower", 0755) < 0 || mkdir("upper", 0755) < 0 ||
	    mkdir("work", 0755) < 0 || mkdir("merged", 0755) < 0)
		return probe_sys(p, errno, "make folders for an overlay");
	(void)snprintf(options, sizeof(options), "lowerdir=%s,upperdir=upper,workdir=work%s",
		       lower, userxattr ? ",userxattr" : "");
	if (mount("faas-doctor", "merged", "overlay", 0, options) < 0)
		return probe_sys(p, errno, "mount an overlay");
	fd = open("merged/probe", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0)
		return probe_sys(p, errno, "write in an overlay");
	(void)close(fd);
	if (access("upper/probe", F_OK) < 0)
		return probe_sys(p, errno, "find what was written in an overlay");
	(void)umount2("merged", MNT_DETACH);
	probe_say(p, DOCTOR_OK, "mounted, written to%s", userxattr ? " (userxattr)" : "");
}

void probe_overlayfs(struct probe *p)
{
	if (!probe_capable(CAP_SYS_ADMIN)) {
		probe_say(p, DOCTOR_MISSING, "needs root; overlayfs-user may do");
		return;
	}
	if (ns_enter_mount(p) < 0 || scratch(p, NULL) < 0)
		return;
	overlay(p, "/usr", spot, false);
}

void probe_overlayfs_user(struct probe *p)
{
	if (ns_become_ordinary(p) < 0)
		return;
	if (ns_enter_user(p, CLONE_NEWNS) < 0 || scratch(p, NULL) < 0)
		return;
	overlay(p, "/usr", spot, true);
}

void probe_overlayfs_state(struct probe *p)
{
	char base[PATH], dir[STATE_PATH], name[PROBE_NAME];
	bool privileged = probe_capable(CAP_SYS_ADMIN);

	(void)snprintf(base, sizeof(base), "%s/%s", state_existing(p->state_dir, dir),
		       probe_name(p, name));
	if (ns_enter_mount(p) < 0)
		return;
	if (mkdir(base, 0755) < 0)
		return probe_sys(p, errno, "make a folder in the state directory");
	overlay(p, "lower", base, !privileged);
}

void undo_overlayfs_state(struct probe *p)
{
	static const char *const made[] = {
		"work/work", "work/index", "upper/probe", "merged/probe",
		"lower", "upper", "work", "merged",
	};
	char base[PATH], path[PATH + 32], dir[STATE_PATH], name[PROBE_NAME];

	(void)snprintf(base, sizeof(base), "%s/%s", state_existing(p->state_dir, dir),
		       probe_name(p, name));
	for (size_t i = 0; i < ARRAY_SIZE(made); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", base, made[i]);
		(void)remove(path);
	}
	(void)rmdir(base);
}

static void idmap(struct probe *p, int tree, const char *what)
{
	struct sys_mount_attr attr = { .attr_set = SYS_MOUNT_ATTR_IDMAP };
	cleanup_close int user = ns_user_fd(p);

	if (user < 0)
		return;
	attr.userns_fd = (uint64_t)user;
	if (sys_mount_setattr(tree, &attr) < 0)
		return probe_sys(p, errno, "mount_setattr(MOUNT_ATTR_IDMAP)");
	probe_say(p, DOCTOR_OK, "%s", what);
}

static bool needs_root(struct probe *p)
{
	if (probe_capable(CAP_SYS_ADMIN))
		return false;
	probe_say(p, DOCTOR_MISSING, "needs root on the host");
	return true;
}

void probe_idmap_tmpfs(struct probe *p)
{
	cleanup_close int fs = -1;
	cleanup_close int tree = -1;

	if (needs_root(p) || ns_enter_mount(p) < 0)
		return;
	fs = sys_fsopen("tmpfs");
	if (fs < 0 || sys_fsconfig(fs, SYS_FSCONFIG_CMD_CREATE, NULL, NULL) < 0)
		return probe_sys(p, errno, "fsopen a tmpfs");
	tree = sys_fsmount(fs);
	if (tree < 0)
		return probe_sys(p, errno, "fsmount a tmpfs");
	idmap(p, tree, "ids are translated on a tmpfs");
}

void probe_idmap_root(struct probe *p)
{
	cleanup_close int tree = -1;

	if (needs_root(p) || ns_enter_mount(p) < 0)
		return;
	tree = sys_open_tree(AT_FDCWD, "/", SYS_OPEN_TREE_CLONE);
	if (tree < 0)
		return probe_sys(p, errno, "open_tree");
	idmap(p, tree, "ids are translated on the root file system");
}

void probe_mount_api(struct probe *p)
{
	cleanup_close int fs = -1;
	cleanup_close int made = -1;
	cleanup_close int copy = -1;

	if (ns_enter_mount(p) < 0)
		return;
	fs = sys_fsopen("tmpfs");
	if (fs < 0 || sys_fsconfig(fs, SYS_FSCONFIG_CMD_CREATE, NULL, NULL) < 0)
		return probe_sys(p, errno, "fsopen");
	made = sys_fsmount(fs);
	if (made < 0)
		return probe_sys(p, errno, "fsmount");
	if (sys_move_mount(made, spot) < 0)
		return probe_sys(p, errno, "move_mount");
	copy = sys_open_tree(AT_FDCWD, spot, SYS_OPEN_TREE_CLONE);
	if (copy < 0)
		return probe_sys(p, errno, "open_tree");
	probe_say(p, DOCTOR_OK, "fsopen, fsmount, move_mount, open_tree");
}

void probe_tmpfs_size(struct probe *p)
{
	static const char block[64 * 1024];
	struct statvfs st;
	size_t total = 0;
	ssize_t n;

	if (ns_enter_mount(p) < 0 || scratch(p, "size=256k,nr_inodes=64") < 0)
		return;
	if (chdir(spot) < 0 || statvfs(".", &st) < 0)
		return probe_sys(p, errno, "look at a tmpfs");
	cleanup_close int fd = open("probe", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	if (fd < 0)
		return probe_sys(p, errno, "write on a tmpfs");
	while (total < 1024 * 1024 && (n = write(fd, block, sizeof(block))) > 0)
		total += (size_t)n;
	if (total >= 1024 * 1024)
		return probe_say(p, DOCTOR_MISSING, "a tmpfs of 256K took 1M");
	probe_say(p, DOCTOR_OK, "a full tmpfs refuses more");
}

static int mount_proc(void *arg)
{
	(void)arg;
	return mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0
		? errno : 0;
}

void probe_proc_mount(struct probe *p)
{
	int r;

	if (ns_enter_user(p, CLONE_NEWNS | CLONE_NEWPID) < 0)
		return;
	r = child_run(mount_proc, NULL);
	if (r)
		return probe_sys(p, r, "mount a new /proc in a user namespace");
	probe_say(p, DOCTOR_OK, "a sandbox gets a /proc of its own");
}
