#include "lib/state/layer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH_MAX = 1024 };

static int measure_folder(int fd, int depth, struct layer_size *size, struct error *err);

static int measure_entry(int parent, const char *name, int depth, struct layer_size *size,
			 struct error *err)
{
	struct stat st;
	int fd;

	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_sys(err, errno, "look at '%s'", name);
	size->entries++;
	size->bytes += (uint64_t)st.st_blocks * 512 / (S_ISDIR(st.st_mode) ? 1 : st.st_nlink);
	if (!S_ISDIR(st.st_mode))
		return 0;
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : err_sys(err, errno, "read '%s'", name);
	return measure_folder(fd, depth + 1, size, err);
}

/* Takes fd. */
static int measure_folder(int fd, int depth, struct layer_size *size, struct error *err)
{
	DIR *d = fdopendir(fd);
	struct dirent *e;
	int r = 0;

	if (!d) {
		(void)close(fd);
		return err_sys(err, errno, "read a folder");
	}
	if (depth > DEPTH_MAX)
		r = err_set(err, ERR_LIMIT, "folders are nested deeper than %d", DEPTH_MAX);
	while (!r && (e = readdir(d)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			r = measure_entry(dirfd(d), e->d_name, depth, size, err);
	(void)closedir(d);
	return r;
}

bool layer_is_part(const char *name)
{
	return name[0] == 'u' && (!name[1] || name[1] == '.');
}

int layer_measure(int fd, struct layer_size *ret, struct error *err)
{
	int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = own < 0 ? NULL : fdopendir(own);
	struct dirent *e;
	int r = 0;

	*ret = (struct layer_size){ 0 };
	if (!d) {
		if (own >= 0)
			(void)close(own);
		return err_sys(err, errno, "read a layer");
	}
	while (!r && (e = readdir(d))) {
		int sub;

		if (!layer_is_part(e->d_name))
			continue;
		sub = openat(own, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		r = sub < 0 ? err_sys(err, errno, "read a layer")
			    : measure_folder(sub, 0, ret, err);
	}
	(void)closedir(d);
	return r;
}
