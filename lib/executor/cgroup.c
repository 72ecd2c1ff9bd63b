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
 * us limits our sandboxes too. v1 hierarchies are used where the v2 tree has no
 * memory controller.
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

static bool has_word(const char *list, const char *word, const char *separators)
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
		if (controller ? strcmp(type, "cgroup") || !has_word(options, controller, ",")
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
		if (controller ? has_word(list, controller, ",") : !*list) {
			(void)snprintf(ret, size, "%s", strcmp(path, "/") ? path : "");
			return;
		}
	}
}

static int write_text(const char *dir, const char *file, const char *text)
{
	char path[4200];
	int fd, r;

	(void)snprintf(path, sizeof(path), "%.2048s/%.1024s", dir, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	r = write(fd, text, strlen(text)) < 0 ? -1 : 0;
	(void)close(fd);
	return r;
}

static int open_folder(const char *parent, const char *name)
{
	char path[4200];

	(void)snprintf(path, sizeof(path), "%.2048s/%.1024s", parent, name);
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return -1;
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* A v2 cgroup with processes may not give controllers to children: step aside. */
static void delegate(const char *own)
{
	static const char *const controllers[] = { "+memory", "+pids", "+cpu", "+io" };
	char leaf[2200], pid[24];

	for (int tries = 0; tries < 2; tries++) {
		bool busy = false;

		for (size_t i = 0; i < ARRAY_SIZE(controllers); i++)
			if (write_text(own, "cgroup.subtree_control", controllers[i]) < 0 &&
			    errno == EBUSY)
				busy = true;
		if (!busy || tries)
			return;
		(void)snprintf(leaf, sizeof(leaf), "%.2000s/faas-executor", own);
		if (mkdir(leaf, 0755) < 0 && errno != EEXIST)
			return;
		(void)snprintf(pid, sizeof(pid), "%d", getpid());
		if (write_text(leaf, "cgroup.procs", pid) < 0)
			return;
	}
}

static bool unified_has_memory(const char *own)
{
	char path[4200];
	cleanup_free char *list = NULL;

	(void)snprintf(path, sizeof(path), "%.2048s/cgroup.controllers", own);
	list = cgroup_read(path);
	return list && has_word(list, "memory", " \n");
}

static int find_unified(const char *name, int *ret)
{
	static const char *const controllers[] = { "+memory", "+pids", "+cpu", "+io" };
	char mount[1024], own[1024], path[2100], folder[2300];

	if (cgroup_mount(NULL, mount, sizeof(mount)) < 0)
		return -1;
	cgroup_own(NULL, own, sizeof(own));
	(void)snprintf(path, sizeof(path), "%s%s", mount, own);
	if (!unified_has_memory(path) || access(path, W_OK) < 0)
		return -1;
	delegate(path);
	*ret = open_folder(path, name);
	if (*ret < 0)
		return -1;
	(void)snprintf(folder, sizeof(folder), "%s/%.128s", path, name);
	for (size_t i = 0; i < ARRAY_SIZE(controllers); i++)
		(void)write_text(folder, "cgroup.subtree_control", controllers[i]);
	return 0;
}

int cgroups_open(const char *name, int dirs[CGROUP__MAX], uint32_t *ret_kinds,
		struct error *err)
{
	uint32_t kinds = 0;

	(void)err;
	for (int i = 0; i < CGROUP__MAX; i++)
		dirs[i] = -1;
	if (!find_unified(name, &dirs[CGROUP_UNIFIED])) {
		*ret_kinds = 1u << CGROUP_UNIFIED;
		return 0;
	}
	for (int i = CGROUP_MEMORY; i < CGROUP__MAX; i++) {
		char mount[1024], own[1024], path[2100];

		if (cgroup_mount(names[i], mount, sizeof(mount)) < 0)
			continue;
		cgroup_own(names[i], own, sizeof(own));
		(void)snprintf(path, sizeof(path), "%s%s", mount, own);
		if (access(path, W_OK) < 0)
			continue;
		dirs[i] = open_folder(path, name);
		if (dirs[i] >= 0)
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
