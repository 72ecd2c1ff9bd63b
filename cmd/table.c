#include "cmd/table.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { STREAM_WIDTH = 10, LABEL_WIDTH = 18 };

/* Columns on a terminal: characters, not bytes. */
static size_t width(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += (*s & 0xc0) != 0x80;
	return n;
}

/* Prints s, but not more than *left characters of it, and lowers *left. */
static void put(FILE *out, const char *s, size_t *left)
{
	for (; *s; s++) {
		if ((*s & 0xc0) != 0x80) {
			if (!*left)
				return;
			--*left;
		}
		fputc(*s, out);
	}
}

static void pad(FILE *out, size_t n, size_t *left)
{
	while (n--)
		put(out, " ", left);
}

static void title(const struct out_column *c, char buf[64])
{
	size_t i;

	(void)snprintf(buf, 64, "%s", c->title ? c->title : c->key);
	for (i = 0; !c->title && buf[i]; i++)
		buf[i] = buf[i] == '_' ? ' ' : (char)toupper((unsigned char)buf[i]);
}

/* One line; widths are of the columns, and the last is not padded. */
static void line(struct out *o, char *const *cells, const size_t *widths, size_t left)
{
	size_t blank = 0;	/* spaces due before the next cell */

	for (size_t i = 0; i < o->n_shown; i++) {
		const char *text = cells[i] && *cells[i] ? cells[i] : "-";
		size_t w = width(text), fill = w < widths[i] ? widths[i] - w : 0;
		bool right = o->shown[i]->flags & OUT_RIGHT;

		pad(o->ctx->out, blank + (right ? fill : 0), &left);
		put(o->ctx->out, text, &left);
		blank = 2 + (right ? 0 : fill);
	}
	fputc('\n', o->ctx->out);
}

static void header(struct out *o, const size_t *widths, size_t left)
{
	char text[OUT_MAX_COLUMNS][64];
	char *cells[OUT_MAX_COLUMNS];

	for (size_t i = 0; i < o->n_shown; i++) {
		title(o->shown[i], text[i]);
		cells[i] = text[i];
	}
	if (o->ctx->color)
		fputs("\033[1m", o->ctx->out);
	line(o, cells, widths, left);
	if (o->ctx->color)
		fputs("\033[0m", o->ctx->out);
}

static size_t room(const struct out *o)
{
	return o->ctx->out_tty && !o->opts.no_trunc ? out_width() : SIZE_MAX;
}

void table_print(struct out *o)
{
	size_t widths[OUT_MAX_COLUMNS] = { 0 };

	for (size_t i = 0; i < o->n_shown; i++) {
		char text[64];

		title(o->shown[i], text);
		widths[i] = o->opts.no_header ? 1 : width(text);
		for (size_t row = 0; row < o->n_rows; row++) {
			const char *cell = o->cells[row * o->n_shown + i];
			size_t w = cell ? width(cell) : 1;

			if (w > widths[i])
				widths[i] = w;
		}
	}
	if (!o->opts.no_header)
		header(o, widths, room(o));
	for (size_t row = 0; row < o->n_rows; row++)
		line(o, o->cells + row * o->n_shown, widths, room(o));
}

static void stream_widths(const struct out *o, size_t *widths)
{
	for (size_t i = 0; i < o->n_shown; i++)
		widths[i] = STREAM_WIDTH;
}

void table_stream_header(struct out *o)
{
	size_t widths[OUT_MAX_COLUMNS];

	stream_widths(o, widths);
	header(o, widths, room(o));
}

void table_stream_row(struct out *o)
{
	size_t widths[OUT_MAX_COLUMNS];

	stream_widths(o, widths);
	line(o, o->cell, widths, room(o));
	for (size_t i = 0; i < o->n_shown; i++) {
		free(o->cell[i]);
		o->cell[i] = NULL;
	}
}

void table_line(struct out *o, const char *name, const char *text)
{
	size_t len = strlen(o->prefix) + strlen(name);
	int fill = len < LABEL_WIDTH - 2 ? (int)(LABEL_WIDTH - len) : 2;

	fprintf(o->ctx->out, "%s%s%*s%s\n", o->prefix, name, fill, "", text);
}
