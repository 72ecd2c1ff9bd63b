#include "lib/archive/policy.h"

#include <string.h>
#include <sys/stat.h>

/* The next component of *p, or 0 bytes at the end; steps over slashes. */
static size_t component(const char **p)
{
	*p += strspn(*p, "/");
	return strcspn(*p, "/");
}

static bool is(const char *name, size_t len, const char *what)
{
	return len == strlen(what) && !memcmp(name, what, len);
}

/* what: "name" or "link target"; writes the clean form, "" for the root. */
static int clean_path(const char *path, unsigned int max_depth, const char *what,
		      char ret[POLICY_PATH_MAX + 1], struct error *err)
{
	size_t used = 0, len;
	unsigned int depth = 0;

	if (!path || !path[0])
		return err_set(err, ERR_USAGE, "a %s is empty", what);
	if (path[0] == '/')
		return err_set(err, ERR_USAGE, "a %s is an absolute path", what);
	if (strnlen(path, POLICY_PATH_MAX + 1) > POLICY_PATH_MAX)
		return err_set(err, ERR_LIMIT, "a %s is longer than %d bytes", what,
			       POLICY_PATH_MAX);
	for (; (len = component(&path)) > 0; path += len) {
		if (is(path, len, "."))
			continue;
		if (is(path, len, ".."))
			return err_set(err, ERR_USAGE, "a %s contains '..'", what);
		if (len > POLICY_NAME_MAX)
			return err_set(err, ERR_LIMIT,
				       "a component of a %s is longer than %d bytes",
				       what, POLICY_NAME_MAX);
		if (++depth > max_depth)
			return err_set(err, ERR_LIMIT, "a %s is deeper than %u levels",
				       what, max_depth);
		if (used)
			ret[used++] = '/';
		memcpy(ret + used, path, len);
		used += len;
	}
	ret[used] = '\0';
	return 0;
}

/* From the folder of the clean path, does the target ever climb above the root? */
static int check_symlink(const char *path, const char *target, struct error *err)
{
	long depth = 0;
	size_t len;

	if (!target || !target[0])
		return err_set(err, ERR_USAGE, "a symbolic link has no target");
	if (strnlen(target, POLICY_PATH_MAX + 1) > POLICY_PATH_MAX)
		return err_set(err, ERR_LIMIT, "a link target is longer than %d bytes",
			       POLICY_PATH_MAX);
	if (target[0] != '/')
		for (; *path; path++)
			depth += *path == '/';
	for (; (len = component(&target)) > 0; target += len) {
		if (is(target, len, "."))
			continue;
		depth += is(target, len, "..") ? -1 : 1;
		if (depth < 0)
			return err_set(err, ERR_USAGE,
				       "a symbolic link leaves the archive");
	}
	return 0;
}

static int skip(struct policy_verdict *ret, enum skip why)
{
	ret->action = POLICY_SKIP;
	ret->skip = why;
	return 0;
}

static int special(const struct policy_entry *e, const struct policy_limits *limits,
		   struct policy_verdict *ret, struct error *err)
{
	bool may_skip = limits->skip_special;

	switch (e->type) {
	case ENTRY_DEVICE:
	case ENTRY_WHITEOUT:
		if (may_skip || !strncmp(ret->path, "dev/", 4))
			return skip(ret, SKIP_DEVICE);
		return err_set(err, ERR_USAGE, "a device outside of dev/");
	case ENTRY_FIFO:
		if (may_skip)
			return skip(ret, SKIP_FIFO);
		return err_set(err, ERR_USAGE, "a FIFO cannot be part of an environment");
	case ENTRY_SOCKET:
		if (may_skip)
			return skip(ret, SKIP_SOCKET);
		return err_set(err, ERR_USAGE,
			       "a socket cannot be part of an environment");
	default:
		return err_set(err, ERR_USAGE, "an entry of an unknown type");
	}
}

static void decide_mode(const struct policy_entry *e, struct policy_verdict *ret)
{
	ret->mode = e->mode & 0777;
	if (e->type == ENTRY_DIR)
		ret->mode |= e->mode & S_ISVTX;
	if (e->type != ENTRY_FILE && e->type != ENTRY_DIR)
		return;
	if (e->mode & S_ISUID)
		ret->stripped |= 1 << STRIP_SETUID;
	if (e->mode & S_ISGID)
		ret->stripped |= 1 << STRIP_SETGID;
}

/* The length of "layers/7/" before "u" or "u.usr", or 0. */
static size_t layer_prefix(const char *path)
{
	const char *at = path + 7;
	size_t digits;

	if (strncmp(path, "layers/", 7) != 0)
		return 0;
	digits = strspn(at, "0123456789");
	if (!digits || digits > 4 || at[digits] != '/')
		return 0;
	at += digits + 1;
	return *at == 'u' && (!at[1] || at[1] == '/' || (at[1] == '.' && at[2] && at[2] != '/'))
		? (size_t)(at - path) : 0;
}

static int decide_link(const struct policy_entry *e, const struct policy_limits *limits,
		       struct policy_verdict *ret, struct error *err)
{
	if (e->type == ENTRY_SYMLINK && limits->snapshot) {
		if (!e->link || !*e->link)
			return err_set(err, ERR_USAGE, "a symbolic link has no target");
		if (strnlen(e->link, POLICY_PATH_MAX + 1) > POLICY_PATH_MAX)
			return err_set(err, ERR_LIMIT, "a link target is longer than %d bytes",
				       POLICY_PATH_MAX);
		memcpy(ret->link, e->link, strlen(e->link) + 1);
		return 0;
	}
	if (e->type == ENTRY_SYMLINK) {
		if (check_symlink(ret->path, e->link, err) < 0)
			return -1;
		memcpy(ret->link, e->link, strlen(e->link) + 1);
		return 0;
	}
	if (clean_path(e->link, limits->max_depth, "hard link target", ret->link,
		       err) < 0)
		return -1;
	if (!ret->link[0])
		return err_set(err, ERR_USAGE, "a hard link to the root directory");
	if (limits->snapshot && (layer_prefix(ret->link) != layer_prefix(ret->path) ||
			       strncmp(ret->link, ret->path, layer_prefix(ret->path)) != 0))
		return err_set(err, ERR_USAGE, "a hard link out of its layer");
	return 0;
}

/* "a/.wh.b" is about a/b, "a/.wh..wh..opq" about a; other .wh..wh. are aufs' own. */
static int decide_whiteout(struct policy_verdict *ret, const char *base, struct error *err)
{
	char *at = ret->path + (base - ret->path);

	if (!strcmp(base, ".wh..wh..opq")) {
		ret->action = POLICY_OPAQUE;
		at[at > ret->path ? -1 : 0] = '\0';
		return 0;
	}
	if (!strncmp(base, ".wh..wh.", 8))
		return skip(ret, SKIP_WHITEOUT);
	base += 4;
	if (!*base || is(base, strlen(base), ".") || is(base, strlen(base), ".."))
		return err_set(err, ERR_USAGE, "a whiteout of no name");
	memmove(at, base, strlen(base) + 1);
	ret->action = POLICY_WHITEOUT;
	return 0;
}

/* What may be in an exported snapshot, and where. */
static int check_layer(const struct policy_entry *e, const struct policy_verdict *v,
		       struct error *err)
{
	bool ours = !strcmp(v->path, POLICY_MANIFEST) || !strcmp(v->path, POLICY_SIGNATURE);

	if (e->type == ENTRY_DEVICE || e->type == ENTRY_SOCKET || e->type == ENTRY_OTHER)
		return err_set(err, ERR_USAGE, "a layer has no devices and no sockets");
	if (ours ? e->type == ENTRY_FILE : layer_prefix(v->path) != 0)
		return 0;
	return err_set(err, ERR_USAGE, "this does not belong in an exported snapshot");
}

int policy_decide(const struct policy_entry *e, const struct policy_limits *limits,
		  struct policy_verdict *ret, struct error *err)
{
	const char *base;

	ret->action = POLICY_WRITE;
	ret->stripped = 0;
	ret->link[0] = '\0';
	if (clean_path(e->path, limits->max_depth, "name", ret->path, err) < 0)
		return -1;
	if (!ret->path[0] && e->type != ENTRY_DIR)
		return err_set(err, ERR_USAGE, "the root is not a directory");
	if (e->size < 0)
		return err_set(err, ERR_USAGE, "a size is negative");
	if (e->size > POLICY_SIZE_MAX)
		return err_set(err, ERR_LIMIT, "a file is larger than 1 TiB");

	base = strrchr(ret->path, '/');
	base = base ? base + 1 : ret->path;
	decide_mode(e, ret);
	if (!ret->path[0]) {
		ret->action = POLICY_ROOT;
		return 0;
	}
	if (limits->layer && !strncmp(base, ".wh.", 4))
		return decide_whiteout(ret, base, err);
	if (limits->snapshot && check_layer(e, ret, err) < 0)
		return -1;
	if (limits->snapshot && e->type != ENTRY_SYMLINK && e->type != ENTRY_HARDLINK) {
		ret->mode |= e->type == ENTRY_FILE ? e->mode & S_ISVTX : 0;
		return 0;
	}
	switch (e->type) {
	case ENTRY_FILE:
	case ENTRY_DIR:
		return strncmp(base, ".wh.", 4) ? 0 : skip(ret, SKIP_WHITEOUT);
	case ENTRY_SYMLINK:
	case ENTRY_HARDLINK:
		return decide_link(e, limits, ret, err);
	default:
		return special(e, limits, ret, err);
	}
}
