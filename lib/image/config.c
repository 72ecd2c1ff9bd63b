#include <stdio.h>
#include <string.h>

#include "lib/image/manifest.h"

/*
 * The configuration of an image: what of it an environment takes over.
 */

static void drop(json_t **j)
{
	json_decref(*j);
}

/* ["A=b"] to {"A":"b"}; the later one wins, and what has no name is no variable. */
static json_t *variables(const json_t *list)
{
	json_t *j = json_object();
	const json_t *entry;
	size_t i;

	json_array_foreach(list, i, entry) {
		const char *s = json_string_value(entry), *eq = s ? strchr(s, '=') : NULL;

		if (eq && eq > s)
			json_object_setn_new(j, s, (size_t)(eq - s), json_string(eq + 1));
	}
	return j;
}

/* Only what is text: a list of strings, or none. */
static json_t *words(const json_t *list)
{
	json_t *j = json_array(), *entry;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)list, i, entry)
		if (json_is_string(entry))
			json_array_append(j, entry);
	return j;
}

static json_t *keys(const json_t *object)
{
	json_t *j = json_array(), *value;
	const char *key;

	json_object_foreach((json_t *)(uintptr_t)object, key, value)
		json_array_append_new(j, json_string(key));
	return j;
}

static json_t *texts(const json_t *object)
{
	json_t *j = json_object(), *value;
	const char *key;

	json_object_foreach((json_t *)(uintptr_t)object, key, value)
		if (json_is_string(value))
			json_object_set(j, key, value);
	return j;
}

static void set_text(json_t *j, const char *name, const json_t *from, const char *key)
{
	json_t *value = json_object_get(from, key);

	if (json_string_length(value))
		json_object_set(j, name, value);
}

static json_t *platform(const json_t *doc)
{
	const char *os = json_string_value(json_object_get(doc, "os"));
	const char *arch = json_string_value(json_object_get(doc, "architecture"));
	const char *variant = json_string_value(json_object_get(doc, "variant"));
	char text[PLATFORM_SIZE];

	if (!os || !arch)
		return json_null();
	(void)snprintf(text, sizeof(text), "%.20s/%.20s%s%.20s", os, arch,
		       variant && *variant ? "/" : "", variant ? variant : "");
	return json_string(text);
}

static int check_diff_ids(const json_t *ids, struct error *err)
{
	const json_t *id;
	size_t i;

	json_array_foreach(ids, i, id)
		if (!json_is_string(id) || !image_digest_valid(json_string_value(id)))
			return err_set(err, ERR_PROTOCOL, "the configuration has a layer without "
				       "digest");
	return 0;
}

int image_config_parse(const char *text, size_t len, json_t **ret, struct error *err)
{
	__attribute__((cleanup(drop))) json_t *doc = NULL;
	json_error_t why;
	const json_t *config, *ids;
	json_t *j;

	doc = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
	if (!json_is_object(doc))
		return err_set(err, ERR_PROTOCOL, "the image's configuration is not JSON");
	config = json_object_get(doc, "config");
	ids = json_object_get(json_object_get(doc, "rootfs"), "diff_ids");
	if (!json_is_array(ids)) {
		(void)err_set(err, ERR_UNSUPPORTED, "this is no image of a file system: its "
			      "configuration has no 'rootfs'");
		return err_hint(err, "registries keep other things as well, such as charts and "
				"signatures");
	}
	if (check_diff_ids(ids, err) < 0)
		return -1;
	j = json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:O}",
		      "variables", variables(json_object_get(config, "Env")),
		      "entrypoint", words(json_object_get(config, "Entrypoint")),
		      "cmd", words(json_object_get(config, "Cmd")),
		      "ports", keys(json_object_get(config, "ExposedPorts")),
		      "labels", texts(json_object_get(config, "Labels")),
		      "platform", platform(doc), "diff_ids", (json_t *)(uintptr_t)ids);
	if (!j)
		return err_set(err, ERR_LIMIT, "no memory for the image's configuration");
	set_text(j, "workdir", config, "WorkingDir");
	set_text(j, "user", config, "User");
	set_text(j, "created", doc, "created");
	*ret = j;
	return 0;
}
