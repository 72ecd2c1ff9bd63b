#include "cmd/outcome.h"

#include <stdlib.h>
#include <string.h>

#include "cmd/snapshot.h"

enum { SHORT_DIGEST = 12 };

static const struct out_column fixed[] = {
	{ "name" }, { "group", .flags = OUT_RIGHT }, { "exit", .flags = OUT_RIGHT },
	{ "wall_us", "TIME", OUT_RIGHT }, { "cpu_us", "CPU", OUT_RIGHT },
	{ "memory_peak_bytes", "MEMORY", OUT_RIGHT }, { "files", .flags = OUT_RIGHT },
	{ "output" }, { "errors", .flags = OUT_WIDE }, { "changes", .flags = OUT_WIDE }, { "group_size", .flags = OUT_WIDE },
	{ "execution", .flags = OUT_WIDE }, { "snapshot", .flags = OUT_WIDE },
	{ "message", .flags = OUT_WIDE },
};

/* ---- values in the output ---- */

int metric_set_parse(struct metric_set *set, const struct opt_strs *texts, struct error *err)
{
	if (texts->n > METRICS_MAX)
		return err_set(err, ERR_USAGE, "more than %d metrics", METRICS_MAX);
	for (int i = 0; i < texts->n; i++) {
		struct metric_pattern *p = &set->pattern[set->n];

		if (metric_parse(p, texts->v[i], err) < 0)
			return -1;
		set->n++;
		for (size_t k = 0; k < ARRAY_SIZE(fixed); k++)
			if (!strcmp(p->name, fixed[k].key))
				return err_set(err, ERR_USAGE, "there is a column '%s' already",
					       p->name);
		for (int k = 0; k < i; k++)
			if (!strcmp(p->name, set->pattern[k].name))
				return err_set(err, ERR_USAGE, "metric '%s' is there twice", p->name);
	}
	return 0;
}

void metric_set_release(struct metric_set *set)
{
	for (int i = 0; i < set->n; i++)
		metric_pattern_release(&set->pattern[i]);
	set->n = 0;
}

void output_watch_begin(struct output_watch *w, const struct metric_set *set)
{
	*w = (struct output_watch){ .n = set ? set->n : 0 };
	hash_begin(&w->digest);
	hash_begin(&w->errors);
	for (int i = 0; i < w->n; i++)
		w->metric[i] = (struct metric)METRIC(&set->pattern[i]);
}

void output_watch_feed(void *arg, int stream, const void *data, size_t size)
{
	struct output_watch *w = arg;

	hash_add(stream == 2 ? &w->errors : &w->digest, data, size);
	for (int i = 0; stream != 2 && i < w->n; i++)
		metric_feed(&w->metric[i], data, size);
}

void output_watch_end(struct output_watch *w, struct output_seen *ret)
{
	*ret = (struct output_seen){ .known = true };
	hash_end(&w->digest, ret->digest);
	hash_end(&w->errors, ret->errors);
	for (int i = 0; i < w->n; i++) {
		metric_end(&w->metric[i]);
		ret->value[i] = w->metric[i].found ? strdup(w->metric[i].value) : NULL;
	}
}

void output_seen_release(struct output_seen *seen)
{
	for (int i = 0; i < METRICS_MAX; i++)
		free(seen->value[i]);
	*seen = (struct output_seen){ 0 };
}

void outcome_release(struct outcome *o)
{
	json_decref(o->record);
	output_seen_release(&o->output);
}

int outcome_branch(struct outcome *o, const json_t *branch, struct error *err)
{
	if (changes_count(json_string_value(json_object_get(branch, "base")),
			  json_string_value(json_object_get(branch, "head")), &o->changes, err) < 0)
		return -1;
	o->has_changes = true;
	return 0;
}

/* ---- which are the same ---- */

/* Only what is known of all of them is compared. */
struct comparison {
	bool output, changes;
	int groups;
	int *size;			/* of group i + 1 */
};

static bool same(const struct comparison *c, const struct outcome *a, const struct outcome *b)
{
	return a->status == b->status &&
		(!c->output || (!strcmp(a->output.digest, b->output.digest) &&
				!strcmp(a->output.errors, b->output.errors))) &&
		(!c->changes || !strcmp(a->changes.digest, b->changes.digest));
}

static int group(struct comparison *c, struct outcome *outcomes, int n, struct error *err)
{
	*c = (struct comparison){ .output = true, .changes = true,
				  .size = calloc((size_t)n, sizeof(int)) };
	if (!c->size)
		return err_set(err, ERR_LIMIT, "no memory to compare %d", n);
	for (int i = 0; i < n; i++) {
		c->output = c->output && outcomes[i].output.known;
		c->changes = c->changes && outcomes[i].has_changes;
	}
	for (int i = 0; i < n; i++) {
		int k = 0;

		while (k < i && !same(c, &outcomes[i], &outcomes[k]))
			k++;
		outcomes[i].group = k < i ? outcomes[k].group : ++c->groups;
		c->size[outcomes[i].group - 1]++;
	}
	return 0;
}

/* ---- the table ---- */

static void put_digest(struct out *o, const char *key, bool known, const char *digest)
{
	if (known)
		out_strn(o, key, digest, o->ctx->json ? strlen(digest) : SHORT_DIGEST);
	else
		out_null(o, key);
}

static void put_usage(struct out *o, const json_t *record)
{
	const json_t *usage = json_object_get(record, "usage");

	if (!json_is_object(usage)) {
		out_null(o, "wall_us");
		out_null(o, "cpu_us");
		out_null(o, "memory_peak_bytes");
		return;
	}
	out_us(o, "wall_us", (uint64_t)json_integer_value(json_object_get(usage, "wall_us")));
	out_us(o, "cpu_us", (uint64_t)(json_integer_value(json_object_get(usage, "user_us")) +
				       json_integer_value(json_object_get(usage, "system_us"))));
	out_size(o, "memory_peak_bytes",
		 (uint64_t)json_integer_value(json_object_get(usage, "memory_peak_bytes")));
}

/* A number is one in JSON too. */
static void put_metric(struct out *o, const char *name, const char *value)
{
	cleanup_json json_t *number = NULL;
	cleanup_free char *text = NULL;
	double n;

	if (o->ctx->json && value && metric_number(value, &n)) {
		number = json_real(n);
		text = json_dumps(number, JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
	}
	if (text)
		out_raw(o, name, text);
	else
		out_str(o, name, value);
}

static void put_outcome(struct out *o, const struct outcome *x, const struct comparison *c,
			const struct metric_set *set)
{
	out_row(o);
	out_str(o, "name", x->name);
	out_int(o, "group", x->group);
	if (x->status < 0)
		out_null(o, "exit");
	else
		out_int(o, "exit", x->status);
	put_usage(o, x->record);
	if (x->has_changes)
		out_uint(o, "files", x->changes.n);
	else
		out_null(o, "files");
	put_digest(o, "output", x->output.known, x->output.digest);
	put_digest(o, "errors", x->output.known, x->output.errors);
	if (o->ctx->json)
		out_open(o, "metrics", '{');
	for (int i = 0; i < set->n; i++)
		put_metric(o, set->pattern[i].name, x->output.value[i]);
	if (o->ctx->json)
		out_close(o);
	put_digest(o, "changes", x->has_changes, x->changes.digest);
	out_int(o, "group_size", c->size[x->group - 1]);
	out_str(o, "execution", json_string_value(json_object_get(x->record, "id")));
	out_str(o, "snapshot", json_string_value(json_object_get(x->record, "snapshot")));
	out_str(o, "message", x->message);
}

static void list_unknown(FILE *f, const char *what, const struct outcome *outcomes, int n,
			 bool output)
{
	int missing = 0;

	for (int i = 0; i < n; i++)
		missing += output ? !outcomes[i].output.known : !outcomes[i].has_changes;
	if (missing)
		fprintf(f, "not compared: %s, not kept for %d of %d\n", what, missing, n);
}

static void summarize(struct ctx *ctx, const struct comparison *c, const struct outcome *outcomes,
		      int n)
{
	FILE *f = ctx->out;

	if (ctx->json || ctx->quiet)
		return;
	if (c->groups == 1)
		fprintf(f, "all %d are the same\n", n);
	else
		fprintf(f, "%d different outcomes:", c->groups);
	for (int i = 0; c->groups > 1 && i < c->groups; i++)
		fprintf(f, "%s group %d has %d of %d", i ? "," : "", i + 1, c->size[i], n);
	if (c->groups > 1)
		fputc('\n', f);
	list_unknown(f, "output", outcomes, n, true);
	list_unknown(f, "files", outcomes, n, false);
}

int outcome_report(struct ctx *ctx, const struct out_opts *opts, const struct metric_set *set,
		   struct outcome *outcomes, int n, struct error *err)
{
	struct out_column columns[ARRAY_SIZE(fixed) + METRICS_MAX + 1] = { { NULL } };
	struct comparison c;
	struct out o;
	int r;

	memcpy(columns, fixed, sizeof(fixed));
	for (int i = 0; i < set->n; i++)
		columns[ARRAY_SIZE(fixed) + (size_t)i] =
			(struct out_column){ set->pattern[i].name, NULL, OUT_RIGHT };
	if (group(&c, outcomes, n, err) < 0)
		return -1;
	out_list(&o, ctx, opts, "outcomes", columns);
	for (int i = 0; i < n; i++)
		put_outcome(&o, &outcomes[i], &c, set);
	r = out_end(&o, err);
	if (!r)
		summarize(ctx, &c, outcomes, n);
	r = r < 0 ? -1 : c.groups > 1;
	free(c.size);
	return r;
}
