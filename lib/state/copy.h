#ifndef FAAS_STATE_COPY_H
#define FAAS_STATE_COPY_H

/*
 * What a file is made of, from one descriptor to another: nothing here knows paths,
 * so nothing is followed.
 */

#include <stdbool.h>
#include <sys/stat.h>

#include "lib/base/error.h"

/* Opens an O_PATH descriptor of a regular file or folder for reading; -1 with errno. */
int copy_reopen(int path_fd);
/*
 * The content of a regular file: shared with it where the file system can, holes stay
 * holes. to is empty.
 */
int copy_content(int from, int to, struct error *err) _must_check_;
/*
 * Extended attributes that a layer keeps: the user's, file capabilities and access
 * lists, not overlay's own. user: the layers are rootless ones, whose marks are
 * user.overlay.*. Both are open, not O_PATH.
 */
int copy_attributes(int from, int to, bool user, struct error *err) _must_check_;

#endif
