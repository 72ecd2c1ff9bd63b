#ifndef FAAS_SPAWNER_DRAIN_H
#define FAAS_SPAWNER_DRAIN_H

/*
 * What a program writes, on its way into a log.
 */

#include "lib/spawner/spawner.h"

struct output {
	int pty;		/* the terminal's master, or -1 */
	int pipes[3];		/* [1] and [2]: where the logged output comes from, or -1 */
	bool log_pty;		/* what comes from the terminal is logged */
	struct log log;
};

#define NO_OUTPUT { .pty = -1, .pipes = { -1, -1, -1 }, .log = { .dir = -1, .file = -1 } }

/* The program's stdout and stderr become pipes that end here; fds[1] and [2] are theirs. */
int drain_pipes(struct output *out, int fds[3], struct msg_status *st);
/* What is there now of stream 1 or 2, or of the terminal: 0. */
void drain(struct output *out, int stream);
/* All that is there now: what was left running may hold the other ends for ever. */
void drain_rest(struct output *out);
/* Until the end of the pipes, which comes when nothing holds the other ends. */
void drain_all(struct output *out);
void drain_close(struct output *out);
/* The next first process is a copy of us: what was written is not its to see. */
void drain_forget(void);

#endif
