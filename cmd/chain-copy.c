#include "cmd/chain.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/strbuf.h"

/*
 * COPY: from sources and a destination to which file goes where.
 */

void copying_release(struct copying *c)
{
	for (int i = 0; i < c->n; i++) {
		free((char *)(uintptr_t)c->files[i].path);
		free((char *)(uintptr_t)c->files[i].to);
	}
	free(c->files);
	inputs_release(&c->inputs);
	*c = (struct copying){ 0 };
}

/* "/app/./x//y" is "/app/x/y"; ".." is refused. NULL: *err. */
static char *there(const char *workdir, const char *path, struct error *err)
{
	const char *parts[] = { *path == '/' ? "" : workdir, path };
	cleanup_strbuf struct strbuf to = STRBUF(PATH_MAX - 1);
	char *text;

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		for (const char *p = parts[i]; *p;) {
			size_t n = strcspn(p, "/");

			if (n == 2 && !strncmp(p, "..", 2)) {
				(void)err_set(err, ERR_USAGE, "the destination '%s' has '..' in it",
					      path);
				return NULL;
			}
			if (n && !(n == 1 && *p == '.')) {
				strbuf_addc(&to, '/');
				strbuf_add(&to, p, n);
			}
			p += n + (p[n] == '/');
		}
	text = to.len ? strbuf_detach(&to) : strdup("/");
	if (!text)
		(void)err_set(err, ERR_USAGE, "the destination '%.64s...' is too long", path);
	return text;
}

/* Does this destination name a folder, whatever is there? */
static bool names_folder(const char *path)
{
	const char *last = strrchr(path, '/');

	last = last ? last + 1 : path;
	return !*last || !strcmp(last, ".");
}

/* What an author writes may reach the files beside the file, and no others. */
static int check_inside(const char *folder, const char *path, const char *source,
			struct error *err)
{
	cleanup_free char *root = realpath(folder, NULL);
	cleanup_free char *full = realpath(path, NULL);
	size_t len = root ? strlen(root) : 0;

	if (!root || !full)
		return err_sys(err, errno, "read '%s'", source);
	if (!strcmp(root, "/") || (!strncmp(full, root, len) && (!full[len] || full[len] == '/')))
		return 0;
	(void)err_set(err, ERR_USAGE, "'%s' is outside of the folder '%s'", source, folder);
	return err_hint(err, "--copy on the command line takes files from anywhere");
}

static int add_one(struct copying *c, const char *path, const char *to, bool in_folder,
		   struct error *err)
{
	cleanup_free char *target = NULL;
	struct execution_file *v;
	struct stat st;

	if (stat(path, &st) < 0)
		return err_sys(err, errno, "read '%s'", path);
	if (in_folder && !S_ISDIR(st.st_mode)) {
		const char *base = strrchr(path, '/');

		if (asprintf(&target, "%s/%s", strcmp(to, "/") ? to : "",
			     base ? base + 1 : path) < 0)
			target = NULL;
	} else {
		target = strdup(to);
	}
	v = reallocarray(c->files, (size_t)c->n + 1, sizeof(*v));
	if (v)
		c->files = v;
	if (!v || !target)
		return err_sys(err, ENOMEM, "send files");
	v[c->n] = (struct execution_file){ .path = strdup(path), .fd = -1, .to = target };
	c->n++;
	target = NULL;
	return inputs_add(&c->inputs, v[c->n - 1].path, v[c->n - 1].to, err);
}

/* The pattern is the source's alone: of the folder each character is itself. */
static int add_pattern(struct copying *c, const char *source, const char *folder, const char *to,
		       struct error *err)
{
	cleanup_strbuf struct strbuf pattern = STRBUF((size_t)3 * PATH_MAX);
	glob_t found = { 0 };
	int r;

	for (const char *p = folder; *p; p++) {
		if (strchr("*?[\\", *p))
			strbuf_addc(&pattern, '\\');
		strbuf_addc(&pattern, *p);
	}
	strbuf_addf(&pattern, "/%s", source);
	if (strbuf_failed(&pattern))
		return err_set(err, ERR_USAGE, "the source '%.64s...' is too long", source);
	r = glob(pattern.buf, 0, NULL, &found);
	if (r == GLOB_NOMATCH)
		r = err_set(err, ERR_NOT_FOUND, "nothing here has a name like '%s'", source);
	else if (r)
		r = err_sys(err, r == GLOB_NOSPACE ? ENOMEM : EIO, "look for '%s'", source);
	for (size_t i = 0; !r && i < found.gl_pathc; i++)
		r = check_inside(folder, found.gl_pathv[i], source, err) < 0 ? -1
			: add_one(c, found.gl_pathv[i], to, true, err);
	globfree(&found);
	return r;
}

static int add_source(struct copying *c, const struct step *s, const char *source,
		      const char *folder, const char *to, bool in_folder, struct error *err)
{
	cleanup_free char *path = NULL;

	if (s->anywhere)
		return add_one(c, source, to, in_folder, err);
	if (*source == '/') {
		(void)err_set(err, ERR_USAGE, "'%s' is outside of the folder '%s'", source, folder);
		return err_hint(err, "--copy on the command line takes files from anywhere");
	}
	if (strpbrk(source, "*?["))
		return add_pattern(c, source, folder, to, err);
	if (asprintf(&path, "%s/%s", folder, source) < 0) {
		path = NULL;
		return err_sys(err, ENOMEM, "send files");
	}
	return check_inside(folder, path, source, err) < 0 ? -1
		: add_one(c, path, to, in_folder, err);
}

int copying_plan(const struct step *s, const char *folder, const char *workdir,
		 struct copying *ret, struct error *err)
{
	const char *last = s->words[s->n - 1];
	bool in_folder = s->n > 2 || names_folder(last);
	cleanup_free char *to = there(workdir, last, err);

	*ret = (struct copying){ 0 };
	if (!to)
		return -1;
	for (int i = 0; i < s->n - 1; i++)
		if (add_source(ret, s, s->words[i], s->anywhere ? NULL : folder, to, in_folder,
			       err) < 0)
			return -1;
	return 0;
}
