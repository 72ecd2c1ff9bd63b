#ifndef FAAS_CMD_FOLLOW_H
#define FAAS_CMD_FOLLOW_H

/*
 * The output of a run that was kept, and what comes. The executor passes the folder of the
 * log once; from then on the files are read directly, and only the end of the run is
 * heard from the executor.
 */

#include <time.h>

#include "cmd/execution.h"
#include "lib/client/expect.h"
#include "lib/client/logs.h"
#include "lib/client/terminal.h"

struct follow {
	struct ctx *ctx;
	struct client *client;
	json_t *record;
	json_int_t call;		/* of execution.wait */
	bool waiting, ended;
	int folder;
	struct logs *logs;
	/* what is shown */
	unsigned int stream;		/* 0: both */
	uint64_t first_seq, since_ms;
	size_t first_skip;
	bool timestamps, json;
	uint64_t seen;			/* bytes of records since the first of all */
	bool gap;			/* and something was missing among them */
	bool in_line[3];
	struct out out;
	/* attach */
	int signals;
	bool bridged;
	struct terminal terminal;
	uint64_t interrupted_ms;
	struct expect expect;
};

/* Asks for the log of `what` by an operation, "execution.logs"; fills client, record, folder. */
int follow_open(struct follow *f, const char *op, const char *what, struct error *err);
/* What comes until its end is wanted, too. */
int follow_wait(struct follow *f, struct error *err);
/* Shows what there is and, when waiting, what comes until the end. */
int follow_run(struct follow *f, struct error *err);
void follow_close(struct follow *f);
const char *follow_id(const struct follow *f);
uint64_t follow_clock_ms(clockid_t clock);

#endif
