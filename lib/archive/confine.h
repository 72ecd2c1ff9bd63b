#ifndef FAAS_ARCHIVE_CONFINE_H
#define FAAS_ARCHIVE_CONFINE_H

/*
 * Nothing but the staging directory
 * =================================
 *
 * The reader of hostile bytes runs in a process that has lost everything else:
 * its root directory is the staging directory, on a mount without set-user-ID,
 * devices and execution; it is alone in user, mount, pid, network, ipc and uts
 * namespaces; it can neither run a program nor make one; and its memory, CPU time
 * and descriptors are limited.
 *
 *	struct confine c = { .root_fd = root, .source_fd = -1 };
 *
 *	pid = confine_fork(&c, err);
 *	if (pid == 0) {		the confined child: c.root_fd is its "/"
 *		...
 *	}
 *
 * With id_count, ids 0 to id_count-1 inside are id_base and up outside, which
 * needs privilege; the staging directory is given to id_base. Without, the
 * caller's own id is 0 inside, and no other exists.
 *
 * A source directory is read with the caller's rights. A privileged caller's is
 * a read-only clone of that one mount, where host ids appear as
 * CONFINE_HOST_IDS + id, if below id_base.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/error.h"

enum { CONFINE_HOST_IDS = 65536 * 2 };

struct confine {
	int root_fd;		/* replaced in the child */
	int source_fd;		/* -1, or replaced in the child */
	bool cross_mounts;	/* mounts below the source are part of it */
	bool keep_owner;	/* the root is not a new one */
	bool change_fsuid;	/* keep the right to setfsuid(2) */
	uint32_t id_base, id_count;
	unsigned int max_fds;
	bool snapshot;		/* whiteouts, FIFOs and attributes may be made */
};

/*
 * Returns 0 in the child once it is confined, its pid in the parent, -1 on
 * failure. A child that cannot be confined calls failed() and exits with 1.
 */
pid_t confine_fork(struct confine *c, void (*failed)(void *data, const struct error *err),
		   void *data, struct error *err) _must_check_;

/* The system calls that are left; irrevocable. In lib/archive/filter.c. */
int confine_filter(bool snapshot, struct error *err) _must_check_;

#endif
