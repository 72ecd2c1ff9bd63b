#ifndef FAAS_CMD_DOCTOR_REPAIR_H
#define FAAS_CMD_DOCTOR_REPAIR_H

#include "cmd/command.h"

/* state: a folder, or NULL for the user's own. Exits with 1 when something is left. */
int doctor_repair(struct ctx *ctx, const char *state, bool dry_run, struct error *err);
/* A line when something is to be mended, if an executor runs to be asked. */
void doctor_report_snapshots(struct ctx *ctx, const char *state);

#endif
