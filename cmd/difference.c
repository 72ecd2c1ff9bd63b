#include "cmd/difference.h"

#include <stdlib.h>
#include <string.h>

#include "cmd/snapshot.h"
#include "lib/base/base64.h"
#include "lib/base/cleanup.h"

char *difference_bytes(const json_t *j, size_t *len)
{
	const json_t *b64 = json_object_get(j, "base64");
	const char *text = json_string_value(b64 ? b64 : j);
	ssize_t n = text ? (ssize_t)json_string_length(b64 ? b64 : j) : 0;
	char *bytes = text ? malloc((size_t)n + 1) : NULL;

	if (!bytes)
		return NULL;
	if (!b64)
		memcpy(bytes, text, (size_t)n);
	else
		n = base64_decode(text, bytes);
	if (n < 0) {
		free(bytes);
		return NULL;
	}
	bytes[n] = '\0';
	*len = (size_t)n;
	return bytes;
}

/* The next page is of the same two, whatever becomes of their names meanwhile. */
static json_t *next_page(const json_t *params, const json_t *answer)
{
	const char *from = json_string_value(json_object_get(answer, "from"));
	const char *to = json_string_value(json_object_get(answer, "to"));
	json_t *next = json_copy((json_t *)(uintptr_t)params);

	(void)json_object_del(next, "branches");
	(void)json_object_del(next, "other");
	json_object_set_new(next, "id", json_string(from ? from : to));
	if (from)
		json_object_set_new(next, "other", json_string(to));
	json_object_set(next, "after", json_object_get(answer, "next"));
	return next;
}

int difference_each(json_t *params, int (*each)(void *arg, const json_t *row), void *arg,
		    struct error *err)
{
	cleanup_json json_t *ask = params;
	bool more = true;

	while (more) {
		cleanup_json json_t *done = NULL;
		json_t *row, *next;
		size_t i;

		if (executor_call("snapshot.diff", json_incref(ask), &done, err) < 0)
			return -1;
		json_array_foreach(json_object_get(done, "differences"), i, row)
			if (each(arg, row))
				return 0;
		more = json_is_string(json_object_get(done, "next"));
		next = more ? next_page(ask, done) : NULL;
		json_decref(ask);
		ask = next;
	}
	return 0;
}

void difference_path(struct out *o, const char *key, const json_t *j)
{
	size_t len = 0;
	cleanup_free char *path = difference_bytes(j, &len);
	cleanup_free char *full = path ? malloc(len + 2) : NULL;

	if (!full) {
		out_null(o, key);
		return;
	}
	*full = '/';
	memcpy(full + 1, path, len + 1);
	out_strn(o, key, full, len + 1);
}
