#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "lib/state/layer.h"
#include "lib/statehelper/confine.h"
#include "lib/statehelper/verb.h"

int verb_measure(const json_t *ask, json_t *result, struct error *err)
{
	const json_t *names = json_object_get(ask, "layers");
	json_t *all = json_object(), *name;
	size_t i;

	json_object_set_new(result, "layers", all);
	if (confine_reading(false, err) < 0)
		return -1;
	json_array_foreach((json_t *)(uintptr_t)names, i, name) {
		const char *id = json_string_value(name);
		struct layer_size size = { 0 };
		cleanup_close int fd = -1;

		say_progress(i, json_array_size(names));
		if (!id)
			return err_set(err, ERR_USAGE, "a layer has a name");
		fd = openat(3, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		/* it was deleted meanwhile */
		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd < 0)
			return err_sys(err, errno, "open layer '%s'", id);
		if (layer_measure(fd, &size, err) < 0)
			return err_wrap(err, "layer '%s'", id);
		json_object_set_new(all, id, json_pack("{s:I,s:I}", "entries",
						       (json_int_t)size.entries, "bytes",
						       (json_int_t)size.bytes));
	}
	return 0;
}
