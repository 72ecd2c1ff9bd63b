#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/base64.h"
#include "lib/base/cleanup.h"
#include "lib/image/authfile.h"

/*
 * Writes the file that authfile.c reads: a new one beside it takes its name when it is
 * whole, and nobody else reads either.
 */

/* Opens the folder of path, and makes it; locked, so that two of us are one after the other. */
static int open_folder(const char *path, struct error *err)
{
	cleanup_free char *dir = strdup(path);
	cleanup_close int fd = -1;
	char *last = dir ? strrchr(dir, '/') : NULL;

	if (!last)
		return err_set(err, ERR_USAGE, "'%.200s' is no absolute path", path);
	for (char *p = strchr(dir + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		if (mkdir(dir, 0700) < 0 && errno != EEXIST)
			return err_sys(err, errno, "make folder '%s'", dir);
		*p = '/';
	}
	*last = '\0';
	fd = open(*dir ? dir : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, errno, "open folder '%s'", dir);
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return err_sys(err, errno, "lock folder '%s'", dir);
	return TAKE_FD(fd);
}

/* What is there; an empty object when nothing is. */
static json_t *read_old(const char *path, struct error *err)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	json_error_t why;
	struct stat st;
	json_t *j;

	if (fd < 0 && errno == ENOENT)
		return json_object();
	if (fd < 0 || fstat(fd, &st) < 0) {
		(void)err_sys(err, errno, "open '%.300s'", path);
		return NULL;
	}
	if (!st.st_size)
		return json_object();
	j = json_loadfd(fd, 0, &why);
	if (json_is_object(j))
		return j;
	json_decref(j);
	(void)err_set(err, ERR_USAGE, "'%.300s' is no JSON object: %.100s", path, why.text);
	return NULL;
}

static int write_text(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno != EINTR)
			return -1;
		text += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return fsync(fd);
}

static int write_new(const char *path, const json_t *j, int folder, struct error *err)
{
	cleanup_free char *text = json_dumps(j, JSON_INDENT(1));
	cleanup_free char *temporary = NULL;
	cleanup_close int fd = -1;
	size_t len = text ? strlen(text) : 0;
	int r = 0;

	if (!text || asprintf(&temporary, "%s.XXXXXX", path) < 0)
		return err_set(err, ERR_LIMIT, "no memory for '%s'", path);
	/* 0600, whatever the old one had */
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		r = err_sys(err, errno, "make '%s'", temporary);
	else if (write_text(fd, text, len) < 0 || rename(temporary, path) < 0) {
		r = err_sys(err, errno, "write '%s'", path);
		(void)unlink(temporary);
	}
	explicit_bzero(text, len);
	if (!r)
		(void)fsync(folder);
	return r;
}

static int put(json_t *j, const char *key, const struct image_credential *c, struct error *err)
{
	char plain[sizeof(c->username) + sizeof(c->password)];
	char text[BASE64_SIZE(sizeof(plain))];
	json_t *auths = json_object_get(j, "auths");
	int len = snprintf(plain, sizeof(plain), "%s:%s", c->username, c->password);
	int r = 0;

	if (!json_is_object(auths)) {
		auths = json_object();
		r = json_object_set_new(j, "auths", auths);
	}
	base64_encode(plain, (size_t)len, text);
	if (!r)
		r = json_object_set_new(auths, key, json_pack("{s:s}", "auth", text));
	explicit_bzero(plain, sizeof(plain));
	explicit_bzero(text, sizeof(text));
	return r < 0 ? err_set(err, ERR_LIMIT, "no memory for credentials") : 0;
}

int image_credential_keep(const char *own, const char *key, const struct image_credential *c,
			  char **ret_path, struct error *err)
{
	const char *only = getenv("REGISTRY_AUTH_FILE");
	const char *path = only && *only ? only : own;
	cleanup_close int folder = -1;
	json_t *j;
	int r;

	*ret_path = NULL;
	if (!path) {
		(void)err_set(err, ERR_SYSTEM, "there is no home for a file of credentials");
		return err_hint(err, "set HOME, XDG_CONFIG_HOME or REGISTRY_AUTH_FILE");
	}
	folder = open_folder(path, err);
	if (folder < 0)
		return -1;
	j = read_old(path, err);
	if (!j)
		return -1;
	if (c)
		r = put(j, key, c, err);
	else
		r = json_object_del(json_object_get(j, "auths"), key) < 0 ?
			err_set(err, ERR_NOT_FOUND, "'%.300s' has no credentials for '%s'", path,
				key) : 0;
	if (!r)
		r = write_new(path, j, folder, err);
	json_decref(j);
	*ret_path = r < 0 ? NULL : strdup(path);
	return r;
}
