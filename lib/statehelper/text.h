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

/* A file, or what a link says, or with neither nothing. */
struct text_side {
	int fd;				/* or -1 */
	char link[4096];
	size_t link_len;
};

/*
 * From one to the other. patch, or NULL, gets the
 * hunks, without heads, as far as it has room: it has failed then.
 */
int text_compare(const struct text_side *from, const struct text_side *to, struct text_diff *ret, struct strbuf *patch,
		 struct error *err) _must_check_;

#endif
