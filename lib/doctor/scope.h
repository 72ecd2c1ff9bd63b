#ifndef FAAS_DOCTOR_SCOPE_H
#define FAAS_DOCTOR_SCOPE_H

/*
 * A login session's cgroup belongs to root, so that its user can limit nothing in it.
 * The user's own systemd has cgroups that are the user's: this process moves to one of
 * them, and everything that it starts is in there too.
 */

#include <stdbool.h>

/* Asks for a scope of that name; false when there is no such systemd, or it refuses. */
bool scope_join(const char *name);

#endif
