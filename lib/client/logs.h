#ifndef FAAS_CLIENT_LOGS_H
#define FAAS_CLIENT_LOGS_H

/*
 * Reading the log of a run
 * ========================
 *
 * Over the descriptor of its folder that execution.logs passes (the files are
 * described in lib/base/logfile.h), while the run writes it and after.
 *
 *	CLEANUP(logs_free) struct logs *logs = NULL;
 *
 *	if (logs_open(dir, from, &logs, err) < 0)
 *		return -1;
 *	while ((r = logs_next(logs, &entry, err)) > 0)
 *		show(entry.data, entry.len);
 *
 * logs_next() gives 0 when there is no more for now: poll logs_fd(), then call it
 * again; once the run has ended, call logs_ended() and then logs_next() until 0.
 * Records come in the order of their numbers, each once; one that was half
 * written is skipped. What the cap dropped is counted, never passed over in
 * silence.
 */

#include <stdint.h>

#include "lib/base/cleanup.h"
#include "lib/base/error.h"

struct logs;

struct logs_entry {
	uint64_t seq;
	unsigned int stream;	/* 1 stdout, 2 stderr */
	uint64_t time_ms;
	const char *data;	/* lives until the next call */
	size_t len;
	uint64_t missed;	/* records lost right before this one */
};

/* Begins with record number from. The folder's descriptor stays the caller's. */
int logs_open(int dir, uint64_t from, struct logs **ret, struct error *err) _must_check_;
void logs_free(struct logs *logs);
DEFINE_CLEANUP(struct logs *, logs_free);

int logs_next(struct logs *logs, struct logs_entry *ret, struct error *err) _must_check_;
/* Nobody writes any more. */
void logs_ended(struct logs *logs);
/*
 * Readable when there may be more. -1 when the system has no watch left for us:
 * then look every now and then.
 */
int logs_fd(struct logs *logs);

/*
 * Where the last n lines begin, of one stream or of both (0): in record *ret_seq,
 * after *ret_skip bytes of it.
 */
int logs_tail(int dir, unsigned int stream, uint64_t n, uint64_t *ret_seq, size_t *ret_skip,
	      struct error *err) _must_check_;

#endif
