#ifndef FAAS_ARCHIVE_REPORT_H
#define FAAS_ARCHIVE_REPORT_H

/*
 * What the helper tells its caller
 * ================================
 *
 * JSON lines on the status descriptor, each in one write of less than PIPE_BUF:
 *
 *	{"progress":{"bytes":1048576,"entries":17}}
 *	{"ok":true,"entries":17,"bytes":1048576,"skipped":{"device":3},"stripped":{}}
 *	{"ok":false,"code":"usage","message":"a name contains '..'","entry":"../x"}
 *
 * Progress at most every 100 ms, then exactly one line with "ok". The entry is
 * readable on any terminal: control characters, backslashes and bytes that are
 * not UTF-8 are \xNN, and what is long is cut.
 */

#include <stdint.h>

#include "lib/archive/policy.h"

struct report {
	int fd;
	uint64_t entries, bytes;
	uint64_t skipped[SKIP__MAX], stripped[STRIP__MAX];
	char entry[POLICY_PATH_MAX + 1];	/* being worked on, cut */
	uint64_t last_ms;			/* private: of the last progress */
};

/* Which entry an error is about; NULL when it is about none. */
void report_entry(struct report *r, const char *name);
void report_strip(struct report *r, unsigned int mask);
/* Cheap enough to be called for every block. */
void report_progress(struct report *r);
void report_ok(const struct report *r);
void report_error(const struct report *r, const struct error *err);

#endif
