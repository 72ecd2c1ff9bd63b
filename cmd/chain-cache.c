#include "cmd/chain.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/execution.h"
#include "lib/base/cleanup.h"

/*
 * faas chain list, show, delete, prune: the results that are kept.
 */

static const char *text_of(const json_t *j, const char *key)
{
	return json_string_value(json_object_get(j, key));
}

static uint64_t number_of(const json_t *j, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(j, key));
}

/* ---- how much each takes of the disk ---- */

enum { DEPTH_MAX = 256, SHORT_KEY = 12 };

/* Takes fd. false: not all of it could be seen. */
static bool count(int fd, uint64_t *bytes, int depth)
{
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	bool whole = d && depth < DEPTH_MAX;
	struct stat st;

	if (!d && fd >= 0)
		(void)close(fd);
	while (whole && (e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		*bytes += (uint64_t)st.st_blocks * 512;
		if (S_ISDIR(st.st_mode))
			whole = count(openat(dirfd(d), e->d_name, O_RDONLY | O_DIRECTORY |
					     O_NOFOLLOW | O_CLOEXEC), bytes, depth + 1);
	}
	if (d)
		(void)closedir(d);
	return whole;
}

static void put_size(struct out *o, int layers, const char *snapshot)
{
	uint64_t bytes = 0;

	if (layers >= 0 && snapshot && *snapshot != '.' && !strchr(snapshot, '/') &&
	    count(openat(layers, snapshot, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
		  &bytes, 0))
		out_size(o, "size_bytes", bytes);
	else
		out_null(o, "size_bytes");
}

static int open_layers(void)
{
	char dir[4096], path[4200];
	struct error err;

	if (client_state_dir(NULL, dir, sizeof(dir), &err) < 0)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/layers", dir);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void put_result(struct out *o, const json_t *s, int layers)
{
	const char *key = text_of(s, "key");

	/* the first characters of it will do, for people and for these commands */
	out_strn(o, "key", key, o->ctx->json ? strlen(key) : SHORT_KEY);
	out_str(o, "snapshot", text_of(s, "snapshot"));
	put_size(o, layers, text_of(s, "snapshot"));
	out_uint(o, "hits", number_of(s, "hits"));
	out_time(o, "used_at", number_of(s, "used_ms"));
	out_us(o, "wall_us", number_of(s, "wall_us"));
	out_str(o, "command", text_of(s, "command"));
	out_str(o, "chain", text_of(s, "chain"));
	out_uint(o, "number", number_of(s, "number"));
	out_time(o, "created_at", number_of(s, "created_ms"));
	out_bool(o, "truncated", json_is_true(json_object_get(s, "truncated")));
}

/* ---- list ---- */

#define ARGS struct list_args
ARGS {
	struct out_opts out;
};

static const struct opt list_opts[] = {
	OUT_LIST_OPTIONS(ARGS, out),
	OPT_END
};

static const struct out_column list_columns[] = {
	{ "key" }, { "snapshot" }, { "size_bytes", "SIZE", OUT_RIGHT },
	{ "hits", .flags = OUT_RIGHT }, { "used_at", "USED" }, { "wall_us", "TIME", OUT_RIGHT },
	{ "command" }, { "chain", .flags = OUT_WIDE }, { "number", .flags = OUT_WIDE },
	{ "created_at", .flags = OUT_WIDE }, { "truncated", .flags = OUT_WIDE }, { NULL }
};

static int list_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	cleanup_json json_t *list = NULL;
	cleanup_close int layers = -1;
	struct out o;
	json_t *s;
	size_t i;

	if (executor_call("chain.list", NULL, &list, err) < 0)
		return -1;
	layers = open_layers();
	out_list(&o, ctx, &args->out, "results", list_columns);
	json_array_foreach(list, i, s) {
		out_row(&o);
		put_result(&o, s, layers);
	}
	return out_end(&o, err);
}

const struct cmd chain_list = {
	.name = "list",
	.summary = "list the results that are kept, the one used last first",
	.args_size = sizeof(ARGS),
	.opts = list_opts,
	.run = list_run,
};
#undef ARGS

/* ---- show and delete ---- */

#define ARGS struct one_args
ARGS {
	const char *key;
};

static const struct opt show_opts[] = {
	OPERAND("key", ARGS, key, HINT_NONE, "key of the result, or its 4 or more first characters"),
	OPT_END
};

static int show_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	cleanup_json json_t *s = NULL;
	cleanup_close int layers = -1;
	struct out o;
	char *text;

	if (executor_call("chain.get", json_pack("{s:o}", "key", client_text(args->key)), &s,
			  err) < 0)
		return -1;
	layers = open_layers();
	out_object(&o, ctx, NULL);
	put_result(&o, s, layers);
	text = json_dumps(json_object_get(s, "components"), JSON_COMPACT | JSON_SORT_KEYS);
	out_raw(&o, "components", text ? text : "null");
	free(text);
	return out_end(&o, err);
}

const struct cmd chain_show_one = {
	.name = "show",
	.summary = "show one result, and what its key is made of",
	.args_size = sizeof(ARGS),
	.opts = show_opts,
	.run = show_run,
};

static const struct opt delete_opts[] = {
	OPERAND("key", ARGS, key, HINT_NONE, "key of the result to delete"),
	OPT_END
};

static int delete_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	cleanup_json json_t *done = NULL;
	struct out o;

	if (executor_call("chain.delete", json_pack("{s:o}", "key", client_text(args->key)),
			  &done, err) < 0)
		return -1;
	out_object(&o, ctx, NULL);
	out_str(&o, "deleted", text_of(done, "key"));
	out_uint(&o, "snapshots", number_of(done, "snapshots"));
	return out_end(&o, err);
}

const struct cmd chain_delete = {
	.name = "delete",
	.summary = "delete one result",
	.args_size = sizeof(ARGS),
	.opts = delete_opts,
	.run = delete_run,
};
#undef ARGS

/* ---- prune ---- */

#define ARGS struct prune_args
ARGS {
	uint64_t keep_last, older_ms;
	bool dry_run, yes;
};

static const struct opt prune_opts[] = {
	OPT_UINT(0, "keep-last", "number", ARGS, keep_last,
		 "keep the <number> that were used last"),
	OPT_MS(0, "older-than", "time", ARGS, older_ms,
	       "only what was not used for <time>, such as 7d"),
	OPT_FLAG(0, "dry-run", ARGS, dry_run, "only say which"),
	OPT_FLAG('y', "yes", ARGS, yes, "do not ask"),
	OPT_END
};

static int prune_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	cleanup_json json_t *done = NULL;
	json_t *params = json_object(), *key;
	struct out o;
	size_t i;

	if (args->keep_last)
		json_object_set_new(params, "keep_last", json_integer((json_int_t)args->keep_last));
	if (args->older_ms)
		json_object_set_new(params, "older_than_ms",
				    json_integer((json_int_t)args->older_ms));
	json_object_set_new(params, "dry_run", json_boolean(args->dry_run));
	if (!args->dry_run && !args->keep_last && !args->older_ms &&
	    out_confirm(ctx, args->yes, err, "delete all results of steps?") < 0) {
		json_decref(params);
		return -1;
	}
	if (executor_call("chain.prune", params, &done, err) < 0)
		return -1;
	out_object(&o, ctx, NULL);
	out_uint(&o, "count", number_of(done, "count"));
	out_uint(&o, "snapshots", number_of(done, "snapshots"));
	out_bool(&o, "dry_run", args->dry_run);
	out_open(&o, "keys", '[');
	json_array_foreach(json_object_get(done, "keys"), i, key)
		out_str(&o, NULL, json_string_value(key));
	out_close(&o);
	return out_end(&o, err);
}

const struct cmd chain_prune = {
	.name = "prune",
	.summary = "delete results that were not used of late",
	.args_size = sizeof(ARGS),
	.opts = prune_opts,
	.run = prune_run,
};
