#include "lib/config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fault.h"
#include "lib/config/text.h"

/*
 * config_write(): the new file is made beside the old one as <file>.lock, which
 * also keeps a second writer out, and takes its name when it is whole.
 */

/* Makes the folders above path; the last one is private if we make it. */
static int make_parents(const char *path, struct error *err)
{
	cleanup_free char *copy = strdup(path);

	if (!copy)
		return err_sys(err, ENOMEM, "make the folder of '%s'", path);
	for (char *p = strchr(copy + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		if (mkdir(copy, 0700) < 0 && errno != EEXIST)
			return err_sys(err, errno, "make folder '%s'", copy);
		*p = '/';
	}
	return 0;
}

/* The whole file; no file is an empty one. 0 or -errno. */
static int read_old(int fd, char **ret)
{
	cleanup_free char *text = calloc(1, CONFIG_MAX_FILE + 1);
	size_t len = 0;

	if (!text)
		return -ENOMEM;
	while (fd >= 0 && len < CONFIG_MAX_FILE) {
		ssize_t n = read(fd, text + len, CONFIG_MAX_FILE - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		len += (size_t)n;
	}
	*ret = TAKE_PTR(text);
	return 0;
}

static int write_all(int fd, const char *p, size_t len)
{
	int r = fault("config.write");

	while (!r && len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno != EINTR)
			return errno;
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
	return r;
}

/* Gives the whole new text its name; 0 or an errno. */
static int publish(int fd, const char *lock, char *path, const struct strbuf *text)
{
	cleanup_close int dir = -1;
	char *slash = strrchr(path, '/');
	int r = write_all(fd, text->buf, text->len);

	if (!r)
		r = fault("config.fsync");
	if (!r && fsync(fd) < 0)
		r = errno;
	if (!r)
		r = fault("config.rename");
	if (!r && rename(lock, path) < 0)
		r = errno;
	if (r || !slash)
		return r;
	/* the name must last too; a folder that cannot be synced is no failure */
	*slash = '\0';
	dir = open(*path ? path : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*slash = '/';
	if (dir >= 0)
		(void)fsync(dir);
	return 0;
}

static int edit_file(const char *old, const char *key, const char *value,
		     struct strbuf *text, struct error *err)
{
	bool found;

	if (config_edit(old, key, value, text, &found, err) < 0)
		return -1;
	if (!found && !value)
		return err_set(err, ERR_NOT_FOUND, "'%s' is not set there", key);
	return 0;
}

static int replace(char *path, const char *lock, const char *key,
		   const char *value, mode_t mode, struct error *err)
{
	cleanup_close int fd = open(lock, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	cleanup_close int old_fd = -1;
	cleanup_free char *old = NULL;
	cleanup_strbuf struct strbuf text = STRBUF(CONFIG_MAX_FILE);
	struct stat st;
	int r;

	if (fd < 0 && errno == EEXIST) {
		(void)err_set(err, ERR_BUSY, "'%s' is being written", path);
		return err_hint(err, "if not, remove '%s'", lock);
	}
	if (fd < 0)
		return err_sys(err, errno, "create '%s'", lock);
	old_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (old_fd < 0 && errno != ENOENT) {
		(void)err_sys(err, errno, "open '%s'", path);
		goto undo;
	}
	if (old_fd >= 0 && fstat(old_fd, &st) == 0)
		(void)fchmod(fd, st.st_mode & 0755);
	r = read_old(old_fd, &old);
	if (r < 0) {
		(void)err_sys(err, -r, "read '%s'", path);
		goto undo;
	}
	if (edit_file(old, key, value, &text, err) < 0) {
		(void)err_wrap(err, "%s", path);
		goto undo;
	}
	r = publish(fd, lock, path, &text);
	if (!r)
		return 0;
	(void)err_sys(err, r, "write '%s'", path);
undo:
	(void)unlink(lock);
	return -1;
}

int config_write(enum config_scope scope, const char *key, const char *value,
		 struct error *err)
{
	const struct config_key *k = config_known(key, err);
	cleanup_free char *path = config_path(scope);
	cleanup_free char *real = NULL, *lock = NULL;

	if (!k || (value && config_check(k, key, value, err) < 0))
		return -1;
	if (scope == CONFIG_PROJECT && !k->project)
		return err_set(err, ERR_DENIED, "a project may not set '%s'", key);
	if (!path) {
		(void)err_set(err, ERR_NOT_FOUND, "there is no %s configuration file",
			      config_scope_name(scope));
		return err_hint(err, scope == CONFIG_USER ? "set HOME"
				: "unset FAAS_NO_PROJECT");
	}
	/* a link stays a link: what it points at is replaced */
	real = realpath(path, NULL);
	if (!real)
		real = strdup(path);
	if (!real || asprintf(&lock, "%s.lock", real) < 0) {
		lock = NULL;
		return err_sys(err, ENOMEM, "write '%s'", path);
	}
	if (value && make_parents(real, err) < 0)
		return -1;
	if (replace(real, lock, key, value, scope == CONFIG_USER ? 0600 : 0644, err) < 0)
		return scope == CONFIG_SYSTEM && err->code == ERR_DENIED ?
			err_hint(err, "as root: faas config set --system") : -1;
	return 0;
}
