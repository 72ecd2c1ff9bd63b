#ifndef FAAS_STATEHELPER_CONFINE_H
#define FAAS_STATEHELPER_CONFINE_H

/*
 * What reads strangers' files as root keeps no more than it needs
 * ===============================================================
 *
 * No system calls but those on files, none of which makes a socket, a program or a
 * mount; files only below the folders named here (Landlock, where the kernel has
 * it); of root's capabilities those that reading, and writing, layers takes; memory
 * and time are limited. Without root, ids are mapped so that files of one's own
 * without permissions can be read.
 */

#include <stdbool.h>

#include "lib/base/error.h"

struct confine {
	int read[4];		/* folders to read below */
	int n_read;
	int write;		/* folder to write below, or -1 */
	bool layers;		/* it is a layer: owners, marks and devices are set in it */
	bool threads;		/* libzstd compresses in several */
};

/* Irrevocable. */
int confine(const struct confine *c, struct error *err) _must_check_;
/* In filter.c. */
int confine_calls(bool threads, struct error *err) _must_check_;
/* For what only reads layers, which are below descriptor 3. */
int confine_reading(bool threads, struct error *err) _must_check_;

#endif
