#include "lib/statehelper/summary.h"

#include <errno.h>
#include <unistd.h>

#include "lib/state/attributes.h"
#include "lib/state/copy.h"

enum { BLOCK = 65536 };

static void add_attribute(void *arg, const char *name, const void *value, size_t len)
{
	hash_add_text(arg, name);
	hash_add_u64(arg, len);
	hash_add(arg, value, len);
}

static int add_content(struct hash *digest, int fd, const char *path, struct error *err)
{
	static char block[BLOCK];
	ssize_t n;

	while ((n = read(fd, block, sizeof(block))) > 0)
		hash_add(digest, block, (size_t)n);
	return n < 0 ? err_sys(err, errno, "read '/%s'", path) : 0;
}

/* A file's content, and its attributes or those of a folder. */
static int add_opened(struct summary *s, const struct view_entry *e, const char *path,
		      struct error *err)
{
	cleanup_close int fd = copy_reopen(e->fd);

	if (fd < 0)
		return err_sys(err, errno, "read '/%s'", path);
	if (S_ISREG(e->st.st_mode) && add_content(&s->digest, fd, path, err) < 0)
		return -1;
	return attributes_each(fd, s->to->n && s->to->layers[0].user, s->to->shift, add_attribute,
			       &s->digest, err);
}

static int add_entry(struct summary *s, const struct view_entry *e, const char *path,
		     struct error *err)
{
	char target[VIEW_PATH];
	ssize_t n;

	hash_add_u64(&s->digest, e->st.st_mode);
	hash_add_u64(&s->digest, e->st.st_uid);
	hash_add_u64(&s->digest, e->st.st_gid);
	hash_add_u64(&s->digest, S_ISREG(e->st.st_mode) ? (uint64_t)e->st.st_size : e->st.st_rdev);
	if (S_ISREG(e->st.st_mode) || S_ISDIR(e->st.st_mode))
		return add_opened(s, e, path, err);
	if (!S_ISLNK(e->st.st_mode))
		return 0;
	n = readlinkat(e->fd, "", target, sizeof(target));
	if (n < 0)
		return err_sys(err, errno, "read the link '/%s'", path);
	hash_add_u64(&s->digest, (uint64_t)n);
	hash_add(&s->digest, target, (size_t)n);
	return 0;
}

void summary_begin(struct summary *s, const struct view *to)
{
	*s = (struct summary){ .to = to };
	hash_begin(&s->digest);
}

int summary_add(struct summary *s, const struct difference *d, struct error *err)
{
	struct view_entry e = { .fd = -1 };
	int r;

	s->n++;
	hash_add_u64(&s->digest, d->kind);
	hash_add_text(&s->digest, d->path);
	if (d->kind == DIFFERENCE_DELETED)
		return 0;
	r = view_lookup(s->to, d->path, &e, err);
	if (r <= 0)
		return r < 0 ? -1 : err_set(err, ERR_CONFLICT, "'/%s' changed meanwhile", d->path);
	r = add_entry(s, &e, d->path, err);
	(void)close(e.fd);
	return r;
}

void summary_end(struct summary *s, char ret[HASH_TEXT])
{
	hash_end(&s->digest, ret);
}
