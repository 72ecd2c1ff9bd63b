#include "lib/image/certs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

#define BEGIN	"-----BEGIN CERTIFICATE-----"
#define END	"-----END CERTIFICATE-----"

static int read_file(int dir, const char *name, struct strbuf *text, struct error *err)
{
	cleanup_close int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	char buf[4096];
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, errno, "open '%.300s'", name);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_USAGE, "'%.300s' is no file", name);
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		strbuf_add(text, buf, (size_t)n);
	if (n < 0)
		return err_sys(err, errno, "read '%.300s'", name);
	return strbuf_failed(text) ?
		err_set(err, ERR_LIMIT, "'%.300s' is too large for certificates", name) : 0;
}

/* How many there were. */
static int take_certificates(const char *text, struct strbuf *to)
{
	const char *end;
	int n = 0;

	while ((text = strstr(text, BEGIN)) && (end = strstr(text, END))) {
		end += strlen(END);
		strbuf_add(to, text, (size_t)(end - text));
		strbuf_adds(to, "\n");
		text = end;
		n++;
	}
	return n;
}

static int add(int dir, const char *name, struct strbuf *to, struct error *err)
{
	cleanup_strbuf struct strbuf text = STRBUF(CERTS_LIMIT);

	if (read_file(dir, name, &text, err) < 0)
		return -1;
	if (!text.len || !take_certificates(text.buf, to)) {
		(void)err_set(err, ERR_USAGE, "'%.300s' has no certificate", name);
		return err_hint(err, "it begins with '" BEGIN "'; 'openssl x509 -inform DER' "
				"makes one of another form");
	}
	return strbuf_failed(to) ?
		err_set(err, ERR_LIMIT, "'%.300s' is one certificate too many", name) : 0;
}

int certs_add_file(const char *path, struct strbuf *to, struct error *err)
{
	return add(AT_FDCWD, path, to, err);
}

static bool is_certificate(const char *name)
{
	size_t len = strlen(name);

	return len > 4 && *name != '.' && !strcmp(name + len - 4, ".crt");
}

static int add_folder(const char *path, struct strbuf *to, struct error *err)
{
	DIR *d = opendir(path);
	struct dirent *e;
	int r = 0;

	if (!d)
		return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? 0 :
			err_sys(err, errno, "open '%.300s'", path);
	while (r == 0 && (e = readdir(d)))
		if (is_certificate(e->d_name))
			r = add(dirfd(d), e->d_name, to, err);
	(void)closedir(d);
	return r < 0 ? err_wrap(err, "'%.300s'", path) : 0;
}

int certs_add_registry(const char *registry, struct strbuf *to, struct error *err)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	bool is_set = config && *config == '/';
	const struct {
		const char *first, *second;
	} places[] = {
		{ is_set ? config : home && *home == '/' ? home : NULL,
		  is_set ? "/containers" : "/.config/containers" },
		{ "/etc", "/containers" }, { "/etc", "/docker" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		char path[4096];

		if (!places[i].first)
			continue;
		if (snprintf(path, sizeof(path), "%s%s/certs.d/%s", places[i].first,
			     places[i].second, registry) >= (int)sizeof(path))
			continue;
		if (add_folder(path, to, err) < 0)
			return -1;
	}
	return 0;
}
