#include <stdio.h>
#include <string.h>

#include "cmd/instance.h"
#include "cmd/snapshot.h"
#include "lib/base/parse.h"

/*
 * faas instance stop, restart, pause, resume, terminate, update.
 */

static const struct out_column columns[] = {
	{ "id" }, { "name" }, { "state" }, { "reason" }, { NULL }
};

/* What cannot be done to one is said, and does not keep the others from it. */
static int each(struct ctx *ctx, const char *op, const struct opt_strs *names,
		const struct out_opts *opts, uint64_t grace_ms, bool has_grace, struct error *err)
{
	struct error first = { .code = ERR_NONE }, ignored;
	struct out o;

	out_list(&o, ctx, opts, "instances", columns);
	for (int n = 0; n < names->n; n++) {
		cleanup_json json_t *i = NULL;
		json_t *params = instance_id(names->v[n]);

		if (has_grace)
			json_object_set_new(params, "grace_ms", json_integer((json_int_t)grace_ms));
		if (executor_call(op, params, &i, err) < 0) {
			if (!first.code)
				first = *err;
			else
				out_warn(ctx, "%s", err->msg);
			continue;
		}
		out_row(&o);
		put_instance(&o, i);
	}
	if (out_end(&o, first.code ? &ignored : err) < 0 && !first.code)
		return -1;
	if (first.code)
		*err = first;
	return first.code ? -1 : 0;
}

#define ARGS struct end_args
ARGS {
	struct out_opts out;
	struct opt_strs names;
	const char *grace;
};

#define END_OPTIONS							\
	OPT_STR(0, "grace", "time", ARGS, grace, HINT_NONE,		\
		"from asking it to end until killing it, or 0 (default: as it was started)")

static const struct opt end_opts[] = {
	END_OPTIONS,
	OUT_LIST_OPTIONS(ARGS, out),
	OPERAND_LIST("instance", ARGS, names, HINT_INSTANCE, "instances"),
	OPT_END
};

static const struct opt plain_opts[] = {
	OUT_LIST_OPTIONS(ARGS, out),
	OPERAND_LIST("instance", ARGS, names, HINT_INSTANCE, "instances"),
	OPT_END
};

static int end_each(struct ctx *ctx, const ARGS *args, const char *op, struct error *err)
{
	uint64_t ms = 0;

	if (args->grace && strcmp(args->grace, "0") && parse_ms(args->grace, &ms) < 0)
		return err_set(err, ERR_USAGE, "'%.64s' is not a time such as 10s", args->grace);
	return each(ctx, op, &args->names, &args->out, ms, args->grace, err);
}

static int stop_run(struct ctx *ctx, const void *args, struct error *err)
{
	return end_each(ctx, args, "instance.stop", err);
}

static int restart_run(struct ctx *ctx, const void *args, struct error *err)
{
	return end_each(ctx, args, "instance.restart", err);
}

static int terminate_run(struct ctx *ctx, const void *args, struct error *err)
{
	return end_each(ctx, args, "instance.terminate", err);
}

static int pause_run(struct ctx *ctx, const void *args, struct error *err)
{
	return end_each(ctx, args, "instance.pause", err);
}

static int resume_run(struct ctx *ctx, const void *args, struct error *err)
{
	return end_each(ctx, args, "instance.resume", err);
}

const struct cmd instance_cmd_stop = {
	.name = "stop",
	.summary = "end what runs in instances, and keep their files",
	.args_size = sizeof(ARGS),
	.opts = end_opts,
	.run = stop_run,
};

const struct cmd instance_cmd_restart = {
	.name = "restart",
	.summary = "stop instances, and start them again",
	.args_size = sizeof(ARGS),
	.opts = end_opts,
	.run = restart_run,
};

static const char *const terminate_aliases[] = { "delete", "rm", NULL };

const struct cmd instance_cmd_terminate = {
	.name = "terminate",
	.summary = "end instances, and remove their files",
	.aliases = terminate_aliases,
	.args_size = sizeof(ARGS),
	.opts = end_opts,
	.run = terminate_run,
};

const struct cmd instance_cmd_pause = {
	.name = "pause",
	.summary = "freeze instances, with their memory",
	.args_size = sizeof(ARGS),
	.opts = plain_opts,
	.run = pause_run,
};

const struct cmd instance_cmd_resume = {
	.name = "resume",
	.summary = "let paused instances go on",
	.args_size = sizeof(ARGS),
	.opts = plain_opts,
	.run = resume_run,
};
#undef ARGS

/* ---- update ---- */

#define ARGS struct update_args
ARGS {
	const char *what, *name, *ttl, *auto_stop, *restart;
	struct opt_strs labels;
	int remove;
};

static const struct opt update_opts[] = {
	OPT_STR(0, "name", "name", ARGS, name, HINT_NONE, "give it another name; '': none"),
	OPT_STRS(0, "label", "label", ARGS, labels, HINT_NONE,
		 "set the label KEY=value, or take KEY away"),
	OPT_STR(0, "ttl", "time", ARGS, ttl, HINT_NONE,
		"terminate it <time> from now, such as 12h, or never: none"),
	OPT_STR(0, "auto-stop", "time", ARGS, auto_stop, HINT_NONE,
		"stop it when nobody used it for <time>, or never: none"),
	OPT_STR(0, "restart", "policy", ARGS, restart, HINT_NONE,
		"start its program again: no, on-failure[:times] or always"),
	OPT_TRI(0, 0, "rm", ARGS, remove, "terminate it when it has stopped"),
	OPERAND("instance", ARGS, what, HINT_INSTANCE, "instance to change"),
	OPT_END
};

static int put_time(json_t *params, const char *key, const char *text, struct error *err)
{
	uint64_t ms = 0;

	if (!text)
		return 0;
	if (strcmp(text, "none") && (parse_ms(text, &ms) < 0 || !ms || ms > INT64_MAX))
		return err_set(err, ERR_USAGE,
			       "'%.64s' is not a time such as 12h or 7d, nor 'none'",
			       text);
	json_object_set_new(params, key, json_integer((json_int_t)ms));
	return 0;
}

static int update_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	cleanup_json json_t *params = instance_id(args->what);
	cleanup_json json_t *i = NULL;

	if (args->name)
		json_object_set_new(params, "name", client_text(args->name));
	if (args->labels.n)
		json_object_set_new(params, "labels", snapshot_labels(&args->labels));
	if (args->remove)
		json_object_set_new(params, "remove", json_boolean(args->remove > 0));
	if (put_time(params, "ttl_ms", args->ttl, err) < 0 ||
	    put_time(params, "auto_stop_ms", args->auto_stop, err) < 0 ||
	    instance_put_restart(params, args->restart, err) < 0)
		return -1;
	if (json_object_size(params) == 1)
		return err_set(err, ERR_USAGE, "nothing to change: say what");
	if (executor_call("instance.update", json_incref(params), &i, err) < 0)
		return -1;
	return instance_show_one(ctx, i, err);
}

static const char *const update_examples[] = {
	"faas instance update web --ttl 1d --label owner=me", NULL
};

const struct cmd instance_cmd_update = {
	.name = "update",
	.summary = "change name, labels, times and restarts of an instance",
	.args_size = sizeof(ARGS),
	.opts = update_opts,
	.run = update_run,
	.examples = update_examples,
};
