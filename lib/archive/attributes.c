#include "lib/archive/attributes.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/base/beneath.h"
#include "lib/base/cleanup.h"

enum { NAME_MAX_BYTES = 255, VALUE_MAX = 65536 };

static int note_opaque(struct tree *t, const char *path, struct error *err)
{
	int flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW;
	cleanup_close int fd = open_beneath(t->root, POLICY_OPAQUE_LIST, flags, 0600);
	size_t len = strlen(path) + 1;

	if (fd < 0 || write(fd, path, len) != (ssize_t)len)
		return err_sys(err, fd < 0 ? errno : EIO, "note an opaque folder");
	return 0;
}

int attributes_set(struct tree *t, struct archive_entry *e, const char *path, int fd,
		     struct error *err)
{
	cleanup_close int own = -1;
	const char *name;
	const void *value;
	size_t len;

	if (archive_entry_xattr_count(e) <= 0)
		return 0;
	if (fd < 0) {
		own = open_beneath(t->root, path, O_RDONLY | O_DIRECTORY, 0);
		if (own < 0)
			return err_sys(err, errno, "open a folder again");
	}
	(void)archive_entry_xattr_reset(e);
	while (archive_entry_xattr_next(e, &name, &value, &len) == ARCHIVE_OK) {
		if (fd < 0 && !strcmp(name, "trusted.overlay.opaque")) {
			if (note_opaque(t, path, err) < 0)
				return -1;
			continue;
		}
		if (strncmp(name, "user.", 5) || !strncmp(name, "user.overlay.", 13) ||
		    strlen(name) > NAME_MAX_BYTES || len > VALUE_MAX)
			return err_set(err, ERR_USAGE, "an attribute that a layer does not have");
		if (fsetxattr(fd < 0 ? own : fd, name, value, len, 0) < 0)
			return err_sys(err, errno, "set an attribute");
	}
	return 0;
}
