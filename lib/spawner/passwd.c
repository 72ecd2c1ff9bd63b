#include "lib/spawner/spawner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/*
 * Users as the sandbox's own /etc/passwd and /etc/group name them. The files are
 * the environment's, so they are only ever read as text, and only from inside.
 */

enum { FILE_MAX = 256 * 1024, ID_MAX = 65534 };

static char text[FILE_MAX];

static char *read_table(const char *root, const char *name)
{
	char path[256];
	int n = snprintf(path, sizeof(path), "%s/etc/%s", root, name);
	int fd = n >= (int)sizeof(path) ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t got = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		(void)close(fd);
	text[got > 0 ? got : 0] = '\0';
	return text;
}

/* Cuts the next line of a table into at most n fields; how many there were. */
static int next_line(char **p, char *fields[], int n)
{
	char *line = *p, *end;
	int i = 0;

	if (!*line)
		return -1;
	end = line + strcspn(line, "\n");
	*p = *end ? end + 1 : end;
	*end = '\0';
	while (i < n) {
		fields[i++] = line;
		line += strcspn(line, ":");
		if (!*line)
			break;
		*line++ = '\0';
	}
	return i;
}

/* Digits only, at most ID_MAX: "-1", "4294967295" and "1x" are not ids. */
static int id_of(const char *s, size_t len, uint32_t *ret)
{
	uint32_t n = 0;

	if (!len || len > 5)
		return -1;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -1;
		n = n * 10 + (uint32_t)(s[i] - '0');
	}
	if (n > ID_MAX)
		return -1;
	*ret = n;
	return 0;
}

static bool find_user(const char *root, const char *name, size_t len, bool is_id,
		      uint32_t id, struct account *a)
{
	char *p = read_table(root, "passwd"), *f[7];
	int n;

	while ((n = next_line(&p, f, 7)) >= 0) {
		uint32_t uid, gid;

		if (n < 6 || id_of(f[2], strlen(f[2]), &uid) < 0 ||
		    id_of(f[3], strlen(f[3]), &gid) < 0)
			continue;
		if (is_id ? uid != id : strlen(f[0]) != len || strncmp(f[0], name, len))
			continue;
		a->uid = uid;
		a->gid = gid;
		(void)snprintf(a->name, sizeof(a->name), "%s", f[0]);
		(void)snprintf(a->home, sizeof(a->home), "%s", f[5]);
		return true;
	}
	return false;
}

static bool find_group(const char *root, const char *name, uint32_t *ret)
{
	char *p = read_table(root, "group"), *f[4];
	int n;

	while ((n = next_line(&p, f, 4)) >= 0)
		if (n >= 3 && !strcmp(f[0], name) && !id_of(f[2], strlen(f[2]), ret))
			return true;
	return false;
}

static void add_groups(const char *root, struct account *a)
{
	char *p = read_table(root, "group"), *f[4];
	int n;

	while ((n = next_line(&p, f, 4)) >= 0) {
		uint32_t gid;

		if (n < 4 || id_of(f[2], strlen(f[2]), &gid) < 0)
			continue;
		for (char *m = f[3]; *m;) {
			size_t len = strcspn(m, ",");

			if (len == strlen(a->name) && !strncmp(m, a->name, len) &&
			    gid < spawner.uid_count &&
			    a->n_groups < (int)ARRAY_SIZE(a->groups))
				a->groups[a->n_groups++] = gid;
			m += len + (m[len] == ',');
		}
	}
}

int account_find(const char *root, const char *spec, struct account *ret,
		 struct msg_status *st)
{
	struct account a = { .name = "root", .home = "/root" };
	const char *colon = strchr(spec, ':');
	size_t len = colon ? (size_t)(colon - spec) : strlen(spec);
	uint32_t id = 0;
	bool is_id;

	/* the usual case, and nothing to look up: a read of the file is what it saves */
	if (!*spec) {
		*ret = a;
		return 0;
	}
	is_id = !id_of(spec, len, &id);
	if (!find_user(root, spec, len, is_id, id, &a)) {
		if (!is_id) {
			errno = ENOENT;
			st->code = ERR_CANNOT_RUN;
			return fail(st, "find user '%.*s' in the environment's /etc/passwd",
				    (int)(len > 64 ? 64 : len), spec);
		}
		a.uid = a.gid = id;
		(void)snprintf(a.name, sizeof(a.name), "%s", id ? "user" : "root");
		(void)snprintf(a.home, sizeof(a.home), "%s", id ? "/" : "/root");
	}
	if (colon && id_of(colon + 1, strlen(colon + 1), &id) < 0 &&
	    !find_group(root, colon + 1, &id)) {
		errno = ENOENT;
		st->code = ERR_CANNOT_RUN;
		return fail(st, "find group '%.64s' in the environment's /etc/group",
			    colon + 1);
	}
	if (colon)
		a.gid = id;
	else if (a.uid)
		add_groups(root, &a);
	if (a.uid >= spawner.uid_count || a.gid >= spawner.uid_count) {
		errno = EPERM;
		st->code = ERR_UNSUPPORTED;
		if (spawner.uid_count == 1)
			return fail(st, "become user '%s': without root the sandbox has one user "
				    "only, its root", spec);
		return fail(st, "become user '%s': without root the sandbox has users 0 to %u only",
			    spec, spawner.uid_count - 1);
	}
	*ret = a;
	return 0;
}
