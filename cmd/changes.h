#ifndef FAAS_CMD_CHANGES_H
#define FAAS_CMD_CHANGES_H

/* What one state of files has that another has not, for commands that count or show it. */

#include <jansson.h>
#include <stdio.h>

#include "lib/base/error.h"
#include "lib/crypto/hash.h"
#include "lib/state/diff.h"

/* Both are what snapshot.get says; from NULL: what `to` stands on. */
int changes_walk(const json_t *from, const json_t *to,
		 int (*each)(void *arg, const struct difference *d, const struct view *after),
		 void *arg, struct error *err) _must_check_;

struct changes {
	size_t n;
	char digest[HASH_TEXT];	/* of kinds, paths, modes, owners and contents */
};

int changes_count(const json_t *from, const json_t *to, struct changes *ret, struct error *err)
	_must_check_;
/* A line each, as `diff` has them; how many there are. */
int changes_show(FILE *f, const json_t *from, const json_t *to, size_t *ret_n,
		 struct error *err) _must_check_;

#endif
