#include "lib/client/batch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/base64.h"
#include "lib/base/parse.h"

enum type { TEXT, TEXTS, PAIRS, TIME, SIZE, CPUS, COUNT, BOOL, INPUT, ID };

enum { CPUS_MAX = 1000000 };

#define FIELD(name, type, f)	{ name, type, offsetof(struct batch_request, f) }

/* "code", "file", "argv" and "args" become the words; see program(). */
static const struct field {
	const char *name;
	enum type type;
	size_t offset;
} fields[] = {
	FIELD("id", ID, id),
	FIELD("language", TEXT, language), FIELD("lang", TEXT, language),
	FIELD("environment", TEXT, environment), FIELD("env", TEXT, environment),
	FIELD("mode", TEXT, mode), FIELD("workdir", TEXT, workdir),
	FIELD("user", TEXT, user), FIELD("name", TEXT, name),
	FIELD("network", TEXT, network),
	FIELD("env_vars", PAIRS, variables), FIELD("labels", PAIRS, labels),
	FIELD("files", TEXTS, files),
	FIELD("timeout", TIME, timeout_ms), FIELD("grace", TIME, grace_ms),
	FIELD("memory", SIZE, memory), FIELD("disk", SIZE, disk), FIELD("io", SIZE, io),
	FIELD("cpus", CPUS, cpus), FIELD("pids", COUNT, pids),
	FIELD("allow_degraded", BOOL, allow_degraded),
	FIELD("stdin", INPUT, input),
};

static const char *const program_fields[] = { "code", "file", "argv", "args" };

static int wrong(const char *key, const char *want, struct error *err)
{
	return err_set(err, ERR_USAGE, "field '%s' must be %s", key, want);
}

static int add(struct batch_texts *t, const char *text, struct error *err)
{
	const char **more = text ? reallocarray(t->v, (size_t)t->n + 2, sizeof(*t->v)) : NULL;

	if (!more)
		return err_sys(err, ENOMEM, "read the line");
	t->v = more;
	t->v[t->n++] = text;
	t->v[t->n] = NULL;
	return 0;
}

static int texts(const char *key, const json_t *value, struct batch_texts *t,
		 struct error *err)
{
	json_t *one;
	size_t i;

	if (!json_is_array(value))
		return wrong(key, "an array of text", err);
	json_array_foreach((json_t *)(uintptr_t)value, i, one)
		if (!json_is_string(one))
			return wrong(key, "an array of text", err);
		else if (add(t, json_string_value(one), err) < 0)
			return -1;
	return 0;
}

static int pairs(const char *key, const json_t *value, struct batch_texts *t,
		 struct error *err)
{
	const char *name;
	json_t *one;

	if (!json_is_object(value))
		return wrong(key, "an object of text", err);
	t->made = true;
	json_object_foreach((json_t *)(uintptr_t)value, name, one) {
		char *pair = NULL;

		if (!json_is_string(one))
			return wrong(key, "an object of text", err);
		if (!*name || strchr(name, '='))
			return err_set(err, ERR_USAGE, "'%.64s' cannot be a name in '%s'", name,
				       key);
		if (asprintf(&pair, "%s=%s", name, json_string_value(one)) < 0)
			pair = NULL;
		if (add(t, pair, err) < 0) {
			free(pair);
			return -1;
		}
	}
	return 0;
}

/* Text with a unit, or a plain number of the smallest one. */
static int amount(const char *key, const json_t *value, int (*parse)(const char *, uint64_t *),
		  const char *want, uint64_t *ret, struct error *err)
{
	json_int_t n = json_integer_value(value);

	if (json_is_integer(value) && n >= 0) {
		*ret = (uint64_t)n;
		return 0;
	}
	if (parse && json_is_string(value) && !parse(json_string_value(value), ret))
		return 0;
	return wrong(key, want, err);
}

static int cpus(const char *key, const json_t *value, uint64_t *ret, struct error *err)
{
	double n = json_number_value(value);

	if (json_is_number(value) && n > 0 && n < CPUS_MAX) {
		*ret = (uint64_t)(n * 1000 + 0.5);
		return 0;
	}
	if (json_is_string(value) && !parse_cpus(json_string_value(value), ret))
		return 0;
	return wrong(key, "a number of CPUs such as 0.5", err);
}

static int input(const char *key, const json_t *value, struct batch_request *r,
		 struct error *err)
{
	const json_t *b64 = json_object_get(value, "base64");
	const char *text = json_string_value(json_is_object(value) ? b64 : value);
	ssize_t len = text ? (ssize_t)strlen(text) : 0;

	if (!text || (b64 && json_object_size(value) != 1))
		return wrong(key, "text or {\"base64\": ...}", err);
	r->input = malloc((size_t)len + 1);
	if (!r->input)
		return err_sys(err, ENOMEM, "read the line");
	if (!b64)
		memcpy(r->input, text, (size_t)len);
	else if ((len = base64_decode(text, r->input)) < 0)
		return wrong(key, "text or {\"base64\": ...}", err);
	r->input_len = (size_t)len;
	return 0;
}

static int read_field(const struct field *f, const json_t *value, struct batch_request *r,
		      struct error *err)
{
	void *at = (char *)r + f->offset;

	switch (f->type) {
	case TEXT:
		if (!json_is_string(value))
			return wrong(f->name, "text", err);
		if (*(const char **)at)
			return err_set(err, ERR_USAGE, "field '%s' is given twice", f->name);
		*(const char **)at = json_string_value(value);
		return 0;
	case TEXTS:
		return texts(f->name, value, at, err);
	case PAIRS:
		return pairs(f->name, value, at, err);
	case TIME:
		return amount(f->name, value, parse_ms, "a time such as \"30s\" or a number of "
			      "milliseconds", at, err);
	case SIZE:
		return amount(f->name, value, parse_size, "a size such as \"64M\" or a number of "
			      "bytes", at, err);
	case CPUS:
		return cpus(f->name, value, at, err);
	case COUNT:
		return amount(f->name, value, NULL, "a whole number", at, err);
	case BOOL:
		if (!json_is_boolean(value))
			return wrong(f->name, "true or false", err);
		*(bool *)at = json_is_true(value);
		return 0;
	case INPUT:
		return input(f->name, value, r, err);
	case ID:
		if (!json_is_string(value) && !json_is_integer(value))
			return wrong(f->name, "text or a whole number", err);
		*(const json_t **)at = value;
		return 0;
	}
	return 0;
}

/* What is run, out of "code", "file" or "argv", and "args". */
static int program(const json_t *doc, struct batch_request *r, struct error *err)
{
	const json_t *args = json_object_get(doc, "args");
	int n = 0;

	for (int kind = BATCH_CODE; kind <= BATCH_ARGV; kind++) {
		const json_t *value = json_object_get(doc, program_fields[kind]);

		if (!value)
			continue;
		if (n++)
			break;
		r->kind = (enum batch_kind)kind;
		if (kind == BATCH_ARGV) {
			if (texts("argv", value, &r->words, err) < 0)
				return -1;
			if (!r->words.n || !*r->words.v[0])
				return wrong("argv", "a program and its arguments", err);
		} else if (!json_is_string(value)) {
			return wrong(program_fields[kind], "text", err);
		} else if (add(&r->words, json_string_value(value), err) < 0) {
			return -1;
		}
	}
	if (n != 1)
		return err_set(err, ERR_USAGE, "there must be one of 'code', 'file' and 'argv'");
	if (r->kind == BATCH_FILE && !strcmp(r->words.v[0], "-"))
		return wrong("file", "a file", err);
	if (args && r->kind == BATCH_ARGV)
		return err_set(err, ERR_USAGE, "'argv' has its arguments itself: no 'args'");
	return args ? texts("args", args, &r->words, err) : 0;
}

static const struct field *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (!strcmp(fields[i].name, name))
			return &fields[i];
	return NULL;
}

static bool of_program(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(program_fields); i++)
		if (!strcmp(program_fields[i], name))
			return true;
	return false;
}

int batch_parse(const char *line, size_t len, struct batch_request *ret, struct error *err)
{
	json_error_t bad;
	const char *key;
	json_t *value, *id;

	*ret = (struct batch_request){ 0 };
	ret->doc = json_loadb(line, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &bad);
	if (!ret->doc)
		return err_set(err, ERR_USAGE, "not JSON: column %d: %s", bad.column, bad.text);
	if (!json_is_object(ret->doc))
		return err_set(err, ERR_USAGE, "not a JSON object");
	/* first, so that the result of a bad line says which it was */
	id = json_object_get(ret->doc, "id");
	if (id && read_field(find("id"), id, ret, err) < 0)
		return -1;
	json_object_foreach(ret->doc, key, value) {
		const struct field *f = find(key);

		if (!f && !of_program(key))
			return err_set(err, ERR_USAGE, "there is no field '%.64s'", key);
		if (f && read_field(f, value, ret, err) < 0)
			return -1;
	}
	return program(ret->doc, ret, err);
}

static void release(struct batch_texts *t)
{
	for (int i = 0; i < t->n && t->made; i++)
		free((char *)(uintptr_t)t->v[i]);
	free(t->v);
}

void batch_release(struct batch_request *r)
{
	release(&r->words);
	release(&r->variables);
	release(&r->labels);
	release(&r->files);
	free(r->input);
	json_decref(r->doc);
	*r = (struct batch_request){ 0 };
}
