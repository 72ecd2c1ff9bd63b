#ifndef FAAS_EXECUTOR_LAYER_H
#define FAAS_EXECUTOR_LAYER_H

/*
 * The folders of snapshots, `layers/ID` in the state folder. One exists before its
 * row says `ready`, and goes after its row has gone: what a death leaves between is
 * a folder without a row, or a row that nobody makes, and both are swept.
 */

#include "lib/executor/executor.h"

/* The folder of all layers: a descriptor that the caller closes. */
int layer_folder(struct executor *x, struct error *err);
int layer_make(struct executor *x, const char *id, struct error *err);
/* Of one that was made: a descriptor that the caller closes. */
int layer_open(int layers, const char *id, struct error *err);
/*
 * When its run has ended: takes away overlay's work folders, and the parts that nothing
 * was written to, so that a layer has the size of what is in it.
 */
void layer_trim(struct executor *x, const char *id);
/* Soon: what cannot be removed now is later, by layer_tend(). */
void layer_remove(struct executor *x, const char *id);

/* Adds what is in use to the names that rows have: what is mounted, and what instances have. */
void layer_note_used(struct executor *x, json_t *rows);
/* With those: does anything need that folder, or is it being made? */
bool layer_is_needed(struct executor *x, const json_t *rows, const char *name);

/* At start, after recovery: what no run makes any more, and folders without a row. */
int layer_sweep(struct executor *x, struct error *err);
/* Later: folders that could not be removed when their rows were. */
void layer_tend(struct executor *x);

#endif
