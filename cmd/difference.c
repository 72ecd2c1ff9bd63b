#include "cmd/difference.h"

#include <stdlib.h>
#include <string.h>

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
