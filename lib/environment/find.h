#ifndef FAAS_ENVIRONMENT_FIND_H
#define FAAS_ENVIRONMENT_FIND_H

#include <stdbool.h>

#include "lib/base/macro.h"

/*
 * Is a program of this name in the folders that PATH has by default, or at this
 * absolute path? A path with '*', which is any part of a name, is of any regular file.
 * Symbolic links resolve inside root, and only so many names are looked at.
 */
bool environment_has(int root, const char *what) _nonnull_;

#endif
