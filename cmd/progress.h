#ifndef FAAS_CMD_PROGRESS_H
#define FAAS_CMD_PROGRESS_H

/*
 * What takes a while, on stderr
 * =============================
 *
 * On a terminal a line that is written over, once it has taken half a second. Elsewhere
 * lines for a log, few of them: each part of an image as it begins and ends. With
 * `--progress json`, JSON Lines of the executor's own words. Never with -q, and beside
 * --json only when it is asked for.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "cmd/command.h"

extern const char *const progress_modes[];

#define PROGRESS_OPTION(T, field)						\
	OPT_CHOICE(0, "progress", "how", T, field, progress_modes,		\
		   "auto: a bar on a terminal, else plain lines (default)")

enum progress_kind { PROGRESS_NONE, PROGRESS_BAR, PROGRESS_PLAIN, PROGRESS_JSON };

struct progress {
	enum progress_kind kind;
	const char *doing;		/* the last step: "unpacking" */
	uint64_t began_ms;
	bool shown, said;
};

/* mode: one of progress_modes; NULL: a bar on a terminal, and nothing elsewhere. */
struct progress progress_begin(const struct ctx *ctx, const char *mode, const char *doing);
/* data: of the event "progress". */
void progress_show(struct progress *p, const json_t *data);
void progress_end(const struct progress *p);

#endif
