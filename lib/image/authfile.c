#include "lib/image/authfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/strbuf.h"
#include "lib/image/credhelper.h"

enum { FILE_LIMIT = 1 << 20 };

/* found: what the file itself has is 1 or 0, and stays when the program does not know. */
static int ask(const struct image_credential_ask *to, int found, struct image_credential *ret,
	       struct error *err)
{
	struct image_credential c = { .username = "" };
	int r = credhelper_get(to->program, to->server, CREDHELPER_MS, &c, err);

	if (r > 0)
		*ret = c;
	explicit_bzero(&c, sizeof(c));
	return r ? r : found;
}

static int look_in(const char *path, const struct image_ref *ref, struct image_credential *ret,
		   struct error *err)
{
	cleanup_strbuf struct strbuf text = STRBUF(FILE_LIMIT);
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct image_credential_ask to;
	char buf[4096];
	ssize_t n;
	int r;

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 :
			err_sys(err, errno, "open '%.300s'", path);
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		strbuf_add(&text, buf, (size_t)n);
	explicit_bzero(buf, sizeof(buf));
	if (n < 0)
		return err_sys(err, errno, "read '%.300s'", path);
	if (strbuf_failed(&text))
		return err_set(err, ERR_LIMIT, "'%.300s' is too large", path);
	if (!text.len)
		return 0;
	r = image_credential_find(text.buf, text.len, ref, ret, &to, err);
	explicit_bzero(text.buf, text.len);
	if (r >= 0 && to.program[0] && (to.first || !r))
		r = ask(&to, r, ret, err);
	return r < 0 ? err_wrap(err, "'%.300s'", path) : r;
}

int image_credential_load(const char *own, const struct image_ref *ref,
			  struct image_credential *ret, struct error *err)
{
	static const struct {
		const char *variable, *below, *file;
	} places[] = {
		{ "XDG_RUNTIME_DIR", "", "/containers/auth.json" },
		{ "XDG_CONFIG_HOME", "/.config", "/containers/auth.json" },
		{ "DOCKER_CONFIG", "/.docker", "/config.json" },
	};
	const char *only = getenv("REGISTRY_AUTH_FILE"), *home = getenv("HOME");

	*ret = (struct image_credential){ .username = "" };
	if (only && *only)
		return look_in(only, ref, ret, err);
	if (own) {
		int r = look_in(own, ref, ret, err);

		if (r)
			return r;
	}
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		const char *dir = getenv(places[i].variable);
		bool is_set = dir && *dir == '/';
		char path[4096];
		int r;

		if (!is_set && (!*places[i].below || !home || *home != '/'))
			continue;
		if (snprintf(path, sizeof(path), "%s%s%s", is_set ? dir : home,
			     is_set ? "" : places[i].below, places[i].file) >= (int)sizeof(path))
			continue;
		r = look_in(path, ref, ret, err);
		if (r)
			return r;
	}
	return 0;
}
