#include "lib/state/attributes.h"

#include <endian.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "lib/base/cleanup.h"
#include "lib/state/paths.h"

bool attributes_kept(const char *name, bool user)
{
	if (!strcmp(name, "security.capability") || !strcmp(name, "system.posix_acl_access") ||
	    !strcmp(name, "system.posix_acl_default"))
		return true;
	if (strncmp(name, "user.", 5))
		return false;
	/* user.overlay.overlay.X is a program's own user.overlay.X, as overlay stores it */
	return !user || strncmp(name, "user.overlay.", 13) ||
		!strncmp(name, "user.overlay.overlay.", 21);
}

static int list(int fd, bool user, struct paths *ret, struct error *err)
{
	cleanup_free char *names = NULL;
	ssize_t size = flistxattr(fd, NULL, 0);

	if (size <= 0)
		return !size || errno == EOPNOTSUPP ? 0 : err_sys(err, errno, "list attributes");
	names = calloc(1, (size_t)size + 1);
	if (!names)
		return err_sys(err, ENOMEM, "list attributes");
	size = flistxattr(fd, names, (size_t)size);
	if (size < 0)
		return err_sys(err, errno, "list attributes");
	for (const char *name = names; name < names + size; name += strlen(name) + 1)
		if (attributes_kept(name, user) && paths_add(ret, name, err) < 0)
			return -1;
	paths_sort(ret);
	return 0;
}

/* An access list: a head of four bytes, then entries of a tag, permissions and an id. */
enum { ACL_HEAD = 4, ACL_ENTRY = 8, ACL_ID = 4, ACL_USER = 0x02, ACL_GROUP = 0x08 };

static void shift_ids(unsigned char *acl, size_t len, uint32_t shift)
{
	for (size_t at = ACL_HEAD; at + ACL_ENTRY <= len; at += ACL_ENTRY) {
		uint16_t tag;
		uint32_t id;

		memcpy(&tag, acl + at, sizeof(tag));
		memcpy(&id, acl + at + ACL_ID, sizeof(id));
		tag = le16toh(tag);
		id = le32toh(id);
		if ((tag != ACL_USER && tag != ACL_GROUP) || id >= shift)
			continue;
		id = htole32(id + shift);
		memcpy(acl + at + ACL_ID, &id, sizeof(id));
	}
}

/* Without whose root it is about, which depends on where it was written. */
static size_t plain_capabilities(unsigned char *value, size_t len)
{
	struct vfs_cap_data cap;

	if (len < sizeof(cap))
		return len;
	memcpy(&cap, value, sizeof(cap));
	cap.magic_etc &= ~htole32(VFS_CAP_REVISION_MASK);
	memcpy(value, &cap, sizeof(cap));
	return sizeof(cap);
}

static ssize_t get(int fd, const char *name, uint32_t shift, unsigned char value[XATTR_SIZE_MAX])
{
	ssize_t n = fgetxattr(fd, name, value, XATTR_SIZE_MAX);

	if (n > 0 && !strncmp(name, "system.posix_acl_", 17))
		shift_ids(value, (size_t)n, shift);
	else if (n > 0 && !strcmp(name, "security.capability"))
		n = (ssize_t)plain_capabilities(value, (size_t)n);
	return n;
}

int attributes_same(int a, int b, bool user, uint32_t shift, struct error *err)
{
	static unsigned char left[XATTR_SIZE_MAX], right[XATTR_SIZE_MAX];
	CLEANUP(paths_release) struct paths *of_a = &(struct paths){ 0 };
	CLEANUP(paths_release) struct paths *of_b = &(struct paths){ 0 };

	if (list(a, user, of_a, err) < 0 || list(b, user, of_b, err) < 0)
		return -1;
	if (of_a->n != of_b->n)
		return 0;
	for (size_t i = 0; i < of_a->n; i++) {
		const char *name = of_a->v[i];
		ssize_t n, m;

		if (strcmp(name, of_b->v[i]))
			return 0;
		n = get(a, name, shift, left);
		m = n < 0 ? -1 : get(b, name, shift, right);
		if (m < 0)
			return err_sys(err, errno, "read attribute '%.80s'", name);
		if (n != m || memcmp(left, right, (size_t)n))
			return 0;
	}
	return 1;
}

int attributes_each(int fd, bool user, uint32_t shift,
		    void (*each)(void *arg, const char *name, const void *value, size_t len),
		    void *arg, struct error *err)
{
	static unsigned char value[XATTR_SIZE_MAX];
	CLEANUP(paths_release) struct paths *names = &(struct paths){ 0 };

	if (list(fd, user, names, err) < 0)
		return -1;
	for (size_t i = 0; i < names->n; i++) {
		ssize_t n = get(fd, names->v[i], shift, value);

		if (n < 0)
			return err_sys(err, errno, "read attribute '%.80s'", names->v[i]);
		each(arg, names->v[i], value, (size_t)n);
	}
	return 0;
}
