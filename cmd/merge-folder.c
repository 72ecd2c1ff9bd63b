#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/merge.h"
#include "cmd/snapshot.h"
#include "lib/client/client.h"
#include "lib/helper/task.h"

/*
 * faas merge BRANCH --to DIR: back into a folder of the user's, with the user's rights;
 * so it is this program that starts the helper, and not the executor.
 */

static const char *text_of(const json_t *j, const char *key)
{
	return json_string_value(json_object_get(j, key));
}

static int check(const struct merge_args *args, struct error *err)
{
	if (args->into || args->name || args->comment)
		return err_set(err, ERR_USAGE, "--to is for a folder, and --into, --name and --comment "
			       "for branches and snapshots");
	if (args->theirs.n != 1)
		return err_set(err, ERR_USAGE, "into a folder one branch is merged at a time");
	return 0;
}

/* "work/DIR": given, or where 'execute --file DIR' puts it. */
static int find_below(const struct merge_args *args, char ret[4096], struct error *err)
{
	const char *path = args->path ? args->path : "/work/";
	cleanup_free char *full = args->path ? NULL : realpath(args->to, NULL);
	size_t n;

	if (!args->path && !full)
		return err_sys(err, errno, "find '%s'", args->to);
	n = (size_t)snprintf(ret, 4096, "%s%s", path + strspn(path, "/"),
			     full ? strrchr(full, '/') + 1 : "");
	while (n && n < 4096 && ret[n - 1] == '/')
		ret[--n] = '\0';
	if (!n || n >= 4096 || strstr(ret, "//") || strstr(ret, ".."))
		return err_set(err, ERR_USAGE, "'%.300s' is no folder of a sandbox", path);
	return 0;
}

static int get(const char *id, json_t **ret, struct error *err)
{
	return executor_call("snapshot.get", snapshot_id(id), ret, err);
}

static json_t *make_ask(const struct merge_args *args, const json_t *base, const json_t *theirs,
			const char *below)
{
	const json_t *files = json_object_get(theirs, "files");

	return json_pack("{s:s,s:O,s:O,s:O,s:O,s:o,s:s,s:s,s:[s,o,o],s:b}", "do", "merge-folder", "base",
			 json_object_get(base, "layers"), "theirs", json_object_get(theirs, "layers"),
			 "root", json_object_get(files, "root"), "shift",
			 json_object_get(files, "shift"), "below", client_text(below), "strategy",
			 args->strategy ? args->strategy : "three-way", "markers",
			 args->conflict ? args->conflict : "none", "labels", "base",
			 client_text(args->to), client_text(args->theirs.v[0]), "dry_run", args->dry_run);
}

static int run_helper(const json_t *ask, int layers, int folder, json_t **ret, struct error *err)
{
	struct task_request req = {
		.program = "faas-state", .ask = ask, .fds = { layers, folder }, .n_fds = 2,
	};
	struct task *h;
	struct pollfd p;

	if (task_start(&req, &h, err) < 0)
		return -1;
	p = (struct pollfd){ .fd = task_fd(h), .events = POLLIN };
	do
		(void)poll(&p, 1, -1);
	while (!task_read(h));
	return task_finish(h, ret, err);
}

static int merge_them(const struct merge_args *args, const json_t *base, const json_t *theirs,
		      json_t **ret, struct error *err)
{
	const char *path = text_of(json_object_get(theirs, "files"), "layers");
	cleanup_json json_t *ask = NULL;
	cleanup_close int layers = path ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	cleanup_close int folder = -1;
	char below[4096];

	if (layers < 0)
		return err_sys(err, errno, "open '%s'", path ? path : "the layers");
	folder = open(args->to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return err_sys(err, errno, "open '%s'", args->to);
	if (find_below(args, below, err) < 0)
		return -1;
	ask = make_ask(args, base, theirs, below);
	if (!ask)
		return err_set(err, ERR_PROTOCOL, "the executor does not say where the files are");
	return run_helper(ask, layers, folder, ret, err);
}

int merge_to_folder(struct ctx *ctx, const struct merge_args *args, struct error *err)
{
	cleanup_json json_t *b = NULL;
	cleanup_json json_t *base = NULL;
	cleanup_json json_t *theirs = NULL;
	cleanup_json json_t *step = NULL;
	cleanup_json json_t *done = NULL;

	if (check(args, err) < 0 ||
	    executor_call("branch.get", json_pack("{s:o}", "name", client_text(args->theirs.v[0])),
			  &b, err) < 0 ||
	    get(text_of(b, "base"), &base, err) < 0 || get(text_of(b, "head"), &theirs, err) < 0 ||
	    merge_them(args, base, theirs, &step, err) < 0)
		return -1;
	json_object_set(step, "base", json_object_get(base, "id"));
	json_object_set(step, "theirs", json_object_get(theirs, "id"));
	json_object_set_new(step, "how", json_string("merged"));
	done = json_pack("{s:b,s:b,s:o,s:[O]}", "conflict",
			 json_integer_value(json_object_get(step, "n_conflicts")) > 0, "dry_run",
			 args->dry_run, "folder", client_text(args->to), "steps", step);
	return merge_show(ctx, args, done, err);
}
