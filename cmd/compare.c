#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/branch.h"
#include "cmd/outcome.h"
#include "cmd/snapshot.h"
#include "lib/client/logs.h"

/*
 * faas compare: what runs came to, next to each other.
 */

#define ARGS struct compare_args
ARGS {
	struct out_opts out;
	struct opt_strs metrics, what;
};

static const struct opt compare_opts[] = {
	COMPARE_METRIC(ARGS, metrics),
	OUT_LIST_OPTIONS(ARGS, out),
	OPERAND_LIST("what", ARGS, what, HINT_BRANCH, "branches, or executions by id or name"),
	OPT_END
};

static const char *text_of(const json_t *j, const char *key)
{
	return json_string_value(json_object_get(j, key));
}

/* ---- what it wrote ---- */

/* All of its log, when the log has all. */
static int read_log(int dir, const struct metric_set *set, struct output_seen *ret,
		    struct error *err)
{
	CLEANUP(logs_free) struct logs *logs = NULL;
	struct output_watch watch;
	struct logs_entry e;
	bool whole = true;
	int r = logs_open(dir, 0, &logs, err);

	output_watch_begin(&watch, set);
	if (!r)
		logs_ended(logs);
	while (!r && (r = logs_next(logs, &e, err)) > 0) {
		whole = whole && !e.missed;
		output_watch_feed(&watch, e.stream, e.data, e.len);
		r = 0;
	}
	output_watch_end(&watch, ret);
	if (r < 0 || !whole)
		output_seen_release(ret);
	return r;
}

static int find_output(struct outcome *o, const struct metric_set *set, struct error *err)
{
	CLEANUP(client_free) struct client *client = NULL;
	cleanup_json json_t *record = NULL;
	cleanup_close int dir = -1;

	if (!json_is_true(json_object_get(o->record, "logged")) ||
	    json_is_true(json_object_get(o->record, "log_truncated")))
		return 0;
	if (executor_connect(&client, err) < 0 ||
	    client_call(client, "execution.logs", execution_id(text_of(o->record, "id")), &record,
			err) < 0)
		return -1;
	dir = client_take_fd(client);
	if (dir < 0)
		return err_set(err, ERR_PROTOCOL, "the executor sent no log");
	return read_log(dir, set, &o->output, err);
}

/* ---- what is meant ---- */

/* The run that a branch's head is of, as far as it is still on record. */
static int last_run(struct outcome *o, const json_t *branch, struct error *err)
{
	cleanup_json json_t *head = NULL;
	const char *execution;

	if (!strcmp(text_of(branch, "base"), text_of(branch, "head"))) {
		o->message = "nothing has moved it";
		return 0;
	}
	if (executor_call("snapshot.get", snapshot_id(text_of(branch, "head")), &head, err) < 0)
		return -1;
	execution = text_of(head, "execution");
	if (execution && !executor_call("execution.get", execution_id(execution), &o->record, err))
		return 0;
	if (execution && err->code != ERR_NOT_FOUND)
		return -1;
	o->message = execution ? "its last run is not on record any more" : "no run made it";
	return 0;
}

/* What an execution changed, if its files were kept. */
static int changes_of(struct outcome *o, struct error *err)
{
	const char *snapshot = text_of(o->record, "snapshot");

	if (!snapshot)
		return 0;
	if (changes_count(NULL, snapshot, &o->changes, err) < 0)
		return err->code == ERR_NOT_FOUND ? 0 : -1;
	o->has_changes = true;
	return 0;
}

static int find_execution(struct outcome *o, const char *what, struct error *err)
{
	if (executor_call("execution.get", execution_id(what), &o->record, err) < 0) {
		if (err->code != ERR_NOT_FOUND)
			return -1;
		(void)err_set(err, ERR_NOT_FOUND, "no branch or execution '%s'", what);
		return err_hint(err, "see 'faas branch list' and 'faas execution list'");
	}
	if (!execution_has_ended(o->record)) {
		(void)err_set(err, ERR_CONFLICT, "execution '%s' has not ended", what);
		return err_hint(err, "'faas execution wait %.100s' first", what);
	}
	return changes_of(o, err);
}

static int find(struct outcome *o, const char *what, const struct metric_set *set,
		struct error *err)
{
	cleanup_json json_t *branch = NULL;
	int r = executor_call("branch.get", json_pack("{s:o}", "name", client_text(what)), &branch,
			      err);

	o->name = what;
	o->status = -1;
	if (!r)
		r = last_run(o, branch, err) < 0 ? -1 : outcome_branch(o, branch, err);
	else if (err->code == ERR_NOT_FOUND)
		r = find_execution(o, what, err);
	if (r < 0 || !o->record)
		return r;
	o->status = execution_exit(o->record);
	return find_output(o, set, err);
}

static int compare_run(struct ctx *ctx, const void *p, struct error *err)
{
	CLEANUP(metric_set_release) struct metric_set *set = &(struct metric_set){ 0 };
	const ARGS *args = p;
	int n = args->what.n, r = 0;
	struct outcome *outcomes;

	if (metric_set_parse(set, &args->metrics, err) < 0)
		return -1;
	if (n < 2 || n > BRANCHES_MAX)
		return err_set(err, ERR_USAGE, "'compare' takes 2 to %d branches or executions",
			       BRANCHES_MAX);
	outcomes = calloc((size_t)n, sizeof(*outcomes));
	if (!outcomes)
		return err_set(err, ERR_LIMIT, "no memory to compare %d", n);
	for (int i = 0; !r && i < n; i++)
		r = find(&outcomes[i], args->what.v[i], set, err);
	if (!r)
		r = outcome_report(ctx, &args->out, set, outcomes, n, err);
	for (int i = 0; i < n; i++)
		outcome_release(&outcomes[i]);
	free(outcomes);
	return r;
}

static const char *const examples[] = {
	"faas compare fix.0 fix.1 fix.2",
	"faas compare fix.0 fix.1 --metric 'score=score: ([0-9.]+)' --json",
	NULL
};

const struct cmd branch_compare = {
	.name = "compare",
	.summary = "show what branches came to, side by side",
	.args_size = sizeof(ARGS),
	.opts = compare_opts,
	.run = compare_run,
};

const struct cmd cmd_compare = {
	.name = "compare",
	.summary = "show what branches or executions came to, side by side",
	.args_size = sizeof(ARGS),
	.opts = compare_opts,
	.run = compare_run,
	.examples = examples,
};
