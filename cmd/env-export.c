#include "cmd/env.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/execution.h"
#include "lib/base/remove.h"
#include "lib/client/client.h"

/*
 * faas env export: what is written has its name when it is whole, and not before.
 */

#define ARGS struct export_args
ARGS {
	const char *name, *to, *format, *tag;
	bool force;
};

static const char *const formats[] = { "tar", "tar.gz", "tar.zst", "oci", "oci-archive", NULL };

static const struct opt export_opts[] = {
	OPT_CHOICE(0, "format", "format", ARGS, format, formats,
		   "what to write (default: as the file's name ends)"),
	OPT_STR(0, "tag", "tag", ARGS, tag, HINT_NONE, "tag of the image (default: latest)"),
	OPT_FLAG(0, "force", ARGS, force, "replace a file of that name"),
	OPERAND("name", ARGS, name, HINT_ENVIRONMENT, "environment to export"),
	OPERAND("file", ARGS, to, HINT_FILE,
		"file.tar.zst, file.tar.gz, file.tar, oci:DIR or oci-archive:FILE; '-' for stdout"),
	OPT_END
};

/* Where it goes, until it has its name. */
struct target {
	const char *path, *format;
	char *dir;		/* that path is in */
	char *temporary;	/* path of a folder, or of a file that has one, or NULL */
	int fd;
	bool folder, force;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int sig)
{
	interrupted = sig;
}

static int choose_format(const ARGS *args, struct target *t, struct error *err)
{
	static const char *const ends[][2] = {
		{ ".tar.zst", "tar.zst" }, { ".tzst", "tar.zst" }, { ".tar.gz", "tar.gz" },
		{ ".tgz", "tar.gz" }, { ".tar", "tar" },
	};
	size_t len;

	t->path = args->to;
	t->format = args->format;
	if (!strncmp(t->path, "oci:", 4)) {
		t->path += 4;
		t->format = "oci";
	} else if (!strncmp(t->path, "oci-archive:", 12)) {
		t->path += 12;
		t->format = "oci-archive";
	}
	len = strlen(t->path);
	for (size_t i = 0; i < ARRAY_SIZE(ends) && !t->format; i++)
		if (len > strlen(ends[i][0]) && !strcmp(t->path + len - strlen(ends[i][0]),
							ends[i][0]))
			t->format = ends[i][1];
	t->folder = t->format && !strcmp(t->format, "oci");
	if (args->format && strcmp(args->format, t->format))
		return err_set(err, ERR_USAGE, "'%.100s' and '--format %s' are two formats",
			       args->to, args->format);
	if (!t->format || !*t->path || (t->folder && !strcmp(t->path, "-"))) {
		(void)err_set(err, ERR_USAGE, "'%.100s' does not say in which format", args->to);
		return err_hint(err, "name it FILE.tar.zst or oci:DIR, or say '--format'");
	}
	if (args->tag && strncmp(t->format, "oci", 3))
		return err_set(err, ERR_USAGE, "'--tag' is for images");
	return 0;
}

static int taken(const struct target *t, struct error *err)
{
	(void)err_set(err, ERR_EXISTS, "there is a '%.200s' already", t->path);
	return t->folder ? err_hint(err, "choose another name") :
		err_hint(err, "choose another name, or --force");
}

/* A file without a name, where the file system has such: nothing is left of it. */
static int open_target(struct target *t, struct error *err)
{
	struct stat st;

	if (!strcmp(t->path, "-")) {
		if (isatty(1))
			return err_set(err, ERR_USAGE, "an archive would go to a terminal");
		t->fd = fcntl(1, F_DUPFD_CLOEXEC, 3);
		return t->fd < 0 ? err_sys(err, errno, "write to stdout") : 0;
	}
	if (lstat(t->path, &st) == 0 && (!t->force || t->folder))
		return taken(t, err);
	t->dir = strrchr(t->path, '/') ?
		strndup(t->path, (size_t)(strrchr(t->path, '/') - t->path) + 1) : strdup(".");
	if (asprintf(&t->temporary, "%s.XXXXXX", t->path) < 0)
		return err_sys(err, ENOMEM, "write '%.200s'", t->path);
	if (t->folder) {
		if (!mkdtemp(t->temporary) || chmod(t->temporary, 0755) < 0) {
			free(TAKE_PTR(t->temporary));
			return err_sys(err, errno, "make '%.200s'", t->path);
		}
		t->fd = open(t->temporary, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	} else {
		t->fd = t->dir ? open(t->dir, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644) : -1;
		if (t->fd >= 0)
			free(TAKE_PTR(t->temporary));
		else
			t->fd = mkostemp(t->temporary, O_CLOEXEC);
	}
	return t->fd < 0 ? err_sys(err, errno, "write '%.200s'", t->path) : 0;
}

static int rename_to(const struct target *t, const char *from, struct error *err)
{
	unsigned int flags = t->force && !t->folder ? 0 : RENAME_NOREPLACE;

	if (renameat2(AT_FDCWD, from, AT_FDCWD, t->path, flags) == 0)
		return 0;
	return errno == EEXIST ? taken(t, err) : err_sys(err, errno, "name '%.200s'", t->path);
}

static int publish(struct target *t, struct error *err)
{
	char self[32], *name;
	int r;

	if (!t->dir)
		return 0;
	if (!t->folder && fsync(t->fd) < 0)
		return err_sys(err, errno, "write '%.200s'", t->path);
	if (t->temporary) {
		r = rename_to(t, t->temporary, err);
		if (r == 0)
			free(TAKE_PTR(t->temporary));
		return r;
	}
	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", t->fd);
	if (linkat(AT_FDCWD, self, AT_FDCWD, t->path, AT_SYMLINK_FOLLOW) == 0)
		return 0;
	if (errno != EEXIST || !t->force)
		return errno == EEXIST ? taken(t, err) :
			err_sys(err, errno, "name '%.200s'", t->path);
	if (asprintf(&name, "%s.%d.new", t->path, (int)getpid()) < 0)
		return err_sys(err, ENOMEM, "name '%.200s'", t->path);
	r = linkat(AT_FDCWD, self, AT_FDCWD, name, AT_SYMLINK_FOLLOW) < 0 ?
		err_sys(err, errno, "name '%.200s'", t->path) : rename_to(t, name, err);
	free(name);
	return r;
}

static void target_release(struct target *t)
{
	struct error ignored;
	int dir;

	if (t->fd >= 0)
		(void)close(t->fd);
	if (t->temporary && t->folder) {
		const char *slash = strrchr(t->temporary, '/');

		dir = open(t->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (dir < 0 || tree_remove(dir, slash ? slash + 1 : t->temporary, &ignored) < 0)
			errno = EBUSY;
		if (dir >= 0)
			(void)close(dir);
	} else if (t->temporary) {
		(void)unlink(t->temporary);
	}
	free(t->temporary);
	free(t->dir);
}

/* Waits for the answer, or for the user to have had enough. */
static int write_it(struct ctx *ctx, json_t *params, int fd, json_t **ret, struct error *err)
{
	CLEANUP(client_free) struct client *c = NULL;
	const struct sigaction catch = { .sa_handler = on_signal };
	struct progress progress = progress_begin(ctx, NULL, "packing");
	json_int_t id;
	int r;

	if (executor_connect(&c, err) < 0) {
		json_decref(params);
		return -1;
	}
	(void)sigaction(SIGINT, &catch, NULL);
	(void)sigaction(SIGTERM, &catch, NULL);
	if (client_send(c, "environment.export", params, &fd, 1, &id, err) < 0)
		return -1;
	for (;;) {
		cleanup_json json_t *data = NULL;
		char event[32];

		r = client_next(c, id, 200, event, &data, err);
		if (interrupted) {
			progress_end(&progress);
			return err_set(err, ERR_CONFLICT, "interrupted: nothing was written");
		}
		if (r < 0 || (r > 0 && !*event)) {
			progress_end(&progress);
			*ret = r < 0 ? NULL : TAKE_PTR(data);
			return r < 0 ? -1 : 0;
		}
		if (r > 0)
			progress_show(&progress, data);
	}
}

static int export_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	struct target t = { .fd = -1, .force = args->force };
	cleanup_json json_t *done = NULL, *params = NULL;
	struct out o;
	int r = -1;

	if (choose_format(args, &t, err) < 0)
		return -1;
	params = json_pack("{s:o,s:s}", "name", client_text(args->name), "format", t.format);
	if (args->tag)
		json_object_set_new(params, "tag", client_text(args->tag));
	if (open_target(&t, err) == 0 &&
	    write_it(ctx, TAKE_PTR(params), t.fd, &done, err) == 0)
		r = publish(&t, err);
	target_release(&t);
	/* stdout may be the archive */
	if (r < 0 || !strcmp(t.path, "-"))
		return r;
	out_object(&o, ctx, NULL);
	out_str(&o, "exported", args->name);
	out_str(&o, "file", t.path);
	out_str(&o, "format", t.format);
	out_size(&o, "size_bytes", (uint64_t)json_integer_value(json_object_get(done, "bytes")));
	out_uint(&o, "entries", (uint64_t)json_integer_value(json_object_get(done, "entries")));
	return out_end(&o, err);
}

const struct cmd env_export = {
	.name = "export",
	.summary = "write an environment as an archive or an image",
	.args_size = sizeof(ARGS),
	.opts = export_opts,
	.run = export_run,
};
#undef ARGS
