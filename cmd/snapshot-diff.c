#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/snapshot.h"
#include "lib/client/client.h"
#include "lib/state/diff.h"

/*
 * faas snapshot diff: what one state of files has that another has not.
 */

#define ARGS struct diff_args
ARGS {
	struct out_opts out;
	const char *from, *to;
};

static const struct opt diff_opts[] = {
	OUT_LIST_OPTIONS(ARGS, out),
	OPERAND("snapshot", ARGS, from, HINT_SNAPSHOT,
		"snapshot whose changes to show, or to begin with"),
	OPERAND_OPTIONAL("other", ARGS, to, HINT_SNAPSHOT,
			 "snapshot to compare it with (default: its parent with it)"),
	OPT_END
};

static const struct out_column diff_columns[] = {
	{ "kind" }, { "path" }, { "size_before", "BEFORE", OUT_RIGHT },
	{ "size_after", "AFTER", OUT_RIGHT }, { "type", .flags = OUT_WIDE },
	{ "mode_before", .flags = OUT_WIDE }, { "mode_after", .flags = OUT_WIDE }, { NULL }
};

static const char *type_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return "file";
	case S_IFDIR:
		return "folder";
	case S_IFLNK:
		return "link";
	case S_IFIFO:
		return "fifo";
	case S_IFSOCK:
		return "socket";
	default:
		return "device";
	}
}

struct printing {
	struct out o;
	size_t n;
};

static void put_side(struct out *o, const char *size, const char *mode, const struct stat *st)
{
	char text[16];

	if (!st->st_mode) {
		out_null(o, size);
		out_null(o, mode);
		return;
	}
	if (S_ISREG(st->st_mode))
		out_size(o, size, (uint64_t)st->st_size);
	else
		out_null(o, size);
	(void)snprintf(text, sizeof(text), "%04o", st->st_mode & 07777);
	out_str(o, mode, text);
}

static int print(void *arg, const struct difference *d)
{
	const char kind[] = { (char)d->kind, '\0' };
	struct printing *p = arg;
	char *path;

	if (asprintf(&path, "/%s", d->path) < 0)
		return 1;
	p->n++;
	out_row(&p->o);
	out_str(&p->o, "kind", kind);
	out_str(&p->o, "path", path);
	out_str(&p->o, "type", type_of(d->after.st_mode ? d->after.st_mode : d->before.st_mode));
	out_bool(&p->o, "content", d->content);
	put_side(&p->o, "size_before", "mode_before", &d->before);
	put_side(&p->o, "size_after", "mode_after", &d->after);
	free(path);
	return 0;
}

/* The layers from number `first` on: 0 is the snapshot's own. */
static int open_view(const json_t *s, size_t first, struct view *ret, struct error *err)
{
	const json_t *files = json_object_get(s, "files"), *layers = json_object_get(s, "layers");
	const char *folder = json_string_value(json_object_get(files, "layers"));
	const char *root = json_string_value(json_object_get(files, "root"));
	size_t n = json_array_size(layers);
	cleanup_free const char **names = calloc(n + 1, sizeof(*names));
	cleanup_close int fd = -1;

	if (!names || !folder || !root)
		return err_set(err, ERR_PROTOCOL, "the executor does not say where the files are");
	for (size_t i = first; i < n; i++)
		names[i - first] = json_string_value(json_array_get(layers, i));
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, errno, "open '%s'", folder);
	return view_open(fd, names, (int)(n - first), root,
			 (unsigned int)json_integer_value(json_object_get(files, "shift")), ret, err);
}

/* A snapshot by what it is called, or a branch's base or head. */
static int get_state(const char *what, const char *of_branch, json_t **ret, struct error *err)
{
	cleanup_json json_t *b = NULL;

	if (of_branch && executor_call("branch.get", json_pack("{s:o}", "name", client_text(what)),
				       &b, err) < 0)
		return -1;
	if (b)
		what = json_string_value(json_object_get(b, of_branch));
	return executor_call("snapshot.get", snapshot_id(what), ret, err);
}

static int open_two(const json_t *from, const json_t *to, struct view *a, struct view *b,
		    struct error *err)
{
	const char *one = json_string_value(json_object_get(from, "environment"));
	const char *two = json_string_value(json_object_get(to, "environment"));

	if (strcmp(one, two))
		return err_set(err, ERR_CONFLICT, "one is of environment '%s', and the other of '%s'",
			       one, two);
	return open_view(from, 0, a, err) < 0 ? -1 : open_view(to, 0, b, err);
}

/* One that was made of another has its layers, and none of its own. */
static size_t own_layers(const json_t *s)
{
	const char *first = json_string_value(json_array_get(json_object_get(s, "layers"), 0));
	const char *id = json_string_value(json_object_get(s, "id"));

	return first && id && !strcmp(first, id);
}

static int open_snapshots(const ARGS *args, struct view *a, struct view *b, struct error *err)
{
	cleanup_json json_t *from = NULL;
	cleanup_json json_t *to = NULL;

	if (get_state(args->from, NULL, &from, err) < 0)
		return -1;
	if (!args->to)
		return open_view(from, own_layers(from), a, err) < 0 ? -1 : open_view(from, 0, b, err);
	if (get_state(args->to, NULL, &to, err) < 0)
		return -1;
	return open_two(from, to, a, b, err);
}

static int open_branches(const ARGS *args, struct view *a, struct view *b, struct error *err)
{
	cleanup_json json_t *from = NULL;
	cleanup_json json_t *to = NULL;

	if (get_state(args->from, args->to ? "head" : "base", &from, err) < 0 ||
	    get_state(args->to ? args->to : args->from, "head", &to, err) < 0)
		return -1;
	return open_two(from, to, a, b, err);
}

static int show(struct ctx *ctx, const ARGS *args,
		int (*open_both)(const ARGS *args, struct view *a, struct view *b,
				 struct error *err), struct error *err)
{
	CLEANUP(view_close) struct view *a = &(struct view){ .root = -1 };
	CLEANUP(view_close) struct view *b = &(struct view){ .root = -1 };
	struct printing printing = { .n = 0 };
	struct error ignored;
	int r;

	if (open_both(args, a, b, err) < 0)
		return -1;
	out_list(&printing.o, ctx, &args->out, "differences", diff_columns);
	r = diff_views(a, b, print, &printing, err);
	if (out_end(&printing.o, r < 0 ? &ignored : err) < 0 || r < 0)
		return -1;
	return printing.n ? 1 : 0;
}

static int diff_run(struct ctx *ctx, const void *p, struct error *err)
{
	return show(ctx, p, open_snapshots, err);
}

static int branch_diff_run(struct ctx *ctx, const void *p, struct error *err)
{
	return show(ctx, p, open_branches, err);
}

static const char *const examples[] = {
	"faas snapshot diff next",
	"faas snapshot diff base next --json",
	NULL
};

const struct cmd snapshot_diff = {
	.name = "diff",
	.summary = "show what differs between two snapshots, or a snapshot and its parent",
	.args_size = sizeof(ARGS),
	.opts = diff_opts,
	.run = diff_run,
	.examples = examples,
};

static const struct opt branch_opts[] = {
	OUT_LIST_OPTIONS(ARGS, out),
	OPERAND("branch", ARGS, from, HINT_BRANCH, "branch whose changes to show"),
	OPERAND_OPTIONAL("other", ARGS, to, HINT_BRANCH,
			 "branch to compare it with (default: where it began)"),
	OPT_END
};

const struct cmd branch_diff = {
	.name = "diff",
	.summary = "show what a branch changed, or what differs between two",
	.args_size = sizeof(ARGS),
	.opts = branch_opts,
	.run = branch_diff_run,
};
