#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/snapshot.h"
#include "lib/base/parse.h"
#include "lib/client/client.h"

/*
 * faas snapshot export, import: a snapshot as one file.
 */

static const char *text_of(const json_t *j, const char *key)
{
	return json_string_value(json_object_get(j, key));
}

static uint64_t number_of(const json_t *j, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(j, key));
}

/* A line that is written over, on a terminal, for what takes a while. */
static void show_progress(struct ctx *ctx, const json_t *data, bool *shown)
{
	uint64_t bytes = number_of(data, "bytes") ? number_of(data, "bytes") : number_of(data, "done");
	char size[FORMAT_SIZE];

	if (!ctx->err_tty || ctx->quiet || ctx->json)
		return;
	fprintf(stderr, "\r%s\033[K", format_size(size, bytes));
	*shown = true;
}

/* Takes params; the descriptors stay the caller's. */
static int ask(struct ctx *ctx, const char *op, json_t *params, const int *fds, int n,
	       json_t **ret, struct error *err)
{
	CLEANUP(client_free) struct client *c = NULL;
	bool shown = false;
	json_int_t id;
	int r;

	if (executor_connect(&c, err) < 0) {
		json_decref(params);
		return -1;
	}
	if (client_send(c, op, params, fds, n, &id, err) < 0)
		return -1;
	for (;;) {
		cleanup_json json_t *data = NULL;
		char event[32];

		r = client_next(c, id, -1, event, &data, err);
		if (r < 0 || (r > 0 && !*event)) {
			if (shown)
				fputs("\r\033[K", stderr);
			*ret = r < 0 ? NULL : TAKE_PTR(data);
			return r < 0 ? -1 : 0;
		}
		if (r > 0)
			show_progress(ctx, data, &shown);
	}
}

static int open_key(const char *path, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	return fd < 0 ? err_sys(err, errno, "open key '%s'", path) : fd;
}

/* ---- export ---- */

#define ARGS struct export_args
ARGS {
	const char *id, *path, *sign, *since;
	uint64_t level;
	bool force;
};

static const struct opt export_opts[] = {
	OPT_STR(0, "since", "snapshot", ARGS, since, HINT_SNAPSHOT,
		"only what it has over <snapshot>, which the other side has"),
	OPT_STR(0, "sign", "key", ARGS, sign, HINT_FILE, "sign it with the private key in <key>"),
	OPT_UINT(0, "compress", "level", ARGS, level, "how hard to compress (default: 3)", .min = 1,
		 .max = 19),
	OPT_FLAG('f', "force", ARGS, force, "replace a file that is there"),
	OPERAND("snapshot", ARGS, id, HINT_SNAPSHOT, "snapshot to export"),
	OPERAND("file", ARGS, path, HINT_FILE, "file to write; '-' for stdout"),
	OPT_END
};

/* Beside it, until it is whole. */
static int open_target(const ARGS *args, char part[4200], struct error *err)
{
	struct stat st;
	int fd;

	*part = '\0';
	if (!strcmp(args->path, "-")) {
		if (isatty(1))
			return err_set(err, ERR_USAGE, "stdout is a terminal");
		fd = fcntl(1, F_DUPFD_CLOEXEC, 3);
		return fd < 0 ? err_sys(err, errno, "write to stdout") : fd;
	}
	if (!args->force && !lstat(args->path, &st)) {
		(void)err_set(err, ERR_EXISTS, "there is a file '%s' already", args->path);
		return err_hint(err, "--force replaces it");
	}
	if (strlen(args->path) > 4096)
		return err_set(err, ERR_USAGE, "the name of the file is too long");
	(void)snprintf(part, 4200, "%s.XXXXXX", args->path);
	fd = mkostemp(part, O_CLOEXEC);
	if (fd < 0) {
		*part = '\0';
		return err_sys(err, errno, "write '%s'", args->path);
	}
	return fd;
}

static int finish(const ARGS *args, const char *part, int fd, struct error *err)
{
	mode_t mask = umask(0);

	(void)umask(mask);
	if (!*part)
		return 0;
	if (fchmod(fd, 0666 & ~mask) < 0 || fsync(fd) < 0 || rename(part, args->path) < 0)
		return err_sys(err, errno, "write '%s'", args->path);
	return 0;
}

static int export_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	cleanup_json json_t *done = NULL;
	cleanup_close int key = args->sign ? open_key(args->sign, err) : -1;
	json_t *params;
	char part[4200];
	cleanup_close int fd = -1;
	struct out o;
	int r;

	if (args->sign && key < 0)
		return -1;
	fd = open_target(args, part, err);
	if (fd < 0)
		return -1;
	params = snapshot_id(args->id);
	if (args->since)
		json_object_set_new(params, "since", client_text(args->since));
	if (args->level)
		json_object_set_new(params, "level", json_integer((json_int_t)args->level));
	if (args->sign)
		json_object_set_new(params, "sign", json_true());
	r = ask(ctx, "snapshot.export", params, (const int[]){ fd, key }, args->sign ? 2 : 1, &done,
		err);
	if (!r)
		r = finish(args, part, fd, err);
	if (r < 0 && *part)
		(void)unlink(part);
	/* stdout has the file itself */
	if (r < 0 || !*part)
		return r;
	out_object(&o, ctx, NULL);
	out_str(&o, "exported", text_of(done, "id"));
	out_str(&o, "file", args->path);
	out_size(&o, "bytes", number_of(done, "bytes"));
	out_size(&o, "content", number_of(done, "content"));
	return out_end(&o, err);
}

static const char *const export_examples[] = {
	"faas snapshot export base base.snapshot",
	"faas snapshot export next - --since base | ssh host faas snapshot import -",
	NULL
};

const struct cmd snapshot_cmd_export = {
	.name = "export",
	.summary = "write a snapshot to one file",
	.args_size = sizeof(ARGS),
	.opts = export_opts,
	.run = export_run,
	.examples = export_examples,
};
#undef ARGS

/* ---- import ---- */

#define ARGS struct import_args
ARGS {
	const char *path, *name, *environment, *verify, *ttl;
	uint64_t max_size;
};

static const struct opt import_opts[] = {
	OPT_STR(0, "name", "name", ARGS, name, HINT_NONE,
		"its name (default: the one that it was exported with)"),
	OPT_STR('E', "environment", "name", ARGS, environment, HINT_ENVIRONMENT,
		"stand on environment <name> (default: the one of that name)"),
	OPT_STR(0, "verify", "key", ARGS, verify, HINT_FILE,
		"refuse it unless the public key in <key> signed it"),
	OPT_STR(0, "ttl", "time", ARGS, ttl, HINT_NONE, "delete it <time> from now, such as 7d"),
	OPT_SIZE(0, "max-size", "size", ARGS, max_size,
		 "refuse more content than that (default: half of what is free)"),
	OPERAND("file", ARGS, path, HINT_FILE, "file to read; '-' for stdin"),
	OPT_END
};

static int open_import(const char *path, struct error *err)
{
	int fd;

	if (strcmp(path, "-")) {
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		return fd < 0 ? err_sys(err, errno, "open '%s'", path) : fd;
	}
	if (isatty(0))
		return err_set(err, ERR_USAGE, "stdin is a terminal");
	fd = fcntl(0, F_DUPFD_CLOEXEC, 3);
	return fd < 0 ? err_sys(err, errno, "read stdin") : fd;
}

static int import_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	cleanup_close int fd = open_import(args->path, err);
	cleanup_close int key = -1;
	cleanup_json json_t *s = NULL;
	cleanup_json json_t *params = json_object();
	struct out o;

	if (fd < 0)
		return -1;
	if (args->verify) {
		key = open_key(args->verify, err);
		if (key < 0)
			return -1;
		json_object_set_new(params, "verify", json_true());
	}
	if (args->name)
		json_object_set_new(params, "name", client_text(args->name));
	if (args->environment)
		json_object_set_new(params, "environment", client_text(args->environment));
	if (args->max_size)
		json_object_set_new(params, "max_bytes", json_integer((json_int_t)args->max_size));
	if (snapshot_put_ttl(params, args->ttl, err) < 0 ||
	    ask(ctx, "snapshot.import", json_incref(params), (const int[]){ fd, key },
		args->verify ? 2 : 1, &s, err) < 0)
		return -1;
	out_object(&o, ctx, NULL);
	put_snapshot(&o, s);
	return out_end(&o, err);
}

static const char *const import_examples[] = {
	"faas snapshot import base.snapshot --name base --verify public.pem", NULL
};

const struct cmd snapshot_cmd_import = {
	.name = "import",
	.summary = "make a snapshot of an exported one",
	.args_size = sizeof(ARGS),
	.opts = import_opts,
	.run = import_run,
	.examples = import_examples,
};
#undef ARGS
