#ifndef FAAS_CLI_OPT_H
#define FAAS_CLI_OPT_H

/*
 * Option tables
 * =============
 *
 * One static const table per command says everything about its command
 * line. The parser, --help, the man page, the completions and the tests all
 * read the same table; nothing else may list an option.
 *
 * The table is data: it stores where in the command's own args struct a
 * value goes, not a pointer to a variable, so it can be walked without
 * running the command.
 *
 *	#define ARGS struct execute_args
 *	ARGS {
 *		const char *env;
 *		uint64_t timeout_ms;
 *		int tty;
 *		struct opt_strs vars;
 *		struct opt_rest argv;
 *	};
 *
 *	static const struct opt execute_opts[] = {
 *		OPT_GROUP("limits"),
 *		OPT_MS(0, "timeout", "time", ARGS, timeout_ms,
 *		       "stop the program after <time>", .config = "timeout"),
 *		OPT_GROUP("where it runs"),
 *		OPT_STR('E', "env", "name", ARGS, env, HINT_ENVIRONMENT,
 *			"run in environment <name>", .config = "env"),
 *		OPT_STRS('e', "var", "name=value", ARGS, vars, HINT_VARIABLE,
 *			 "set a variable; may be repeated"),
 *		OPT_TRI('t', 'T', "tty", ARGS, tty, "give the program a terminal"),
 *		OPERAND_REST("code", ARGS, argv, "what to run", .hint = HINT_COMMAND),
 *		OPT_END
 *	};
 *
 * The wrong field type does not compile. After the arguments shown, each
 * macro takes designators of struct opt:
 *
 *	.config = "timeout"	when not given: FAAS_TIMEOUT, then the config files
 *	.env = "FAAS_X"		when not given: that variable (.config implies one)
 *	.dflt = "30s"		else this text; help says "(default: 30s)"
 *	.min = 1, .max = 64	bounds of a number, size, time or count
 *	.hidden = true		parsed, not shown
 *	.negatable = true	a flag that also has a --no- form; .config and .env
 *				imply it
 *
 * Rules for the text: help is one line, lower case, no full stop, says what
 * the option does and not that it is an option; arg is one lower-case word.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/error.h"

enum opt_type {
	OPT_TYPE_END = 0,
	OPT_TYPE_GROUP,		/* a heading in help; .name is its text */
	OPT_TYPE_FLAG,		/* bool: --json */
	OPT_TYPE_TRI,		/* int: 0 unset, 1 --tty, -1 --no-tty */
	OPT_TYPE_STR,		/* const char *: --env=<name> */
	OPT_TYPE_STRS,		/* struct opt_strs: may be repeated */
	OPT_TYPE_CHOICE,	/* const char *, one of .choices */
	OPT_TYPE_UINT,		/* uint64_t */
	OPT_TYPE_INT,		/* int, not negative; -1 when not given */
	OPT_TYPE_MS,		/* uint64_t, from 250ms, 30s, 5m, 2h */
	OPT_TYPE_SIZE,		/* uint64_t bytes, from 4096, 64K, 1.5G */
	OPT_TYPE_CPUS,		/* uint64_t thousandths of a CPU, from 0.5, 2 */
	OPT_TYPE_OPERAND,	/* const char *: a positional argument */
	OPT_TYPE_LIST,		/* struct opt_strs: the operands from here on */
	OPT_TYPE_REST,		/* struct opt_rest: everything after, untouched */
};

/*
 * What a value names; completions and `faas __names` use it.
 *
 *	 id		name in scripts		answered by
 */
#define OPT_HINTS(X)							\
	X(NONE,		"")						\
	X(FILE,		"file")			/* the shell */		\
	X(DIR,		"dir")						\
	X(COMMAND,	"command")		/* a program on PATH */	\
	X(VARIABLE,	"variable")		/* NAME=value */	\
	X(USER,		"user")						\
	X(ENVIRONMENT,	"environment")		/* cmd/names.c */	\
	X(EXECUTION,	"execution")					\
	X(INSTANCE,	"instance")					\
	X(SNAPSHOT,	"snapshot")					\
	X(BRANCH,	"branch")					\
	X(LANGUAGE,	"language")					\
	X(CONTEXT,	"context")					\
	X(KEY,		"key")						\
	X(FUNCTION,	"function")					\
	X(SUBCOMMAND,	"subcommand")		/* a faas command */	\
	X(CONFIG,	"config")		/* a configuration key */

enum opt_hint {
#define X(id, name) HINT_##id,
	OPT_HINTS(X)
#undef X
	HINT__MAX
};

enum opt_flags {
	OPT_OPTIONAL	= 1 << 0,	/* an operand that may be left out */
	OPT_STOP	= 1 << 1,	/* a flag that ends parsing: --help */
	OPT_NAMED	= 1 << 2,	/* OPT_STRS: its name goes before each value, so that */
					/* several options may share a field, in order */
};

/* The words of a command to run. */
struct opt_rest {
	char **v;
	int n;
	bool literal;		/* "--" came before the first one */
};

/* Repeated values. The strings are argv's; the array is opt_release()'s. */
struct opt_strs {
	const char **v;
	int n;
};

struct opt {
	enum opt_type type;
	char letter;
	char no_letter;		/* OPT_TRI: the letter that says no */
	bool hidden;
	bool negatable;
	unsigned char hint;	/* enum opt_hint */
	unsigned int flags;
	const char *name;
	const char *arg;
	const char *help;
	const char *const *choices;	/* NULL-ended */
	const char *config;
	const char *env;
	const char *dflt;
	uint64_t min, max;	/* max 0: no bound but the type's */
	size_t offset;
};

/* offsetof, or a compile error if the field is not of the wanted type */
#define OPT_FIELD(T, field, want)					\
	(offsetof(T, field) + 0 * sizeof(struct {			\
		_Static_assert(__builtin_types_compatible_p(		\
			__typeof__(((T *)0)->field), want),		\
			#field " must be " #want);			\
		int unused; }))

#define OPT__VALUE(t, s, l, a, T, f, want, h, ...)			\
	{ .type = (t), .letter = (s), .name = (l), .arg = (a), .help = (h), \
	  .offset = OPT_FIELD(T, f, want), ##__VA_ARGS__ }
#define OPT__OPERAND(t, a, T, f, want, fl, h, ...)			\
	{ .type = (t), .arg = (a), .help = (h), .flags = (fl),		\
	  .offset = OPT_FIELD(T, f, want), ##__VA_ARGS__ }

#define OPT_GROUP(text)	{ .type = OPT_TYPE_GROUP, .name = (text) }
#define OPT_FLAG(s, l, T, f, h, ...)					\
	OPT__VALUE(OPT_TYPE_FLAG, s, l, NULL, T, f, bool, h, ##__VA_ARGS__)
#define OPT_TRI(s, no, l, T, f, h, ...)					\
	OPT__VALUE(OPT_TYPE_TRI, s, l, NULL, T, f, int, h,		\
		   .no_letter = (no), .negatable = true, ##__VA_ARGS__)
#define OPT_STR(s, l, a, T, f, hnt, h, ...)				\
	OPT__VALUE(OPT_TYPE_STR, s, l, a, T, f, const char *, h,	\
		   .hint = (hnt), ##__VA_ARGS__)
#define OPT_STRS(s, l, a, T, f, hnt, h, ...)				\
	OPT__VALUE(OPT_TYPE_STRS, s, l, a, T, f, struct opt_strs, h,	\
		   .hint = (hnt), ##__VA_ARGS__)
#define OPT_CHOICE(s, l, a, T, f, ch, h, ...)				\
	OPT__VALUE(OPT_TYPE_CHOICE, s, l, a, T, f, const char *, h,	\
		   .choices = (ch), ##__VA_ARGS__)
#define OPT_UINT(s, l, a, T, f, h, ...)					\
	OPT__VALUE(OPT_TYPE_UINT, s, l, a, T, f, uint64_t, h, ##__VA_ARGS__)
#define OPT_INT(s, l, a, T, f, h, ...)					\
	OPT__VALUE(OPT_TYPE_INT, s, l, a, T, f, int, h, ##__VA_ARGS__)
#define OPT_MS(s, l, a, T, f, h, ...)					\
	OPT__VALUE(OPT_TYPE_MS, s, l, a, T, f, uint64_t, h, ##__VA_ARGS__)
#define OPT_SIZE(s, l, a, T, f, h, ...)					\
	OPT__VALUE(OPT_TYPE_SIZE, s, l, a, T, f, uint64_t, h, ##__VA_ARGS__)
#define OPT_CPUS(s, l, a, T, f, h, ...)					\
	OPT__VALUE(OPT_TYPE_CPUS, s, l, a, T, f, uint64_t, h, ##__VA_ARGS__)
#define OPERAND(a, T, f, hnt, h, ...)					\
	OPT__OPERAND(OPT_TYPE_OPERAND, a, T, f, const char *, 0, h,	\
		     .hint = (hnt), ##__VA_ARGS__)
#define OPERAND_OPTIONAL(a, T, f, hnt, h, ...)				\
	OPT__OPERAND(OPT_TYPE_OPERAND, a, T, f, const char *,		\
		     OPT_OPTIONAL, h, .hint = (hnt), ##__VA_ARGS__)
/* One or more words (or none), with options of ours between them: wait ID... */
#define OPERAND_LIST(a, T, f, hnt, h, ...)				\
	OPT__OPERAND(OPT_TYPE_LIST, a, T, f, struct opt_strs, 0, h,	\
		     .hint = (hnt), ##__VA_ARGS__)
#define OPERAND_LIST_OPTIONAL(a, T, f, hnt, h, ...)			\
	OPT__OPERAND(OPT_TYPE_LIST, a, T, f, struct opt_strs,		\
		     OPT_OPTIONAL, h, .hint = (hnt), ##__VA_ARGS__)
/*
 * Somebody else's command line. From the first operand of such a command on,
 * no word is ours: `run x --timeout=1s` sets nothing here. A "--" before the
 * first word of the rest is taken away and noted in .literal.
 */
#define OPERAND_REST(a, T, f, h, ...)					\
	OPT__OPERAND(OPT_TYPE_REST, a, T, f, struct opt_rest,		\
		     OPT_OPTIONAL, h, ##__VA_ARGS__)
#define OPT_END	{ .type = OPT_TYPE_END }

/*
 * Fills *args from argv[1..]. Values point into argv. On failure the message
 * names the offending word and the hint, for a near miss, the nearest option.
 * *args starts as zeroes; opt_release() it either way.
 */
int opt_parse(const struct opt *opts, int argc, char **argv, void *args,
	      struct error *err) _must_check_;

/* A table, the struct it fills, and which of its options were given. */
enum { OPT_MAX = 96 };
struct opt_layer {
	const struct opt *opts;
	void *args;
	bool given[OPT_MAX];
};

/*
 * The same for several tables at once, the first with operands; an earlier
 * table's letters and names win. With prefix set it stops at the first word
 * that is not an option, and *ret_used says how many words it took (argv[0]
 * not counted). With OPT_STOP met it stops there, without missing operands.
 */
int opt_parse_layers(struct opt_layer *layers, size_t n, bool prefix,
		     int argc, char **argv, int *ret_used,
		     struct error *err) _must_check_;

/*
 * Gives every option that was not given its default: what value_of says (the
 * environment and the configuration, in cmd/), else .dflt; and -1 to OPT_INT.
 * *ret_origin names the place, for messages: "FAAS_TIMEOUT".
 */
struct opt_source {
	const char *(*value_of)(const struct opt *o, void *data,
				const char **ret_origin);
	void *data;
};
int opt_defaults(const struct opt_layer *layer, const struct opt_source *source,
		 struct error *err) _must_check_;

/* Frees what the parser allocated in *args, which is not args itself. */
void opt_release(const struct opt *opts, void *args);

const char *opt_hint_name(enum opt_hint hint);

static inline bool opt_is_operand(const struct opt *o)
{
	return o->type >= OPT_TYPE_OPERAND;
}

/* --json, not --env=<name> */
static inline bool opt_takes_value(const struct opt *o)
{
	return o->type >= OPT_TYPE_STR && !opt_is_operand(o);
}

static inline bool opt_has_no(const struct opt *o)
{
	return (o->type == OPT_TYPE_FLAG || o->type == OPT_TYPE_TRI) &&
	       (o->negatable || o->config || o->env);
}

/* Something to show: neither hidden nor a heading. */
static inline bool opt_visible(const struct opt *o)
{
	return !o->hidden && o->type != OPT_TYPE_GROUP;
}

#endif
