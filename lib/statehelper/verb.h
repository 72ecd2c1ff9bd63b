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
 * "markers", "labels": [BASE, OURS, THEIRS], "write", "changes", "room"}, 3: the folder of layers, 4, with "write": the folder of a new one.
 */
verb verb_merge;

/* clone.c: 3: what a sandbox writes to, which is frozen, 4: the folder of a new layer. */
verb verb_clone;
/* compact.c: {"layers": [NAME, ...], "into": NAME}, 3: their folder. Newest first. */
verb verb_compact;

/*
 * settle.c: {"snapshots": [{"id", "layer", "shared", "parent", "below"}, ...], "shift",
 * "rootless"}, 3: the layers. They are on the disk then; sizes, digests and checksums.
 */
verb verb_settle;
/* settle.c: {"layers": [{"name", "digest"}, ...], ...}: each one's digest, or problem. */
verb verb_check;

/*
 * export.c: {"manifest", "names": of its layers' folders, "level", "sign"}, 3: the layers,
 * 4: where to, 5: a private key.
 */
verb verb_export;
/* admit.c: {"verify"}, 3: what was unpacked, 4: a public key. Answers with the manifest. */
verb verb_admit;

/* Whose the files of layers are, by "shift" and "rootless". */
struct walk_owners;
struct walk_owners ask_owners(const json_t *ask);
/* A descriptor, or -1 with errno. */
int open_layer(int layers, const char *name);
/* What is not UTF-8 in it is '?'. */
json_t *text_json(char *s);

/* say.c */
void say(json_t *line);
/*
 * folder.c: {"base", "theirs": [LAYER, ...], "root", "shift", "below", "strategy",
 * "markers", "labels", "dry_run"}, 3: the folder of layers, 4: one of the user's, to be changed.
 */
verb verb_merge_folder;
/*
 * diff.c: {"from", "to": [LAYER, ...], "root", "shift", "paths", "lines", "patch",
 * "limit", "after", "summary"}, 3: the folder of layers. One page of differences, and where the
 * "next" begins "after"; or of all, "n" and "digest".
 */
verb verb_diff;

/* A string, or {"base64": ...} when it is not UTF-8. */
json_t *say_text(const char *s, size_t len);
/* {"progress": {"done": done, "of": of}}, at most every 100 ms. */
void say_progress(uint64_t done, uint64_t of);

#endif
