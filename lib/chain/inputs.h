#ifndef FAAS_CHAIN_INPUTS_H
#define FAAS_CHAIN_INPUTS_H

/*
 * What goes into a step
 * =====================
 *
 * The files that a step copies in, by their content: an object of where each goes to
 * "file MODE DIGEST", "folder MODE" or "link TARGET". The same content has the same
 * object, wherever and whenever it was written. Of each the state is kept, too, so
 * that it can be told afterwards whether it changed while it was being sent.
 *
 *	CLEANUP_INPUTS struct inputs inputs = INPUTS;
 *
 *	if (inputs_add(&inputs, "src", "/app/src", err) < 0)
 *		return -1;
 *	... send them ...
 *	if (inputs_changed(&inputs, &which))
 *		... it is not known what was sent ...
 */

#include <jansson.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "lib/base/error.h"

/* Of a source of more than that many, only what it is as a whole: "tree COUNT DIGEST". */
enum { INPUTS_MAX = 1000000, INPUTS_TOLD = 4096 };

struct input {
	char *path;
	struct stat st;
};

struct inputs {
	json_t *content;	/* NULL until the first is added */
	json_t *adding;		/* private: of the source that is being looked at */
	struct input *v;
	size_t n, size;
};

#define INPUTS	{ NULL }

/*
 * What `to` will be when source is sent there (lib/client/files.h): a link that source
 * is itself is followed, those inside of a folder are not. to is absolute.
 */
int inputs_add(struct inputs *in, const char *source, const char *to, struct error *err)
	_must_check_;
/* Has one changed, or gone? *ret_which is its path, and in's. */
bool inputs_changed(const struct inputs *in, const char **ret_which);
void inputs_release(struct inputs *in);
#define CLEANUP_INPUTS	__attribute__((cleanup(inputs_release)))

#endif
