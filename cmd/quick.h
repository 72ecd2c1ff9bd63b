#ifndef FAAS_CMD_QUICK_H
#define FAAS_CMD_QUICK_H

/*
 * The quick start
 * ===============
 *
 * libc takes longer to start than a waiting sandbox to run a small program (on
 * x86-64 it asks the processor for its caches, and a virtual machine makes each
 * answer dear). So the program's entry point is quick_entry, which does the one
 * thing that is done a thousand times, without libc:
 *
 *	faas execute [--mode MODE] [--env NAME] -- WORD...
 *
 * with an executor that runs, no configuration file, and no terminal. Whatever
 * else the line or the environment says, it returns having done nothing, and
 * the ordinary program starts. It returns, too, when something happens that is
 * not the plain end of the program: then `quick` holds the connection and what
 * came over it, and cmd/execute.c goes on from there.
 *
 * quick.c is compiled freestanding: it runs before the program is relocated, so
 * it may call nothing outside of its file and use no table of pointers.
 */

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/id.h"

enum { QUICK_ANSWER = 1024 };

struct quick {
	bool sent;			/* the request is with the executor */
	int socket;
	int signals;			/* signalfd; they are blocked */
	uint64_t mask_before;		/* of signals, bit N - 1 */
	char id[ID_SIZE];
	unsigned int received;		/* bytes of the answer so far */
	char answer[QUICK_ANSWER];
};

extern struct quick quick;

/* Is called by the entry point; sp is the stack as the kernel made it. */
void quick_start(const long *sp);

#endif
