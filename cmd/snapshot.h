#ifndef FAAS_CMD_SNAPSHOT_H
#define FAAS_CMD_SNAPSHOT_H

/* What the files of `faas snapshot` share. */

#include <jansson.h>

#include "cmd/command.h"
#include "cmd/execution.h"
#include "cmd/output.h"
#include "lib/wire/wire.h"

/* The parameters that name one snapshot. */
json_t *snapshot_id(const char *what);

#endif
