#include "cmd/execution.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd/names.h"
#include "lib/base/parse.h"
#include "lib/base/strbuf.h"

/*
 * faas execution: what was run, and what is running.
 */

enum { PAGE = 500, LIST_LIMIT = 50, COMMAND_MAX = 64 << 10, NAMES_MS = 50, NAMES_MAX = 50 };

int executor_connect(struct client **ret, struct error *err)
{
	struct client_options options = { 0 };

	return client_connect(&options, ret, err);
}

int executor_call(const char *op, json_t *params, json_t **ret, struct error *err)
{
	CLEANUP(client_free) struct client *c = NULL;

	if (executor_connect(&c, err) < 0) {
		json_decref(params);
		return -1;
	}
	return client_call(c, op, params, ret, err);
}

json_t *execution_id(const char *what)
{
	return json_pack("{s:o}", "id", client_text(what));
}

static const char *text_of(const json_t *j, const char *key)
{
	return json_string_value(json_object_get(j, key));
}

static uint64_t number_of(const json_t *j, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(j, key));

	return n > 0 ? (uint64_t)n : 0;
}

int execution_exit(const json_t *record)
{
	const char *code = text_of(json_object_get(record, "error"), "code");

	return code ? err_exit_running(err_by_name(code)) : execution_status(record);
}

bool execution_has_ended(const json_t *record)
{
	const char *state = text_of(record, "state");

	return state && strcmp(state, "queued") && strcmp(state, "running");
}

/* ---- a record, field by field ---- */

static void put_json(struct out *o, const char *key, const json_t *value)
{
	char *text = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

	if (!text || json_is_null(value))
		out_null(o, key);
	else
		out_raw(o, key, text);
	free(text);
}

/* One word more, in quotes where a shell would need them. */
static void add_word(struct strbuf *sb, const char *s)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789@%+=:,./_-";

	if (sb->len)
		strbuf_addc(sb, ' ');
	if (*s && !s[strspn(s, plain)]) {
		strbuf_adds(sb, s);
		return;
	}
	strbuf_addc(sb, '\'');
	for (; *s; s++)
		if (*s == '\'')
			strbuf_adds(sb, "'\\''");
		else
			strbuf_addc(sb, *s);
	strbuf_addc(sb, '\'');
}

/* The words of argv, for people. */
static void put_command(struct out *o, const json_t *argv)
{
	cleanup_strbuf struct strbuf sb = STRBUF(COMMAND_MAX);
	json_t *word;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)argv, i, word) {
		const char *s = json_string_value(word);

		add_word(&sb, s ? s : "?");
	}
	out_str(o, "command", sb.buf);
}

static void put_usage(struct out *o, const json_t *usage)
{
	static const char *const times[] = { "setup_us", "wall_us", "user_us", "system_us" };
	static const char *const sizes[] = { "memory_peak_bytes", "read_bytes",
					     "written_bytes" };

	out_open(o, "usage", '{');
	for (size_t i = 0; i < ARRAY_SIZE(times); i++)
		out_us(o, times[i], number_of(usage, times[i]));
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		out_size(o, sizes[i], number_of(usage, sizes[i]));
	out_str(o, "memory_source", text_of(usage, "memory_source"));
	out_close(o);
}

/* Those that have no unit and are text or null, as they come. */
static void put_rest(struct out *o, const json_t *record)
{
	static const char *const keys[] = {
		"language", "code_sha256", "engine", "workdir", "user", "network", "signal",
		"oom_killed", "timed_out", "cancelled", "detached", "logged", "log_truncated",
		"pid", "parent", "snapshot", "branch", "instance", "cursor",
	};
	static const char *const trees[] = { "env", "limits", "labels", "degraded", "error" };

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const json_t *value = json_object_get(record, keys[i]);

		if (json_is_string(value))
			out_str(o, keys[i], json_string_value(value));
		else if (json_is_boolean(value))
			out_bool(o, keys[i], json_is_true(value));
		else if (json_is_integer(value))
			out_int(o, keys[i], json_integer_value(value));
		else
			out_null(o, keys[i]);
	}
	out_size(o, "log_bytes", number_of(record, "log_bytes"));
	for (size_t i = 0; i < ARRAY_SIZE(trees); i++)
		put_json(o, trees[i], json_object_get(record, trees[i]));
}

void put_execution(struct out *o, const json_t *record)
{
	const json_t *usage = json_object_get(record, "usage");

	out_str(o, "id", text_of(record, "id"));
	out_str(o, "name", text_of(record, "name"));
	out_str(o, "state", text_of(record, "state"));
	if (execution_has_ended(record))
		out_int(o, "exit", execution_exit(record));
	else
		out_null(o, "exit");
	put_json(o, "exit_code", json_object_get(record, "exit_code"));
	out_str(o, "mode", text_of(record, "mode"));
	out_str(o, "environment", text_of(record, "environment"));
	out_time(o, "created_at", number_of(record, "created_ms"));
	out_time(o, "started_at", number_of(record, "started_ms"));
	out_time(o, "ended_at", number_of(record, "ended_ms"));
	if (!o->ctx->json)
		put_command(o, json_object_get(record, "argv"));
	else
		put_json(o, "argv", json_object_get(record, "argv"));
	if (!o->ctx->json && o->kind == OUT_LIST && execution_has_ended(record)) {
		out_us(o, "wall_us", number_of(usage, "wall_us"));
		out_size(o, "memory_peak_bytes", number_of(usage, "memory_peak_bytes"));
	}
	if (o->ctx->json || o->kind == OUT_OBJECT)
		put_usage(o, usage);
	put_rest(o, record);
}

/* ---- list ---- */

#define ARGS struct list_args
ARGS {
	struct out_opts out;
	const char *state, *environment, *name, *before;
	struct opt_strs labels;
	uint64_t since_ms;
	int limit;
};

static const char *const states[] = { "queued", "running", "exited", "failed", "lost", NULL };

static const struct opt list_opts[] = {
	OPT_GROUP("Which"),
	OPT_CHOICE('s', "state", "state", ARGS, state, states, "only those in this state"),
	OPT_STR('E', "environment", "name", ARGS, environment, HINT_ENVIRONMENT,
		"only those in environment <name>"),
	OPT_STR(0, "name", "name", ARGS, name, HINT_NONE, "only those named <name>"),
	OPT_STRS(0, "label", "label", ARGS, labels, HINT_NONE,
		 "only those with the label KEY=value"),
	OPT_MS(0, "since", "time", ARGS, since_ms,
	       "only those of the last <time>, such as 2h"),
	OPT_INT('n', "limit", "count", ARGS, limit,
		"show <count> at most, 0 for all (default: 50)"),
	OPT_STR(0, "before", "id", ARGS, before, HINT_EXECUTION,
		"only those that are older than this one"),
	OPT_GROUP("Output"),
	OUT_LIST_OPTIONS(ARGS, out),
	OPT_END
};

static const struct out_column list_columns[] = {
	{ "id" }, { "name" }, { "state" }, { "exit", .flags = OUT_RIGHT },
	{ "environment" }, { "mode" }, { "created_at", "CREATED" },
	{ "wall_us", "TIME", OUT_RIGHT }, { "command" },
	{ "memory_peak_bytes", "MEMORY", OUT_RIGHT | OUT_WIDE },
	{ "started_at", "STARTED", OUT_WIDE }, { "ended_at", "ENDED", OUT_WIDE },
	{ "exit_code", "CODE", OUT_RIGHT | OUT_WIDE },
	{ "signal", .flags = OUT_RIGHT | OUT_WIDE }, { "language", .flags = OUT_WIDE },
	{ "user", .flags = OUT_WIDE }, { "workdir", .flags = OUT_WIDE },
	{ "network", .flags = OUT_WIDE }, { "engine", .flags = OUT_WIDE },
	{ "labels", .flags = OUT_WIDE }, { "log_bytes", "LOG", OUT_RIGHT | OUT_WIDE },
	{ "cursor", .flags = OUT_RIGHT | OUT_WIDE }, { NULL }
};

static json_t *list_params(const ARGS *args)
{
	uint64_t now_ms = (uint64_t)time(NULL) * 1000;
	json_t *labels = json_array();
	json_t *params = json_pack("{s:o}", "labels", labels);

	for (int i = 0; i < args->labels.n; i++)
		json_array_append_new(labels, client_text(args->labels.v[i]));
	if (args->state)
		json_object_set_new(params, "state", json_string(args->state));
	if (args->environment)
		json_object_set_new(params, "environment", client_text(args->environment));
	if (args->name)
		json_object_set_new(params, "name", client_text(args->name));
	if (args->since_ms && args->since_ms < now_ms)
		json_object_set_new(params, "since_ms",
				    json_integer((json_int_t)(now_ms - args->since_ms)));
	return params;
}

/* An id, or the cursor of a record. */
static int cursor_of(struct client *c, const char *before, json_t *params, struct error *err)
{
	cleanup_json json_t *record = NULL;
	uint64_t cursor = 0;

	if (!before)
		return 0;
	if (parse_u64(before, &cursor) < 0) {
		if (client_call(c, "execution.get", execution_id(before), &record, err) < 0)
			return -1;
		cursor = number_of(record, "cursor");
	}
	if (!cursor)
		return err_set(err, ERR_CONFLICT, "'%.64s' is not in the list yet", before);
	json_object_set_new(params, "before", json_integer((json_int_t)cursor));
	return 0;
}

/* In pages, so that no reply is larger than a frame may be. */
static int list_pages(struct client *c, json_t *params, uint64_t limit, json_t *list,
		      struct error *err)
{
	uint64_t n;

	while (n = json_array_size(list), !limit || n < limit) {
		cleanup_json json_t *page = NULL;
		uint64_t want = limit && limit - n < PAGE ? limit - n : PAGE;

		json_object_set_new(params, "limit", json_integer((json_int_t)want));
		if (client_call(c, "execution.list", json_incref(params), &page, err) < 0)
			return -1;
		json_array_extend(list, page);
		if (json_array_size(page) < want)
			break;
		json_object_set(params, "before",
				json_object_get(json_array_get(page, want - 1), "cursor"));
	}
	return 0;
}

/* The command that goes on where this list ends, to be typed as it is. */
static void say_next(struct ctx *ctx, const ARGS *args, const char *last)
{
	const struct { const char *option, *value; } given[] = {
		{ "--state", args->state }, { "--environment", args->environment },
		{ "--name", args->name }, { "--before", last },
	};
	cleanup_strbuf struct strbuf sb = STRBUF(COMMAND_MAX);
	char number[32];

	strbuf_adds(&sb, "faas execution list");
	if (args->limit >= 0) {
		(void)snprintf(number, sizeof(number), "%d", args->limit);
		add_word(&sb, "--limit");
		add_word(&sb, number);
	}
	if (args->since_ms) {
		add_word(&sb, "--since");
		(void)snprintf(number, sizeof(number), "%llums",
			       (unsigned long long)args->since_ms);
		add_word(&sb, number);
	}
	for (int i = 0; i < args->labels.n; i++) {
		add_word(&sb, "--label");
		add_word(&sb, args->labels.v[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(given); i++)
		if (given[i].value) {
			add_word(&sb, given[i].option);
			add_word(&sb, given[i].value);
		}
	if (!strbuf_failed(&sb))
		out_note(ctx, "older ones: %s", sb.buf);
}

static int list_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	CLEANUP(client_free) struct client *c = NULL;
	cleanup_json json_t *params = list_params(args), *list = json_array();
	uint64_t limit = args->limit < 0 ? LIST_LIMIT : (uint64_t)args->limit;
	json_t *e = NULL;
	struct out o;
	size_t i;

	/* all of it, or nothing but an error */
	if (executor_connect(&c, err) < 0 || cursor_of(c, args->before, params, err) < 0 ||
	    list_pages(c, params, limit, list, err) < 0)
		return -1;
	out_list(&o, ctx, &args->out, "executions", list_columns);
	json_array_foreach(list, i, e) {
		out_row(&o);
		put_execution(&o, e);
	}
	if (out_end(&o, err) < 0)
		return -1;
	if (limit && json_array_size(list) == limit)
		say_next(ctx, args, text_of(e, "id"));
	return 0;
}

static const char *const list_examples[] = {
	"faas execution list --state running",
	"faas execution list --since 1h --label team=core",
	NULL
};

static const struct cmd execution_list = {
	.name = "list",
	.summary = "list executions, newest first",
	.args_size = sizeof(ARGS),
	.opts = list_opts,
	.run = list_run,
	.examples = list_examples,
};
#undef ARGS

/* ---- show ---- */

#define ARGS struct show_args
ARGS {
	const char *id;
};

static const struct opt show_opts[] = {
	OPERAND("id", ARGS, id, HINT_EXECUTION,
		"execution to show: its id, 4 or more first characters of it, name, or @last"),
	OPT_END
};

static int show_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	CLEANUP(client_free) struct client *c = NULL;
	cleanup_json json_t *record = NULL;
	struct out o;

	if (executor_connect(&c, err) < 0 ||
	    client_call(c, "execution.get", execution_id(args->id), &record, err) < 0)
		return -1;
	out_object(&o, ctx, NULL);
	put_execution(&o, record);
	return out_end(&o, err);
}

static const struct cmd execution_show = {
	.name = "show",
	.summary = "show everything that is known of one execution",
	.args_size = sizeof(ARGS),
	.opts = show_opts,
	.run = show_run,
};
#undef ARGS

/* ---- names for completion ---- */

/* Of an executor that runs already, and answers at once. */
int executor_ask_quickly(const char *op, json_t *params, json_t **ret, struct error *err)
{
	CLEANUP(client_free) struct client *c = NULL;
	struct client_options options = { .no_start = true };
	json_int_t call;
	char event[32];

	if (client_connect(&options, &c, err) < 0) {
		json_decref(params);
		return -1;
	}
	if (client_send(c, op, params, NULL, 0, &call, err) < 0)
		return -1;
	return client_next(c, call, NAMES_MS, event, ret, err) > 0 ? 0 : -1;
}

int names_executions(struct ctx *ctx, struct error *err)
{
	cleanup_json json_t *list = NULL;
	json_t *e;
	size_t i;

	if (executor_ask_quickly("execution.list", json_pack("{s:i}", "limit", NAMES_MAX), &list, err) < 0)
		return -1;
	json_array_foreach(list, i, e) {
		fprintf(ctx->out, "%s\t%s\n", text_of(e, "id"), text_of(e, "state"));
		if (text_of(e, "name"))
			fprintf(ctx->out, "%s\t%s\n", text_of(e, "name"), text_of(e, "id"));
	}
	fputs("@last\tthe latest one\n", ctx->out);
	return 0;
}

int names_environments(struct ctx *ctx, struct error *err)
{
	cleanup_json json_t *list = NULL;
	json_t *e;
	size_t i;

	if (executor_ask_quickly("environment.list", NULL, &list, err) < 0) {
		fputs("host\tthis machine\n", ctx->out);
		return 0;
	}
	json_array_foreach(list, i, e)
		fprintf(ctx->out, "%s\t%s\n", text_of(e, "name"), text_of(e, "kind"));
	return 0;
}

static const struct cmd *const execution_subs[] = {
	&execution_list, &execution_show, &execution_logs, &execution_attach,
	&execution_wait, &execution_cancel, &execution_delete, &execution_prune, NULL
};

static const char *const aliases[] = { "executions", NULL };

const struct cmd cmd_execution = {
	.name = "execution",
	.summary = "list, follow, wait for, end or forget what was run",
	.aliases = aliases,
	.subs = execution_subs,
};
