#include "lib/state/view.h"

#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/unit/state.h"

/* Layers as overlay would leave them; a whiteout needs root, and so do some checks. */

TEST(the_topmost_layer_decides)
{
	struct view_entry e;

	begin();
	put("root", "a", "base");
	put("root", "only", "base");
	put("one/u", "a", "longer one");
	put("two/u", "b", "two");
	look();
	check(view_lookup(&view, "a", &e, &err) == 1 && e.st.st_size == 10);
	close(e.fd);
	check(view_lookup(&view, "b", &e, &err) == 1 && e.st.st_size == 3);
	close(e.fd);
	check(view_lookup(&view, "only", &e, &err) == 1 && e.st.st_size == 4);
	close(e.fd);
	check(!view_lookup(&view, "none", &e, &err));
	check(!view_lookup(&view, "a/below", &e, &err));
	end();
}

TEST(a_whiteout_hides_what_is_below)
{
	struct view_entry e;

	if (geteuid())
		return;
	begin();
	put("root", "gone", "x");
	folder("root/dir");
	put("root/dir", "f", "x");
	put("one/u", "again", "x");
	whiteout("two/u/again");
	whiteout("two/u/dir");
	whiteout("one/u/gone");
	look();
	check(!view_lookup(&view, "gone", &e, &err));
	check(!view_lookup(&view, "dir", &e, &err) && !view_lookup(&view, "dir/f", &e, &err));
	check(!view_lookup(&view, "again", &e, &err));
	end();
}

TEST(an_opaque_folder_hides_what_is_in_those_below)
{
	struct view_entry e;

	begin();
	folder("root/dir");
	put("root/dir", "old", "x");
	folder("one/u/dir");
	put("one/u/dir", "new", "x");
	opaque("one/u/dir");
	look();
	check(!view_lookup(&view, "dir/old", &e, &err));
	check(view_lookup(&view, "dir/new", &e, &err) == 1);
	close(e.fd);
	end();
}

TEST(what_is_below_an_opaque_folder_is_hidden_at_any_depth)
{
	struct view_entry e;

	begin();
	folder("root/dir");
	folder("root/dir/sub");
	put("root/dir/sub", "old", "x");
	folder("one/u/dir");
	opaque("one/u/dir");
	/* the kernel does not mark what is made in one that is marked */
	folder("one/u/dir/sub");
	look();
	check(view_lookup(&view, "dir/sub", &e, &err) == 1);
	close(e.fd);
	check(!view_lookup(&view, "dir/sub/old", &e, &err));
	end();
}

TEST(a_mark_that_a_program_made_is_none)
{
	char full[512];
	struct view_entry e;

	if (geteuid())
		return;
	begin();
	folder("root/dir");
	put("root/dir", "old", "x");
	folder("one/u/dir");
	snprintf(full, sizeof(full), "%s/one/u/dir", dir->path);
	/* not every file system has such attributes */
	if (setxattr(full, "user.overlay.opaque", "y", 1, 0) && errno == ENOTSUP) {
		look();
		end();
		return;
	}
	look();
	check(view_lookup(&view, "dir/old", &e, &err) == 1);
	close(e.fd);
	end();
}

TEST(a_file_hides_a_folder)
{
	struct view_entry e;

	begin();
	folder("root/dir");
	put("root/dir", "old", "x");
	put("one/u", "dir", "a file");
	look();
	check(!view_lookup(&view, "dir/old", &e, &err));
	check(view_lookup(&view, "dir", &e, &err) == 1 && S_ISREG(e.st.st_mode));
	close(e.fd);
	end();
}

TEST(links_are_not_followed)
{
	struct view_entry e;

	begin();
	put("root", "secret", "x");
	folder("one/u/dir");
	check(!symlinkat("/etc", dir->fd, "one/u/out"));
	check(!symlinkat("../../../root", dir->fd, "one/u/dir/up"));
	look();
	check(view_lookup(&view, "out", &e, &err) == 1 && S_ISLNK(e.st.st_mode));
	close(e.fd);
	/* nor are they in the way of other layers' folders */
	check(!view_lookup(&view, "out/passwd", &e, &err));
	check(!view_lookup(&view, "dir/up/secret", &e, &err));
	end();
}

TEST(a_part_is_a_layer_of_its_own)
{
	struct view_entry e;

	begin();
	folder("root/usr");
	put("root/usr", "a", "base");
	folder("one/u.usr");
	put("one/u.usr", "a", "part of one");
	look();
	check(view_lookup(&view, "usr/a", &e, &err) == 1 && e.st.st_size == 11);
	close(e.fd);
	check(view_lookup(&view, "usr", &e, &err) == 1 && S_ISDIR(e.st.st_mode));
	close(e.fd);
	end();
}

TEST(owners_of_the_root_are_shifted)
{
	struct view_entry e;

	begin();
	put("root", "a", "x");
	look();
	view.shift = 1000000;
	check(view_lookup(&view, "a", &e, &err) == 1 && e.st.st_uid == geteuid() + 1000000);
	close(e.fd);
	end();
}

TEST(the_host_shows_some_of_the_machine)
{
	static const char *const none[] = { NULL };
	struct view_entry e;
	struct view host;

	begin();
	check(!view_open(dir->fd, none, 0, "", 0, &host, &err));
	check(view_lookup(&host, "usr", &e, &err) == 1);
	close(e.fd);
	check(view_lookup(&host, "etc/passwd", &e, &err) == 1);
	close(e.fd);
	check(!view_lookup(&host, "etc/shadow", &e, &err));
	check(!view_lookup(&host, "etc/ssl/private", &e, &err));
	check(!view_lookup(&host, "etc/ssh/x", &e, &err));
	check(view_lookup(&host, "work", &e, &err) == 1 && S_ISDIR(e.st.st_mode));
	close(e.fd);
	check(!view_lookup(&host, "root/.bashrc", &e, &err));
	check(!view_lookup(&host, "boot", &e, &err));
	view_close(&host);
	end();
}

TEST(a_layer_that_is_missing_is_named)
{
	static const char *const names[] = { "missing" };

	begin();
	check(view_open(dir->fd, names, 1, dir->path, 0, &view, &err) < 0);
	check(strstr(err.msg, "'missing'"));
	look();
	end();
}

TEST_MAIN;
