#ifndef FAAS_CMD_CHANGES_H
#define FAAS_CMD_CHANGES_H

/* What one state of files has that another has not, for commands that count or show it. */

#include <jansson.h>
#include <stdio.h>

#include "lib/base/error.h"
#include "lib/crypto/hash.h"

struct changes {
	size_t n;
	char digest[HASH_TEXT];	/* of kinds, paths, modes, owners, contents and attributes */
};

/* Ids of snapshots; from NULL: what `to` stands on. */
int changes_count(const char *from, const char *to, struct changes *ret, struct error *err)
	_must_check_;
/* A line each, as `diff` has them; how many there are. */
int changes_show(FILE *f, const char *from, const char *to, size_t *ret_n,
		 struct error *err) _must_check_;

#endif
