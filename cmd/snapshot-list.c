#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd/snapshot.h"
#include "lib/client/client.h"

/*
 * faas snapshot list: which, and in what order.
 */

enum { PAGE = 1000 };

static const char *text_of(const json_t *j, const char *key)
{
	return json_string_value(json_object_get(j, key));
}

#define ARGS struct list_args
ARGS {
	struct out_opts out;
	const char *environment, *name, *sort;
	struct opt_strs labels;
	uint64_t since_ms;
	int limit;
	bool reverse;
};

static const char *const sorts[] = { "created", "name", "size", NULL };

static const struct opt list_opts[] = {
	OPT_GROUP("Which"),
	OPT_STR('E', "environment", "name", ARGS, environment, HINT_ENVIRONMENT,
		"only those of environment <name>"),
	OPT_STR(0, "name", "pattern", ARGS, name, HINT_NONE,
		"only those whose name is like <pattern>, such as 'nightly-*'"),
	OPT_STRS(0, "label", "label", ARGS, labels, HINT_NONE,
		 "only those with the label KEY=value"),
	OPT_MS(0, "since", "time", ARGS, since_ms,
	       "only those of the last <time>, such as 2h"),
	OPT_INT('n', "limit", "count", ARGS, limit, "show the <count> newest of them"),
	OPT_GROUP("Output"),
	OPT_CHOICE(0, "sort", "by", ARGS, sort, sorts, "put them in order of this (default: created)"),
	OPT_FLAG('r', "reverse", ARGS, reverse, "the other way round: newest, last or largest first"),
	OUT_LIST_OPTIONS(ARGS, out),
	OPT_END
};

const struct out_column snapshot_columns[] = {
	{ "id" }, { "name" }, { "kind" }, { "environment" }, { "parent" },
	{ "depth", .flags = OUT_RIGHT }, { "bytes", "SIZE", OUT_RIGHT },
	{ "entries", .flags = OUT_RIGHT }, { "created_at", "CREATED" },
	{ "expires_at", "EXPIRES" }, { "comment" },
	{ "execution", .flags = OUT_WIDE }, { "engine", .flags = OUT_WIDE },
	{ "synced", .flags = OUT_WIDE }, { "checksum", .flags = OUT_WIDE },
	{ "labels", .flags = OUT_WIDE }, { NULL }
};

/* Takes params. In pages, so that no reply is larger than a frame may be. */
int snapshot_fetch(json_t *params, json_t **ret, struct error *err)
{
	CLEANUP(client_free) struct client *c = NULL;
	cleanup_json json_t *own = params ? params : json_object();
	cleanup_json json_t *all = json_array();

	if (executor_connect(&c, err) < 0)
		return -1;
	json_object_set_new(own, "limit", json_integer(PAGE));
	for (;;) {
		cleanup_json json_t *page = NULL;
		size_t n;

		if (client_call(c, "snapshot.list", json_incref(own), &page, err) < 0)
			return -1;
		n = json_array_size(page);
		json_array_extend(all, page);
		if (n < PAGE)
			break;
		json_object_set(own, "after",
				json_object_get(json_array_get(page, n - 1), "cursor"));
	}
	*ret = TAKE_PTR(all);
	return 0;
}

static json_t *list_params(const ARGS *args)
{
	uint64_t now_ms = (uint64_t)time(NULL) * 1000;
	json_t *labels = json_array(), *params = json_pack("{s:o}", "labels", labels);

	for (int i = 0; i < args->labels.n; i++)
		json_array_append_new(labels, client_text(args->labels.v[i]));
	if (args->environment)
		json_object_set_new(params, "environment", client_text(args->environment));
	if (args->name)
		json_object_set_new(params, "name", client_text(args->name));
	if (args->since_ms && args->since_ms < now_ms)
		json_object_set_new(params, "since_ms",
				    json_integer((json_int_t)(now_ms - args->since_ms)));
	return params;
}

static json_int_t number_of(const json_t *j, const char *key)
{
	return json_integer_value(json_object_get(j, key));
}

static int compare(const void *a, const void *b, void *by)
{
	const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
	const char *n = text_of(x, "name"), *m = text_of(y, "name");
	json_int_t d = 0;

	if (!strcmp(by, "size"))
		d = number_of(x, "bytes") - number_of(y, "bytes");
	else if (!strcmp(by, "name"))
		d = strcmp(n ? n : "", m ? m : "");
	if (!d)
		d = number_of(x, "cursor") - number_of(y, "cursor");
	return d < 0 ? -1 : d > 0;
}

/* The entries stay the list's own; *ret is the caller's to free. */
static int order(const json_t *list, const ARGS *args, json_t ***ret, size_t *ret_n,
		 struct error *err)
{
	size_t all = json_array_size(list), n = all;
	json_t **v = calloc(all + 1, sizeof(*v));

	if (!v)
		return err_sys(err, ENOMEM, "list snapshots");
	if (args->limit >= 0 && (size_t)args->limit < n)
		n = (size_t)args->limit;
	for (size_t i = 0; i < n; i++)
		v[i] = json_array_get(list, all - n + i);
	qsort_r(v, n, sizeof(*v), compare, (void *)(uintptr_t)(args->sort ? args->sort : "created"));
	for (size_t i = 0; args->reverse && i < n / 2; i++) {
		json_t *swap = v[i];

		v[i] = v[n - 1 - i];
		v[n - 1 - i] = swap;
	}
	*ret = v;
	*ret_n = n;
	return 0;
}

static int list_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	cleanup_json json_t *list = NULL;
	cleanup_free json_t **v = NULL;
	struct out o;
	size_t n = 0;

	if (snapshot_fetch(list_params(args), &list, err) < 0 ||
	    order(list, args, &v, &n, err) < 0)
		return -1;
	out_list(&o, ctx, &args->out, "snapshots", snapshot_columns);
	for (size_t i = 0; i < n; i++) {
		out_row(&o);
		put_snapshot(&o, v[i]);
	}
	return out_end(&o, err);
}

static const char *const list_examples[] = {
	"faas snapshot list --name 'nightly-*' --since 7d",
	"faas snapshot list --sort size --reverse --fields id,bytes",
	NULL
};

const struct cmd snapshot_cmd_list = {
	.name = "list",
	.summary = "list snapshots, oldest first",
	.args_size = sizeof(ARGS),
	.opts = list_opts,
	.run = list_run,
	.examples = list_examples,
};
#undef ARGS
