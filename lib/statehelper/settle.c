#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/state/layer.h"
#include "lib/statehelper/confine.h"
#include "lib/statehelper/digest.h"
#include "lib/statehelper/verb.h"

static const char *text_of(const json_t *j, const char *key)
{
	return json_string_value(json_object_get(j, key));
}

struct walk_owners ask_owners(const json_t *ask)
{
	return (struct walk_owners){
		.shift = (uint32_t)json_integer_value(json_object_get(ask, "shift")),
		.nobody = json_is_true(json_object_get(ask, "rootless")),
	};
}

/* -1 with errno: a layer's name is one component. */
int open_layer(int layers, const char *name)
{
	if (!name || !*name || *name == '.' || strchr(name, '/')) {
		errno = EINVAL;
		return -1;
	}
	return openat(layers, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* What cannot be known of it is left out: its files are on the disk all the same. */
static json_t *settle_one(const json_t *s, const struct walk_owners *owners)
{
	const char *layer = text_of(s, "layer");
	char digest[DIGEST_TEXT];
	struct layer_size size = { 0 };
	struct error err = { 0 };
	json_t *j = json_object();
	cleanup_close int fd = -1;

	if (json_is_true(json_object_get(s, "shared")))
		return j;
	fd = open_layer(3, layer);
	if (fd < 0 || layer_measure(fd, &size, &err) < 0)
		return j;
	json_object_set_new(j, "entries", json_integer((json_int_t)size.entries));
	json_object_set_new(j, "bytes", json_integer((json_int_t)size.bytes));
	if (!digest_layer(fd, owners, digest, &err))
		json_object_set_new(j, "digest", json_string(digest));
	return j;
}

/* Below it is one of the same request, a checksum, or an environment. */
static void add_checksum(const json_t *all, const json_t *s, json_t *one)
{
	const json_t *parent = json_object_get(all, text_of(s, "parent") ? text_of(s, "parent") : "");
	const char *below = parent ? text_of(parent, "checksum") : text_of(s, "below");
	char checksum[HASH_TEXT];

	if (!below)
		return;
	if (json_is_true(json_object_get(s, "shared"))) {
		json_object_set_new(one, "checksum", json_string(below));
	} else if (text_of(one, "digest")) {
		digest_chain(below, text_of(one, "digest"), checksum);
		json_object_set_new(one, "checksum", json_string(checksum));
	}
}

int verb_settle(const json_t *ask, json_t *result, struct error *err)
{
	const json_t *list = json_object_get(ask, "snapshots");
	struct walk_owners owners = ask_owners(ask);
	json_t *all = json_object(), *s;
	size_t i;

	json_object_set_new(result, "snapshots", all);
	if (confine_reading(false, err) < 0)
		return -1;
	if (syncfs(3) < 0) {
		/* said as a result: what was not written then is taken for written later */
		json_object_set_new(result, "unsafe", text_json(strerror(errno)));
		return 0;
	}
	json_array_foreach((json_t *)(uintptr_t)list, i, s) {
		const char *id = text_of(s, "id");
		json_t *one;

		say_progress(i, json_array_size(list));
		if (!id)
			return err_set(err, ERR_USAGE, "a snapshot has an id");
		one = settle_one(s, &owners);
		add_checksum(all, s, one);
		json_object_set_new(all, id, one);
	}
	return 0;
}

/* ---- check ---- */

static void check_one(const json_t *layer, const struct walk_owners *owners, json_t *ret)
{
	const char *was = text_of(layer, "digest");
	char digest[DIGEST_TEXT];
	struct error err = { 0 };
	cleanup_close int fd = open_layer(3, text_of(layer, "name"));

	if (fd < 0)
		json_object_set_new(ret, "problem",
				    json_string(errno == ENOENT ? "its layer is missing"
								: "its layer cannot be opened"));
	else if (digest_layer(fd, owners, digest, &err) < 0)
		json_object_set_new(ret, "problem", text_json(err.msg));
	else if (was && !digest_same(was, digest, true))
		json_object_set_new(ret, "problem", json_string("its files are not what they were"));
	else
		json_object_set_new(ret, "digest", json_string(digest));
}

int verb_check(const json_t *ask, json_t *result, struct error *err)
{
	const json_t *list = json_object_get(ask, "layers");
	struct walk_owners owners = ask_owners(ask);
	json_t *all = json_object(), *layer;
	size_t i;

	json_object_set_new(result, "layers", all);
	if (confine_reading(false, err) < 0)
		return -1;
	json_array_foreach((json_t *)(uintptr_t)list, i, layer) {
		json_t *one = json_object();

		say_progress(i, json_array_size(list));
		if (!text_of(layer, "name")) {
			json_decref(one);
			return err_set(err, ERR_USAGE, "a layer has a name");
		}
		json_object_set_new(all, text_of(layer, "name"), one);
		check_one(layer, &owners, one);
	}
	return 0;
}
