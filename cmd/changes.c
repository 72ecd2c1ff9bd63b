#include "cmd/changes.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd/difference.h"
#include "cmd/snapshot.h"
#include "lib/base/parse.h"

static json_t *question(const char *from, const char *to)
{
	json_t *params = json_pack("{s:s}", "id", from ? from : to);

	if (from)
		json_object_set_new(params, "other", json_string(to));
	return params;
}

int changes_count(const char *from, const char *to, struct changes *ret, struct error *err)
{
	json_t *params = question(from, to);
	cleanup_json json_t *done = NULL;
	const char *digest;

	json_object_set_new(params, "summary", json_true());
	if (executor_call("snapshot.diff", params, &done, err) < 0)
		return -1;
	digest = json_string_value(json_object_get(done, "digest"));
	if (!digest || strlen(digest) >= sizeof(ret->digest))
		return err_set(err, ERR_PROTOCOL, "the executor does not say what differs");
	(void)snprintf(ret->digest, sizeof(ret->digest), "%s", digest);
	ret->n = (size_t)json_integer_value(json_object_get(done, "n"));
	return 0;
}

struct showing {
	FILE *f;
	size_t n;
};

static const char *size_of(const json_t *side, char buf[FORMAT_SIZE])
{
	if (!S_ISREG((mode_t)json_integer_value(json_object_get(side, "mode"))))
		return "-";
	return format_size(buf, (uint64_t)json_integer_value(json_object_get(side, "size")));
}

static int show_one(void *arg, const json_t *row)
{
	const char *kind = json_string_value(json_object_get(row, "kind"));
	char before[FORMAT_SIZE], after[FORMAT_SIZE];
	struct showing *s = arg;
	size_t len = 0;
	cleanup_free char *path = difference_bytes(json_object_get(row, "path"), &len);

	s->n++;
	fprintf(s->f, "%s  /", kind ? kind : "?");
	if (path)
		out_escape(s->f, path, len);
	fprintf(s->f, "  %s -> %s\n", size_of(json_object_get(row, "before"), before),
		size_of(json_object_get(row, "after"), after));
	return 0;
}

int changes_show(FILE *f, const char *from, const char *to, size_t *ret_n, struct error *err)
{
	struct showing s = { .f = f };

	if (difference_each(question(from, to), show_one, &s, err) < 0)
		return -1;
	*ret_n = s.n;
	return 0;
}
