#ifndef FAAS_CMD_OUTCOME_H
#define FAAS_CMD_OUTCOME_H

/*
 * Outcomes side by side
 * =====================
 *
 * What a run came to: how it ended, what it used, wrote and changed, and values found
 * in its output. outcome_report() puts several next to each other and says which are
 * the same. It is `faas compare`, for what was run, and `faas branch --compare`.
 */

#include <jansson.h>

#include "cmd/changes.h"
#include "cmd/output.h"
#include "lib/client/metric.h"
#include "lib/crypto/hash.h"

enum { METRICS_MAX = 8 };

#define COMPARE_METRIC(T, f)						\
	OPT_STRS(0, "metric", "pattern", T, f, HINT_NONE,		\
		 "show what NAME=REGEX finds in the output; may be repeated")

/* The patterns of a command: --metric NAME=REGEX, several times. */
struct metric_set {
	struct metric_pattern pattern[METRICS_MAX];
	int n;
};

int metric_set_parse(struct metric_set *set, const struct opt_strs *texts, struct error *err)
	_must_check_;
void metric_set_release(struct metric_set *set);
DEFINE_CLEANUP(struct metric_set *, metric_set_release);

/* What went by on stdout and stderr, of which nothing need be kept. */
struct output_watch {
	struct hash digest, errors;
	struct metric metric[METRICS_MAX];
	int n;
};

struct output_seen {
	bool known;
	char digest[HASH_TEXT], errors[HASH_TEXT];
	char *value[METRICS_MAX];	/* NULL: not found */
};

void output_watch_begin(struct output_watch *w, const struct metric_set *set);
/* struct execution_capture's `each`: arg is the watch; values are looked for in stream 1. */
void output_watch_feed(void *arg, int stream, const void *data, size_t size);
void output_watch_end(struct output_watch *w, struct output_seen *ret);
void output_seen_release(struct output_seen *seen);

struct outcome {
	const char *name;		/* of the branch, or what the user said */
	json_t *record;			/* of the execution; owned; or NULL */
	const char *message;		/* why there is none, or NULL */
	int status;			/* -1: nothing was run */
	bool has_changes;		/* else its files were not kept */
	struct changes changes;
	struct output_seen output;
	int group;			/* from 1 */
};

void outcome_release(struct outcome *o);
/* What a branch changed since it began. */
int outcome_branch(struct outcome *o, const json_t *branch, struct error *err) _must_check_;

/* The table; 0 when all are the same, 1 when they differ. */
int outcome_report(struct ctx *ctx, const struct out_opts *opts, const struct metric_set *set,
		   struct outcome *outcomes, int n, struct error *err) _must_check_;

#endif
