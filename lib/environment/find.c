#include "lib/environment/find.h"

#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

enum {
	WHAT_MAX = 128,			/* of what is looked for */
	FOUND_MAX = 4096,		/* of a path */
	LOOKED_AT_MAX = 4096,		/* names in the folders of a pattern */
};

struct search {
	int root;
	int left;			/* names that may still be looked at */
	char path[FOUND_MAX];
};

static int open_inside(int root, const char *path, uint64_t flags)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
}

/* A regular file, with one of these bits in its mode? */
static bool has_file(int root, const char *path, mode_t bits)
{
	cleanup_close int fd = open_inside(root, path, O_PATH);
	struct stat st;

	return fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode) && (st.st_mode & bits);
}

static bool step(struct search *s, size_t len, const char *pattern);

/* Goes on behind a name at the end of the path, which is len long without it. */
static bool enter(struct search *s, size_t len, const char *name, const char *rest)
{
	int n = snprintf(s->path + len, sizeof(s->path) - len, "/%s", name);

	if ((size_t)n >= sizeof(s->path) - len)
		return false;
	return *rest ? step(s, len + (size_t)n, rest) : has_file(s->root, s->path, 0777);
}

/* Takes the pattern's next name, which begins with '/'. */
static bool step(struct search *s, size_t len, const char *pattern)
{
	const char *rest = pattern + 1 + strcspn(pattern + 1, "/");
	char name[WHAT_MAX];
	bool found = false;
	struct dirent *e;
	DIR *d;
	int fd;

	(void)snprintf(name, sizeof(name), "%.*s", (int)(rest - pattern - 1), pattern + 1);
	if (!strchr(name, '*'))
		return enter(s, len, name, rest);
	s->path[len] = '\0';
	fd = open_inside(s->root, len ? s->path : "/", O_RDONLY | O_DIRECTORY);
	d = fd >= 0 ? fdopendir(fd) : NULL;
	if (!d) {
		if (fd >= 0)
			(void)close(fd);
		return false;
	}
	while (!found && s->left-- > 0 && (e = readdir(d)))
		found = !fnmatch(name, e->d_name, FNM_PERIOD) && enter(s, len, e->d_name, rest);
	(void)closedir(d);
	return found;
}

bool environment_has(int root, const char *what)
{
	static const char *const folders[] = {
		"usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin", "sbin", "bin"
	};
	char path[WHAT_MAX + 32];

	if (!*what || strlen(what) >= WHAT_MAX)
		return false;
	if (*what == '/' && strchr(what, '*')) {
		struct search s = { .root = root, .left = LOOKED_AT_MAX };

		return step(&s, 0, what);
	}
	if (*what == '/')
		return has_file(root, what, 0111);
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", folders[i], what);
		if (has_file(root, path, 0111))
			return true;
	}
	return false;
}
