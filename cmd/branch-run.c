#include "cmd/branch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/execution.h"
#include "lib/client/capture.h"
#include "lib/client/client.h"

/*
 * The same command on several branches at once: a thread for each that runs, with a
 * connection of its own.
 */

enum { KEPT = 1 << 20 };

struct work {
	struct branch_run *runs;
	int n;
	const char *from;
	const struct run_options *options;
	const struct opt_rest *words;
	const struct branch_way *way;
	atomic_int next;
	int winner;			/* -1 while there is none */
	pthread_mutex_t lock;		/* of winner, and of id and done of each run */
};

struct starting {
	struct work *work;
	int i;
};

static void set_variable(json_t *env, const char *name, const char *value)
{
	json_object_set_new(env, name, client_text(value));
}

/* Who it is, for the program: FAAS_BRANCH_INDEX, _COUNT, _ID and _PARENT. */
static void set_variables(const struct work *w, int i, json_t *params)
{
	json_t *env = json_object_get(params, "env");
	char number[16];

	(void)snprintf(number, sizeof(number), "%d", i);
	set_variable(env, "FAAS_BRANCH_INDEX", number);
	(void)snprintf(number, sizeof(number), "%d", w->n);
	set_variable(env, "FAAS_BRANCH_COUNT", number);
	set_variable(env, "FAAS_BRANCH_ID", w->runs[i].name);
	set_variable(env, "FAAS_BRANCH_PARENT", w->from);
}

/* It lost; that it cannot be told so any more is as good. */
static void cancel(const char *id)
{
	CLEANUP(client_free) struct client *client = NULL;
	struct client_options how = { .no_start = true };
	cleanup_json json_t *done = NULL;
	struct error ignored;

	if (client_connect(&how, &client, &ignored) < 0)
		return;
	(void)!client_call(client, "execution.cancel",
			   json_pack("{s:s,s:i}", "id", id, "grace_ms", 0), &done, &ignored);
}

static void started(void *arg, const char *id)
{
	const struct starting *s = arg;
	struct branch_run *run = &s->work->runs[s->i];
	bool late;

	(void)pthread_mutex_lock(&s->work->lock);
	(void)snprintf(run->id, sizeof(run->id), "%s", id);
	late = s->work->winner >= 0;
	(void)pthread_mutex_unlock(&s->work->lock);
	if (late)
		cancel(id);
}

/* The first to succeed ends the race for the others. */
static void finished(struct work *w, int i, bool success)
{
	bool won;

	(void)pthread_mutex_lock(&w->lock);
	w->runs[i].done = true;
	won = w->way->first_wins && success && w->winner < 0;
	if (won)
		w->winner = i;
	(void)pthread_mutex_unlock(&w->lock);
	w->runs[i].won = won;
	for (int k = 0; won && k < w->n; k++) {
		char id[sizeof(w->runs[k].id)];

		(void)pthread_mutex_lock(&w->lock);
		(void)snprintf(id, sizeof(id), "%s", w->runs[k].done ? "" : w->runs[k].id);
		(void)pthread_mutex_unlock(&w->lock);
		if (*id)
			cancel(id);
	}
}

static int execute(struct client **client, const struct run_options *options,
		   struct work *w, int i, struct run_plan *plan, struct error *err)
{
	struct starting starting = { w, i };
	struct execution_capture captures[2] = { CAPTURE(KEPT), CAPTURE(KEPT) };
	struct execution_request request = { .stdio = { -1, -1, -1 } };
	struct branch_run *run = &w->runs[i];
	int fds[2] = { -1, -1 }, r = 0;
	struct output_watch watch;

	output_watch_begin(&watch, w->way->metrics);
	for (int k = 0; k < 2; k++) {
		captures[k].each = output_watch_feed;
		captures[k].arg = &watch;
		captures[k].stream = k + 1;
	}
	json_object_del(plan->params, "parent");
	json_object_set_new(plan->params, "branch", client_text(run->name));
	set_variables(w, i, plan->params);
	for (int k = 0; !r && k < 2; k++) {
		r = capture_open(&captures[k], &fds[k], err);
		request.stdio[k + 1] = fds[k];
	}
	request.params = plan->params;
	request.files = plan->files;
	request.n_files = plan->n_files;
	request.artifacts = options->artifacts.v;
	request.n_artifacts = options->artifacts.n;
	request.artifact_dir = options->artifact_dir;
	request.started = started;
	request.arg = &starting;
	request.captures = captures;
	request.n_captures = 2;
	if (!r)
		r = execution_run(client, &request, &run->record, err);
	for (int k = 0; k < 2; k++)
		if (fds[k] >= 0)
			(void)close(fds[k]);
	run->out = capture_take(&captures[0], &run->out_len);
	run->err = capture_take(&captures[1], &run->err_len);
	run->cut = captures[0].truncated || captures[1].truncated;
	for (int k = 0; k < 2; k++)
		capture_release(&captures[k]);
	output_watch_end(&watch, &run->seen);
	return r;
}

static void run_one(struct work *w, int i)
{
	CLEANUP(client_free) struct client *client = NULL;
	struct run_options options = *w->options;
	struct client_options how = { 0 };
	struct branch_run *run = &w->runs[i];
	struct run_plan plan;
	int r;

	if (client_connect(&how, &client, &run->error) < 0)
		return;
	/* languages are looked for where it begins */
	options.parent = run->head;
	options.on_success = w->way->on_success;
	r = run_plan_make(client, &options, w->words, false, &plan, &run->error);
	if (!r)
		r = execute(&client, &options, w, i, &plan, &run->error);
	run_plan_release(&plan);
	finished(w, i, !r && !execution_status(run->record));
	if (r < 0 && run->error.code == ERR_NONE)
		(void)err_set(&run->error, ERR_BUG, "the run of branch '%s' failed", run->name);
}

static bool is_over(struct work *w)
{
	bool over;

	(void)pthread_mutex_lock(&w->lock);
	over = w->winner >= 0;
	(void)pthread_mutex_unlock(&w->lock);
	return over;
}

static void *worker(void *arg)
{
	struct work *w = arg;
	int i;

	while ((i = atomic_fetch_add(&w->next, 1)) < w->n) {
		if (is_over(w))
			(void)err_set(&w->runs[i].error, ERR_CONFLICT, "another one had won before it "
				      "began");
		else
			run_one(w, i);
	}
	return NULL;
}

int branch_run_all(struct branch_run *runs, int n, const struct branch_way *way,
		   const char *from, const struct run_options *options,
		   const struct opt_rest *words, struct error *err)
{
	struct work w = { .runs = runs, .n = n, .from = from, .options = options,
			  .words = words, .way = way, .winner = -1,
			  .lock = PTHREAD_MUTEX_INITIALIZER };
	cleanup_free pthread_t *threads = calloc((size_t)way->jobs, sizeof(*threads));
	int started = 0, r = 0;

	if (!threads)
		return err_sys(err, ENOMEM, "run %d branches", n);
	while (!r && started < way->jobs && started < n) {
		r = pthread_create(&threads[started], NULL, worker, &w);
		started += !r;
	}
	for (int i = 0; i < started; i++)
		(void)pthread_join(threads[i], NULL);
	/* fewer threads take longer, and none is a failure */
	return started ? 0 : err_sys(err, r, "start a thread");
}

/* ---- what became of them ---- */

static const struct out_column columns[] = {
	{ "branch" }, { "exit", .flags = OUT_RIGHT }, { "wall_us", "TIME", OUT_RIGHT },
	{ "memory_peak_bytes", "MEMORY", OUT_RIGHT }, { "execution" },
	{ "snapshot", .flags = OUT_WIDE }, { "message" }, { "won", .flags = OUT_WIDE },
	{ "metric", .flags = OUT_RIGHT | OUT_WIDE }, { NULL }
};

static void print_lines(FILE *f, const char *name, const char *data, size_t len)
{
	while (len) {
		const char *end = memchr(data, '\n', len);
		size_t n = end ? (size_t)(end - data) + 1 : len;

		fprintf(f, "%s | ", name);
		fwrite(data, 1, n, f);
		if (!end)
			fputc('\n', f);
		data += n;
		len -= n;
	}
}

static int exit_of(const struct branch_run *run)
{
	return run->record ? execution_status(run->record) : err_exit_running(run->error.code);
}

static void put_run(struct out *o, const struct branch_run *run)
{
	const json_t *usage = json_object_get(run->record, "usage");

	out_str(o, "branch", run->name);
	out_int(o, "exit", exit_of(run));
	out_us(o, "wall_us", (uint64_t)json_integer_value(json_object_get(usage, "wall_us")));
	out_size(o, "memory_peak_bytes",
		 (uint64_t)json_integer_value(json_object_get(usage, "memory_peak_bytes")));
	out_str(o, "execution", json_string_value(json_object_get(run->record, "id")));
	out_str(o, "snapshot", json_string_value(json_object_get(run->record, "snapshot")));
	out_str(o, "message", run->record ? NULL : run->error.msg);
	out_bool(o, "won", run->won);
	out_str(o, "metric", run->seen.value[0]);
	if (!o->ctx->json)
		return;
	out_strn(o, "stdout", run->out ? run->out : "", run->out_len);
	out_strn(o, "stderr", run->err ? run->err : "", run->err_len);
	out_bool(o, "truncated", run->cut);
}

void branch_print(struct ctx *ctx, const struct branch_run *runs, int n)
{
	for (int i = 0; i < n; i++) {
		print_lines(ctx->out, runs[i].name, runs[i].out, runs[i].out_len);
		(void)fflush(ctx->out);
		print_lines(stderr, runs[i].name, runs[i].err, runs[i].err_len);
		if (runs[i].cut)
			out_warn(ctx, "branch '%s' wrote more than the %d MiB that are kept",
				 runs[i].name, KEPT >> 20);
	}
}

int branch_report(struct ctx *ctx, const struct out_opts *opts, const struct branch_run *runs,
		  int n, struct error *err)
{
	int status = 0;
	struct out o;

	for (int i = 0; i < n; i++)
		status |= exit_of(&runs[i]) != 0;
	if (!ctx->json)
		branch_print(ctx, runs, n);
	out_list(&o, ctx, opts, "branches", columns);
	for (int i = 0; i < n; i++) {
		out_row(&o);
		put_run(&o, &runs[i]);
	}
	return out_end(&o, err) < 0 ? -1 : status;
}

/* Takes what the outcome needs of the run. */
static int outcome_of(struct branch_run *run, struct outcome *o, struct error *err)
{
	cleanup_json json_t *branch = NULL;
	int status = exit_of(run);

	*o = (struct outcome){
		.name = run->name, .status = status, .output = run->seen,
		.message = run->error.msg[0] ? run->error.msg : NULL,
	};
	o->record = TAKE_PTR(run->record);
	run->seen = (struct output_seen){ 0 };
	if (executor_call("branch.get", json_pack("{s:s}", "name", run->name), &branch, err) < 0)
		return -1;
	return outcome_branch(o, branch, err);
}

int branch_compare_runs(struct ctx *ctx, const struct out_opts *opts,
			const struct metric_set *set, struct branch_run *runs, int n,
			struct error *err)
{
	struct outcome *outcomes = calloc((size_t)n, sizeof(*outcomes));
	int r = 0;

	if (!outcomes)
		return err_set(err, ERR_LIMIT, "no memory to compare %d", n);
	for (int i = 0; !r && i < n; i++)
		r = outcome_of(&runs[i], &outcomes[i], err);
	if (!r)
		r = outcome_report(ctx, opts, set, outcomes, n, err);
	for (int i = 0; i < n; i++)
		outcome_release(&outcomes[i]);
	free(outcomes);
	return r;
}
