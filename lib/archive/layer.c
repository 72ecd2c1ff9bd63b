#include "lib/archive/layer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "lib/base/remove.h"

enum { FIRST_SIZE = 1024 };

struct layer {
	uint64_t seed;
	uint64_t *names;	/* a hash table of hashes; 0 is an empty place */
	size_t size, used;	/* size: a power of two */
};

struct layer *layer_new(void)
{
	struct layer *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->size = FIRST_SIZE;
	l->names = calloc(l->size, sizeof(*l->names));
	/* without a seed from the kernel, a layer could only fool itself */
	if (getrandom(&l->seed, sizeof(l->seed), GRND_NONBLOCK) < 0)
		l->seed = 0;
	if (!l->names)
		layer_free(TAKE_PTR(l));
	return l;
}

void layer_free(struct layer *l)
{
	if (!l)
		return;
	free(l->names);
	free(l);
}

/* FNV-1a, and a last stir. */
static uint64_t hash(const struct layer *l, const char *path, size_t len)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ l->seed;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)path[i]) * UINT64_C(0x100000001b3);
	h ^= h >> 29;
	h *= UINT64_C(0xbf58476d1ce4e5b9);
	h ^= h >> 32;
	return h ? h : 1;
}

static size_t place(const uint64_t *names, size_t size, uint64_t h)
{
	size_t i = (size_t)h & (size - 1);

	while (names[i] && names[i] != h)
		i = (i + 1) & (size - 1);
	return i;
}

static int grow(struct layer *l)
{
	size_t size = l->size * 2;
	uint64_t *names = calloc(size, sizeof(*names));

	if (!names)
		return -1;
	for (size_t i = 0; i < l->size; i++)
		if (l->names[i])
			names[place(names, size, l->names[i])] = l->names[i];
	free(l->names);
	l->names = names;
	l->size = size;
	return 0;
}

bool layer_has(const struct layer *l, const char *path)
{
	return l->names[place(l->names, l->size, hash(l, path, strlen(path)))];
}

/* With the folders that it is in. */
int layer_add(struct layer *l, const char *path, struct error *err)
{
	size_t len = strlen(path);

	while (len) {
		uint64_t h = hash(l, path, len);
		size_t at = place(l->names, l->size, h);

		if (l->names[at])
			return 0;
		l->names[at] = h;
		if (++l->used * 2 > l->size && grow(l) < 0)
			return err_set(err, ERR_LIMIT, "too many names in a layer");
		while (len && path[len - 1] != '/')
			len--;
		len -= len > 0;
	}
	return 0;
}

static int clear_folder(struct tree *t, int fd, char path[POLICY_PATH_MAX + 1],
			struct error *err);

/* Takes away parent/name, whose path is the second, but for what this layer has in it. */
static int clear(struct tree *t, int parent, const char *name,
		 char path[POLICY_PATH_MAX + 1], struct error *err)
{
	cleanup_close int fd = -1;

	if (!layer_has(t->layer, path))
		return tree_remove(parent, name, err);
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOTDIR || errno == ELOOP || errno == ENOENT ? 0 :
			err_sys(err, errno, "open a folder");
	return clear_folder(t, fd, path, err);
}

/* Only this layer's own folders are entered: they are no deeper than a path. */
static int clear_folder(struct tree *t, int fd, char path[POLICY_PATH_MAX + 1],
			struct error *err)
{
	size_t len = strlen(path);
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e;

	if (!dir) {
		if (copy >= 0)
			(void)close(copy);
		return err_sys(err, errno, "open a folder");
	}
	while (r == 0 && (e = readdir(dir))) {
		size_t n = strlen(e->d_name);

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		/* this layer cannot have a path that is too long */
		if (len + 1 + n > POLICY_PATH_MAX) {
			r = tree_remove(fd, e->d_name, err);
			continue;
		}
		if (len)
			path[len] = '/';
		memcpy(path + len + (len > 0), e->d_name, n + 1);
		r = clear(t, fd, e->d_name, path, err);
		path[len] = '\0';
	}
	(void)closedir(dir);
	return r;
}

int layer_whiteout(struct tree *t, const char *path, struct error *err)
{
	char buf[POLICY_PATH_MAX + 1], dir[POLICY_PATH_MAX + 1] = ".";
	const char *slash = strrchr(path, '/');
	cleanup_close int parent = -1;

	if (slash) {
		memcpy(dir, path, (size_t)(slash - path));
		dir[slash - path] = '\0';
	}
	tree_forget(t);
	parent = tree_open(t, dir, O_RDONLY | O_DIRECTORY);
	if (parent < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 :
			err_sys(err, errno, "open the folder of a whiteout");
	memcpy(buf, path, strlen(path) + 1);
	return clear(t, parent, slash ? slash + 1 : path, buf, err);
}

int layer_opaque(struct tree *t, const char *path, struct error *err)
{
	char buf[POLICY_PATH_MAX + 1];
	cleanup_close int fd = -1;

	tree_forget(t);
	fd = tree_open(t, *path ? path : ".", O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 :
			err_sys(err, errno, "open an opaque folder");
	memcpy(buf, path, strlen(path) + 1);
	return clear_folder(t, fd, buf, err);
}
