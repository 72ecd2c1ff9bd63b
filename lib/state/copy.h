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
/* Owner, mode, those attributes, and last the times. Both are open, not O_PATH. */
int copy_metadata(int from, int to, bool user, struct error *err) _must_check_;
/*
 * After a chown that failed: without root there is one owner, and what is another's was
 * never a sandbox's.
 */
bool copy_owner_given(bool user);
/* This folder of a layer hides what layers below have in it; -1 with errno. */
int copy_mark_opaque(int folder, bool user);

#endif
