#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/executor/cgroup.h"
#include "lib/executor/executor.h"

/*
 * Where leaves go: a folder of our own in each hierarchy that has a controller
 * we need, below the cgroup that we were started in, so that whatever limits
 * us limits our sandboxes too. v1 hierarchies are used where the v2 tree
 * (unified.c) has no memory controller.
 */

static const char *const names[CGROUP__MAX] = {
#define X(id, name) [CGROUP_##id] = name,
	CGROUP_KINDS(X)
#undef X
};

char *cgroup_read(const char *path)
{
	FILE *f = fopen(path, "re");
	char *text = f ? calloc(1, 65536) : NULL;

	if (text)
		(void)!fread(text, 1, 65535, f);
	if (f)
		(void)fclose(f);
	return text;
}

bool cgroup_has_word(const char *list, const char *word, const char *separators)
{
	size_t len = strlen(word);

	while (*list) {
		size_t n = strcspn(list, separators);

		if (n == len && !strncmp(list, word, n))
			return true;
		list += n;
		list += strspn(list, separators);
	}
	return false;
}

int cgroup_mount(const char *controller, char *ret, size_t size)
{
	cleanup_free char *mounts = cgroup_read("/proc/self/mounts");
	char *line, *save;

	if (!mounts)
		return -1;
	for (line = strtok_r(mounts, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char where[1024], type[64], options[1024];

		if (sscanf(line, "%*s %1023s %63s %1023s", where, type, options) != 3)
			continue;
		if (controller ? strcmp(type, "cgroup") || !cgroup_has_word(options, controller, ",")
			       : strcmp(type, "cgroup2") != 0)
			continue;
		(void)snprintf(ret, size, "%s", where);
		return 0;
	}
	return -1;
}

void cgroup_own(const char *controller, char *ret, size_t size)
{
	cleanup_free char *text = cgroup_read("/proc/self/cgroup");
	char *line, *save;

	*ret = '\0';
	if (!text)
		return;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *list = strchr(line, ':'), *path = list ? strchr(list + 1, ':') : NULL;

		if (!path)
			continue;
		*list++ = '\0';
		*path++ = '\0';
		if (controller ? cgroup_has_word(list, controller, ",") : !*list) {
			(void)snprintf(ret, size, "%s", strcmp(path, "/") ? path : "");
			return;
		}
	}
}

static int open_folder(const char *parent, const char *name)
{
	char path[4200];

	(void)snprintf(path, sizeof(path), "%.2048s/%.1024s", parent, name);
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return -1;
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int cgroups_open(const char *name, int dirs[CGROUP__MAX], uint32_t *ret_kinds,
		struct error *err)
{
	uint32_t kinds = 0;

	(void)err;
	for (int i = 0; i < CGROUP__MAX; i++)
		dirs[i] = -1;
	dirs[CGROUP_UNIFIED] = cgroup_unified(name, ret_kinds);
	if (dirs[CGROUP_UNIFIED] >= 0)
		return 0;
	for (int i = CGROUP_MEMORY; i < CGROUP__MAX; i++) {
		char mount[1024], own[1024], path[2100];

		if (cgroup_mount(names[i], mount, sizeof(mount)) < 0)
			continue;
		cgroup_own(names[i], own, sizeof(own));
		(void)snprintf(path, sizeof(path), "%s%s", mount, own);
		if (access(path, W_OK) < 0)
			continue;
		dirs[i] = open_folder(path, name);
		/* the freezer limits nothing */
		if (dirs[i] >= 0 && i != CGROUP_FREEZER)
			kinds |= 1u << i;
	}
	*ret_kinds = kinds;
	return 0;
}

int cgroups_thaw(int freezer)
{
	int fd = freezer < 0 ? -1 : openat(freezer, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	int n = 0;

	while (d && (e = readdir(d))) {
		char path[NAME_MAX + 16];
		cleanup_close int state = -1;

		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/freezer.state", e->d_name);
		state = openat(fd, path, O_WRONLY | O_CLOEXEC);
		n += state >= 0 && write(state, "THAWED", 6) == 6;
	}
	if (d)
		(void)closedir(d);
	else if (fd >= 0)
		(void)close(fd);
	return n;
}

int cgroups_sweep(const int dirs[CGROUP__MAX])
{
	int n = 0;

	(void)cgroups_thaw(dirs[CGROUP_FREEZER]);
	for (int i = 0; i < CGROUP__MAX; i++) {
		int fd = dirs[i] < 0 ? -1 : openat(dirs[i], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		DIR *d = fd < 0 ? NULL : fdopendir(fd);
		struct dirent *e;

		while (d && (e = readdir(d)))
			if (e->d_type == DT_DIR && e->d_name[0] != '.' &&
			    !unlinkat(dirs[i], e->d_name, AT_REMOVEDIR))
				n++;
		if (d)
			(void)closedir(d);
	}
	return n;
}
