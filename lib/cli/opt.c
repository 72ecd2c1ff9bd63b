#include "lib/cli/opt.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/nearest.h"
#include "lib/base/parse.h"

/* An option as it was spelled: what it is, and whether "no" was said. */
struct found {
	const struct opt *o;
	struct opt_layer *layer;
	bool no;
};

const char *opt_hint_name(enum opt_hint hint)
{
	static const char *const names[] = {
#define X(id, name) [HINT_##id] = name,
		OPT_HINTS(X)
#undef X
	};

	return hint < HINT__MAX ? names[hint] : "";
}

/* How the value is called in a message: '--timeout', <code> or FAAS_TIMEOUT. */
static const char *title(const struct opt *o, const char *origin, char buf[64])
{
	if (origin)
		return origin;
	if (o->name)
		(void)snprintf(buf, 64, "'--%s'", o->name);
	else
		(void)snprintf(buf, 64, "<%s>", o->arg);
	return buf;
}

/* The numeric types: how to read them, and how to say what is wanted. */
static const struct number {
	int (*parse)(const char *s, uint64_t *ret);
	const char *wants;
	uint64_t max;
} numbers[] = {
	[OPT_TYPE_UINT] = { parse_u64, "a number", UINT64_MAX },
	[OPT_TYPE_INT] = { parse_u64, "a number", INT_MAX },
	[OPT_TYPE_MS] = { parse_ms, "a time such as 250ms, 30s or 5m", UINT64_MAX },
	[OPT_TYPE_SIZE] = { parse_size, "a size such as 4096, 64K or 1.5G", UINT64_MAX },
	[OPT_TYPE_CPUS] = { parse_cpus, "a number of CPUs such as 0.5 or 2", UINT64_MAX },
};

static void format_bound(const struct opt *o, uint64_t n, char buf[FORMAT_SIZE])
{
	unsigned long long v = n;

	if (o->type == OPT_TYPE_MS)
		(void)snprintf(buf, FORMAT_SIZE, v % 1000 ? "%llums" : "%llus",
			       v % 1000 ? v : v / 1000);
	else if (o->type == OPT_TYPE_SIZE)
		(void)format_size(buf, n);
	else if (o->type == OPT_TYPE_CPUS)
		(void)snprintf(buf, FORMAT_SIZE, "%llu.%03llu", v / 1000, v % 1000);
	else
		(void)snprintf(buf, FORMAT_SIZE, "%llu", v);
}

static int store_number(const struct opt *o, void *field, const char *value,
			const char *origin, struct error *err)
{
	const struct number *kind = &numbers[o->type];
	uint64_t n, max = o->max ? o->max : kind->max;
	char name[64], low[FORMAT_SIZE], high[FORMAT_SIZE];
	const char *who = title(o, origin, name);
	int r = kind->parse(value, &n);

	if (r == -EINVAL)
		return err_set(err, ERR_USAGE, "%s needs %s, not '%s'",
			       who, kind->wants, value);
	format_bound(o, o->min, low);
	format_bound(o, max, high);
	if (r < 0 || n > max)
		return err_set(err, ERR_USAGE, "%s is at most %s, not '%s'",
			       who, high, value);
	if (n < o->min)
		return err_set(err, ERR_USAGE, "%s is at least %s, not '%s'",
			       who, low, value);
	if (o->type == OPT_TYPE_INT)
		*(int *)field = (int)n;
	else
		*(uint64_t *)field = n;
	return 0;
}

static int store_choice(const struct opt *o, void *field, const char *value,
			const char *origin, struct error *err)
{
	struct nearest near = NEAREST(value);
	char name[64], all[200] = "";

	for (const char *const *c = o->choices; *c; c++) {
		size_t len = strlen(all);

		if (!strcmp(*c, value)) {
			*(const char **)field = *c;
			return 0;
		}
		nearest_try(&near, *c);
		(void)snprintf(all + len, sizeof(all) - len, "%s%s",
			       len ? ", " : "", *c);
	}
	if (o->name || origin)
		(void)err_set(err, ERR_USAGE, "invalid <%s> '%s' for %s", o->arg,
			      value, title(o, origin, name));
	else
		(void)err_set(err, ERR_USAGE, "invalid <%s> '%s'", o->arg, value);
	if (near.best)
		return err_hint(err, "did you mean '%s'?", near.best);
	return err_hint(err, "it is one of: %s", all);
}

static int store_more(struct opt_strs *list, const char *value, struct error *err)
{
	const char **v = reallocarray(list->v, (size_t)list->n + 1, sizeof(*v));

	if (!v)
		return err_sys(err, ENOMEM, "keep '%s'", value);
	v[list->n++] = value;
	list->v = v;
	return 0;
}

static int store_switch(const struct opt *o, void *field, const char *value,
			const char *origin, struct error *err)
{
	static const char *const yes[] = { "true", "yes", "on", "1" };
	static const char *const no[] = { "false", "no", "off", "0" };
	char name[64];

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		bool is_yes = !strcmp(value, yes[i]);

		if (!is_yes && strcmp(value, no[i]))
			continue;
		if (o->type == OPT_TYPE_TRI)
			*(int *)field = is_yes ? 1 : -1;
		else
			*(bool *)field = is_yes;
		return 0;
	}
	return err_set(err, ERR_USAGE, "%s is true or false, not '%s'",
		       title(o, origin, name), value);
}

static int store(const struct opt *o, void *args, const char *value,
		 const char *origin, struct error *err)
{
	void *field = (char *)args + o->offset;

	switch (o->type) {
	case OPT_TYPE_FLAG:
	case OPT_TYPE_TRI:
		return store_switch(o, field, value, origin, err);
	case OPT_TYPE_STR:
		*(const char **)field = value;
		return 0;
	case OPT_TYPE_OPERAND:
		if (o->choices)
			return store_choice(o, field, value, origin, err);
		*(const char **)field = value;
		return 0;
	case OPT_TYPE_STRS:
	case OPT_TYPE_LIST:
		if (o->flags & OPT_NAMED && store_more(field, o->name, err) < 0)
			return -1;
		return store_more(field, value, err);
	case OPT_TYPE_CHOICE:
		return store_choice(o, field, value, origin, err);
	case OPT_TYPE_UINT:
	case OPT_TYPE_INT:
	case OPT_TYPE_MS:
	case OPT_TYPE_SIZE:
	case OPT_TYPE_CPUS:
		return store_number(o, field, value, origin, err);
	case OPT_TYPE_REST:
	case OPT_TYPE_GROUP:
	case OPT_TYPE_END:
		break;
	}
	return err_set(err, ERR_BUG, "option type %d cannot hold a value",
		       (int)o->type);
}

static bool by_letter(struct opt_layer *layers, size_t n, char letter,
		      struct found *ret)
{
	for (size_t i = 0; i < n; i++)
		for (const struct opt *o = layers[i].opts; o->type; o++)
			if (letter && (o->letter == letter ||
				       o->no_letter == letter)) {
				*ret = (struct found){ o, &layers[i],
						       o->letter != letter };
				return true;
			}
	return false;
}

static bool by_name(struct opt_layer *layers, size_t n, const char *name,
		    size_t len, struct found *ret)
{
	bool no = len > 3 && !strncmp(name, "no-", 3);

	for (size_t i = 0; i < n; i++)
		for (const struct opt *o = layers[i].opts; o->type; o++) {
			if (!o->name || o->type == OPT_TYPE_GROUP)
				continue;
			*ret = (struct found){ o, &layers[i], false };
			if (strlen(o->name) == len && !strncmp(o->name, name, len))
				return true;
			ret->no = true;
			if (no && opt_has_no(o) && strlen(o->name) == len - 3 &&
			    !strncmp(o->name, name + 3, len - 3))
				return true;
		}
	return false;
}

static int unknown(const struct opt_layer *layers, size_t n, const char *word,
		   size_t len, struct error *err)
{
	struct nearest near = { .word = word + 2, .len = len };

	for (size_t i = 0; i < n; i++)
		for (const struct opt *o = layers[i].opts; o->type; o++)
			if (o->name && opt_visible(o))
				nearest_try(&near, o->name);
	(void)err_set(err, ERR_USAGE, "unknown option '%s'", word);
	if (near.best)
		return err_hint(err, "did you mean '--%s'?", near.best);
	return -1;
}

static int store_found(const struct found *f, const char *value, struct error *err)
{
	size_t at = (size_t)(f->o - f->layer->opts);

	assert(at < OPT_MAX);
	f->layer->given[at] = true;
	return store(f->o, f->layer->args, value, NULL, err);
}

static int store_flag(const struct found *f, struct error *err)
{
	return store_found(f, f->no ? "no" : "yes", err);
}

/* --name, --name=value and --name value; returns the words used, or -1. */
static int parse_long(struct opt_layer *layers, size_t n, char **argv,
		      struct found *f, struct error *err)
{
	const char *name = argv[0] + 2;
	const char *eq = strchr(name, '=');
	size_t len = eq ? (size_t)(eq - name) : strlen(name);
	const char *value = eq ? eq + 1 : argv[1];

	if (!by_name(layers, n, name, len, f))
		return unknown(layers, n, argv[0], len, err);
	if (!opt_takes_value(f->o)) {
		if (eq)
			return err_set(err, ERR_USAGE, "'--%.*s' takes no value",
				       (int)len, name);
		return store_flag(f, err) < 0 ? -1 : 1;
	}
	if (!value)
		return err_set(err, ERR_USAGE, "'--%s' needs <%s>", f->o->name,
			       f->o->arg);
	return store_found(f, value, err) < 0 ? -1 : eq ? 1 : 2;
}

/* -abc, -t30s and -t 30s; returns the words used, or -1. */
static int parse_short(struct opt_layer *layers, size_t n, char **argv,
		       struct found *f, struct error *err)
{
	for (const char *s = argv[0] + 1; *s; s++) {
		const char *value = s[1] ? s + 1 : argv[1];

		if (!by_letter(layers, n, *s, f))
			return err_set(err, ERR_USAGE, "unknown option '-%c'", *s);
		if (!opt_takes_value(f->o)) {
			if (store_flag(f, err) < 0)
				return -1;
			if (f->o->flags & OPT_STOP)
				return 1;
			continue;
		}
		if (!value)
			return err_set(err, ERR_USAGE, "'-%c' needs <%s>", *s,
				       f->o->arg);
		return store_found(f, value, err) < 0 ? -1 : s[1] ? 1 : 2;
	}
	return 1;
}

static const struct opt *next_operand(const struct opt *o)
{
	while (o->type != OPT_TYPE_END && !opt_is_operand(o))
		o++;
	return o;
}

/* From here on the words are somebody else's. */
static void take_rest(const struct opt *o, void *args, char **v, int n, bool literal)
{
	struct opt_rest *rest = (void *)((char *)args + o->offset);

	if (!literal && n && !strcmp(v[0], "--")) {
		literal = true;
		v++;
		n--;
	}
	*rest = (struct opt_rest){ v, n, literal };
}

/* One operand; *operand moves on to what the next one is. */
static int take_operand(const struct opt **operand, void *args, const char *word,
			struct error *err)
{
	if ((*operand)->type == OPT_TYPE_END)
		return err_set(err, ERR_USAGE, "unexpected argument '%s'", word);
	if (store(*operand, args, word, NULL, err) < 0)
		return -1;
	if ((*operand)->type != OPT_TYPE_LIST)
		*operand = next_operand(*operand + 1);
	return 0;
}

/* "a -- c", where b is optional and c the rest: c is not b. */
static const struct opt *skip_optional(const struct opt *operand)
{
	const struct opt *o = operand;

	while (o->type == OPT_TYPE_OPERAND && (o->flags & OPT_OPTIONAL))
		o = next_operand(o + 1);
	return o->type == OPT_TYPE_REST ? o : operand;
}

static int check_operands(const struct opt *o, const void *args, struct error *err)
{
	const struct opt_strs *list = (const void *)((const char *)args + o->offset);

	if (o->type == OPT_TYPE_END || (o->flags & OPT_OPTIONAL) ||
	    (o->type == OPT_TYPE_LIST && list->n))
		return 0;
	return err_set(err, ERR_USAGE, "missing <%s>", o->arg);
}

int opt_parse_layers(struct opt_layer *layers, size_t n, bool prefix,
		     int argc, char **argv, int *ret_used, struct error *err)
{
	const struct opt *operand = next_operand(layers[0].opts);
	void *args = layers[0].args;
	bool literal = false;
	int i;

	for (i = 1; i < argc;) {
		const char *word = argv[i];
		bool dash = !literal && word[0] == '-' && word[1];
		struct found f = { NULL, NULL, false };
		int used = 1;

		if (prefix && (!dash || !strcmp(word, "--")))
			break;
		if (operand->type == OPT_TYPE_REST && (literal || !dash)) {
			take_rest(operand, args, argv + i, argc - i, literal);
			i = argc;
			break;
		}
		if (!dash)
			used = take_operand(&operand, args, word, err) < 0 ? -1 : 1;
		else if (!strcmp(word, "--")) {
			literal = true;
			operand = skip_optional(operand);
		}
		else if (word[1] == '-')
			used = parse_long(layers, n, argv + i, &f, err);
		else
			used = parse_short(layers, n, argv + i, &f, err);
		if (used < 0)
			return -1;
		i += used;
		if (f.o && (f.o->flags & OPT_STOP)) {
			*ret_used = i - 1;
			return 0;
		}
	}
	*ret_used = i - 1;
	return prefix ? 0 : check_operands(operand, args, err);
}

int opt_parse(const struct opt *opts, int argc, char **argv, void *args,
	      struct error *err)
{
	struct opt_layer layer = { .opts = opts, .args = args };
	int used;

	return opt_parse_layers(&layer, 1, false, argc, argv, &used, err);
}

int opt_defaults(const struct opt_layer *layer, const struct opt_source *source,
		 struct error *err)
{
	for (const struct opt *o = layer->opts; o->type != OPT_TYPE_END; o++) {
		const char *origin = NULL, *value = NULL;

		if (layer->given[o - layer->opts])
			continue;
		if (o->type == OPT_TYPE_INT)
			*(int *)((char *)layer->args + o->offset) = -1;
		if (source && (o->config || o->env))
			value = source->value_of(o, source->data, &origin);
		if (!value)
			value = o->dflt;
		if (value && store(o, layer->args, value, origin, err) < 0)
			return -1;
	}
	return 0;
}

void opt_release(const struct opt *opts, void *args)
{
	for (const struct opt *o = opts; o->type != OPT_TYPE_END; o++) {
		struct opt_strs *list = (void *)((char *)args + o->offset);

		if (o->type != OPT_TYPE_STRS && o->type != OPT_TYPE_LIST)
			continue;
		free(list->v);
		*list = (struct opt_strs){ NULL, 0 };
	}
}
