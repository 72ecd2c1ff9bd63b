#include "cmd/env.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/execution.h"
#include "lib/base/parse.h"
#include "lib/client/client.h"
#include "lib/image/platform.h"

/*
 * faas env pull, and --base of faas env create: environments from images.
 */

int env_make(struct ctx *ctx, const char *mode, const char *op, json_t *params, int fd,
	     json_t **ret, struct error *err)
{
	CLEANUP(client_free) struct client *c = NULL;
	struct progress progress = progress_begin(ctx, mode, "unpacking");
	json_int_t id;
	int r;

	if (executor_connect(&c, err) < 0) {
		json_decref(params);
		return -1;
	}
	if (client_send(c, op, params, &fd, fd >= 0, &id, err) < 0)
		return -1;
	for (;;) {
		cleanup_json json_t *data = NULL;
		char event[32];

		r = client_next(c, id, -1, event, &data, err);
		if (r < 0 || (r > 0 && !*event)) {
			progress_end(&progress);
			*ret = r < 0 ? NULL : TAKE_PTR(data);
			if (r < 0 && err->code == ERR_USAGE && !strcmp(op, "environment.create"))
				return err_hint(err, "nothing was made: it needs a folder, or a "
						"tar, zip, cpio or similar archive whose names and "
						"links stay inside");
			return r < 0 ? -1 : 0;
		}
		if (r > 0)
			progress_show(&progress, data);
	}
}

const char *image_progress(const struct image_opts *opts)
{
	return opts->progress ? opts->progress : "auto";
}

/* ---- where an image is ---- */

/* "PATH[:TAG]": the path is the longest beginning that is there. */
static int open_local(const char *text, int *ret_fd, const char **ret_tag, char **ret_full,
		      struct error *err)
{
	cleanup_free char *path = strdup(text);
	struct stat st;
	char *colon;

	if (!path)
		return err_sys(err, ENOMEM, "name an image");
	if (!strcmp(path, "-")) {
		if (isatty(0))
			return err_set(err, ERR_USAGE, "an image was asked for on stdin, which is "
				       "a terminal");
		*ret_fd = fcntl(0, F_DUPFD_CLOEXEC, 3);
		return *ret_fd < 0 ? err_sys(err, errno, "read stdin") : 0;
	}
	while (stat(path, &st) < 0 && (colon = strrchr(path, ':'))) {
		*colon = '\0';
		*ret_tag = text + (colon - path) + 1;
	}
	*ret_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (*ret_fd < 0 || fstat(*ret_fd, &st) < 0) {
		(void)err_sys(err, errno, "open '%.200s'", text);
		return err_hint(err, "name an OCI layout, or what 'docker save' wrote; an image of "
				"a registry has a name such as alpine:3");
	}
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
		return err_set(err, ERR_USAGE, "'%.200s' is neither a folder nor a file", path);
	*ret_full = realpath(path, NULL);
	return 0;
}

/* What follows a transport of a file, or a path that says that it is one; or NULL. */
static const char *local_part(const char *text)
{
	static const char *const transports[] = { "oci:", "oci-archive:", "docker-archive:" };

	for (size_t i = 0; i < ARRAY_SIZE(transports); i++)
		if (!strncmp(text, transports[i], strlen(transports[i])))
			return text + strlen(transports[i]);
	if (*text == '/' || !strncmp(text, "./", 2) || !strncmp(text, "../", 3) ||
	    !strcmp(text, "-") || !strcmp(text, ".") || !strcmp(text, ".."))
		return text;
	return NULL;
}

static int local_params(const char *text, json_t *params, int *ret_fd, struct error *err)
{
	cleanup_free char *full = NULL;
	const char *tag = "";

	if (open_local(text, ret_fd, &tag, &full, err) < 0)
		return -1;
	json_object_set_new(params, "from", json_string("descriptor"));
	json_object_set_new(params, "source", client_text(full ? full : text));
	if (*tag)
		json_object_set_new(params, "tag", client_text(tag));
	return 0;
}

int image_params(const struct image_opts *opts, const char *reference, json_t **ret,
		 int *ret_fd, char **ret_name, struct error *err)
{
	cleanup_json json_t *params = json_object();
	const char *local = local_part(reference);
	char text[PLATFORM_SIZE];
	struct image_platform platform;

	if (!strncmp(reference, "docker://", 9))
		reference += 9;
	if (image_platform_parse(opts->platform, &platform, err) < 0 ||
	    (local ? local_params(local, params, ret_fd, err) :
	     image_registry_params(opts, reference, params, err)) < 0)
		return -1;
	json_object_set_new(params, "platform",
			    json_string(image_platform_format(&platform, text)));
	if (ret_name)
		*ret_name = local ? NULL : strdup(reference);
	*ret = TAKE_PTR(params);
	return 0;
}

/* ---- pull ---- */

#define ARGS struct pull_args
ARGS {
	const char *reference, *name;
	struct env_defaults defaults;
	struct image_opts image;
	bool replace;
};

static const struct opt pull_opts[] = {
	OPT_STR(0, "name", "name", ARGS, name, HINT_NONE,
		"name of the environment (default: the image's, as it was given)"),
	ENV_DEFAULTS(ARGS, defaults),
	OPT_FLAG(0, "replace", ARGS, replace, "replace an environment of that name"),
	IMAGE_OPTIONS(ARGS, image),
	OPERAND("image", ARGS, reference, HINT_NONE,
		"name of an image, an alias, oci:DIR[:TAG], oci-archive:FILE or docker-archive:FILE"),
	OPT_END
};

static int pull_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	cleanup_json json_t *made = NULL, *params = NULL;
	cleanup_free char *short_name = NULL;
	cleanup_close int fd = -1;
	const char *name = args->name;

	if (image_params(&args->image, args->reference, &params, &fd, &short_name, err) < 0)
		return -1;
	if (!name)
		name = short_name;
	if (!name || parse_name(name) < 0) {
		(void)err_set(err, ERR_USAGE, "'%.200s' cannot be the name of an environment",
			      args->reference);
		return err_hint(err, "say '--name NAME'");
	}
	json_object_set_new(params, "name", client_text(name));
	if (args->replace)
		json_object_set_new(params, "replace", json_true());
	if (env_put_defaults(&args->defaults, params, err) < 0 ||
	    env_make(ctx, image_progress(&args->image), "environment.pull", TAKE_PTR(params),
		     fd, &made, err) < 0)
		return -1;
	return env_print_made(ctx, made, err);
}

const struct cmd env_pull = {
	.name = "pull",
	.summary = "make an environment from an image",
	.args_size = sizeof(ARGS),
	.opts = pull_opts,
	.run = pull_run,
};
#undef ARGS
