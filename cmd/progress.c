#include "cmd/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/cleanup.h"
#include "lib/base/parse.h"
#include "lib/client/client.h"

enum { BAR = 24, SHOW_AFTER_MS = 500 };

const char *const progress_modes[] = { "auto", "plain", "json", "none", NULL };

static uint64_t now_ms(void)
{
	struct timespec t = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static uint64_t number(const json_t *data, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(data, key));

	return n > 0 ? (uint64_t)n : 0;
}

static const char *text_of(const json_t *data, const char *key)
{
	const char *s = json_string_value(json_object_get(data, key));

	return s ? s : "";
}

static enum progress_kind kind_of(const struct ctx *ctx, const char *mode)
{
	if (ctx->quiet || (mode && !strcmp(mode, "none")))
		return PROGRESS_NONE;
	if (mode && !strcmp(mode, "json"))
		return PROGRESS_JSON;
	if (mode && !strcmp(mode, "plain"))
		return PROGRESS_PLAIN;
	if (ctx->json)
		return PROGRESS_NONE;
	if (ctx->err_tty)
		return PROGRESS_BAR;
	return mode ? PROGRESS_PLAIN : PROGRESS_NONE;
}

struct progress progress_begin(const struct ctx *ctx, const char *mode, const char *doing)
{
	return (struct progress){ .kind = kind_of(ctx, mode), .doing = doing,
				  .began_ms = now_ms() };
}

static void show_bar(struct progress *p, const json_t *data)
{
	uint64_t bytes = number(data, "bytes"), total = number(data, "total");
	char size[FORMAT_SIZE], whole[FORMAT_SIZE], bar[BAR + 1];
	size_t full;

	if (now_ms() - p->began_ms < SHOW_AFTER_MS || !strcmp(text_of(data, "phase"), "blob"))
		return;
	p->shown = true;
	if (!total) {
		fprintf(stderr, "\r\033[K%s: %s in %llu entries", p->doing,
			format_size(size, bytes), (unsigned long long)number(data, "entries"));
		return;
	}
	full = (size_t)(bytes >= total ? BAR : bytes * BAR / total);
	memset(bar, ' ', BAR);
	memset(bar, '=', full);
	bar[BAR] = '\0';
	fprintf(stderr, "\r\033[Kfetching: [%s] %s of %s, %llu of %llu blobs", bar,
		format_size(size, bytes), format_size(whole, total),
		(unsigned long long)number(data, "done"),
		(unsigned long long)number(data, "layers"));
}

static void show_blob(const json_t *data)
{
	static const char *const words[][2] = {
		{ "begun", "fetching" }, { "done", "fetched" }, { "here", "is here" }
	};
	char size[FORMAT_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(text_of(data, "state"), words[i][0]))
			fprintf(stderr, "blob %.19s, %s: %s (%llu of %llu done)\n",
				text_of(data, "digest"), format_size(size, number(data, "size")),
				words[i][1], (unsigned long long)number(data, "done"),
				(unsigned long long)number(data, "layers"));
}

static void show_plain(struct progress *p, const json_t *data)
{
	const char *phase = text_of(data, "phase");

	if (!strcmp(phase, "blob"))
		show_blob(data);
	/* once: how far it is changes ten times a second */
	else if (strcmp(phase, "fetch") && !p->said && (p->said = true))
		fprintf(stderr, "%s\n", p->doing);
}

static void show_json(const json_t *data)
{
	cleanup_json json_t *j = json_pack("{s:s,s:s}", "schema", "faas.v1", "event", "progress");
	char *text;

	(void)json_object_update(j, (json_t *)(uintptr_t)data);
	text = json_dumps(j, JSON_COMPACT);
	if (text)
		fprintf(stderr, "%s\n", text);
	free(text);
}

void progress_show(struct progress *p, const json_t *data)
{
	switch (p->kind) {
	case PROGRESS_BAR:
		show_bar(p, data);
		break;
	case PROGRESS_PLAIN:
		show_plain(p, data);
		break;
	case PROGRESS_JSON:
		show_json(data);
		break;
	case PROGRESS_NONE:
		break;
	}
}

void progress_end(const struct progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
}
