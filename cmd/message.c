#include "cmd/output.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/parse.h"

/*
 * The rest of cmd/output.h: words for people, and what a terminal must not see.
 */

/* Control characters beyond ASCII: C1, and what turns the writing direction. */
static bool invisible(const char *s, size_t len)
{
	const unsigned char *u = (const unsigned char *)s;

	if (len == 2)
		return u[0] == 0xc2 && u[1] < 0xa0;
	if (len != 3 || u[0] != 0xe2)
		return false;
	return (u[1] == 0x80 && u[2] >= 0xaa && u[2] <= 0xae) ||
		(u[1] == 0x81 && u[2] >= 0xa6 && u[2] <= 0xa9);
}

void out_escape(FILE *f, const char *s, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t n = emit_utf8_len(s + i, len - i);
		unsigned char c = (unsigned char)s[i];

		if (n && !invisible(s + i, n) && c >= 0x20 && c != 0x7f) {
			fwrite(s + i, 1, n, f);
			i += n;
			continue;
		}
		if (c == '\n')
			fputs("\\n", f);
		else if (c == '\t')
			fputs("\\t", f);
		else
			fprintf(f, "\\x%02x", c);
		i++;
		/* the tail of one that was whole but is not to be seen */
		for (; n > 1; n--, i++)
			fprintf(f, "\\x%02x", (unsigned char)s[i]);
	}
}

unsigned int out_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	uint64_t n;

	if (columns && parse_u64(columns, &n) == 0 && n >= 20 && n <= 10000)
		return (unsigned int)n;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20)
		return size.ws_col;
	return 80;
}

static void say(const char *start, const char *fmt, va_list ap)
{
	cleanup_free char *text = NULL;

	if (vasprintf(&text, fmt, ap) < 0) {
		text = NULL;
		return;
	}
	fputs(start, stderr);
	out_escape(stderr, text, strlen(text));
	fputc('\n', stderr);
}

void out_note(struct ctx *ctx, const char *fmt, ...)
{
	va_list ap;

	if (ctx->quiet || ctx->json || !ctx->err_tty)
		return;
	va_start(ap, fmt);
	say("", fmt, ap);
	va_end(ap);
}

void out_warn(struct ctx *ctx, const char *fmt, ...)
{
	va_list ap;

	if (ctx->quiet)
		return;
	va_start(ap, fmt);
	say("faas: warning: ", fmt, ap);
	va_end(ap);
}

void out_verbose(struct ctx *ctx, const char *fmt, ...)
{
	va_list ap;

	if (!ctx->verbose)
		return;
	va_start(ap, fmt);
	say("faas: ", fmt, ap);
	va_end(ap);
}

int out_confirm(struct ctx *ctx, bool yes, struct error *err, const char *fmt, ...)
{
	cleanup_free char *line = NULL;
	size_t size = 0;
	va_list ap;

	if (yes)
		return 0;
	if (ctx->no_input || ctx->json || !isatty(STDIN_FILENO) || !ctx->err_tty) {
		(void)err_set(err, ERR_USAGE,
			      "'%s' asks for confirmation, and nobody can answer",
			      ctx->command);
		return err_hint(err, "say '--yes'");
	}
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs(" [y/N] ", stderr);
	if (getline(&line, &size, stdin) > 0 && (line[0] == 'y' || line[0] == 'Y'))
		return 0;
	return err_set(err, ERR_CONFLICT, "not confirmed: nothing was done");
}
