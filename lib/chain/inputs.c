#include "lib/chain/inputs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/base64.h"
#include "lib/base/cleanup.h"
#include "lib/crypto/hash.h"

enum { DEPTH_MAX = 128 };

void inputs_release(struct inputs *in)
{
	for (size_t i = 0; i < in->n; i++)
		free(in->v[i].path);
	free(in->v);
	json_decref(in->content);
	*in = (struct inputs)INPUTS;
}

static int remember(struct inputs *in, const char *path, const struct stat *st,
		    struct error *err)
{
	if (in->n == in->size) {
		size_t size = in->size ? 2 * in->size : 64;
		struct input *v = reallocarray(in->v, size, sizeof(*v));

		if (!v)
			return err_sys(err, ENOMEM, "read '%s'", path);
		in->v = v;
		in->size = size;
	}
	if (in->n >= INPUTS_MAX)
		return err_set(err, ERR_LIMIT, "a step takes %d files and folders at most", INPUTS_MAX);
	in->v[in->n] = (struct input){ strdup(path), *st };
	return in->v[in->n].path ? (in->n++, 0) : err_sys(err, ENOMEM, "read '%s'", path);
}

/* Any bytes as JSON text; those that are not UTF-8 in base64, and marked as that. */
static json_t *as_text(const char *plain, const char *coded, const char *bytes)
{
	size_t len = strlen(bytes);
	cleanup_free char *text = NULL;
	json_t *j = json_sprintf("%s%s", plain, bytes);

	if (j)
		return j;
	text = malloc(BASE64_SIZE(len));
	if (!text)
		return NULL;
	base64_encode(bytes, len, text);
	return json_sprintf("%s%s", coded, text);
}

/* Takes what. */
static int note(struct inputs *in, const char *to, json_t *what, struct error *err)
{
	json_t *key = as_text("", "base64:", to);
	int r = key && what ? json_object_set(in->adding, json_string_value(key), what) : -1;

	json_decref(key);
	json_decref(what);
	return r < 0 ? err_sys(err, ENOMEM, "note '%s'", to) : 0;
}

static int add_at(struct inputs *in, int dir, const char *name, const char *shown,
		  const char *to, int depth, struct error *err);

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int add_folder(struct inputs *in, int fd, const char *shown, const char *to, int depth,
		      struct error *err)
{
	struct dirent **names;
	int n = scandirat(fd, ".", &names, NULL, by_name), r = 0;

	if (n < 0)
		return err_sys(err, errno, "read '%s'", shown);
	for (int i = 0; i < n; i++) {
		const char *name = names[i]->d_name;
		cleanup_free char *from = NULL;
		cleanup_free char *there = NULL;

		if (r || !strcmp(name, ".") || !strcmp(name, "..")) {
			free(names[i]);
			continue;
		}
		if (asprintf(&from, "%s/%s", shown, name) < 0)
			from = NULL;
		if (asprintf(&there, "%s/%s", strcmp(to, "/") ? to : "", name) < 0)
			there = NULL;
		r = from && there ? add_at(in, fd, name, from, there, depth + 1, err)
				  : err_sys(err, ENOMEM, "read '%s'", shown);
		free(names[i]);
	}
	free(names);
	return r;
}

static int add_link(struct inputs *in, int dir, const char *name, const char *shown,
		    const char *to, struct error *err)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(dir, name, target, sizeof(target) - 1);

	if (n < 0)
		return err_sys(err, errno, "read the link '%s'", shown);
	target[n] = '\0';
	return note(in, to, as_text("link ", "link64 ", target), err);
}

static int add_at(struct inputs *in, int dir, const char *name, const char *shown,
		  const char *to, int depth, struct error *err)
{
	char digest[HASH_TEXT];
	cleanup_close int fd = -1;
	struct stat st;

	if (depth > DEPTH_MAX || strlen(to) >= PATH_MAX || strlen(shown) >= PATH_MAX)
		return err_set(err, ERR_LIMIT, "'%.128s...': the path is too long", shown);
	if (depth && !fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) && S_ISLNK(st.st_mode))
		return remember(in, shown, &st, err) < 0 ? -1
			: add_link(in, dir, name, shown, to, err);
	fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK |
		    (depth ? O_NOFOLLOW : 0));
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, errno, "open '%s'", shown);
	if (remember(in, shown, &st, err) < 0)
		return -1;
	if (S_ISDIR(st.st_mode))
		return note(in, to, json_sprintf("folder %04o", st.st_mode & 0777), err) < 0 ? -1
			: add_folder(in, fd, shown, to, depth, err);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_USAGE, "'%s' is neither a file nor a folder", shown);
	if (hash_file(fd, digest, err) < 0)
		return err_wrap(err, "'%s'", shown);
	return note(in, to, json_sprintf("file %04o %s", st.st_mode & 0777, digest), err);
}

/* One for all of it, at a name that no other source has. */
static int fold(struct inputs *in, const char *to, struct error *err)
{
	cleanup_free char *text = json_dumps(in->adding, JSON_COMPACT | JSON_SORT_KEYS);
	cleanup_free char *name = strdup(to);
	char digest[HASH_TEXT];
	size_t count = json_object_size(in->adding);

	if (!text)
		return err_sys(err, ENOMEM, "note '%s'", to);
	hash_bytes(text, strlen(text), digest);
	(void)json_object_clear(in->adding);
	while (name && json_object_get(in->content, name)) {
		char *longer;

		if (asprintf(&longer, "%s, more", name) < 0)
			longer = NULL;
		free(name);
		name = longer;
	}
	if (!name)
		return err_sys(err, ENOMEM, "note '%s'", to);
	return note(in, name, json_sprintf("tree %zu %s", count, digest), err);
}

int inputs_add(struct inputs *in, const char *source, const char *to, struct error *err)
{
	int r;

	if (!in->content)
		in->content = json_object();
	in->adding = json_object();
	r = add_at(in, AT_FDCWD, source, source, to, 0, err);
	if (!r && json_object_size(in->adding) > INPUTS_TOLD)
		r = fold(in, to, err);
	if (!r && json_object_update(in->content, in->adding) < 0)
		r = err_sys(err, ENOMEM, "note '%s'", to);
	json_decref(in->adding);
	in->adding = NULL;
	return r;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool inputs_changed(const struct inputs *in, const char **ret_which)
{
	for (size_t i = 0; i < in->n; i++) {
		const struct input *was = &in->v[i];
		struct stat is;

		*ret_which = was->path;
		if ((S_ISLNK(was->st.st_mode) ? lstat(was->path, &is) : stat(was->path, &is)) < 0 ||
		    is.st_dev != was->st.st_dev || is.st_ino != was->st.st_ino ||
		    is.st_mode != was->st.st_mode || is.st_size != was->st.st_size ||
		    !same_time(&is.st_mtim, &was->st.st_mtim) ||
		    !same_time(&is.st_ctim, &was->st.st_ctim))
			return true;
	}
	return false;
}
