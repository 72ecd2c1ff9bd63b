#ifndef FAAS_CMD_PAGER_H
#define FAAS_CMD_PAGER_H

/*
 * Long text on a terminal goes through FAAS_PAGER, the configured pager, PAGER or
 * less, unless --no-pager; anywhere else it goes straight to ctx->out.
 *
 *	struct pager p;
 *
 *	pager_open(&p, ctx);
 *	help_all(p.out);
 *	pager_close(&p);
 *
 * A pager that cannot be started is no error: the text is printed.
 */

#include <stdio.h>
#include <sys/types.h>

#include "cmd/command.h"

struct pager {
	FILE *out;
	pid_t pid;		/* 0: none */
};

void pager_open(struct pager *p, struct ctx *ctx);
void pager_close(struct pager *p);

/*
 * Runs argv (found on PATH) and waits for it: its exit status, or -1 if it could
 * not be started. With silent, its output goes nowhere.
 */
int pager_run(char *const *argv, bool silent);

#endif
