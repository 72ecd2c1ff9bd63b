#include "lib/doctor/cgroup.h"

#include <stdio.h>
#include <string.h>

int cgroup_parse_mount(const char *line, struct cgroup_mount *ret)
{
	struct cgroup_mount m = { 0 };
	const char *rest = strstr(line, " - ");
	char type[32];

	if (!rest || sscanf(line, "%*u %*u %*s %511s %511s", m.root, m.point) != 2 ||
	    sscanf(rest, " - %31s %*s %255s", type, m.options) != 2)
		return -1;
	if (strcmp(type, "cgroup") && strcmp(type, "cgroup2"))
		return -1;
	m.v2 = !strcmp(type, "cgroup2");
	*ret = m;
	return 0;
}

bool cgroup_in_list(const char *list, const char *separators, const char *word)
{
	size_t len = strlen(word);

	while (*list) {
		size_t n = strcspn(list, separators);

		if (n == len && !strncmp(list, word, n))
			return true;
		list += n + (list[n] != '\0');
	}
	return false;
}

const char *cgroup_own_path(const char *line, const char *controller)
{
	const char *list = strchr(line, ':'), *path;
	char names[128];
	size_t len;

	path = list ? strchr(list + 1, ':') : NULL;
	if (!path)
		return NULL;
	len = (size_t)(path - list - 1);
	if (!controller)
		return len ? NULL : path + 1;
	if (len >= sizeof(names))
		return NULL;
	memcpy(names, list + 1, len);
	names[len] = '\0';
	return cgroup_in_list(names, ",", controller) ? path + 1 : NULL;
}

static int find_mount(const char *controller, struct cgroup_mount *ret)
{
	char line[4096];
	FILE *f = fopen("/proc/self/mountinfo", "re");
	int r = -1;

	while (r < 0 && f && fgets(line, sizeof(line), f))
		if (cgroup_parse_mount(line, ret) == 0 &&
		    (controller ? !ret->v2 && cgroup_in_list(ret->options, ",", controller)
				: ret->v2))
			r = 0;
	if (f)
		(void)fclose(f);
	return r;
}

/* The path in the hierarchy, as seen from what is mounted of it. */
static void set_own(struct cgroup_place *place, const char *root, const char *path)
{
	size_t len = strcmp(root, "/") ? strlen(root) : 0;

	if (strncmp(path, root, len) || (path[len] && path[len] != '/'))
		path = "";
	else
		path += len;
	if (!strcmp(path, "/"))
		path = "";
	(void)snprintf(place->own, sizeof(place->own), "%.250s%.250s", place->base, path);
}

int cgroup_find(const char *controller, struct cgroup_place *ret)
{
	struct cgroup_place place;
	struct cgroup_mount m;
	char line[1024];
	FILE *f;

	if (find_mount(controller, &m) < 0)
		return -1;
	(void)snprintf(place.base, sizeof(place.base), "%s", m.point);
	(void)snprintf(place.own, sizeof(place.own), "%s", m.point);
	f = fopen("/proc/self/cgroup", "re");
	while (f && fgets(line, sizeof(line), f)) {
		const char *path;

		line[strcspn(line, "\n")] = '\0';
		path = cgroup_own_path(line, controller);
		if (path)
			set_own(&place, m.root, path);
	}
	if (f)
		(void)fclose(f);
	*ret = place;
	return 0;
}

bool cgroup_is_limited(const char *dir)
{
	static const char *const files[] = { "memory.max", "memory.high", "cpu.max" };
	bool limited = false;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char path[4300], text[64] = "max";
		FILE *f;

		(void)snprintf(path, sizeof(path), "%.4200s/%s", dir, files[i]);
		f = fopen(path, "re");
		/* a file that is not there limits nothing */
		if (f && fgets(text, sizeof(text), f))
			limited = limited || strncmp(text, "max", 3);
		if (f)
			(void)fclose(f);
	}
	return limited;
}
