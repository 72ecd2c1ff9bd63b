#ifndef FAAS_STATEHELPER_TEXT_H
#define FAAS_STATEHELPER_TEXT_H

/* Lines of text, merged and compared by libgit2 as git does. */

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/strbuf.h"
#include "lib/state/merge.h"

/* As struct merge wants it. */
merge_text text_merge;

/* What a file that is no more than this has: more is treated as not text. */
enum { TEXT_MAX = 16 << 20 };

struct text_diff {
	uint64_t added, deleted;	/* lines */
	bool binary;			/* of either: nothing else is said then */
};

/*
 * From one file to another; -1 for one that is not there. patch, or NULL, gets the
 * hunks, without heads, as far as it has room: it has failed then.
 */
int text_compare(int from, int to, struct text_diff *ret, struct strbuf *patch,
		 struct error *err) _must_check_;

#endif
