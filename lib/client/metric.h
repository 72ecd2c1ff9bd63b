#ifndef FAAS_CLIENT_METRIC_H
#define FAAS_CLIENT_METRIC_H

/*
 * A value that a program prints, found by a pattern
 * =================================================
 *
 *	CLEANUP(metric_pattern_release) struct metric_pattern *p = ...;
 *	struct metric m = METRIC(p);
 *
 *	if (metric_compile(p, "loss", "loss=([0-9.]+)", err) < 0)
 *		return -1;
 *	metric_feed(&m, data, size);		as it comes, in any pieces
 *	metric_end(&m);
 *	if (m.found)
 *		use(m.value);
 *
 * The pattern is a POSIX extended one with one group, and is matched line by line. The
 * last match counts: what a program prints last is its result. Of a line longer than
 * METRIC_LINE, the beginning is looked at.
 */

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/base/cleanup.h"
#include "lib/base/error.h"

enum { METRIC_NAME = 64, METRIC_VALUE = 256, METRIC_LINE = 65536 };

struct metric_pattern {
	char name[METRIC_NAME];
	regex_t regex;
	bool compiled;
};

struct metric {
	const struct metric_pattern *pattern;
	char *line;			/* what came of it so far */
	size_t len;
	bool found, failed;		/* failed: no memory */
	char value[METRIC_VALUE];
};

#define METRIC(p)	{ .pattern = (p) }

/* name may be "", for one that needs none. */
int metric_compile(struct metric_pattern *ret, const char *name, const char *regex,
		   struct error *err) _must_check_;
/* "NAME=REGEX"; the name is of [A-Za-z0-9_-], a letter first. */
int metric_parse(struct metric_pattern *ret, const char *text, struct error *err)
	_must_check_;
void metric_pattern_release(struct metric_pattern *p);
DEFINE_CLEANUP(struct metric_pattern *, metric_pattern_release);

void metric_feed(struct metric *m, const char *data, size_t size);
/* Looks at a last line without an end, and frees what was needed meanwhile. */
void metric_end(struct metric *m);

/* A finite number and nothing else. */
bool metric_number(const char *value, double *ret);

#endif
