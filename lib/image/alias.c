#include "lib/image/alias.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/parse.h"
#include "lib/base/strbuf.h"

enum { FILE_LIMIT = 1 << 20, ALIASES_MAX = 10000 };

static const struct {
	const char *name, *reference;
} builtin[] = {
	{ "alpine-fast", "docker.io/library/alpine:3" },
	{ "python-fast", "docker.io/library/python:3-alpine" },
	{ "node-fast", "docker.io/library/node:lts-alpine" },
};

void image_aliases_release(struct image_aliases *a)
{
	for (size_t i = 0; i < a->n; i++) {
		free(a->v[i].name);
		free(a->v[i].reference);
	}
	free(a->v);
	*a = (struct image_aliases){ NULL, 0 };
}

static struct image_alias *find(const struct image_aliases *a, const char *name, size_t len)
{
	for (size_t i = 0; i < a->n; i++)
		if (!strncmp(a->v[i].name, name, len) && !a->v[i].name[len])
			return &a->v[i];
	return NULL;
}

static int put(struct image_aliases *a, const char *name, const char *reference, bool is_builtin,
	       struct error *err)
{
	struct image_alias *at = find(a, name, strlen(name)), *v;
	char *text = strdup(reference), *key = NULL;

	if (at && text) {
		free(at->reference);
		at->reference = text;
		at->builtin = is_builtin;
		return 0;
	}
	key = strdup(name);
	v = a->n < ALIASES_MAX ? realloc(a->v, (a->n + 1) * sizeof(*v)) : NULL;
	if (v)
		a->v = v;
	if (!text || !key || !v) {
		free(text);
		free(key);
		return err_set(err, ERR_LIMIT, "too many aliases");
	}
	a->v[a->n++] = (struct image_alias){ key, text, is_builtin };
	return 0;
}

/* A name without a registry or a tag, so that it cannot hide a whole reference. */
static int check_name(const char *name, struct error *err)
{
	if (parse_name(name) == 0 && !strpbrk(name, "/:"))
		return 0;
	return err_set(err, ERR_USAGE, "'%.128s' cannot be an alias: use letters, digits and "
		       "'._-'", name);
}

static int take_line(struct image_aliases *a, char *line, struct error *err)
{
	struct image_ref ref;
	char *name, *reference, *save = NULL;

	line[strcspn(line, "#")] = '\0';
	name = strtok_r(line, " \t\r", &save);
	if (!name)
		return 0;
	reference = strtok_r(NULL, " \t\r", &save);
	if (!reference || strtok_r(NULL, " \t\r", &save))
		return err_set(err, ERR_USAGE, "a line is NAME REFERENCE");
	if (check_name(name, err) < 0 || image_ref_parse(reference, &ref, err) < 0)
		return -1;
	return put(a, name, reference, false, err);
}

static int read_file(const char *path, struct strbuf *text, struct error *err)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char buf[4096];
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 :
			err_sys(err, errno, "open '%s'", path);
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		strbuf_add(text, buf, (size_t)n);
	if (n < 0)
		return err_sys(err, errno, "read '%s'", path);
	return strbuf_failed(text) ? err_set(err, ERR_LIMIT, "'%s' is too large", path) : 0;
}

static int load_own(const char *path, struct image_aliases *a, struct error *err)
{
	cleanup_strbuf struct strbuf text = STRBUF(FILE_LIMIT);
	unsigned int number = 0;
	char *line, *next;

	if (read_file(path, &text, err) < 0)
		return -1;
	for (line = text.len ? text.buf : NULL; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		number++;
		if (take_line(a, line, err) < 0) {
			(void)err_wrap(err, "'%.200s', line %u", path, number);
			return err_hint(err, "correct that line, or remove it");
		}
	}
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct image_alias *)a)->name,
		      ((const struct image_alias *)b)->name);
}

int image_aliases_load(const char *path, struct image_aliases *ret, struct error *err)
{
	cleanup_aliases struct image_aliases a = { NULL, 0 };

	for (size_t i = 0; i < ARRAY_SIZE(builtin); i++)
		if (put(&a, builtin[i].name, builtin[i].reference, true, err) < 0)
			return -1;
	if (path && load_own(path, &a, err) < 0)
		return -1;
	qsort(a.v, a.n, sizeof(*a.v), by_name);
	*ret = a;
	a = (struct image_aliases){ NULL, 0 };
	return 0;
}

int image_alias_resolve(const struct image_aliases *a, const char *name, char buf[IMAGE_REF],
			struct error *err)
{
	size_t len = strcspn(name, ":@");
	const struct image_alias *alias = find(a, name, strlen(name));
	struct image_ref ref;

	if (alias) {
		(void)snprintf(buf, IMAGE_REF, "%s", alias->reference);
		return 0;
	}
	alias = strchr(name, '/') ? NULL : find(a, name, len);
	if (alias) {
		const char *last = strrchr(alias->reference, '/');

		/* with a tag of its own it is no name for other tags */
		if (strpbrk(last ? last : alias->reference, ":@"))
			alias = NULL;
	}
	if (alias ? snprintf(buf, IMAGE_REF, "%s%s", alias->reference, name + len) >= IMAGE_REF :
	    snprintf(buf, IMAGE_REF, "%s", name) >= IMAGE_REF)
		return err_set(err, ERR_USAGE, "the name of an image is too long");
	return image_ref_parse(buf, &ref, err);
}

/* The folder that a file is to be in; its parent is ~/.config. */
static int make_folder(const char *path, struct error *err)
{
	cleanup_free char *dir = strdup(path);

	if (!dir)
		return err_set(err, ERR_LIMIT, "no memory");
	for (char *p = strchr(dir + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		if (mkdir(dir, 0700) < 0 && errno != EEXIST)
			return err_sys(err, errno, "make '%s'", dir);
		*p = '/';
	}
	return 0;
}

/* Locked until it is closed: two of us are one after the other. */
static int lock_folder(const char *path, struct error *err)
{
	cleanup_free char *dir = NULL;
	cleanup_close int fd = -1;

	if (make_folder(path, err) < 0)
		return -1;
	dir = strndup(path, (size_t)(strrchr(path, '/') - path) + 1);
	if (!dir)
		return err_set(err, ERR_LIMIT, "no memory");
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, errno, "open folder '%s'", dir);
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return err_sys(err, errno, "lock folder '%s'", dir);
	return TAKE_FD(fd);
}

static int write_file(const char *path, const struct strbuf *text, struct error *err)
{
	cleanup_free char *temporary = NULL;
	cleanup_close int fd = -1;

	if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
		return err_set(err, ERR_LIMIT, "no memory");
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, errno, "make '%s'", temporary);
	if (write(fd, text->buf, text->len) != (ssize_t)text->len || fsync(fd) < 0 ||
	    rename(temporary, path) < 0) {
		(void)err_sys(err, errno, "write '%s'", path);
		(void)unlink(temporary);
		return -1;
	}
	return 0;
}

int image_alias_set(const char *path, const char *name, const char *reference,
		    struct error *err)
{
	cleanup_aliases struct image_aliases own = { NULL, 0 };
	cleanup_strbuf struct strbuf text = STRBUF(FILE_LIMIT);
	cleanup_close int folder = -1;
	struct image_ref ref;
	bool was = false;

	if (check_name(name, err) < 0 ||
	    (reference && image_ref_parse(reference, &ref, err) < 0))
		return -1;
	folder = lock_folder(path, err);
	if (folder < 0 || load_own(path, &own, err) < 0)
		return -1;
	strbuf_adds(&text, "# short names of images: NAME REFERENCE\n");
	for (size_t i = 0; i < own.n; i++) {
		bool same = !strcmp(own.v[i].name, name);

		was |= same;
		if (!same || reference)
			strbuf_addf(&text, "%s %s\n", own.v[i].name,
				    same ? reference : own.v[i].reference);
	}
	if (reference && !was)
		strbuf_addf(&text, "%s %s\n", name, reference);
	if (!reference && !was) {
		(void)err_set(err, ERR_NOT_FOUND, "'%s' is no alias of yours", name);
		return err_hint(err, "see 'faas env alias list'");
	}
	if (strbuf_failed(&text))
		return err_set(err, ERR_LIMIT, "'%s' becomes too large", path);
	return write_file(path, &text, err);
}
