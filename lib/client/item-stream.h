#ifndef FAAS_CLIENT_ITEM_STREAM_H
#define FAAS_CLIENT_ITEM_STREAM_H

/*
 * Items as they come
 * ==================
 *
 * Those of items.h, but from something that may never end: one is used while the next
 * is not written yet, and no more is kept than one item and a piece of input.
 *
 *	struct item_stream s = ITEM_STREAM(fd, "names", '\n');
 *
 *	when fd is readable: item_stream_read(&s, err)
 *	while (item_stream_next(&s, &item))
 *		...
 *	item_stream_release(&s);
 */

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/strbuf.h"
#include "lib/client/items.h"

struct item_stream {
	int fd;				/* not ours */
	const char *name;		/* for messages */
	char delimiter;
	struct strbuf buf;
	size_t at;
	bool eof, skipping;
	uint64_t number;		/* of the item last given, from 1 */
};

#define ITEM_STREAM(f, n, d)	\
	{ .fd = (f), .name = (n), .delimiter = (d), .buf = STRBUF(4 * ITEM_MAX) }

void item_stream_release(struct item_stream *s);

/* Reads once; may block when nothing is there. At the end: s->eof. */
int item_stream_read(struct item_stream *s, struct error *err) _must_check_;
/*
 * 1 and *ret, to be freed; 0: none that is whole is here. An item that cannot be one is
 * 1, too: *ret is as much as can be shown of it, and err->code says why.
 */
int item_stream_next(struct item_stream *s, char **ret, struct error *err) _must_check_;
/* Would it give one without more being read? */
bool item_stream_ready(const struct item_stream *s);

#endif
