#ifndef FAAS_DOCTOR_CGROUP_H
#define FAAS_DOCTOR_CGROUP_H

/*
 * Where cgroups are: the lines of /proc/self/mountinfo and /proc/self/cgroup
 * that tell, and the folder that they add up to.
 */

#include <stdbool.h>
#include <stddef.h>

enum { CGROUP_PATH = 512 };

struct cgroup_mount {
	bool v2;
	char root[CGROUP_PATH];		/* what part of the hierarchy is mounted */
	char point[CGROUP_PATH];	/* where */
	char options[256];		/* v1: "rw,memory" */
};

/* 0 if the line of mountinfo is a cgroup mount, else -1. */
int cgroup_parse_mount(const char *line, struct cgroup_mount *ret);
/* Is word in a list that is separated by any of these characters? */
bool cgroup_in_list(const char *list, const char *separators, const char *word);
/* If the line of /proc/self/cgroup is for controller (NULL: v2), its path. */
const char *cgroup_own_path(const char *line, const char *controller);

struct cgroup_place {
	char base[CGROUP_PATH];		/* mount point */
	char own[CGROUP_PATH];		/* the folder of this process */
};

/* Of the v1 controller, or of v2 for NULL; -1 when it is not mounted. */
int cgroup_find(const char *controller, struct cgroup_place *ret);
/* Does that folder of v2 limit memory or time of what is in it? */
bool cgroup_is_limited(const char *dir);

#endif
