#include "cmd/chain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/strbuf.h"
#include "lib/chain/key.h"

/*
 * What a chain says: the bytes of its steps as they are, and beside them what it did.
 */

static void say(const struct chain *c, int number, const char *why)
{
	if (c->ctx->quiet)
		return;
	fprintf(stderr, "faas: step %d: ", number);
	out_escape(stderr, why, strlen(why));
	fputc('\n', stderr);
}

/* As one says it: "the command changed, file '/work/x' is new". */
static void explain(const struct chain *c, int number, const struct chain_result *r)
{
	bool host = !*c->snapshot && c->environment && !strcmp(c->environment, "host");
	cleanup_strbuf struct strbuf words = STRBUF(8192);
	json_t *one;
	size_t i;

	json_array_foreach(r->changed, i, one)
		strbuf_addf(&words, "%s%s%s", i ? ", " : "", json_string_value(one),
			    host && !strcmp(json_string_value(one), CHAIN_PARENT_CHANGED)
			    ? " (programs of this machine were installed or removed)" : "");
	if (c->o->no_cache)
		say(c, number, "--no-cache was given");
	else if (!json_is_array(r->changed))
		say(c, number, "it has never succeeded here");
	else if (!words.len)
		say(c, number, "its result was deleted");
	else
		say(c, number, words.buf);
}

void chain_begin_step(const struct chain *c, int number, const char *text,
		      const struct chain_result *r)
{
	if (c->steps)
		out_note(c->ctx, "step %d of %d: %s%s", number, c->steps->n, text,
			 r->hit ? " (as before)" : "");
	if (c->o->explain && r->known && !r->hit && !c->ctx->json)
		explain(c, number, r);
}

void chain_show(const struct chain *c, int stream, const void *data, size_t size)
{
	FILE *to = stream == 1 ? c->ctx->out : stderr;

	if (c->ctx->json || c->ctx->quiet)
		return;
	(void)fwrite(data, 1, size, to);
	(void)fflush(to);
}

static const char *kind_of(enum step_kind kind)
{
	static const char *const kinds[] = {
		[STEP_RUN] = "run", [STEP_COPY] = "copy", [STEP_ENV] = "env",
		[STEP_WORKDIR] = "workdir",
	};

	return kinds[kind];
}

/* One stream of what was kept, put together. */
static void put_stream(struct out *o, const char *key, const struct output *from, int wanted)
{
	cleanup_strbuf struct strbuf text = STRBUF(OUTPUT_MAX);
	size_t at = 0, size;
	struct error err;
	const char *data;
	int stream;

	while (output_next(from->bytes.buf, from->bytes.len, &at, &stream, &data, &size, &err) > 0)
		if (stream == wanted)
			strbuf_add(&text, data, size);
	out_strn(o, key, text.buf, text.len);
}

void chain_put_output(struct out *o, const struct chain_result *r)
{
	put_stream(o, "stdout", &r->output, 1);
	put_stream(o, "stderr", &r->output, 2);
	out_bool(o, "output_truncated", r->output.truncated);
}

static void put_changed(struct out *o, const struct chain_result *r)
{
	char *text = json_is_array(r->changed) && !r->hit ? json_dumps(r->changed, JSON_COMPACT)
							   : NULL;

	if (text)
		out_raw(o, "changed", text);
	else
		out_null(o, "changed");
	free(text);
}

static void put_step(struct out *o, const struct step *s, int number,
		     const struct chain_result *r)
{
	out_int(o, "index", number);
	out_str(o, "kind", kind_of(s->kind));
	out_str(o, "command", s->text);
	if (s->line)
		out_int(o, "line", s->line);
	else
		out_null(o, "line");
	if (r->known) {
		out_bool(o, "hit", r->hit);
		out_str(o, "key", r->key);
	} else {
		out_null(o, "hit");
		out_null(o, "key");
	}
	out_str(o, "snapshot", *r->snapshot ? r->snapshot : NULL);
	if (r->known)
		out_int(o, "exit_code", r->exit);
	else
		out_null(o, "exit_code");
	out_ms(o, "duration_ms", r->us / 1000);
	put_changed(o, r);
	chain_put_output(o, r);
}

void chain_put(struct out *o, const struct chain *c)
{
	int n = c->failed < 0 ? c->steps->n : c->failed + 1;

	out_open(o, "steps", '[');
	for (int i = 0; i < n; i++) {
		out_open(o, NULL, '{');
		put_step(o, &c->steps->v[i], i + 1, &c->results[i]);
		out_close(o);
	}
	out_close(o);
}

static int report_json(const struct chain *c, const char *name, int status, struct error *err)
{
	struct out o;

	out_object(&o, c->ctx, NULL);
	out_str(&o, "chain", c->name);
	out_str(&o, "environment", c->environment);
	out_str(&o, "snapshot", *c->snapshot ? c->snapshot : NULL);
	out_str(&o, "name", name);
	out_int(&o, "exit_code", status);
	if (c->failed < 0)
		out_null(&o, "failed_step");
	else
		out_int(&o, "failed_step", c->failed + 1);
	chain_put(&o, c);
	return out_end(&o, err);
}

static void report_failure(const struct chain *c, int status)
{
	const struct chain_result *r = &c->results[c->failed];
	const struct step *s = &c->steps->v[c->failed];
	size_t at = 0, size;
	struct error err;
	const char *data;
	char where[32] = "";
	int stream;

	/* nobody has seen it */
	while (c->ctx->quiet && output_next(r->output.bytes.buf, r->output.bytes.len, &at, &stream,
					    &data, &size, &err) > 0)
		(void)fwrite(data, 1, size, stderr);
	if (s->line)
		(void)snprintf(where, sizeof(where), " (line %d)", s->line);
	fprintf(stderr, "faas: step %d of %d%s failed with status %d: ", c->failed + 1,
		c->steps->n, where, status);
	out_escape(stderr, s->text, strlen(s->text));
	fputc('\n', stderr);
	if (*c->snapshot && c->failed)
		fprintf(stderr, "faas: what the steps before it left is snapshot %s\n",
			c->snapshot);
}

int chain_report(const struct chain *c, const char *name, int status, struct error *err)
{
	for (int i = 0; i < c->steps->n && !c->ctx->json; i++)
		if (c->results[i].hit && c->results[i].output.truncated)
			out_warn(c->ctx, "step %d wrote more than %d MiB when it ran, of which the "
				 "rest was not kept", i + 1, OUTPUT_MAX >> 20);
	if (c->ctx->json)
		return report_json(c, name, status, err);
	if (c->failed >= 0) {
		report_failure(c, status);
		return 0;
	}
	if (c->ctx->quiet && *c->snapshot)
		fprintf(c->ctx->out, "%s\n", c->snapshot);
	else if (*c->snapshot)
		out_note(c->ctx, "made snapshot '%s'", name ? name : c->snapshot);
	return 0;
}
