/*
 * Any entry: what policy_decide() lets through is clean, so that the writer can
 * rely on it, and what it refuses has a message.
 *
 * The input: type, mode, depth limit, then path and link, each up to a NUL.
 */

#include <stdlib.h>
#include <string.h>

#include "lib/archive/policy.h"

static void require(bool ok)
{
	if (!ok)
		abort();
}

/* a/b/c, of components that are neither empty, ".", ".." nor too long */
static void require_clean(const char *path, unsigned int max_depth)
{
	unsigned int depth = 0;

	require(strlen(path) <= POLICY_PATH_MAX);
	for (;; depth++) {
		size_t len = strcspn(path, "/");

		require(len > 0 && len <= POLICY_NAME_MAX);
		require(len != 1 || path[0] != '.');
		require(len != 2 || memcmp(path, "..", 2));
		path += len;
		if (!*path)
			break;
		path++;
	}
	require(depth < max_depth);
}

/* Walks the link by its text, as the kernel would in a tree without links. */
static void require_inside(const char *path, const char *link)
{
	long depth = 0;

	if (link[0] != '/')
		for (; *path; path++)
			depth += *path == '/';
	while (*link) {
		size_t len = strcspn(link, "/");

		if (len == 2 && !memcmp(link, "..", 2))
			depth--;
		else if (len > 0 && !(len == 1 && *link == '.'))
			depth++;
		require(depth >= 0);
		link += len;
		link += *link == '/';
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct policy_verdict v;
	struct policy_limits limits;
	struct policy_entry e = { 0 };
	struct error err = { 0 };
	char *text;

	if (size < 4)
		return 0;
	text = malloc(size + 2);
	memcpy(text, data, size);
	text[size] = text[size + 1] = '\0';
	e.type = data[0] % (ENTRY_OTHER + 1);
	e.mode = data[1] | data[2] << 8;
	limits = (struct policy_limits){ data[3] & 127, data[3] & 128, data[2] & 1 };
	e.path = text + 4;
	e.link = e.path + strlen(e.path) + (e.path + strlen(e.path) < text + size);
	e.size = data[2] == 255 ? -1 : data[2];

	if (policy_decide(&e, &limits, &v, &err) < 0) {
		require(err.msg[0] && err.code);
	} else if (v.action == POLICY_WHITEOUT || (v.action == POLICY_OPAQUE && v.path[0])) {
		require_clean(v.path, limits.max_depth);
	} else if (v.action == POLICY_WRITE) {
		require_clean(v.path, limits.max_depth);
		require(e.type <= ENTRY_HARDLINK);
		require(!(v.mode & ~01777U));
		require(e.type == ENTRY_DIR || !(v.mode & ~0777U));
		if (e.type == ENTRY_HARDLINK)
			require_clean(v.link, limits.max_depth);
		if (e.type == ENTRY_SYMLINK)
			require_inside(v.path, v.link);
	} else if (v.action == POLICY_ROOT) {
		require(!v.path[0] && e.type == ENTRY_DIR);
	}
	free(text);
	return 0;
}
