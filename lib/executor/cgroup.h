#ifndef FAAS_EXECUTOR_CGROUP_H
#define FAAS_EXECUTOR_CGROUP_H

/* Where cgroups are, for those who make others than leaves. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The mount point of the v2 tree (controller NULL) or of a v1 controller; -1: none. */
int cgroup_mount(const char *controller, char *ret, size_t size);
/* Our own cgroup in that hierarchy, "" for its root. */
void cgroup_own(const char *controller, char *ret, size_t size);
/* The first 64 KiB of a file, or NULL; to be freed. */
char *cgroup_read(const char *path);
bool cgroup_has_word(const char *list, const char *word, const char *separators);

/*
 * The folder of that name in the v2 tree, whose children can be limited, or -1. The kinds
 * are what they can be limited in, and CGROUP_UNIFIED.
 */
int cgroup_unified(const char *name, uint32_t *ret_kinds);

#endif
