#ifndef FAAS_TESTS_UNIT_TEMPDIR_H
#define FAAS_TESTS_UNIT_TEMPDIR_H

/*
 * A folder of one test, with files but no folders that matter in it:
 *
 *	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
 *	put_file(dir, "faas.db", "", 0);
 */

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "lib/base/cleanup.h"
#include "tests/unit/test.h"

struct tempdir {
	char path[64];
	int fd;
};

static inline struct tempdir *tempdir_new(void)
{
	struct tempdir *dir = calloc(1, sizeof(*dir));

	snprintf(dir->path, sizeof(dir->path), "/tmp/faas-unit-XXXXXX");
	check(mkdtemp(dir->path));
	dir->fd = open(dir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check(dir->fd >= 0);
	return dir;
}

static inline void tempdir_remove(struct tempdir *dir)
{
	DIR *d = opendir(dir->path);

	for (struct dirent *e; (e = readdir(d));)
		if (e->d_name[0] != '.' && unlinkat(dir->fd, e->d_name, 0) < 0)
			unlinkat(dir->fd, e->d_name, AT_REMOVEDIR);
	closedir(d);
	check(!rmdir(dir->path));
	close(dir->fd);
	free(dir);
}
DEFINE_CLEANUP(struct tempdir *, tempdir_remove);

static inline void put_file(struct tempdir *dir, const char *name, const void *data,
			    size_t len)
{
	int fd = openat(dir->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	check(fd >= 0 && write(fd, data, len) == (ssize_t)len);
	close(fd);
}

/* malloc'ed; NULL when there is no such file */
static inline char *get_file(struct tempdir *dir, const char *name, size_t *len)
{
	int fd = openat(dir->fd, name, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *data;

	*len = 0;
	if (fd < 0)
		return NULL;
	check(!fstat(fd, &st));
	if (!S_ISREG(st.st_mode)) {
		close(fd);
		return NULL;
	}
	*len = (size_t)st.st_size;
	data = malloc(*len + 1);
	check(read(fd, data, *len) == st.st_size);
	close(fd);
	return data;
}

#endif
