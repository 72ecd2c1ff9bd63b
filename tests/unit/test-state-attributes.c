#include "lib/state/attributes.h"

#include <linux/capability.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/unit/tempdir.h"

static struct error err;

static int file(struct tempdir *dir, const char *name)
{
	put_file(dir, name, "x", 1);
	return openat(dir->fd, name, O_RDWR | O_CLOEXEC);
}

static void add(void *arg, const char *name, const void *value, size_t len)
{
	char *all = arg;

	snprintf(all + strlen(all), 200 - strlen(all), "%s=%.*s ", name, (int)len,
		 (const char *)value);
}

TEST(those_of_overlay_are_its_own)
{
	check(attributes_kept("user.a", true) && attributes_kept("security.capability", false));
	check(attributes_kept("system.posix_acl_default", true));
	check(!attributes_kept("trusted.overlay.opaque", false));
	check(!attributes_kept("user.overlay.opaque", true));
	check(attributes_kept("user.overlay.opaque", false));
	check(attributes_kept("user.overlay.overlay.x", true));
	check(!attributes_kept("security.selinux", false));
}

TEST(names_and_values_count_and_their_order_does_not)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	int a = file(dir, "a"), b = file(dir, "b");
	char all[200] = "";

	check(attributes_same(a, b, false, 0, &err) == 1);
	if (!fsetxattr(a, "user.a", "1", 1, 0)) {
		check(attributes_same(a, b, false, 0, &err) == 0);
		check(!fsetxattr(b, "user.b", "2", 1, 0));
		check(attributes_same(a, b, false, 0, &err) == 0);
		check(!fsetxattr(a, "user.b", "2", 1, 0) && !fsetxattr(b, "user.a", "1", 1, 0));
		check(attributes_same(a, b, false, 0, &err) == 1);
		check(!fsetxattr(b, "user.a", "12", 2, 0));
		check(attributes_same(a, b, false, 0, &err) == 0);
		check(!attributes_each(b, false, 0, add, all, &err));
		check_str(all, "user.a=12 user.b=2 ");
	}
	close(a);
	close(b);
}

TEST(an_access_list_names_the_same_with_and_without_a_shift)
{
	/* version 2; the owner, user 7, the group, the mask, others */
	static const unsigned char list[] = {
		2, 0, 0, 0,
		1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 4, 0, 7, 0, 0, 0,
		4, 0, 4, 0, 255, 255, 255, 255, 16, 0, 4, 0, 255, 255, 255, 255,
		32, 0, 0, 0, 255, 255, 255, 255,
	};
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	int a = file(dir, "a"), b = file(dir, "b");
	unsigned char shifted[sizeof(list)];

	memcpy(shifted, list, sizeof(list));
	shifted[17] = 1;
	/* not every file system has them, and a user namespace need not have that id */
	if (!fsetxattr(a, "system.posix_acl_access", list, sizeof(list), 0) &&
	    !fsetxattr(b, "system.posix_acl_access", shifted, sizeof(shifted), 0)) {
		check(attributes_same(a, b, false, 0, &err) == 0);
		check(attributes_same(a, b, false, 256, &err) == 1);
	}
	close(a);
	close(b);
}

TEST(what_cannot_be_read_is_an_error)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	int a = file(dir, "a");

	check(attributes_same(a, -1, false, 0, &err) < 0 && err.errnum);
	close(a);
}

TEST_MAIN;
