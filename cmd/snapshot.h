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

/* The fields of a record, in a row or an object. */
void put_snapshot(struct out *o, const json_t *s);
/* KEY=value, or KEY for null. */
json_t *snapshot_labels(const struct opt_strs *given);
/* "7d", or "none" for 0; NULL leaves params as they are. */
int snapshot_put_ttl(json_t *params, const char *ttl, struct error *err) _must_check_;
/* All snapshots that fit; takes params, of snapshot.list, or NULL. */
int snapshot_fetch(json_t *params, json_t **ret, struct error *err) _must_check_;

extern const struct cmd branch_tree;
extern const struct out_column snapshot_columns[];
extern const struct cmd snapshot_cmd_list;
extern const struct cmd snapshot_cmd_create, snapshot_cmd_restore, snapshot_cmd_check;
extern const struct cmd snapshot_cmd_delete, snapshot_cmd_prune;
extern const struct cmd snapshot_cmd_export, snapshot_cmd_import;

#endif
