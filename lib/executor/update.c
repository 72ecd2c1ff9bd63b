#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/memory.h"
#include "lib/executor/environment.h"

/*
 * The defaults of an environment, changed. Executions that run keep what they have.
 */

static const char *text_of(const json_t *params, const char *key)
{
	return json_string_value(json_object_get(params, key));
}

/* Sets what is given in the object that *at holds as text; null takes away. */
static int merge(char **at, const json_t *given, bool numbers, struct error *err)
{
	cleanup_json json_t *all = *at ? json_loads(*at, 0, NULL) : json_object();
	const char *key;
	json_t *value;
	char *text;

	if (!given)
		return 0;
	json_object_foreach((json_t *)(uintptr_t)given, key, value) {
		if (json_is_null(value))
			json_object_del(all, key);
		else if (numbers ? json_is_integer(value) && json_integer_value(value) >= 0 :
			 json_is_string(value) || json_is_object(value))
			json_object_set(all, key, value);
		else
			return err_set(err, ERR_USAGE, "'%.64s' must be %s", key,
				       numbers ? "a whole number" : "text");
	}
	text = json_dumps(all, JSON_COMPACT);
	if (!text)
		return err_sys(err, ENOMEM, "change an environment");
	free(*at);
	*at = text;
	return 0;
}

static void set_text(char **at, const json_t *params, const char *key)
{
	const char *text = text_of(params, key);

	if (!text)
		return;
	free(*at);
	*at = *text ? memory_copy(text) : NULL;
}

/* What the next executions begin with. */
static int refresh(struct executor *x, const char *name, struct error *err)
{
	for (struct slot *slot = x->slots; slot; slot = slot->next) {
		struct environment now = { .name = "" };

		if (slot->removed || strcmp(slot->name, name))
			continue;
		if (store_environment_get(x->store, name, &now, err) < 0)
			return -1;
		environment_release(&slot->env);
		slot->env = now;
		/* what was built for it has other limits, or is no longer wanted */
		pool_drop(x, &slot->warm);
	}
	return 0;
}

int environment_update(struct session *s, json_int_t id, const json_t *params,
		       struct error *err)
{
	cleanup_environment struct environment e = { .name = "" };
	const char *name = text_of(params, "name"), *cache = text_of(params, "cache");
	const char *workdir = text_of(params, "workdir");

	if (!strcmp(name, "host")) {
		(void)err_set(err, ERR_CONFLICT, "the environment 'host' is built in");
		return err_hint(err, "the defaults of every execution are configured: "
				"faas help config");
	}
	if (cache && strcmp(cache, "none") && strcmp(cache, "normal") &&
	    strcmp(cache, "aggressive"))
		return err_set(err, ERR_USAGE, "a cache strategy is none, normal or aggressive");
	if (workdir && *workdir && *workdir != '/')
		return err_set(err, ERR_USAGE, "the working directory '%.200s' is not an absolute "
			       "path", workdir);
	if (store_environment_get(s->x->store, name, &e, err) < 0 ||
	    merge(&e.variables, json_object_get(params, "variables"), false, err) < 0 ||
	    merge(&e.resources, json_object_get(params, "resources"), true, err) < 0 ||
	    environment_describe(params, &e, err) < 0)
		return -1;
	set_text(&e.workdir, params, "workdir");
	set_text(&e.user, params, "user");
	set_text(&e.shell, params, "shell");
	if (cache)
		(void)snprintf(e.cache, sizeof(e.cache), "%s", cache);
	if (store_environment_put(s->x->store, &e, err) < 0 || refresh(s->x, name, err) < 0)
		return -1;
	session_result(s, id, report_environment(&e), NULL, 0);
	environment_warm(s->x, &e);
	return 0;
}
