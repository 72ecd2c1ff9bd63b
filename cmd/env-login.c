#include "cmd/env.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/helper/helper.h"
#include "lib/image/authfile.h"
#include "lib/wire/wire.h"

/*
 * faas env login and logout: who asks a registry, kept in a file of the user's. It is
 * kept when the registry believes it, which faas-oci asks it; no executor learns of it.
 */

enum { INTERRUPT = 3, END = 4, BACKSPACE = 8, DELETE = 127 };

/* ---- questions ---- */

/* One line of the terminal; what is typed is shown, or not. */
static int type_line(int fd, bool shown, char *ret, size_t size)
{
	size_t len = 0;
	char c;

	for (;;) {
		ssize_t n = read(fd, &c, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || c == INTERRUPT || (c == END && !len))
			return -1;
		if (c == '\n' || c == '\r')
			break;
		if (c == BACKSPACE || c == DELETE) {
			if (len && shown)
				(void)!write(fd, "\b \b", 3);
			len -= len > 0;
		} else if (len + 1 < size) {
			ret[len++] = c;
			if (shown)
				(void)!write(fd, &c, 1);
		}
	}
	ret[len] = '\0';
	return len ? 0 : -1;
}

static int ask_terminal(const struct ctx *ctx, const char *question, bool shown, char *ret,
			size_t size, struct error *err)
{
	cleanup_close int fd = ctx->no_input ? -1 : open("/dev/tty", O_RDWR | O_CLOEXEC);
	struct termios saved, raw;
	int r;

	if (fd < 0 || tcgetattr(fd, &saved) < 0) {
		(void)err_set(err, ERR_USAGE, "there is nobody to ask: no terminal, or "
			      "'--no-input'");
		return err_hint(err, "printf %%s \"$PASSWORD\" | faas env login --username NAME "
				"--password-stdin REGISTRY");
	}
	/* its signals would leave it without an echo */
	raw = saved;
	raw.c_lflag &= ~(tcflag_t)(ECHO | ICANON | ISIG);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	(void)tcsetattr(fd, TCSAFLUSH, &raw);
	(void)!write(fd, question, strlen(question));
	r = type_line(fd, shown, ret, size);
	(void)!write(fd, "\n", 1);
	(void)tcsetattr(fd, TCSAFLUSH, &saved);
	return r < 0 ? err_set(err, ERR_USAGE, "nothing was kept: there was no answer") : 0;
}

/* ---- the registry ---- */

/* "https://r.example/team/" is "r.example/team": what the file has as a key. */
static int parse_registry(const char *text, struct image_ref *ret, char *key, size_t size,
			  struct error *err)
{
	char image[IMAGE_REF];
	size_t len;

	if (!strncmp(text, "https://", 8))
		text += 8;
	else if (!strncmp(text, "http://", 7))
		text += 7;
	len = strlen(text);
	while (len && text[len - 1] == '/')
		len--;
	if (!len || snprintf(key, size, "%.*s", (int)len, text) >= (int)size ||
	    snprintf(image, sizeof(image), "%s/x", key) >= (int)sizeof(image) ||
	    image_ref_parse(image, ret, err) < 0 ||
	    strncmp(key, ret->registry, strlen(ret->registry))) {
		err->hint[0] = '\0';
		(void)err_set(err, ERR_USAGE, "'%.100s' is not the name of a registry", text);
		return err_hint(err, "it is a host, with a port if need be: docker.io, "
				"registry.example:5000");
	}
	return 0;
}

static int request_fd(const json_t *params, struct error *err)
{
	cleanup_close int fd = memfd_create("request", MFD_CLOEXEC);
	char *text = json_dumps(params, JSON_COMPACT);
	size_t len = text ? strlen(text) : 0;
	bool done = fd >= 0 && text && write(fd, text, len) == (ssize_t)len &&
		lseek(fd, 0, SEEK_SET) == 0;

	if (text)
		explicit_bzero(text, len);
	free(text);
	return done ? TAKE_FD(fd) : err_sys(err, errno ? errno : ENOMEM, "ask the registry");
}

static int run_helper(struct helper *h, const json_t *params, bool *ret_asked, struct error *err)
{
	cleanup_close int request = request_fd(params, err);
	char numbers[2][16];
	char *argv[] = {
		(char *)"faas-oci", (char *)"login", (char *)"--request-fd", numbers[0],
		(char *)"--status-fd", numbers[1], NULL
	};

	if (request < 0 || helper_open(h, "faas-oci", err) < 0)
		return -1;
	(void)snprintf(numbers[0], sizeof(numbers[0]), "%d", request);
	(void)snprintf(numbers[1], sizeof(numbers[1]), "%d", h->write_fd);
	if (helper_start(h, NULL, argv, &request, 1, err) < 0)
		return -1;
	while (!helper_read(h)) {
		struct pollfd p = { .fd = h->fd, .events = POLLIN };

		(void)poll(&p, 1, -1);
	}
	if (helper_result(h, err) < 0)
		return -1;
	*ret_asked = json_is_true(json_object_get(h->last, "asked"));
	return 0;
}

static int check(const struct image_opts *opts, const struct image_ref *ref,
		 const struct image_credential *c, bool *ret_asked, struct error *err)
{
	cleanup_json json_t *params = json_object();
	struct helper h = { .fd = -1, .write_fd = -1, .line = STRBUF(0) };
	char whole[IMAGE_REF];
	int r;

	json_object_set_new(params, "reference", json_string(image_ref_format(ref, whole)));
	json_object_set_new(params, "username", json_string(c->username));
	json_object_set_new(params, "password", json_string(c->password));
	if (json_object_size(params) != 3)
		return err_set(err, ERR_USAGE, "a name or a password that is not UTF-8");
	if (image_network_params(opts, ref->registry, params, err) < 0)
		return -1;
	r = run_helper(&h, params, ret_asked, err);
	helper_release(&h);
	if (r < 0 && err->code == ERR_AUTH) {
		(void)err_set(err, ERR_AUTH, "'%s' does not know '%s' by that password",
			      ref->registry, c->username);
		err->hint[0] = '\0';
		return err_hint(err, "nothing was kept; some registries want a token instead of "
				"the password");
	}
	return r;
}

/* ---- login ---- */

#define ARGS struct login_args
ARGS {
	const char *registry;
	struct image_opts image;
};

static const struct opt login_opts[] = {
	OPT_STR('u', "username", "name", ARGS, image.username, HINT_NONE,
		"who asks (default: it is asked for)"),
	OPT_FLAG(0, "password-stdin", ARGS, image.password_stdin,
		 "read the password from stdin (default: it is asked for)"),
	IMAGE_NETWORK_OPTIONS(ARGS, image),
	OPERAND("registry", ARGS, registry, HINT_NONE,
		"host[:port], or that and a part of its repositories' names"),
	OPT_END
};

static int ask_who(const struct ctx *ctx, const ARGS *args, struct image_credential *c,
		   struct error *err)
{
	if (args->image.username &&
	    snprintf(c->username, sizeof(c->username), "%s", args->image.username) >=
	    (int)sizeof(c->username))
		return err_set(err, ERR_USAGE, "the user name is too long");
	if (!args->image.username && args->image.password_stdin) {
		(void)err_set(err, ERR_USAGE, "'--password-stdin' needs '--username'");
		return err_hint(err, "printf %%s \"$PASSWORD\" | faas env login --username NAME "
				"--password-stdin REGISTRY");
	}
	if (!args->image.username &&
	    ask_terminal(ctx, "Username: ", true, c->username, sizeof(c->username), err) < 0)
		return -1;
	if (strchr(c->username, ':') || !*c->username)
		return err_set(err, ERR_USAGE, "'%.60s' is no user name", c->username);
	return args->image.password_stdin ? image_read_password(c->password, err) :
		ask_terminal(ctx, "Password: ", false, c->password, sizeof(c->password), err);
}

static int login_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	cleanup_free char *own = image_login_path(), *path = NULL;
	char key[IMAGE_REGISTRY + IMAGE_REPOSITORY];
	struct image_credential c = { .username = "" };
	struct image_ref ref;
	bool asked = false;
	struct out o;
	int r;

	if (parse_registry(args->registry, &ref, key, sizeof(key), err) < 0)
		return -1;
	r = ask_who(ctx, args, &c, err);
	if (!r)
		r = check(&args->image, &ref, &c, &asked, err);
	if (!r)
		r = image_credential_keep(own, key, &c, &path, err);
	explicit_bzero(c.password, sizeof(c.password));
	if (r < 0)
		return -1;
	if (!asked)
		out_warn(ctx, "'%s' asks nobody who they are: the password was not checked",
			 ref.registry);
	out_object(&o, ctx, NULL);
	out_str(&o, "registry", key);
	out_str(&o, "username", c.username);
	out_bool(&o, "checked", asked);
	out_str(&o, "file", path);
	return out_end(&o, err);
}

const struct cmd env_login = {
	.name = "login",
	.summary = "keep the password of a registry",
	.flags = CMD_HERE,
	.args_size = sizeof(ARGS),
	.opts = login_opts,
	.run = login_run,
};
#undef ARGS

/* ---- logout ---- */

#define ARGS struct logout_args
ARGS {
	const char *registry;
};

static const struct opt logout_opts[] = {
	OPERAND("registry", ARGS, registry, HINT_NONE, "as it was named to log in"),
	OPT_END
};

static int logout_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	cleanup_free char *own = image_login_path(), *path = NULL;
	char key[IMAGE_REGISTRY + IMAGE_REPOSITORY];
	struct image_ref ref;
	struct out o;

	if (parse_registry(args->registry, &ref, key, sizeof(key), err) < 0)
		return -1;
	if (image_credential_keep(own, key, NULL, &path, err) < 0)
		return err_hint(err, "what 'docker login' or 'podman login' keeps is theirs to "
				"forget");
	out_object(&o, ctx, NULL);
	out_str(&o, "registry", key);
	out_str(&o, "file", path);
	return out_end(&o, err);
}

const struct cmd env_logout = {
	.name = "logout",
	.summary = "forget the password of a registry",
	.flags = CMD_HERE,
	.args_size = sizeof(ARGS),
	.opts = logout_opts,
	.run = logout_run,
};
#undef ARGS
