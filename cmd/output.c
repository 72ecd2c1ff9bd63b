#include "cmd/output.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd/table.h"
#include "lib/base/cleanup.h"
#include "lib/base/nearest.h"
#include "lib/base/parse.h"

#define SCHEMA "faas.v1"

static void *must(void *p)
{
	if (!p)
		abort();
	return p;
}

static bool ok(const struct out *o)
{
	return o->bad.code == ERR_NONE;
}

/* The column that a word of --fields names. */
static const struct out_column *column(struct out *o, const char *word, size_t len)
{
	struct nearest near = { .word = word, .len = len };

	for (const struct out_column *c = o->columns; c->key; c++) {
		if (strlen(c->key) == len && !strncmp(c->key, word, len))
			return c;
		nearest_try(&near, c->key);
	}
	(void)err_set(&o->bad, ERR_USAGE, "no field '%.*s'", (int)len, word);
	if (near.best)
		(void)err_hint(&o->bad, "did you mean '%s'?", near.best);
	return NULL;
}

static void choose_columns(struct out *o)
{
	const char *fields = o->opts.fields;

	if (!o->columns)
		return;
	for (const struct out_column *c = o->columns; !fields && c->key; c++)
		if (!(c->flags & OUT_WIDE)) {
			assert(o->n_shown < OUT_MAX_COLUMNS);
			o->shown[o->n_shown++] = c;
		}
	while (fields && *fields) {
		size_t len = strcspn(fields, ",");

		if (o->n_shown == OUT_MAX_COLUMNS) {
			(void)err_set(&o->bad, ERR_USAGE, "too many fields");
			return;
		}
		o->shown[o->n_shown] = column(o, fields, len);
		if (!o->shown[o->n_shown])
			return;
		o->n_shown++;
		fields += len + (fields[len] == ',');
	}
	if (o->opts.fields && !o->n_shown)
		(void)err_set(&o->bad, ERR_USAGE, "'--fields' needs <names>");
}

static void begin(struct out *o, struct ctx *ctx, enum out_kind kind,
		  const struct out_opts *opts, const struct out_column *columns)
{
	*o = (struct out){
		.ctx = ctx, .kind = kind, .columns = columns,
		.emit = EMIT(ctx->out),
	};
	if (opts)
		o->opts = *opts;
	choose_columns(o);
}

static void open_record(struct out *o)
{
	if (!o->ctx->json)
		return;
	emit_open(&o->emit, NULL, '{');
	emit_str(&o->emit, "schema", SCHEMA);
}

void out_list(struct out *o, struct ctx *ctx, const struct out_opts *opts,
	      const char *key, const struct out_column *columns)
{
	begin(o, ctx, OUT_LIST, opts, columns);
	if (!ok(o) || !ctx->json)
		return;
	open_record(o);
	emit_open(&o->emit, key, '[');
}

void out_stream(struct out *o, struct ctx *ctx, const struct out_opts *opts,
		const struct out_column *columns)
{
	begin(o, ctx, OUT_STREAM, opts, columns);
	if (ok(o) && !ctx->json && !ctx->quiet && !o->opts.no_header)
		table_stream_header(o);
}

void out_object(struct out *o, struct ctx *ctx, const struct out_column *columns)
{
	begin(o, ctx, OUT_OBJECT, NULL, columns);
	open_record(o);
}

static void keep_row(struct out *o)
{
	if (o->n_rows == o->size_rows) {
		o->size_rows = o->size_rows ? o->size_rows * 2 : 16;
		o->cells = must(reallocarray(o->cells, o->size_rows * o->n_shown,
					     sizeof(*o->cells)));
	}
	memcpy(o->cells + o->n_rows++ * o->n_shown, o->cell,
	       o->n_shown * sizeof(*o->cells));
	memset(o->cell, 0, sizeof(o->cell));
}

static void end_row(struct out *o)
{
	if (!o->in_row)
		return;
	o->in_row = false;
	if (o->ctx->json) {
		emit_close(&o->emit);
		if (o->kind == OUT_STREAM) {
			fputc('\n', o->ctx->out);
			(void)fflush(o->ctx->out);
			o->emit.more[0] = false;
		}
	} else if (o->ctx->quiet) {
		return;
	} else if (o->kind == OUT_STREAM) {
		table_stream_row(o);
		(void)fflush(o->ctx->out);
	} else if (o->n_shown) {
		keep_row(o);
	}
}

void out_row(struct out *o)
{
	if (!ok(o))
		return;
	end_row(o);
	o->in_row = true;
	o->named = false;
	if (o->ctx->json && o->kind == OUT_STREAM)
		open_record(o);
	else if (o->ctx->json)
		emit_open(&o->emit, NULL, '{');
}

/* Which shown column key is, or -1. */
static int place(const struct out *o, const char *key)
{
	for (size_t i = 0; i < o->n_shown; i++)
		if (!strcmp(o->shown[i]->key, key))
			return (int)i;
	return -1;
}

/* Is this field to be written as JSON? */
static bool wanted(const struct out *o, const char *key)
{
	if (!ok(o) || o->skip)
		return false;
	return o->depth || !o->opts.fields || place(o, key) >= 0;
}

/* Without columns, or with -q, the first field is the name of the thing. */
static bool is_name(const struct out *o, int at)
{
	return o->n_shown ? at == 0 : true;
}

/* A field for people; text is safe to show. */
static void show(struct out *o, const char *key, const char *text)
{
	int at = o->depth ? -1 : place(o, key);
	const char *title = at >= 0 ? o->shown[at]->title : NULL;

	if (o->ctx->quiet) {
		if (!o->named && !o->depth && is_name(o, at)) {
			fprintf(o->ctx->out, "%s\n", text);
			o->named = true;
		}
		return;
	}
	if (o->kind == OUT_OBJECT) {
		if (!o->array && (at >= 0 || !o->n_shown))
			table_line(o, title ? title : key, text);
		return;
	}
	if (at < 0)
		return;
	free(o->cell[at]);
	o->cell[at] = must(strdup(text));
}

void out_strn(struct out *o, const char *key, const char *value, size_t len)
{
	cleanup_free char *text = NULL;
	size_t size;
	FILE *f;

	if (!wanted(o, key))
		return;
	if (o->ctx->json) {
		emit_strn(&o->emit, key, value, len);
		return;
	}
	if (!value) {
		show(o, key, "-");
		return;
	}
	f = must(open_memstream(&text, &size));
	out_escape(f, value, len);
	if (fclose(f))
		abort();
	show(o, key, text);
}

void out_str(struct out *o, const char *key, const char *value)
{
	out_strn(o, key, value, value ? strlen(value) : 0);
}

void out_null(struct out *o, const char *key)
{
	out_strn(o, key, NULL, 0);
}

void out_bool(struct out *o, const char *key, bool value)
{
	if (!wanted(o, key))
		return;
	if (o->ctx->json)
		emit_bool(&o->emit, key, value);
	else
		show(o, key, value ? "yes" : "no");
}

void out_int(struct out *o, const char *key, int64_t value)
{
	char text[24];

	if (!wanted(o, key))
		return;
	if (o->ctx->json) {
		emit_int(&o->emit, key, value);
		return;
	}
	(void)snprintf(text, sizeof(text), "%" PRId64, value);
	show(o, key, text);
}

/* An integer in JSON, text for people. */
static void number(struct out *o, const char *key, uint64_t n, const char *text)
{
	if (!wanted(o, key))
		return;
	if (o->ctx->json)
		emit_uint(&o->emit, key, n);
	else
		show(o, key, text);
}

void out_uint(struct out *o, const char *key, uint64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRIu64, value);
	number(o, key, value, text);
}

void out_size(struct out *o, const char *key, uint64_t bytes)
{
	char text[FORMAT_SIZE];

	number(o, key, bytes, format_size(text, bytes));
}

void out_ms(struct out *o, const char *key, uint64_t ms)
{
	char text[FORMAT_SIZE];

	number(o, key, ms, format_us(text, ms > UINT64_MAX / 1000 ? UINT64_MAX
							      : ms * 1000));
}

void out_us(struct out *o, const char *key, uint64_t us)
{
	char text[FORMAT_SIZE];

	number(o, key, us, format_us(text, us));
}

void out_cpus(struct out *o, const char *key, uint64_t millis)
{
	char text[FORMAT_SIZE];
	size_t len;

	(void)snprintf(text, sizeof(text), "%" PRIu64 ".%03u", millis / 1000,
		       (unsigned int)(millis % 1000));
	for (len = strlen(text); text[len - 1] == '0'; len--)
		;
	text[text[len - 1] == '.' ? len - 1 : len] = '\0';
	number(o, key, millis, text);
}

/* "5m ago" */
static void ago(char buf[FORMAT_TIME], uint64_t seconds)
{
	static const struct {
		uint64_t seconds;
		char letter;
	} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };

	(void)snprintf(buf, FORMAT_TIME, "now");
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (seconds >= units[i].seconds) {
			(void)snprintf(buf, FORMAT_TIME, "%" PRIu64 "%c ago",
				       seconds / units[i].seconds, units[i].letter);
			return;
		}
}

void out_time(struct out *o, const char *key, uint64_t unix_ms)
{
	uint64_t now = (uint64_t)time(NULL), then = unix_ms / 1000;
	char text[FORMAT_TIME];

	if (!unix_ms) {
		out_null(o, key);
		return;
	}
	(void)format_time(text, unix_ms);
	if (!o->ctx->json && o->ctx->out_tty && then <= now)
		ago(text, now - then);
	out_str(o, key, text);
}

void out_raw(struct out *o, const char *key, const char *json)
{
	if (!wanted(o, key))
		return;
	if (o->ctx->json)
		emit_raw(&o->emit, key, json);
	else
		show(o, key, json);
}

void out_open(struct out *o, const char *key, char bracket)
{
	if (!ok(o))
		return;
	if (!wanted(o, key)) {
		o->skip++;
		return;
	}
	if (o->ctx->json)
		emit_open(&o->emit, key, bracket);
	o->depth++;
	if (!o->array && (bracket == '[' || !key))
		o->array = o->depth;
	if (!o->array) {
		size_t len = strlen(o->prefix);

		(void)snprintf(o->prefix + len, sizeof(o->prefix) - len, "%s.", key);
	}
}

void out_close(struct out *o)
{
	if (!ok(o))
		return;
	if (o->skip) {
		o->skip--;
		return;
	}
	assert(o->depth);
	if (o->ctx->json)
		emit_close(&o->emit);
	if (!o->array) {
		size_t len = strlen(o->prefix);

		/* back to behind the dot before, if there is one */
		while (len && o->prefix[--len] && (!len || o->prefix[len - 1] != '.'))
			;
		o->prefix[len] = '\0';
	} else if (o->array == o->depth) {
		o->array = 0;
	}
	o->depth--;
}

static void finish(struct out *o)
{
	if (ok(o)) {
		if (o->kind != OUT_OBJECT)
			end_row(o);
		if (o->ctx->json && o->kind != OUT_STREAM) {
			while (o->emit.depth)
				emit_close(&o->emit);
			fputc('\n', o->ctx->out);
		} else if (o->kind == OUT_LIST && !o->ctx->quiet) {
			table_print(o);
		}
	}
	for (size_t i = 0; i < o->n_rows * o->n_shown; i++)
		free(o->cells[i]);
	for (size_t i = 0; i < o->n_shown; i++)
		free(o->cell[i]);
	free(o->cells);
	o->cells = NULL;
}

int out_end(struct out *o, struct error *err)
{
	finish(o);
	if (!ok(o)) {
		*err = o->bad;
		return -1;
	}
	/* errno may be another's by now */
	if (ferror(o->ctx->out))
		return err_set(err, ERR_SYSTEM, "cannot write to standard output");
	return 0;
}
