#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/memory.h"
#include "lib/executor/environment.h"
#include "lib/lang/lang.h"

/*
 * What an environment is for, and its cache strategy: "none" keeps no sandbox ready,
 * "normal" as many as were asked for (pool.c), "aggressive" some at all times, and runs its
 * warm-up and an interpreter of each of its languages when it is made, changed, or an
 * executor starts, so that their files are in memory. These are executions like others.
 */

enum { LANGUAGES_MAX = 16, WORDS_MAX = 8, AHEAD_MS = 60000 };

bool environment_is_aggressive(const struct environment *e)
{
	return !strcmp(e->cache, "aggressive");
}

/* ---- what is asked for ---- */

static int set_languages(const json_t *given, struct environment *e, struct error *err)
{
	cleanup_json json_t *names = json_array();
	json_t *one;
	size_t i;

	if (!given)
		return 0;
	if (json_array_size(given) > LANGUAGES_MAX)
		return err_set(err, ERR_LIMIT, "an environment is for at most %d languages",
			       LANGUAGES_MAX);
	json_array_foreach((json_t *)(uintptr_t)given, i, one) {
		const char *name = json_string_value(one);
		const struct lang *lang = name ? lang_by_name(name) : NULL;
		bool known = false;
		json_t *had;
		size_t k;

		if (!lang) {
			(void)err_set(err, ERR_USAGE, "there is no language '%.60s'",
				      name ? name : "");
			return err_hint(err, "see 'faas language list'");
		}
		json_array_foreach(names, k, had)
			known |= !strcmp(json_string_value(had), lang->name);
		if (!known)
			json_array_append_new(names, json_string(lang->name));
	}
	free(e->languages);
	e->languages = json_dumps(names, JSON_COMPACT);
	return e->languages ? 0 : err_sys(err, ENOMEM, "describe an environment");
}

static int set_features(const json_t *given, struct environment *e, struct error *err)
{
	cleanup_json json_t *all = e->features ? json_loads(e->features, 0, NULL) : json_object();
	const char *key;
	json_t *value;

	if (!given)
		return 0;
	json_object_foreach((json_t *)(uintptr_t)given, key, value) {
		if (json_is_null(value))
			(void)json_object_del(all, key);
		else if (json_is_boolean(value) && *key)
			(void)json_object_set(all, key, value);
		else
			return err_set(err, ERR_USAGE, "feature '%.64s' must be true or false", key);
	}
	free(e->features);
	e->features = json_dumps(all, JSON_COMPACT | JSON_SORT_KEYS);
	return e->features ? 0 : err_sys(err, ENOMEM, "describe an environment");
}

int environment_describe(const json_t *params, struct environment *e, struct error *err)
{
	const char *code = json_string_value(json_object_get(params, "warm_up"));

	if (set_languages(json_object_get(params, "languages"), e, err) < 0 ||
	    set_features(json_object_get(params, "features"), e, err) < 0)
		return -1;
	if (!code)
		return 0;
	free(e->warm_up);
	e->warm_up = *code ? memory_copy(code) : NULL;
	return *code && !e->warm_up ? err_sys(err, ENOMEM, "describe an environment") : 0;
}

/* ---- what is run ahead ---- */

void slot_limits(struct executor *x, const struct slot *slot, struct limits *ret)
{
	const char *text = slot->env.resources;
	json_t *j, *disk;

	default_limits(x, ret);
	if (!text || !strcmp(text, "{}"))
		return;
	j = json_loads(text, 0, NULL);
	disk = json_object_get(j, "disk");
	if (json_is_integer(disk))
		ret->disk = (uint64_t)json_integer_value(disk);
	json_decref(j);
}

/* Who fails is recorded as failed; who cannot even begin would not do so for anybody. */
static void run_ahead(struct executor *x, const char *name, json_t *argv)
{
	cleanup_json json_t *params = json_pack("{s:[[o]],s:s,s:b,s:b,s:i,s:{s:s}}", "steps", argv,
						"environment", name, "detach", true, "log", true,
						"timeout_ms", AHEAD_MS, "labels", "faas.warm-up",
						name);
	struct error err;

	if (params && execution_start(x, NULL, 0, params, &err) < 0)
		errno = err.errnum;
}

/* "python3 --version" */
static json_t *words_of(const char *text)
{
	json_t *argv = json_array();

	for (int n = 0; *text && n < WORDS_MAX; n++) {
		size_t len = strcspn(text, " ");

		json_array_append_new(argv, json_stringn(text, len));
		text += len + strspn(text + len, " ");
	}
	return argv;
}

static void run_all(struct executor *x, const struct environment *e)
{
	cleanup_json json_t *names = e->languages ? json_loads(e->languages, 0, NULL) : NULL;
	json_t *one;
	size_t i;

	if (e->warm_up)
		run_ahead(x, e->name, json_pack("[s,s,s]", e->shell ? e->shell : "/bin/sh", "-c",
						e->warm_up));
	json_array_foreach(names, i, one) {
		const struct lang *lang = lang_by_name(json_string_value(one));

		if (lang && lang->version)
			run_ahead(x, e->name, words_of(lang->version));
	}
}

void environment_warm(struct executor *x, const struct environment *e)
{
	struct error err;

	if (!environment_is_aggressive(e) || x->stopping)
		return;
	/* mounted now, not when somebody waits; pool_tend() does the rest */
	if (slot_get(x, e->name, &err))
		run_all(x, e);
}

static int add_name(void *arg, const struct environment *e)
{
	if (environment_is_aggressive(e))
		json_array_append_new(arg, json_string(e->name));
	return 0;
}

int environment_warm_all(struct executor *x, struct error *err)
{
	cleanup_json json_t *names = json_array();
	json_t *one;
	size_t i;

	if (store_environment_list(x->store, add_name, names, err) < 0)
		return -1;
	json_array_foreach(names, i, one) {
		cleanup_environment struct environment e = { .name = "" };

		if (store_environment_get(x->store, json_string_value(one), &e, err) < 0)
			return -1;
		environment_warm(x, &e);
	}
	return 0;
}

void environment_cool(struct executor *x, const char *name)
{
	for (struct run *run = x->runs, *next; run; run = next) {
		next = run->next;
		if (run->ahead && !run->finished && !strcmp(run->rec.environment, name))
			run_cancel(run, 0);
	}
}
