#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd/diff.h"
#include "cmd/difference.h"
#include "lib/base/cleanup.h"

enum { BAR = 40 };

/* ---- colours, as git has them ---- */

static const char *color(const struct ctx *ctx, const char *code)
{
	return ctx->color ? code : "";
}

#define BOLD	"\033[1m"
#define RED	"\033[31m"
#define GREEN	"\033[32m"
#define CYAN	"\033[36m"
#define RESET	"\033[m"

/* What a file says goes to a terminal as text, and to a file as it is. */
static void put(struct ctx *ctx, const char *s, size_t len)
{
	const char *tab;

	if (!ctx->out_tty) {
		(void)fwrite(s, 1, len, ctx->out);
		return;
	}
	for (; (tab = memchr(s, '\t', len)); len -= (size_t)(tab - s) + 1, s = tab + 1) {
		out_escape(ctx->out, s, (size_t)(tab - s));
		(void)fputc('\t', ctx->out);
	}
	/* of CR LF the first is no news */
	if (len && s[len - 1] == '\r') {
		out_escape(ctx->out, s, len - 1);
		return;
	}
	out_escape(ctx->out, s, len);
}

/* A name as git quotes it: in C's way when a line could not hold it. */
static void put_name(struct ctx *ctx, const char *before, const char *name, size_t len)
{
	bool quote = false;

	for (size_t i = 0; i < len; i++)
		quote |= (unsigned char)name[i] < 0x20 || name[i] == '"' || name[i] == '\\' ||
			name[i] == 0x7f;
	if (!quote) {
		fprintf(ctx->out, "%s", before);
		put(ctx, name, len);
		return;
	}
	fprintf(ctx->out, "\"%s", before);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)name[i];

		if (c == '"' || c == '\\')
			fprintf(ctx->out, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			fprintf(ctx->out, "\\%03o", c);
		else
			put(ctx, name + i, 1);
	}
	fputc('"', ctx->out);
}

/* ---- patches ---- */

static mode_t mode_of(const json_t *row, const char *side)
{
	return (mode_t)json_integer_value(json_object_get(json_object_get(row, side), "mode"));
}

static void put_side(struct ctx *ctx, const char *mark, const char *before, mode_t mode,
		     const char *name, size_t len)
{
	fprintf(ctx->out, "%s%s ", color(ctx, BOLD), mark);
	if (mode)
		put_name(ctx, before, name, len);
	else
		fputs("/dev/null", ctx->out);
	fprintf(ctx->out, "%s\n", color(ctx, RESET));
}

static void put_lines(struct ctx *ctx, const char *text, size_t len)
{
	for (size_t n; len; text += n, len -= n) {
		const char *end = memchr(text, '\n', len), *code = NULL;

		n = end ? (size_t)(end - text) : len;
		if (*text == '+')
			code = GREEN;
		else if (*text == '-')
			code = RED;
		else if (*text == '@')
			code = CYAN;
		if (code)
			fputs(color(ctx, code), ctx->out);
		put(ctx, text, n);
		if (code)
			fputs(color(ctx, RESET), ctx->out);
		fputc('\n', ctx->out);
		n += end != NULL;
	}
}

static void put_modes(struct ctx *ctx, mode_t before, mode_t after)
{
	if (!before)
		fprintf(ctx->out, "new file mode %06o\n", after);
	else if (!after)
		fprintf(ctx->out, "deleted file mode %06o\n", before);
	else if (before != after)
		fprintf(ctx->out, "old mode %06o\nnew mode %06o\n", before, after);
}

static void put_head(struct ctx *ctx, const char *name, size_t len, mode_t before, mode_t after)
{
	fprintf(ctx->out, "%sdiff --git ", color(ctx, BOLD));
	put_name(ctx, "a/", name, len);
	fputc(' ', ctx->out);
	put_name(ctx, "b/", name, len);
	fprintf(ctx->out, "%s\n", color(ctx, RESET));
	put_modes(ctx, before, after);
}

void diff_print_patch(struct ctx *ctx, const json_t *row)
{
	mode_t before = mode_of(row, "before"), after = mode_of(row, "after");
	size_t len = 0, patch_len = 0;
	cleanup_free char *name = difference_bytes(json_object_get(row, "path"), &len);
	cleanup_free char *patch = difference_bytes(json_object_get(row, "patch"), &patch_len);

	if (!name)
		return;
	/* git has no folders of their own: a line that patch(1) skips */
	if (S_ISDIR(before ? before : after) && (!before || !after)) {
		fprintf(ctx->out, "Only in %s: ", before ? "a" : "b");
		put_name(ctx, "", name, len);
		fputs(" (folder)\n", ctx->out);
		return;
	}
	put_head(ctx, name, len, before, after);
	if (json_is_true(json_object_get(row, "binary"))) {
		fputs("Binary files ", ctx->out);
		put_name(ctx, before ? "a/" : "", before ? name : "/dev/null", before ? len : 9);
		fputs(" and ", ctx->out);
		put_name(ctx, after ? "b/" : "", after ? name : "/dev/null", after ? len : 9);
		fputs(" differ\n", ctx->out);
		return;
	}
	if (json_is_true(json_object_get(row, "patch_omitted"))) {
		fprintf(ctx->out, "Files differ in %" JSON_INTEGER_FORMAT " lines, too many to show "
			"them\n", json_integer_value(json_object_get(row, "lines_added")) +
			json_integer_value(json_object_get(row, "lines_deleted")));
		return;
	}
	if (!patch || !patch_len)
		return;
	put_side(ctx, "---", "a/", before, name, len);
	put_side(ctx, "+++", "b/", after, name, len);
	put_lines(ctx, patch, patch_len);
}

/* ---- how many lines ---- */

static json_int_t number(const json_t *row, const char *key)
{
	return json_integer_value(json_object_get(row, key));
}

static void put_bar(struct ctx *ctx, json_int_t n, json_int_t most, const char *code, char c)
{
	json_int_t marks = most <= BAR ? n : (n * BAR + most - 1) / most;

	if (!marks)
		return;
	fputs(color(ctx, code), ctx->out);
	while (marks--)
		fputc(c, ctx->out);
	fputs(color(ctx, RESET), ctx->out);
}

static void print_count(struct ctx *ctx, const json_t *row, int width, json_int_t most)
{
	json_int_t added = number(row, "lines_added"), deleted = number(row, "lines_deleted");
	size_t len = 0;
	cleanup_free char *name = difference_bytes(json_object_get(row, "path"), &len);

	fputc(' ', ctx->out);
	if (name)
		put_name(ctx, "", name, len);
	fprintf(ctx->out, "%*s | ", len < (size_t)width ? width - (int)len : 0, "");
	if (json_is_true(json_object_get(row, "binary"))) {
		fputs("binary\n", ctx->out);
		return;
	}
	fprintf(ctx->out, "%" JSON_INTEGER_FORMAT "%s", added + deleted, added + deleted ? " " : "");
	put_bar(ctx, added, most, GREEN, '+');
	put_bar(ctx, deleted, most, RED, '-');
	fputc('\n', ctx->out);
}

void diff_print_stat(struct ctx *ctx, const json_t *differences)
{
	json_int_t added = 0, deleted = 0, most = 1;
	size_t width = 0, len, i;
	json_t *row;

	json_array_foreach(differences, i, row) {
		json_int_t lines = number(row, "lines_added") + number(row, "lines_deleted");
		char *name = difference_bytes(json_object_get(row, "path"), &len);

		added += number(row, "lines_added");
		deleted += number(row, "lines_deleted");
		most = lines > most ? lines : most;
		width = name && len > width && len <= 60 ? len : width;
		free(name);
	}
	json_array_foreach(differences, i, row)
		print_count(ctx, row, (int)width, most);
	fprintf(ctx->out, " %zu path%s changed, %" JSON_INTEGER_FORMAT " insertion%s(+), %"
		JSON_INTEGER_FORMAT " deletion%s(-)\n", json_array_size(differences),
		json_array_size(differences) == 1 ? "" : "s", added, added == 1 ? "" : "s", deleted,
		deleted == 1 ? "" : "s");
}
