#ifndef FAAS_STATEHELPER_VERB_H
#define FAAS_STATEHELPER_VERB_H

/*
 * faas-state: the helper that reads and writes the files of snapshots
 * ====================================================================
 *
 * Started by the executor (lib/executor/work.h, lib/helper): one JSON object on
 * standard input says what to do, {"do": VERB, ...}, descriptors 3, 4, ... are what it
 * is to be done with, and the answer is a line of JSON on standard output. A program
 * of its own because it takes long and has libraries that faas has not.
 */

#include <jansson.h>
#include <stdint.h>

#include "lib/base/cleanup.h"
#include "lib/base/error.h"

/* Adds to result, or -1 and *err. */
typedef int verb(const json_t *ask, json_t *result, struct error *err);

/* measure.c: {"layers": [NAME, ...]}, 3: their folder. Each one's entries and bytes. */
verb verb_measure;
/*
 * merge.c: {"base", "ours", "theirs": [LAYER, ...], "root", "shift", "strategy",
 * "write", "changes", "room"}, 3: the folder of layers, 4, with "write": the folder of a new one.
 */
verb verb_merge;

/*
 * folder.c: {"base", "theirs": [LAYER, ...], "root", "shift", "below", "strategy",
 * "dry_run"}, 3: the folder of layers, 4: one of the user's, to be changed.
 */
verb verb_merge_folder;
/*
 * diff.c: {"from", "to": [LAYER, ...], "root", "shift", "paths", "lines", "patch"}, 3:
 * the folder of layers.
 */
verb verb_diff;

/* A string, or {"base64": ...} when it is not UTF-8. */
json_t *say_text(const char *s, size_t len);
/* {"progress": {"done": done, "of": of}}, at most every 100 ms. */
void say_progress(uint64_t done, uint64_t of);

#endif
