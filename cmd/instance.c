#include "cmd/instance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/names.h"

/*
 * faas instance: sandboxes that live on.
 */

static const char *text_of(const json_t *j, const char *key)
{
	return json_string_value(json_object_get(j, key));
}

json_t *instance_id(const char *what)
{
	return json_pack("{s:o}", "id", client_text(what));
}

static void put_json(struct out *o, const json_t *i, const char *key)
{
	const json_t *value = json_object_get(i, key);
	char *text = json_is_null(value) ? NULL
		: json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

	if (text)
		out_raw(o, key, text);
	else
		out_null(o, key);
	free(text);
}

static void put_time(struct out *o, const json_t *i, const char *key, const char *as)
{
	out_time(o, as, (uint64_t)json_integer_value(json_object_get(i, key)));
}

static void put_ms(struct out *o, const json_t *i, const char *key)
{
	const json_t *ms = json_object_get(i, key);

	if (json_is_integer(ms))
		out_ms(o, key, (uint64_t)json_integer_value(ms));
	else
		out_null(o, key);
}

static void put_restart(struct out *o, const json_t *restart)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "%s", text_of(restart, "policy"));
	if (json_integer_value(json_object_get(restart, "max")))
		(void)snprintf(text, sizeof(text), "%s:%lld", text_of(restart, "policy"),
			       json_integer_value(json_object_get(restart, "max")));
	out_str(o, "restart", text);
	out_int(o, "restarts", json_integer_value(json_object_get(restart, "count")));
}

void put_instance(struct out *o, const json_t *i)
{
	static const char *const texts[] = {
		"name", "state", "environment", "snapshot", "execution", "reason", "network"
	};

	out_str(o, "id", text_of(i, "id"));
	for (size_t n = 0; n < ARRAY_SIZE(texts); n++)
		out_str(o, texts[n], text_of(i, texts[n]));
	put_json(o, i, "pid");
	put_json(o, i, "commands");
	put_json(o, i, "argv");
	put_json(o, i, "ports");
	put_json(o, i, "labels");
	put_json(o, i, "limits");
	put_restart(o, json_object_get(i, "restart"));
	out_bool(o, "remove", json_is_true(json_object_get(i, "remove")));
	put_json(o, i, "exit_code");
	put_json(o, i, "signal");
	put_ms(o, i, "ttl_ms");
	put_ms(o, i, "ttl_left_ms");
	put_ms(o, i, "auto_stop_ms");
	put_time(o, i, "created_ms", "created_at");
	put_time(o, i, "started_ms", "started_at");
	put_time(o, i, "stopped_ms", "stopped_at");
	put_time(o, i, "updated_ms", "updated_at");
	put_time(o, i, "expires_ms", "expires_at");
	put_time(o, i, "active_ms", "active_at");
}

int instance_show_one(struct ctx *ctx, const json_t *i, struct error *err)
{
	struct out o;

	out_object(&o, ctx, NULL);
	put_instance(&o, i);
	return out_end(&o, err);
}

/* ---- list ---- */

#define ARGS struct list_args
ARGS {
	struct out_opts out;
	struct opt_strs states, labels;
	const char *environment, *name;
	bool all;
};

static const struct opt list_opts[] = {
	OPT_GROUP("Which"),
	OPT_FLAG('a', "all", ARGS, all, "those that were terminated in the last day, too"),
	OPT_STRS('s', "state", "state", ARGS, states, HINT_NONE, "only those in this state"),
	OPT_STR('E', "environment", "name", ARGS, environment, HINT_ENVIRONMENT,
		"only those in environment <name>"),
	OPT_STR(0, "name", "pattern", ARGS, name, HINT_NONE,
		"only those whose name fits <pattern>, such as 'web-*'"),
	OPT_STRS(0, "label", "label", ARGS, labels, HINT_NONE,
		 "only those with the label KEY=value"),
	OPT_GROUP("Output"),
	OUT_LIST_OPTIONS(ARGS, out),
	OPT_END
};

static const struct out_column list_columns[] = {
	{ "id" }, { "name" }, { "state" }, { "environment" },
	{ "created_at", "CREATED" }, { "ttl_left_ms", "TTL", OUT_RIGHT },
	{ "commands", .flags = OUT_RIGHT }, { "reason" },
	{ "snapshot", .flags = OUT_WIDE }, { "execution", .flags = OUT_WIDE },
	{ "pid", .flags = OUT_RIGHT | OUT_WIDE }, { "network", .flags = OUT_WIDE },
	{ "ports", .flags = OUT_WIDE }, { "labels", .flags = OUT_WIDE },
	{ "restart", .flags = OUT_WIDE }, { "restarts", .flags = OUT_RIGHT | OUT_WIDE },
	{ "started_at", "STARTED", OUT_WIDE }, { "stopped_at", "STOPPED", OUT_WIDE },
	{ "active_at", "USED", OUT_WIDE }, { "expires_at", "EXPIRES", OUT_WIDE }, { NULL }
};

static json_t *texts_of(const struct opt_strs *list)
{
	json_t *j = json_array();

	for (int i = 0; i < list->n; i++)
		json_array_append_new(j, client_text(list->v[i]));
	return j;
}

static int list_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	json_t *params = json_pack("{s:o,s:o,s:b}", "states", texts_of(&args->states), "labels",
				   texts_of(&args->labels), "all", args->all);
	cleanup_json json_t *list = NULL;
	struct out o;
	json_t *i;
	size_t n;

	if (args->environment)
		json_object_set_new(params, "environment", client_text(args->environment));
	if (args->name)
		json_object_set_new(params, "name", client_text(args->name));
	if (executor_call("instance.list", params, &list, err) < 0)
		return -1;
	out_list(&o, ctx, &args->out, "instances", list_columns);
	json_array_foreach(list, n, i) {
		out_row(&o);
		put_instance(&o, i);
	}
	return out_end(&o, err);
}

static const char *const list_examples[] = {
	"faas instance list --state running --label team=core",
	"faas instance list -q",
	NULL
};

static const struct cmd instance_cmd_list = {
	.name = "list",
	.summary = "list instances, oldest first",
	.args_size = sizeof(ARGS),
	.opts = list_opts,
	.run = list_run,
	.examples = list_examples,
};
#undef ARGS

/* ---- show ---- */

#define ARGS struct show_args
ARGS {
	const char *what;
};

static const struct opt show_opts[] = {
	OPERAND("instance", ARGS, what, HINT_INSTANCE,
		"instance to show: its id, 4 or more first characters of it, name, or @last"),
	OPT_END
};

static int show_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	cleanup_json json_t *i = NULL;

	if (executor_call("instance.get", instance_id(args->what), &i, err) < 0)
		return -1;
	return instance_show_one(ctx, i, err);
}

static const struct cmd instance_cmd_show = {
	.name = "show",
	.summary = "show everything that is known of one instance",
	.args_size = sizeof(ARGS),
	.opts = show_opts,
	.run = show_run,
};
#undef ARGS

int names_instances(struct ctx *ctx, struct error *err)
{
	cleanup_json json_t *list = NULL;
	json_t *i;
	size_t n;

	if (executor_ask_quickly("instance.list", NULL, &list, err) < 0)
		return -1;
	json_array_foreach(list, n, i) {
		const char *name = text_of(i, "name");

		fprintf(ctx->out, "%s\t%s\n", name ? name : text_of(i, "id"), text_of(i, "state"));
	}
	return 0;
}

static const struct cmd *const subs[] = {
	&instance_cmd_start, &instance_cmd_run, &instance_cmd_list, &instance_cmd_show,
	&instance_cmd_exec, &instance_cmd_logs, &instance_cmd_wait, &instance_cmd_events,
	&instance_cmd_forward, &instance_cmd_update, &instance_cmd_pause, &instance_cmd_resume, &instance_cmd_stop,
	&instance_cmd_restart, &instance_cmd_terminate, NULL
};

static const char *const aliases[] = { "instances", NULL };

static const char *const examples[] = {
	"faas instance start --name web --ttl 2h -- python3 -m http.server 8000",
	"faas instance exec web -- ls /work",
	"faas instance terminate web",
	NULL
};

const struct cmd cmd_instance = {
	.name = "instance",
	.summary = "start, use, pause, stop and terminate sandboxes that live on",
	.aliases = aliases,
	.subs = subs,
	.examples = examples,
};
