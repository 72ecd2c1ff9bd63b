#include "cmd/map.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/output.h"
#include "lib/client/client.h"

static struct map *map_of(const struct batch *b)
{
	return b->data;
}

/* ---- from an item to a job ---- */

static uint64_t digest_of(const struct map *m, const char *item)
{
	return m->seed ^ joblog_digest(item, strlen(item)) * 0x9e3779b97f4a7c15u;
}

/* What the job log holds of it is its result. */
static int replay(struct batch *b, struct job *j, struct error *err)
{
	j->replayed = true;
	j->state = JOB_DONE;
	return joblog_replay(b->log, j, err);
}

/* The job of an item, which it takes, or none when that is done: 1, 0 or -1. */
static int job_of(struct batch *b, char *item, struct job **ret, struct error *err)
{
	struct map *m = map_of(b);
	struct job *j = job_new(++m->next, b->output_limit);
	int done;

	if (!item)
		abort();
	j->item = item;
	j->digest = digest_of(m, item);
	done = b->log ? joblog_has(b->log, j->line, j->digest, err) : 0;
	if (done < 0 || (done && !m->reduce) || (done && replay(b, j, err) < 0)) {
		job_free(j);
		return done > 0 && !m->reduce ? 0 : -1;
	}
	*ret = j;
	return 1;
}

static int next_item(struct batch *b, struct job **ret, struct error *err)
{
	struct map *m = map_of(b);
	int r = 0;

	while (!r && m->next < m->items.n)
		r = job_of(b, strdup(m->items.v[m->next]), ret, err);
	return r;
}

static bool item_ready(const struct batch *b)
{
	const struct map *m = map_of(b);

	return m->next < m->items.n;
}

static bool items_ended(const struct batch *b)
{
	return !item_ready(b);
}

static int no_fd(const struct batch *b)
{
	(void)b;
	return -1;
}

static int read_nothing(struct batch *b, struct error *err)
{
	(void)b;
	(void)err;
	return 0;
}

/* ---- items that still come ---- */

static int next_of_stream(struct batch *b, struct job **ret, struct error *err)
{
	struct map *m = map_of(b);
	struct error bad;
	char *item;
	int r = 0;

	while (!r && item_stream_next(&m->stream, &item, &bad)) {
		r = job_of(b, item, ret, err);
		if (r <= 0 || !bad.code || (*ret)->replayed)
			continue;
		/* others have run: it fails alone */
		(*ret)->failure = bad;
		(*ret)->state = JOB_DONE;
		(*ret)->status = err_exit_running(bad.code);
	}
	return r;
}

static bool stream_ready(const struct batch *b)
{
	return item_stream_ready(&map_of(b)->stream);
}

static bool stream_ended(const struct batch *b)
{
	return map_of(b)->stream.eof && !stream_ready(b);
}

static int stream_fd(const struct batch *b)
{
	return map_of(b)->stream.eof ? -1 : map_of(b)->stream.fd;
}

static int stream_read(struct batch *b, struct error *err)
{
	return item_stream_read(&map_of(b)->stream, err);
}

/* ---- where it runs ---- */

/* One that an interrupted map made, and that nothing has moved, is as good as new. */
static int take_over(struct batch *b, const char *name, struct error *err)
{
	const struct map *m = map_of(b);
	struct error exists = *err;
	cleanup_json json_t *branch = NULL;

	if (client_call(b->client, "branch.get", json_pack("{s:s}", "name", name), &branch, err) < 0)
		return -1;
	if (strcmp(json_string_value(json_object_get(branch, "head")), m->start)) {
		*err = exists;
		return -1;
	}
	return 0;
}

static int begin_branch(struct batch *b, struct job *j, const char *name, struct error *err)
{
	const struct map *m = map_of(b);
	cleanup_json json_t *branch = NULL;
	int r;

	if (*j->branch)
		return 0;	/* not the first attempt */
	r = client_call(b->client, "branch.create",
			json_pack("{s:s,s:s}", "name", name, "from", m->start), &branch, err);
	if (r < 0 && err->code == ERR_EXISTS && m->resume)
		r = take_over(b, name, err);
	if (!r)
		(void)snprintf(j->branch, sizeof(j->branch), "%s", name);
	return r;
}

static void set_variables(const struct map *m, const struct job *j, const char *name,
			  json_t *env)
{
	json_object_set_new(env, "FAAS_BRANCH_INDEX", json_sprintf("%" PRIu64, j->line - 1));
	/* of what still comes nobody knows */
	if (!m->streaming)
		json_object_set_new(env, "FAAS_BRANCH_COUNT", json_sprintf("%zu", m->items.n));
	json_object_set_new(env, "FAAS_BRANCH_ID", json_string(name));
	json_object_set_new(env, "FAAS_BRANCH_PARENT", client_text(m->from));
	json_object_set_new(env, "FAAS_ITEM", client_text(j->item));
}

static int plan(struct batch *b, struct job *j, struct run_plan *ret, struct error *err)
{
	const struct map *m = map_of(b);
	struct run_options o = b->defaults;
	struct opt_rest words = { .literal = m->literal };
	cleanup_free char **filled = NULL;
	char name[sizeof(j->branch)];

	*ret = (struct run_plan){ .code.fd = -1 };
	(void)snprintf(name, sizeof(name), "%s.%" PRIu64, m->prefix, j->line - 1);
	filled = items_fill(&m->template, j->item, &words.n, err);
	if (!filled || (m->keep && begin_branch(b, j, name, err) < 0))
		return -1;
	words.v = filled;
	o.parent = m->keep ? NULL : m->start;
	o.branch = m->keep ? name : NULL;
	o.on_success = m->keep;
	if (run_plan_make(b->client, &o, &words, false, ret, err) < 0)
		return -1;
	set_variables(m, j, name, json_object_get(ret->params, "env"));
	return 0;
}

/* ---- what came of it ---- */

static void write_output(FILE *f, const struct map *m, const struct job *j, int stream)
{
	const char *data = j->captures[stream].text.buf;
	size_t left = j->captures[stream].text.len;

	while (left) {
		const char *end = m->tag ? memchr(data, '\n', left) : NULL;
		size_t n = end ? (size_t)(end - data) + 1 : left;

		if (m->tag) {
			out_escape(f, j->item, strlen(j->item));
			fputc('\t', f);
		}
		fwrite(data, 1, n, f);
		if (m->tag && !end)
			fputc('\n', f);
		data += n;
		left -= n;
	}
	(void)fflush(f);
}

static bool is_cut(const struct job *j)
{
	return j->captures[0].total > j->captures[0].text.len ||
		j->captures[1].total > j->captures[1].text.len;
}

static void explain(struct batch *b, const struct job *j)
{
	if (j->failure.code)
		out_warn(b->ctx, "item %" PRIu64 ", '%.40s': %s", j->line, j->item, j->failure.msg);
	else if (j->status)
		out_warn(b->ctx, "item %" PRIu64 ", '%.40s': exit status %d%s", j->line, j->item,
			 j->status, j->replayed ? ", as the job log says" : "");
	if (is_cut(j))
		out_warn(b->ctx, "item %" PRIu64 ", '%.40s': wrote more than is kept; see "
			 "--output-limit", j->line, j->item);
}

static void show(struct batch *b, const struct job *j)
{
	const struct map *m = map_of(b);

	if (b->ctx->json && !j->replayed) {
		result_print(b, j);
		return;
	}
	if (!b->ctx->json && !m->reduce)
		write_output(b->ctx->out, m, j, 0);
	if (!b->ctx->json && !j->replayed)
		write_output(stderr, m, j, 1);
	explain(b, j);
}

/* It goes, unless it is where the item's run has led to. */
static void end_branch(struct batch *b, const struct job *j)
{
	cleanup_json json_t *done = NULL;
	struct error err;

	if (!*j->branch || !j->status)
		return;
	if (client_call(b->client, "branch.delete", json_pack("{s:s}", "name", j->branch), &done,
			&err) < 0)
		out_warn(b->ctx, "%s", err.msg);
}

static int result(struct batch *b, struct job *j, struct error *err)
{
	struct map *m = map_of(b);

	end_branch(b, j);
	if (j->ended_by_us) {
		m->not_run++;
		return 0;
	}
	show(b, j);
	m->cut += is_cut(j);
	if (m->reduce && !j->status && map_collect(m, j, err) < 0)
		return -1;
	/* what nobody saw is to be run again */
	if (!b->log || j->replayed || is_cut(j) || ferror(b->ctx->out))
		return 0;
	return joblog_add(b->log, j, err);
}

const struct batch_source map_source = {
	.noun = "item", .next = next_item, .ready = item_ready, .ended = items_ended,
	.fd = no_fd, .read = read_nothing, .plan = plan, .result = result,
};

const struct batch_source map_stream_source = {
	.noun = "item", .next = next_of_stream, .ready = stream_ready, .ended = stream_ended,
	.fd = stream_fd, .read = stream_read, .plan = plan, .result = result,
};
