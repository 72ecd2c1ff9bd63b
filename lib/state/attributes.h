#ifndef FAAS_STATE_ATTRIBUTES_H
#define FAAS_STATE_ATTRIBUTES_H

/*
 * Extended attributes that a layer keeps: the user's, file capabilities and access
 * lists, not overlay's own.
 */

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/error.h"

/* user: the layers are rootless ones, whose marks are user.overlay.*. */
bool attributes_kept(const char *name, bool user);

/*
 * 1 when two files, both open and not O_PATH, have the same of those, 0 when not, -1 with
 * *err. shift: what layers add to owners; an access list of a file that is in none of
 * them names those without it.
 */
int attributes_same(int a, int b, bool user, uint32_t shift, struct error *err) _must_check_;
/* Calls each with those of one, by name, as attributes_same() sees them. */
int attributes_each(int fd, bool user, uint32_t shift,
		    void (*each)(void *arg, const char *name, const void *value, size_t len),
		    void *arg, struct error *err) _must_check_;

#endif
