#include "lib/statehelper/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <search.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { DEPTH_MAX = 1024, NAMES_LIST = 65536 };

struct known {
	dev_t dev;
	ino_t ino;
	char path[];
};

struct walk {
	const struct walk_owners *owners;
	int (*each)(void *arg, const struct walk_entry *e, struct error *err);
	void *arg;
	const char *opaque_mark;
	void *links;			/* tsearch(3): files with more than one name */
	char path[WALK_PATH];
	struct walk_entry entry;
	char target[PATH_MAX + 1];
};

static int compare_known(const void *a, const void *b)
{
	const struct known *x = a, *y = b;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	return x->ino == y->ino ? 0 : x->ino < y->ino ? -1 : 1;
}

/* The earlier name of this file; when there is none, this one is it. */
static int earlier_name(struct walk *w, struct walk_entry *e, struct error *err)
{
	size_t len = strlen(w->path) + 1;
	struct known *k = malloc(sizeof(*k) + len), **at;

	if (!k)
		return err_sys(err, ENOMEM, "look at '%s'", w->path);
	*k = (struct known){ .dev = e->st.st_dev, .ino = e->st.st_ino };
	memcpy(k->path, w->path, len);
	at = tsearch(k, &w->links, compare_known);
	if (!at) {
		free(k);
		return err_sys(err, ENOMEM, "look at '%s'", w->path);
	}
	if (*at != k) {
		e->same = (*at)->path;
		free(k);
	}
	return 0;
}

static int compare_xattrs(const void *a, const void *b)
{
	return strcmp(((const struct walk_xattr *)a)->name, ((const struct walk_xattr *)b)->name);
}

static int add_xattr(const struct walk *w, struct walk_entry *e, const char *name,
		     struct error *err)
{
	struct walk_xattr *x = &e->xattrs[e->n_xattrs];
	ssize_t len;

	if (e->n_xattrs == WALK_XATTRS)
		return err_set(err, ERR_LIMIT, "'%s' has more than %d attributes", w->path,
			       WALK_XATTRS);
	x->value = malloc(XATTR_SIZE_MAX);
	len = x->value ? fgetxattr(e->fd, name, x->value, XATTR_SIZE_MAX) : -1;
	if (len < 0) {
		(void)err_sys(err, x->value ? errno : ENOMEM, "read '%s' of '%s'", name, w->path);
		free(x->value);
		return -1;
	}
	(void)snprintf(x->name, sizeof(x->name), "%.255s", name);
	x->len = (size_t)len;
	e->n_xattrs++;
	return 0;
}

static int read_xattrs(const struct walk *w, struct walk_entry *e, struct error *err)
{
	char names[NAMES_LIST];
	ssize_t len = flistxattr(e->fd, names, sizeof(names));

	if (len < 0)
		return errno == ENOTSUP ? 0
			: err_sys(err, errno, "read the attributes of '%s'", w->path);
	for (const char *name = names; name < names + len; name += strlen(name) + 1) {
		char value[4];

		if (S_ISDIR(e->st.st_mode) && !strcmp(name, w->opaque_mark))
			e->opaque = fgetxattr(e->fd, name, value, sizeof(value)) == 1 &&
				*value == 'y';
		if (strncmp(name, "user.", 5) || !strncmp(name, "user.overlay.", 13))
			continue;
		if (add_xattr(w, e, name, err) < 0)
			return -1;
	}
	qsort(e->xattrs, (size_t)e->n_xattrs, sizeof(*e->xattrs), compare_xattrs);
	return 0;
}

static void set_owners(const struct walk *w, struct walk_entry *e)
{
	if (w->owners->nobody) {
		e->st.st_uid = 0;
		e->st.st_gid = 0;
		return;
	}
	e->st.st_uid -= e->st.st_uid >= w->owners->shift ? w->owners->shift : 0;
	e->st.st_gid -= e->st.st_gid >= w->owners->shift ? w->owners->shift : 0;
}

static int open_entry(struct walk *w, int parent, const char *name, struct walk_entry *e,
		      struct error *err)
{
	int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	ssize_t len;

	e->whiteout = S_ISCHR(e->st.st_mode) && e->st.st_rdev == makedev(0, 0);
	if (S_ISLNK(e->st.st_mode)) {
		len = readlinkat(parent, name, w->target, sizeof(w->target) - 1);
		if (len < 0)
			return err_sys(err, errno, "read link '%s'", w->path);
		w->target[len] = '\0';
		e->target = w->target;
	}
	if (!S_ISREG(e->st.st_mode) && !S_ISDIR(e->st.st_mode))
		return 0;
	e->fd = openat(parent, name, flags | (S_ISDIR(e->st.st_mode) ? O_DIRECTORY : 0));
	if (e->fd < 0 || fstat(e->fd, &e->st) < 0)
		return err_sys(err, errno, "open '%s'", w->path);
	return read_xattrs(w, e, err);
}

static int walk_folder(struct walk *w, int fd, int depth, struct error *err);

static int walk_one(struct walk *w, int parent, const char *name, int depth, struct error *err)
{
	struct walk_entry *e = &w->entry;
	cleanup_close int fd = -1;
	mode_t type;
	int r;

	/* all but the attributes, which are as many as it says */
	memset(e, 0, offsetof(struct walk_entry, xattrs));
	e->path = w->path;
	e->fd = -1;
	e->n_xattrs = 0;
	if (fstatat(parent, name, &e->st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(err, errno, "look at '%s'", w->path);
	type = e->st.st_mode & S_IFMT;
	if (type == S_IFSOCK)
		return 0;
	r = open_entry(w, parent, name, e, err);
	fd = e->fd;
	if (!r && type != S_IFDIR && e->st.st_nlink > 1 && !e->whiteout)
		r = earlier_name(w, e, err);
	set_owners(w, e);
	if (!r)
		r = w->each(w->arg, e, err);
	for (int i = 0; i < e->n_xattrs; i++)
		free(e->xattrs[i].value);
	if (r || type != S_IFDIR)
		return r;
	return walk_folder(w, fd, depth + 1, err);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

struct names {
	char **v;
	size_t n, size;
};

static void names_release(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->v[i]);
	free(names->v);
}

/* top: only the roots of the layer */
static int read_names(int fd, bool top, struct names *names, struct error *err)
{
	int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = own < 0 ? NULL : fdopendir(own);
	struct dirent *e;
	bool full = false;

	if (!d) {
		if (own >= 0)
			(void)close(own);
		return err_sys(err, errno, "read a folder");
	}
	while (!full && (e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") ||
		    (top && (e->d_name[0] != 'u' || (e->d_name[1] && e->d_name[1] != '.'))))
			continue;
		if (names->n == names->size) {
			size_t size = names->size ? names->size * 2 : 32;
			char **more = reallocarray(names->v, size, sizeof(*more));

			full = !more;
			if (!more)
				break;
			names->v = more;
			names->size = size;
		}
		names->v[names->n] = strdup(e->d_name);
		full = !names->v[names->n];
		names->n += !full;
	}
	(void)closedir(d);
	if (full)
		return err_sys(err, ENOMEM, "read a folder");
	if (names->n)
		qsort(names->v, names->n, sizeof(*names->v), compare_names);
	return 0;
}

static int walk_folder(struct walk *w, int fd, int depth, struct error *err)
{
	__attribute__((cleanup(names_release))) struct names names = { 0 };
	size_t len = strlen(w->path);
	int r = 0;

	if (depth > DEPTH_MAX)
		return err_set(err, ERR_LIMIT, "folders are nested deeper than %d", DEPTH_MAX);
	if (read_names(fd, !len, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n && !r; i++) {
		size_t more = strlen(names.v[i]);

		if (len + more + 2 > sizeof(w->path))
			return err_set(err, ERR_LIMIT, "a path of more than %d bytes", WALK_PATH);
		(void)snprintf(w->path + len, sizeof(w->path) - len, "%s%s", len ? "/" : "",
			       names.v[i]);
		r = walk_one(w, fd, names.v[i], depth, err);
	}
	w->path[len] = '\0';
	return r;
}

int walk_layer(int dir, const struct walk_owners *owners,
	       int (*each)(void *arg, const struct walk_entry *e, struct error *err), void *arg,
	       struct error *err)
{
	struct walk *w = calloc(1, sizeof(*w));
	struct stat st;
	int r;

	if (!w)
		return err_sys(err, ENOMEM, "read a layer");
	w->owners = owners;
	w->each = each;
	w->arg = arg;
	r = fstat(dir, &st) < 0 ? err_sys(err, errno, "look at a layer") : 0;
	w->opaque_mark = !r && st.st_uid ? "user.overlay.opaque" : "trusted.overlay.opaque";
	if (!r)
		r = walk_folder(w, dir, 0, err);
	tdestroy(w->links, free);
	free(w);
	return r;
}

static bool is_zero(const char *data, size_t len)
{
	return !*data && !memcmp(data, data + 1, len - 1);
}

static ssize_t read_block(int fd, char *block, uint64_t at)
{
	size_t done = 0;

	while (done < WALK_BLOCK) {
		ssize_t n = pread(fd, block + done, WALK_BLOCK - done, (off_t)(at + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (!n)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

ssize_t walk_read(const struct walk_entry *e, uint64_t *at, char block[WALK_BLOCK],
		  struct error *err)
{
	uint64_t size = (uint64_t)e->st.st_size;
	bool holes = size > (uint64_t)e->st.st_blocks * 512;

	if (!S_ISREG(e->st.st_mode) || e->same)
		return 0;
	for (*at = (*at + WALK_BLOCK - 1) / WALK_BLOCK * WALK_BLOCK; *at < size;
	     *at += WALK_BLOCK) {
		off_t data = holes ? lseek(e->fd, (off_t)*at, SEEK_DATA) : (off_t)*at;
		ssize_t n;

		if (data < 0 && errno == ENXIO)
			return 0;
		if (data > 0)
			*at = (uint64_t)data / WALK_BLOCK * WALK_BLOCK;
		n = read_block(e->fd, block, *at);
		if (n < 0)
			return err_sys(err, errno, "read '%s'", e->path);
		if (n && !is_zero(block, (size_t)n))
			return n;
	}
	return 0;
}
