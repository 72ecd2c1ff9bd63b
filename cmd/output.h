#ifndef FAAS_CMD_OUTPUT_H
#define FAAS_CMD_OUTPUT_H

/*
 * Results, for people or for programs
 * ===================================
 *
 * A command says what it has, once; the global options decide how it looks.
 *
 *	static const struct out_column columns[] = {
 *		{ "id" }, { "state" }, { "memory", .flags = OUT_RIGHT },
 *		{ "created_at", "CREATED" }, { NULL }
 *	};
 *	struct out o;
 *
 *	out_list(&o, ctx, &args->out, "executions", columns);
 *	for (each) {
 *		out_row(&o);
 *		out_str(&o, "id", e->id);
 *		out_str(&o, "state", e->state);
 *		out_size(&o, "memory", e->memory);
 *		out_time(&o, "created_at", e->created_ms);
 *		out_str(&o, "command", e->command);	(no column: JSON only)
 *	}
 *	return out_end(&o, err);
 *
 *	ID     STATE    MEMORY  CREATED
 *	e-17   running     64M  3m ago
 *
 *	{"schema":"faas.v1","executions":[{"id":"e-17",...,"memory":67108864,
 *	"created_at":"2026-11-21T01:54:00.123Z","command":"..."}]}
 *
 * with -q: the first column alone. out_object() does the same for one thing,
 * with a line per field; out_stream() prints each row as soon as it is whole,
 * as JSON Lines with --json.
 *
 * JSON is always valid and always UTF-8. Sizes are bytes, times RFC 3339 in UTC,
 * durations integers in the unit their name ends in; what is absent is null, a
 * list without entries is []. A string that is not UTF-8 has U+FFFD for each
 * wrong byte, and beside it "<key>_base64" holds the exact bytes. --fields leaves
 * the other fields of a row out.
 *
 * For people, control characters in strings are shown as \x1b and the like, so
 * that what a program printed cannot drive a terminal. Rows are cut to the width
 * of a terminal; of anything else, never, and there times are RFC 3339 too.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cmd/command.h"
#include "lib/json/emit.h"

enum out_flags {
	OUT_RIGHT	= 1 << 0,	/* numbers: aligned right */
	OUT_WIDE	= 1 << 1,	/* only when named by --fields */
};

struct out_column {
	const char *key;
	const char *title;	/* NULL: the key in upper case */
	unsigned int flags;
};

/* The options that every list has: put OUT_LIST_OPTIONS(ARGS, out) in its table. */
struct out_opts {
	bool no_header;
	bool no_trunc;
	const char *fields;
};
#define OUT_LIST_OPTIONS(T, f)						\
	OPT_STR(0, "fields", "names", T, f.fields, HINT_NONE,		\
		"show only these columns, comma separated, in this order"), \
	OPT_FLAG(0, "no-header", T, f.no_header,			\
		 "leave out the line of headings"),			\
	OPT_FLAG(0, "no-trunc", T, f.no_trunc,				\
		 "do not cut lines to the width of the terminal")

enum { OUT_MAX_COLUMNS = 32 };

/* On the stack of the command. Everything is private. */
struct out {
	struct ctx *ctx;
	enum out_kind { OUT_LIST, OUT_STREAM, OUT_OBJECT } kind;
	struct emit emit;
	struct out_opts opts;
	const struct out_column *columns;
	const struct out_column *shown[OUT_MAX_COLUMNS];
	size_t n_shown;
	char *cell[OUT_MAX_COLUMNS];	/* the row being made */
	char **cells;			/* a list's rows, n_shown each */
	size_t n_rows, size_rows;
	char prefix[64];		/* of an object's nested fields */
	bool in_row;
	bool named;			/* -q: this row's name is printed */
	unsigned int depth;		/* out_open() without out_close() */
	unsigned int array;		/* the depth of the outermost array, or 0 */
	unsigned int skip;		/* inside of what --fields leaves out */
	struct error bad;		/* what went wrong first */
};

/*
 * Begins. key is what the JSON object calls the list. opts may be NULL, and so may
 * the columns of an object: then every field is a line.
 */
void out_list(struct out *o, struct ctx *ctx, const struct out_opts *opts,
	      const char *key, const struct out_column *columns);
void out_stream(struct out *o, struct ctx *ctx, const struct out_opts *opts,
		const struct out_column *columns);
void out_object(struct out *o, struct ctx *ctx, const struct out_column *columns);

/* Begins the next row of a list or a stream. */
void out_row(struct out *o);

/* A field; NULL is null in JSON and "-" for people. */
void out_str(struct out *o, const char *key, const char *value);
void out_strn(struct out *o, const char *key, const char *value, size_t len);
void out_bool(struct out *o, const char *key, bool value);
void out_int(struct out *o, const char *key, int64_t value);
void out_uint(struct out *o, const char *key, uint64_t value);
void out_null(struct out *o, const char *key);
void out_size(struct out *o, const char *key, uint64_t bytes);	/* 1.5G */
void out_ms(struct out *o, const char *key, uint64_t ms);	/* 3.4s */
void out_us(struct out *o, const char *key, uint64_t us);
void out_cpus(struct out *o, const char *key, uint64_t millis);	/* 0.5 */
void out_time(struct out *o, const char *key, uint64_t unix_ms);	/* 0: null */
/* JSON text that is known to be whole and valid; shown to people as it is. */
void out_raw(struct out *o, const char *key, const char *json);

/*
 * A nested object ('{') or array ('['), until out_close(). In an array, keys are
 * not used. People see an object's fields as "usage.cpu", and no arrays.
 */
void out_open(struct out *o, const char *key, char bracket);
void out_close(struct out *o);

/* Ends and prints what is left; 0, or -1 if something could not be written. */
int out_end(struct out *o, struct error *err) _must_check_;

/*
 * Words on stderr
 * ===============
 *
 * out_note: for people at a terminal ("made snapshot 'x'; see ..."): silent with
 * -q, with --json and when stderr is not a terminal. out_warn: always printed but
 * with -q. out_verbose: what is being done, with -v alone. None begins with "faas:"
 * nor ends with a line end: both are added.
 */
void out_note(struct ctx *ctx, const char *fmt, ...) _printf_(2, 3);
void out_warn(struct ctx *ctx, const char *fmt, ...) _printf_(2, 3);
void out_verbose(struct ctx *ctx, const char *fmt, ...) _printf_(2, 3);

/* "\x1b" for what a terminal would obey; *s as it is otherwise. */
void out_escape(FILE *f, const char *s, size_t len);
/* Columns of the terminal, COLUMNS, or 80. */
unsigned int out_width(void);

/*
 * Asks "<question> [y/N] " at a terminal. 0 to go on; otherwise -1: ERR_USAGE with
 * a hint at --yes when nobody can be asked, ERR_CONFLICT when the answer was no.
 */
int out_confirm(struct ctx *ctx, bool yes, struct error *err,
		const char *fmt, ...) _printf_(4, 5) _must_check_;

#endif
