#include "lib/archive/pack.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/archive/extract.h"
#include "lib/base/cleanup.h"

enum { BLOCK = 256 << 10 };

/* A file with several names, and the first of them. */
struct inode {
	dev_t dev;
	ino_t ino;
	char path[];
};

struct packing {
	struct archive *a;
	struct report *report;
	int out;
	unsigned int max_depth;
	void *inodes;		/* tsearch(3) tree of struct inode */
	char path[POLICY_PATH_MAX + 1];
	size_t len;
	char block[BLOCK];
};

static ssize_t on_write(struct archive *a, void *data, const void *buf, size_t len)
{
	struct packing *p = data;
	ssize_t n;

	do
		n = write(p->out, buf, len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		archive_set_error(a, errno, "%s", strerror(errno));
	return n;
}

static int failed(const struct packing *p, struct error *err)
{
	int num = archive_errno(p->a);

	return err_sys(err, num > 0 ? num : EIO, "write the archive");
}

static int compare_inodes(const void *a, const void *b)
{
	const struct inode *x = a, *y = b;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	return x->ino < y->ino ? -1 : x->ino > y->ino;
}

/* The earlier name of the same file, or NULL; then this one is remembered. */
static const char *earlier_name(struct packing *p, const struct stat *st)
{
	struct inode *new = malloc(sizeof(*new) + p->len + 1), **found;

	if (!new)
		return NULL;	/* a copy instead of a link is not wrong */
	*new = (struct inode){ st->st_dev, st->st_ino };
	memcpy(new->path, p->path, p->len + 1);
	found = tsearch(new, &p->inodes, compare_inodes);
	if (found && *found == new)
		return NULL;
	free(new);
	return found ? (*found)->path : NULL;
}

static int write_content(struct packing *p, int fd, int64_t size, struct error *err)
{
	while (size > 0) {
		ssize_t n = read(fd, p->block, size < BLOCK ? (size_t)size : BLOCK);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_sys(err, n < 0 ? errno : EIO, "read a file");
		if (archive_write_data(p->a, p->block, (size_t)n) != n)
			return failed(p, err);
		size -= n;
		p->report->bytes += (uint64_t)n;
		report_progress(p->report);
	}
	return 0;
}

static int write_header(struct packing *p, struct archive_entry *e, const struct stat *st,
			struct error *err)
{
	archive_entry_set_pathname(e, p->len ? p->path : ".");
	archive_entry_set_mode(e, st->st_mode);
	archive_entry_set_uid(e, st->st_uid);
	archive_entry_set_gid(e, st->st_gid);
	archive_entry_set_mtime(e, st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
	p->report->entries++;
	return archive_write_header(p->a, e) < ARCHIVE_WARN ? failed(p, err) : 0;
}

static int pack_file(struct packing *p, int dir, const char *name, struct stat *st,
		     struct error *err)
{
	struct archive_entry *e = archive_entry_new();
	cleanup_close int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	const char *earlier = NULL;
	int r;

	if (!e || fd < 0 || fstat(fd, st) < 0) {
		archive_entry_free(e);
		return err_sys(err, errno, "open a file");
	}
	if (st->st_nlink > 1)
		earlier = earlier_name(p, st);
	if (earlier)
		archive_entry_set_hardlink(e, earlier);
	else
		archive_entry_set_size(e, st->st_size);
	r = write_header(p, e, st, err);
	archive_entry_free(e);
	return r < 0 || earlier ? r : write_content(p, fd, st->st_size, err);
}

static int pack_link(struct packing *p, int dir, const char *name, const struct stat *st,
		     struct error *err)
{
	struct archive_entry *e = archive_entry_new();
	char target[POLICY_PATH_MAX + 1];
	ssize_t n = readlinkat(dir, name, target, sizeof(target) - 1);
	int r;

	if (!e || n < 0) {
		archive_entry_free(e);
		return err_sys(err, errno, "read a link");
	}
	target[n] = '\0';
	archive_entry_set_symlink(e, target);
	r = write_header(p, e, st, err);
	archive_entry_free(e);
	return r;
}

static int pack_dir(struct packing *p, int fd, const struct stat *st, unsigned int depth,
		    struct error *err);

static int pack_entry(struct packing *p, int dir, const char *name, unsigned int depth,
		      struct error *err)
{
	struct stat st;
	int fd;

	report_entry(p->report, p->path);
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(err, errno, "stat");
	switch (st.st_mode & S_IFMT) {
	case S_IFREG:
		return pack_file(p, dir, name, &st, err);
	case S_IFLNK:
		return pack_link(p, dir, name, &st, err);
	case S_IFDIR:
		if (depth >= p->max_depth)
			return err_set(err, ERR_LIMIT, "a path is deeper than %u levels",
				       p->max_depth);
		fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			return err_sys(err, errno, "open a folder");
		return pack_dir(p, fd, &st, depth + 1, err);
	default:
		p->report->skipped[S_ISFIFO(st.st_mode) ? SKIP_FIFO :
				   S_ISSOCK(st.st_mode) ? SKIP_SOCKET : SKIP_DEVICE]++;
		return 0;
	}
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void free_names(char **names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

static int read_names(int fd, char ***ret, size_t *ret_n, struct error *err)
{
	DIR *dir = fdopendir(fd);
	char **names = NULL, **more;
	struct dirent *e;
	size_t n = 0;

	if (!dir) {
		(void)close(fd);
		return err_set(err, ERR_LIMIT, "no memory to read a folder");
	}
	while ((e = readdir(dir))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		more = n & (n - 1) ? names : realloc(names, (n ? n * 2 : 1) * sizeof(*names));
		if (more)
			names = more;
		if (!more || !(names[n] = strdup(e->d_name))) {
			(void)closedir(dir);
			free_names(names, n);
			return err_set(err, ERR_LIMIT, "no memory to read a folder");
		}
		n++;
	}
	(void)closedir(dir);
	if (n)
		qsort(names, n, sizeof(*names), by_name);
	*ret = names;
	*ret_n = n;
	return 0;
}

/* Takes fd over. */
static int pack_dir(struct packing *p, int fd, const struct stat *st, unsigned int depth,
		    struct error *err)
{
	cleanup_close int dir = fd;
	struct archive_entry *e = archive_entry_new();
	size_t len = p->len, n = 0;
	char **names = NULL;
	int r = e ? write_header(p, e, st, err) : err_sys(err, ENOMEM, "read a folder");
	int copy;

	archive_entry_free(e);
	if (r < 0)
		return -1;
	copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (copy < 0)
		return err_sys(err, errno, "read a folder");
	r = read_names(copy, &names, &n, err);
	for (size_t i = 0; i < n && r == 0; i++) {
		size_t name_len = strlen(names[i]);

		if (len + 1 + name_len > POLICY_PATH_MAX) {
			r = err_set(err, ERR_LIMIT, "a path is longer than %d bytes",
				    POLICY_PATH_MAX);
			break;
		}
		if (len)
			p->path[p->len++] = '/';
		memcpy(p->path + p->len, names[i], name_len + 1);
		p->len += name_len;
		r = pack_entry(p, dir, names[i], depth, err);
		if (r == 0) {
			p->len = len;
			p->path[len] = '\0';
		}
	}
	free_names(names, n);
	return r;
}

static int open_writer(struct packing *p, const char *filter, struct error *err)
{
	int r;

	p->a = archive_write_new();
	if (!p->a)
		return err_set(err, ERR_LIMIT, "no memory for the archive");
	if (!strcmp(filter, "zstd"))
		r = archive_write_add_filter_zstd(p->a);
	else if (!strcmp(filter, "gzip"))
		r = archive_write_add_filter_gzip(p->a);
	else
		r = archive_write_add_filter_none(p->a);
	/* a gzip without time is the same one tomorrow */
	if (r == ARCHIVE_OK && (archive_write_set_format_pax(p->a) != ARCHIVE_OK ||
				(!strcmp(filter, "gzip") &&
				 archive_write_set_options(p->a, "!timestamp") != ARCHIVE_OK) ||
				archive_write_set_bytes_per_block(p->a, BLOCK) != ARCHIVE_OK ||
				archive_write_set_bytes_in_last_block(p->a, 1) != ARCHIVE_OK))
		r = ARCHIVE_FATAL;
	if (r != ARCHIVE_OK)
		return err_set(err, ERR_UNSUPPORTED, "this libarchive cannot write %s", filter);
	return archive_write_open(p->a, p, NULL, on_write, NULL) == ARCHIVE_OK ? 0 :
		failed(p, err);
}

int pack(int root, int out, const char *filter, unsigned int max_depth, struct report *r,
	 struct error *err)
{
	cleanup_free struct packing *p = calloc(1, sizeof(*p));
	struct stat st;
	int fd, ret;

	if (!p)
		return err_set(err, ERR_LIMIT, "no memory for the archive");
	p->report = r;
	p->out = out;
	p->max_depth = max_depth;
	fd = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, errno, "open the root");
	/* a name that is none of it is written as bytes, with a word that it is so */
	extract_use_utf8();
	ret = open_writer(p, filter, err);
	if (ret == 0)
		ret = pack_dir(p, fd, &st, 0, err);
	else
		(void)close(fd);
	if (ret == 0) {
		report_entry(r, NULL);
		if (archive_write_close(p->a) != ARCHIVE_OK)
			ret = failed(p, err);
	}
	/* the inodes live until the process ends, which is now */
	if (ret < 0)
		(void)archive_write_fail(p->a);
	(void)archive_write_free(p->a);
	return ret;
}
