#ifndef FAAS_CMD_MAP_H
#define FAAS_CMD_MAP_H

/*
 * faas map, in parts: map.c is the command, map-run.c makes jobs of items and shows
 * what came of them, map-reduce.c gives their outputs to one more program.
 */

#include "cmd/batch.h"
#include "lib/client/item-stream.h"
#include "lib/client/items.h"

struct map {
	struct items items;
	size_t next;			/* item that is to be begun */
	bool streaming;			/* they come from here instead, and next were begun */
	struct item_stream stream;
	struct item_template template;
	bool literal, file;		/* of the words: after '--'; words[0] is a file */
	char start[65];			/* id of the snapshot that each begins at */
	const char *from, *prefix;	/* as given; of the branches' names */
	uint64_t seed;			/* digest of all that items have in common */
	bool keep, tag, resume;
	const char *reduce;		/* or NULL */
	FILE *collected;		/* for it: what items wrote, in their order */
	uint64_t cut;			/* items whose output was not kept whole */
	uint64_t not_run;		/* or ended before they had a result */
};

/* ---- map-run.c ---- */

extern const struct batch_source map_source, map_stream_source;

/* ---- map-reduce.c ---- */

int map_collect(struct map *m, const struct job *j, struct error *err);
/* Its status, or -1. */
int map_reduce(struct batch *b, const struct map *m, struct error *err);

#endif
