#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/state/compact.h"
#include "lib/statehelper/confine.h"
#include "lib/statehelper/verb.h"

static int open_layers(const json_t *names, int fds[COMPACT_LAYERS_MAX], struct error *err)
{
	size_t n = json_array_size(names);

	if (n > COMPACT_LAYERS_MAX)
		return err_set(err, ERR_USAGE, "%zu layers are not merged at once", n);
	for (size_t i = 0; i < n; i++) {
		const char *name = json_string_value(json_array_get(names, i));

		if (!name || strchr(name, '/'))
			return err_set(err, ERR_USAGE, "a layer has a name");
		fds[i] = openat(3, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fds[i] < 0)
			return err_sys(err, errno, "open layer '%s'", name);
	}
	return (int)n;
}

int verb_compact(const json_t *ask, json_t *result, struct error *err)
{
	const char *into = json_string_value(json_object_get(ask, "into"));
	const struct confine c = { .write = 3, .layers = true };
	int fds[COMPACT_LAYERS_MAX], n;
	cleanup_close int out = -1;

	(void)result;
	/* each level of nested folders has one open for each layer: confine() allows for that */
	if (confine(&c, err) < 0)
		return -1;
	n = open_layers(json_object_get(ask, "layers"), fds, err);
	if (n < 0)
		return -1;
	if (!into || strchr(into, '/') || mkdirat(3, into, 0711) < 0)
		return err_sys(err, into ? errno : EINVAL, "create a layer");
	out = openat(3, into, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (out < 0)
		return err_sys(err, errno, "open layer '%s'", into);
	if (compact_layers(fds, n, out, err) < 0)
		return err_wrap(err, "merge layers into '%s'", into);
	/* others will be named by it that are on the disk already */
	if (syncfs(out) < 0)
		return err_sys(err, errno, "write layer '%s'", into);
	return 0;
}
