#ifndef FAAS_CLIENT_FILES_H
#define FAAS_CLIENT_FILES_H

#include "lib/client/execution.h"

/*
 * The client's end of a file channel (lib/spawner/protocol.h). Descriptors are
 * sent, not bytes: the sandbox copies what it was given.
 */

/* Folders are sent whole, symbolic links as links. Blocks while the pipe is full. */
int files_send(int channel, const struct execution_file *files, int n,
	       const char *const *wants, int n_wants, struct error *err) _must_check_;

/*
 * Receives one entry of what comes out. 1: go on; 0: that was all. What comes is
 * written below dir, by names that cannot leave it; *ret_missing counts artifacts
 * that were not there or could not be had, the first named in err.
 */
int files_receive(int channel, int dir, const char *const *wants, int n_wants,
		  int *ret_missing, struct error *err) _must_check_;

#endif
