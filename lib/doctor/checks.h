#ifndef FAAS_DOCTOR_CHECKS_H
#define FAAS_DOCTOR_CHECKS_H

/* Every probe, by the file that holds it; the table is in checks.c. */

#include "lib/doctor/probe.h"

#define PROBES(X)	/* namespace.c */				\
	X(clone3) X(userns) X(rootless_userns) X(mntns) X(pidns) X(ipcns) \
	X(utsns) X(cgroupns) X(timens) X(set_tid)			\
	/* mount.c */							\
	X(overlayfs) X(overlayfs_user) X(overlayfs_state) X(idmap_tmpfs) \
	X(idmap_root) X(mount_api) X(tmpfs_size) X(proc_mount)		\
	/* process.c */							\
	X(openat2) X(close_range) X(pidfd) X(pidfd_getfd) X(raise_limits) \
	X(ptrace) X(suspend_seccomp)					\
	/* security.c */						\
	X(seccomp) X(seccomp_notify) X(landlock) X(landlock_scope)	\
	/* memory.c */							\
	X(memfd) X(userfaultfd) X(soft_dirty) X(pagemap_scan) X(thp) X(ksm) \
	/* limit.c */							\
	X(cgroup_layout) X(cgroup2_kill) X(cgroup2_freeze)		\
	X(clone_into_cgroup) X(cgroup2_memory) X(cgroup2_cpu) X(cgroup2_pids) \
	X(cgroup2_io) X(cgroup1_memory) X(cgroup1_cpu) X(cgroup1_pids)	\
	X(cgroup1_blkio) X(cgroup1_freezer)				\
	/* network.c */							\
	X(netns) X(tun)							\
	/* program.c */							\
	X(slirp4netns) X(criu) X(sshd)					\
	/* subid.c */							\
	X(subids)							\
	/* state.c */							\
	X(state_directory) X(state_space) X(state_exec) X(reflink) X(fuse)

#define X(name) void probe_##name(struct probe *p);
PROBES(X)
#undef X

void undo_overlayfs_state(struct probe *p);
void undo_cgroup(struct probe *p);

#endif
