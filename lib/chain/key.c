#include "lib/chain/key.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/macro.h"

/* How a change of each is told; "%s" is the name of what is in it. */
static const struct component {
	const char *name;
	const char *changed, *added, *gone;
} components[] = {
	{ "parent", CHAIN_PARENT_CHANGED },
	{ "argv", "the command changed" },
	{ "variables", "variable '%s' changed", "variable '%s' is new", "variable '%s' is gone" },
	{ "files", "file '%s' changed", "file '%s' is new", "file '%s' is gone" },
	{ "limits", "limit '%s' changed", "limit '%s' is new", "limit '%s' is gone" },
	{ "network", "the network changed" },
	{ "user", "the user changed" },
	{ "workdir", "the work folder changed" },
	{ "engine", "the engine changed" },
};

int key_of(const json_t *all, char ret[HASH_TEXT], struct error *err)
{
	json_t *whole;
	char *text;

	for (size_t i = 0; i < ARRAY_SIZE(components); i++)
		if (!json_object_get(all, components[i].name))
			return err_set(err, ERR_BUG, "a step has no '%s'", components[i].name);
	if (json_object_size(all) != ARRAY_SIZE(components))
		return err_set(err, ERR_BUG, "a step has a component without a name");
	whole = json_pack("{s:i,s:O}", "version", (int)KEY_VERSION, "step", all);
	text = json_dumps(whole, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(whole);
	if (!text)
		return err_sys(err, ENOMEM, "make the key of a step");
	hash_bytes(text, strlen(text), ret);
	free(text);
	return 0;
}

static void tell(json_t *to, const char *fmt, const char *name)
{
	if (json_array_size(to) == KEY_WORDS - 1)
		json_array_append_new(to, json_string("more changed"));
	else if (json_array_size(to) < KEY_WORDS)
		json_array_append_new(to, json_sprintf(fmt, name));
}

static void compare(json_t *to, const struct component *c, const json_t *was, const json_t *is)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)is, name, value) {
		const json_t *old = json_object_get(was, name);

		if (!old)
			tell(to, c->added, name);
		else if (!json_equal(old, value))
			tell(to, c->changed, name);
	}
	json_object_foreach((json_t *)(uintptr_t)was, name, value)
		if (!json_object_get(is, name))
			tell(to, c->gone, name);
}

json_t *key_changes(const json_t *was, const json_t *is)
{
	json_t *to = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(components); i++) {
		const struct component *c = &components[i];
		const json_t *old = json_object_get(was, c->name);
		const json_t *new = json_object_get(is, c->name);

		if (c->added)
			compare(to, c, old, new);
		else if (!json_equal(old, new))
			tell(to, "%s", c->changed);
	}
	return to;
}

json_t *key_digests(const json_t *variables)
{
	json_t *to = json_object(), *value;
	const char *name;

	json_object_foreach((json_t *)(uintptr_t)variables, name, value) {
		cleanup_free char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY |
						     JSON_SORT_KEYS);
		char digest[HASH_TEXT];

		hash_bytes(text ? text : "", text ? strlen(text) : 0, digest);
		json_object_set_new(to, name, json_string(digest));
	}
	return to;
}
