#include "lib/state/diff.h"

#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/unit/state.h"

static char found[4096];

static int note(void *arg, const struct difference *d)
{
	size_t len = strlen(found);

	(void)arg;
	snprintf(found + len, sizeof(found) - len, "%s%c%s %s", len ? ", " : "", (char)d->kind,
		 d->content ? "" : "-", d->path);
	return 0;
}

/* From the first n layers to the first m. */
static const char *differences(int n, int m)
{
	struct view a, b;

	found[0] = '\0';
	open_layers(&a, n);
	open_layers(&b, m);
	check(!diff_views(&a, &b, NULL, note, NULL, &err));
	view_close(&a);
	view_close(&b);
	return found;
}

TEST(added_changed_and_what_is_the_same)
{
	begin();
	put("root", "same", "x");
	put("root", "longer", "x");
	put("root", "other", "x");
	put("root", "mode", "x");
	put("one/u", "same", "x");
	put("one/u", "longer", "xx");
	put("one/u", "other", "y");
	put("one/u", "new", "x");
	put("one/u", "mode", "x");
	check(!fchmodat(dir->fd, "one/u/mode", 0600, 0));
	check_str(differences(0, 1), "C longer, C- mode, A new, C other");
	check_str(differences(1, 0), "C longer, C- mode, D new, C other");
	check_str(differences(1, 1), "");
	end();
}

TEST(folders_count_when_they_are_new)
{
	begin();
	folder("root/dir");
	folder("one/u/dir");
	folder("one/u/dir/sub");
	put("one/u/dir/sub", "f", "x");
	check_str(differences(0, 1), "A dir/sub, A dir/sub/f");
	end();
}

TEST(a_whiteout_is_a_deletion)
{
	if (geteuid())
		return;
	begin();
	folder("root/dir");
	put("root/dir", "f", "x");
	put("root", "gone", "x");
	put("one/u", "mine", "x");
	whiteout("one/u/gone");
	whiteout("one/u/dir");
	/* of nothing that was there */
	whiteout("one/u/never");
	whiteout("two/u/mine");
	check_str(differences(0, 1), "D dir, D gone, A mine");
	check_str(differences(1, 2), "D mine");
	check_str(differences(0, 2), "D dir, D gone");
	end();
}

TEST(an_opaque_folder_takes_what_was_in_it)
{
	begin();
	folder("root/dir");
	folder("root/dir/sub");
	put("root/dir/sub", "deep", "x");
	put("root/dir", "kept", "x");
	folder("one/u/dir");
	opaque("one/u/dir");
	put("one/u/dir", "kept", "x");
	put("one/u/dir", "new", "x");
	check_str(differences(0, 1), "A dir/new, D dir/sub, D dir/sub/deep");
	check_str(differences(1, 0), "D dir/new, A dir/sub, A dir/sub/deep");
	end();
}

TEST(what_many_layers_have_is_walked_once)
{
	static const char *const names[] = { "l0", "l1", "l2", "l3", "l4", "l5", "l6", "l7" };
	struct view a, b;
	char root[128], path[128];

	begin();
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s", names[i]);
		folder(path);
		snprintf(path, sizeof(path), "%s/u", names[i]);
		folder(path);
		for (int depth = 0; depth < 12; depth++) {
			size_t len = strlen(path);

			snprintf(path + len, sizeof(path) - len, "/d");
			folder(path);
		}
	}
	folder("one/u/d");
	opaque("one/u/d");
	snprintf(root, sizeof(root), "%s/root", dir->path);
	check(!view_open(dir->fd, names, ARRAY_SIZE(names), root, 0, &a, &err));
	check(!view_open(dir->fd, (const char *const[]){ "one" }, 1, root, 0, &b, &err));
	found[0] = '\0';
	check(!diff_views(&a, &b, NULL, note, NULL, &err));
	check(strstr(found, "D d/d/d/d/d/d/d/d/d/d/d/d"));
	view_close(&a);
	view_close(&b);
	end();
}

TEST(a_link_where_another_has_a_folder)
{
	struct view a, b;
	char root[128];

	begin();
	folder("one/u/dir");
	put("one/u/dir", "f", "x");
	check(!symlinkat("/etc", dir->fd, "two/u/dir"));
	snprintf(root, sizeof(root), "%s/root", dir->path);
	check(!view_open(dir->fd, (const char *const[]){ "one" }, 1, root, 0, &a, &err));
	check(!view_open(dir->fd, (const char *const[]){ "two" }, 1, root, 0, &b, &err));
	found[0] = '\0';
	check(!diff_views(&a, &b, NULL, note, NULL, &err));
	check_str(found, "C dir, D dir/f");
	view_close(&a);
	view_close(&b);
	end();
}

TEST(another_type_is_a_change)
{
	begin();
	put("root", "a", "x");
	folder("one/u/a");
	check(!symlinkat("x", dir->fd, "root/l") && !symlinkat("y", dir->fd, "one/u/l"));
	check(!symlinkat("x", dir->fd, "root/m") && !symlinkat("x", dir->fd, "one/u/m"));
	check_str(differences(0, 1), "C a, C l");
	end();
}

/* A file of 4 TiB with a byte at `at`, or none, and blocks of zeros where it says. */
static void holes(const char *path, off_t at, bool zeros)
{
	static const char nothing[1 << 20];
	int fd = openat(dir->fd, path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	check(fd >= 0 && !ftruncate(fd, (off_t)4 << 40));
	check(at < 0 || pwrite(fd, "x", 1, at) == 1);
	check(!zeros || pwrite(fd, nothing, sizeof(nothing), (off_t)1 << 40) == sizeof(nothing));
	close(fd);
}

TEST(what_is_a_hole_in_both_is_not_read)
{
	const off_t far = (off_t)3 << 40, last = ((off_t)4 << 40) - 1;

	begin();
	holes("root/same", far, false);
	holes("one/u/same", far, true);
	holes("root/empty", -1, false);
	holes("one/u/empty", -1, true);
	holes("root/more", -1, false);
	holes("one/u/more", far, false);
	holes("root/less", far, true);
	holes("one/u/less", -1, false);
	holes("root/end", last, false);
	holes("one/u/end", -1, false);
	holes("root/moved", far, false);
	holes("one/u/moved", far + 1, false);
	check_str(differences(0, 1), "C end, C less, C more, C moved");
	check_str(differences(1, 0), "C end, C less, C more, C moved");
	end();
}

TEST(layers_that_both_have_are_not_looked_at)
{
	begin();
	put("one/u", "a", "x");
	put("two/u", "b", "x");
	check_str(differences(1, 2), "A b");
	check_str(differences(2, 1), "D b");
	check_str(differences(2, 2), "");
	end();
}

TEST(parts_are_looked_at_too)
{
	begin();
	folder("root/usr");
	put("root/usr", "a", "x");
	folder("one/u.usr");
	put("one/u.usr", "a", "xx");
	put("one/u.usr", "b", "x");
	check_str(differences(0, 1), "C usr/a, A usr/b");
	end();
}

TEST(attributes_alone_are_a_change_and_after_is_left_out)
{
	int fd;

	begin();
	put("root", "a", "x");
	put("root", "b", "x");
	put("root", "c", "x");
	put("one/u", "a", "y");
	put("one/u", "b", "x");
	put("one/u", "c", "y");
	fd = openat(dir->fd, "one/u/b", O_RDONLY | O_CLOEXEC);
	if (!fsetxattr(fd, "user.a", "1", 1, 0)) {
		struct view v, w;

		check_str(differences(0, 1), "C a, C- b, C c");
		found[0] = '\0';
		open_layers(&v, 0);
		open_layers(&w, 1);
		check(!diff_views(&v, &w, "a", note, NULL, &err));
		check_str(found, "C- b, C c");
		view_close(&v);
		view_close(&w);
	}
	close(fd);
	end();
}

TEST_MAIN;
