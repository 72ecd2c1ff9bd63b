#include "cmd/changes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/output.h"
#include "lib/base/parse.h"
#include "lib/wire/wire.h"

enum { BLOCK = 65536 };

/* The layers from number `first` on: 0 is the snapshot's own. */
static int open_view(const json_t *s, size_t first, struct view *ret, struct error *err)
{
	const json_t *files = json_object_get(s, "files"), *layers = json_object_get(s, "layers");
	const char *folder = json_string_value(json_object_get(files, "layers"));
	const char *root = json_string_value(json_object_get(files, "root"));
	size_t n = json_array_size(layers);
	cleanup_free const char **names = calloc(n + 1, sizeof(*names));
	cleanup_close int fd = -1;

	if (!names || !folder || !root || n < first)
		return err_set(err, ERR_PROTOCOL, "the executor does not say where the files are");
	for (size_t i = first; i < n; i++)
		names[i - first] = json_string_value(json_array_get(layers, i));
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, errno, "open '%s'", folder);
	return view_open(fd, names, (int)(n - first), root,
			 (unsigned int)json_integer_value(json_object_get(files, "shift")), ret, err);
}

struct walking {
	int (*each)(void *arg, const struct difference *d, const struct view *after);
	void *arg;
	const struct view *after;
};

static int pass_on(void *arg, const struct difference *d)
{
	const struct walking *w = arg;

	return w->each(w->arg, d, w->after);
}

int changes_walk(const json_t *from, const json_t *to,
		 int (*each)(void *arg, const struct difference *d, const struct view *after),
		 void *arg, struct error *err)
{
	CLEANUP(view_close) struct view *a = &(struct view){ .root = -1 };
	CLEANUP(view_close) struct view *b = &(struct view){ .root = -1 };
	struct walking walking = { each, arg, b };

	if (open_view(from ? from : to, from ? 0 : 1, a, err) < 0 || open_view(to, 0, b, err) < 0)
		return -1;
	return diff_views(a, b, pass_on, &walking, err);
}

/* ---- how many, and which ---- */

struct counting {
	struct changes *changes;
	struct hash digest;
	struct error *err;
	bool failed;
};

static int add_content(struct counting *c, const char *path, int at)
{
	static char block[BLOCK];
	char name[64];
	ssize_t n;

	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", at);

	cleanup_close int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return err_sys(c->err, errno, "read '/%s'", path);
	while ((n = read(fd, block, sizeof(block))) > 0)
		hash_add(&c->digest, block, (size_t)n);
	return n < 0 ? err_sys(c->err, errno, "read '/%s'", path) : 0;
}

static int add_after(struct counting *c, const struct difference *d, const struct view *after)
{
	struct view_entry e = { .fd = -1 };
	char target[VIEW_PATH];
	ssize_t n;
	int r = view_lookup(after, d->path, &e, c->err);

	if (r <= 0)
		return r < 0 ? -1 : err_set(c->err, ERR_CONFLICT, "'/%s' changed meanwhile", d->path);
	hash_add_u64(&c->digest, e.st.st_mode);
	hash_add_u64(&c->digest, e.st.st_uid);
	hash_add_u64(&c->digest, e.st.st_gid);
	hash_add_u64(&c->digest, S_ISREG(e.st.st_mode) ? (uint64_t)e.st.st_size
							    : e.st.st_rdev);
	r = 0;
	if (S_ISREG(e.st.st_mode)) {
		r = add_content(c, d->path, e.fd);
	} else if (S_ISLNK(e.st.st_mode)) {
		n = readlinkat(e.fd, "", target, sizeof(target));
		r = n < 0 ? err_sys(c->err, errno, "read the link '/%s'", d->path) : 0;
		hash_add_u64(&c->digest, n < 0 ? 0 : (uint64_t)n);
		hash_add(&c->digest, target, n < 0 ? 0 : (size_t)n);
	}
	(void)close(e.fd);
	return r;
}

static int count_one(void *arg, const struct difference *d, const struct view *after)
{
	struct counting *c = arg;

	c->changes->n++;
	hash_add_u64(&c->digest, d->kind);
	hash_add_text(&c->digest, d->path);
	c->failed = d->kind != DIFFERENCE_DELETED && add_after(c, d, after) < 0;
	return c->failed;
}

int changes_count(const json_t *from, const json_t *to, struct changes *ret, struct error *err)
{
	struct changes changes = { 0 };
	struct counting c = { .changes = &changes, .err = err };

	hash_begin(&c.digest);
	if (changes_walk(from, to, count_one, &c, err) < 0 || c.failed)
		return -1;
	hash_end(&c.digest, changes.digest);
	*ret = changes;
	return 0;
}

/* ---- for people ---- */

struct showing {
	FILE *f;
	size_t n;
};

static const char *size_of(const struct stat *st, char buf[FORMAT_SIZE])
{
	if (!S_ISREG(st->st_mode))
		return "-";
	return format_size(buf, (uint64_t)st->st_size);
}

static int show_one(void *arg, const struct difference *d, const struct view *after)
{
	char one[FORMAT_SIZE], two[FORMAT_SIZE];
	struct showing *s = arg;

	(void)after;
	s->n++;
	fprintf(s->f, "%c  /", (char)d->kind);
	out_escape(s->f, d->path, strlen(d->path));
	fprintf(s->f, "  %s -> %s\n", size_of(&d->before, one), size_of(&d->after, two));
	return 0;
}

int changes_show(FILE *f, const json_t *from, const json_t *to, size_t *ret_n,
		 struct error *err)
{
	struct showing s = { .f = f };

	if (changes_walk(from, to, show_one, &s, err) < 0)
		return -1;
	*ret_n = s.n;
	return 0;
}
