#include "lib/state/writer.h"

#include <time.h>
#include <unistd.h>

#include "lib/state/diff.h"
#include "tests/unit/state.h"

/* "two" and "one" are looked up through `view`; what is written is layer "new". */
static struct writer writer;
static int layer = -1;
static char found[4096];

static void start(void)
{
	look();
	folder("new");
	layer = openat(dir->fd, "new", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check(layer >= 0 && !writer_open(&writer, layer, &view, &err));
}

static void stop(void)
{
	writer_close(&writer);
	close(layer);
	end();
}

/* Writes what the view has at path. */
static void copy(const char *path)
{
	struct view_entry e;

	check(view_lookup(&view, path, &e, &err) == 1);
	check(!writer_put(&writer, path, &e, &err));
	close(e.fd);
}

static struct stat look_at(const char *path)
{
	struct stat st;

	check(!fstatat(dir->fd, path, &st, AT_SYMLINK_NOFOLLOW));
	return st;
}

static int note(void *arg, const struct difference *d)
{
	size_t len = strlen(found);

	(void)arg;
	snprintf(found + len, sizeof(found) - len, "%s%c%s %s", len ? ", " : "", (char)d->kind,
		 d->content ? "" : "-", d->path);
	return 0;
}

/* From the names, as a stack, to the layer "new" alone. */
static const char *compared(const char *const *names, int n, const char *const *others, int m)
{
	struct view a, b;
	char root[128];

	snprintf(root, sizeof(root), "%s/root", dir->path);
	check(!view_open(dir->fd, names, n, root, 0, &a, &err));
	check(!view_open(dir->fd, others, m, root, 0, &b, &err));
	found[0] = '\0';
	check(!diff_views(&a, &b, NULL, note, NULL, &err));
	view_close(&a);
	view_close(&b);
	return found;
}

TEST(every_kind_of_entry_is_written_as_it_was)
{
	static const char *const old[] = { "two", "one" }, *const new[] = { "new" };
	const struct timespec times[2] = { { 1000, 5 }, { 2000, 7 } };
	struct stat st;
	char target[64];

	begin();
	folder("one/u/dir");
	put("one/u/dir", "file", "hello");
	check(!fchmodat(dir->fd, "one/u/dir/file", 04751, 0));
	check(!symlinkat("/etc/passwd", dir->fd, "one/u/link"));
	check(!mknodat(dir->fd, "two/u/pipe", S_IFIFO | 0640, 0));
	check(!utimensat(dir->fd, "one/u/dir/file", times, 0));
	check(!utimensat(dir->fd, "one/u/link", times, AT_SYMLINK_NOFOLLOW));
	check(!fchmodat(dir->fd, "one/u/dir", 01777, 0));
	check(!utimensat(dir->fd, "one/u/dir", times, 0));
	start();
	copy("dir");
	copy("dir/file");
	copy("link");
	copy("pipe");
	check(!writer_finish(&writer, &err));
	check(writer.entries == 4);
	check_str(compared(old, 2, new, 1), "");
	st = look_at("new/u/dir/file");
	check(st.st_mode == (S_IFREG | 04751) && st.st_mtim.tv_sec == 2000 &&
	      st.st_mtim.tv_nsec == 7);
	st = look_at("new/u/link");
	check(S_ISLNK(st.st_mode) && st.st_mtim.tv_sec == 2000);
	check(readlinkat(dir->fd, "new/u/link", target, sizeof(target)) == 11);
	st = look_at("new/u/dir");
	check(st.st_mode == (S_IFDIR | 01777) && st.st_mtim.tv_sec == 2000);
	st = look_at("new/u/pipe");
	check(st.st_mode == (S_IFIFO | 0640));
	stop();
}

TEST(folders_above_are_made_as_they_are_in_the_view)
{
	begin();
	folder("root/a");
	folder("root/a/b");
	check(!fchmodat(dir->fd, "root/a/b", 02750, 0));
	put("root/a/b", "f", "x");
	start();
	copy("a/b/f");
	check(look_at("new/u/a/b").st_mode == (S_IFDIR | 02750));
	check(look_at("new/u/a/b").st_ino != look_at("root/a/b").st_ino);
	/* there is no such folder to be in */
	check(writer_whiteout(&writer, "never/f", &err) < 0 && err.code == ERR_BUG);
	check(writer_whiteout(&writer, "a/b/f/g", &err) < 0);
	stop();
}

TEST(whiteouts_and_opaque_folders_hide)
{
	static const char *const old[] = { "one" }, *const new[] = { "new", "one" };

	if (geteuid())
		return;
	begin();
	folder("one/u/dir");
	put("one/u/dir", "a", "x");
	put("one/u/dir", "b", "x");
	put("one/u", "gone", "x");
	start();
	copy("dir");
	copy("dir/b");
	check(!writer_opaque(&writer, "dir", &err));
	check(!writer_whiteout(&writer, "gone", &err));
	check(writer_opaque(&writer, "nothing", &err) < 0 && err.errnum == ENOENT);
	check(!writer_finish(&writer, &err));
	check_str(compared(old, 1, new, 2), "D dir/a, D gone");
	stop();
}

TEST(two_names_of_one_file_stay_so)
{
	begin();
	folder("one/u/dir");
	put("one/u", "a", "x");
	check(!linkat(dir->fd, "one/u/a", dir->fd, "one/u/dir/b", 0));
	put("one/u", "c", "x");
	start();
	copy("a");
	copy("dir/b");
	copy("c");
	check(look_at("new/u/a").st_ino == look_at("new/u/dir/b").st_ino);
	check(look_at("new/u/c").st_ino != look_at("new/u/a").st_ino);
	stop();
}

TEST(what_belongs_to_a_part_goes_there)
{
	begin();
	folder("one/u.usr");
	folder("one/u.usr/bin");
	check(!fchmodat(dir->fd, "one/u.usr", 0711, 0));
	put("one/u.usr/bin", "tool", "x");
	put("one/u", "usrlocal", "x");
	start();
	copy("usr/bin/tool");
	copy("usrlocal");
	copy("usr");
	check(S_ISREG(look_at("new/u.usr/bin/tool").st_mode));
	check(S_ISREG(look_at("new/u/usrlocal").st_mode));
	check((look_at("new/u.usr").st_mode & 07777) == 0711);
	check(!writer_finish(&writer, &err));
	stop();
}

TEST(content_of_holes_and_other_text)
{
	struct view_entry e;
	char text[8] = "";
	struct stat st;
	int fd;

	begin();
	put("one/u", "sparse", "");
	fd = openat(dir->fd, "one/u/sparse", O_WRONLY | O_CLOEXEC);
	check(fd >= 0 && pwrite(fd, "end", 3, 50 << 20) == 3 && !fsync(fd));
	close(fd);
	start();
	copy("sparse");
	check(!writer_finish(&writer, &err));
	st = look_at("new/u/sparse");
	check(st.st_size == (50 << 20) + 3 && st.st_blocks < 20000);
	fd = openat(dir->fd, "new/u/sparse", O_RDONLY | O_CLOEXEC);
	check(pread(fd, text, sizeof(text), 50 << 20) == 3 && !memcmp(text, "end", 3));
	close(fd);
	put("one/u", "text", "old");
	check(view_lookup(&view, "text", &e, &err) == 1);
	check(!writer_put_text(&writer, "text", &e, "newer", 5, &err));
	close(e.fd);
	check(look_at("new/u/text").st_size == 5);
	stop();
}

TEST(attributes_are_kept_and_marks_are_not)
{
	char path[512], value[8];

	if (geteuid())
		return;
	begin();
	put("one/u", "f", "x");
	snprintf(path, sizeof(path), "%s/one/u/f", dir->path);
	check(!setxattr(path, "trusted.overlay.origin", "y", 1, 0));
	if (setxattr(path, "user.mine", "abc", 3, 0) < 0) {
		stop();
		return;
	}
	start();
	copy("f");
	snprintf(path, sizeof(path), "%s/new/u/f", dir->path);
	check(getxattr(path, "user.mine", value, sizeof(value)) == 3);
	check(getxattr(path, "trusted.overlay.origin", value, sizeof(value)) < 0);
	stop();
}

TEST(nothing_is_followed_and_nothing_is_replaced)
{
	struct view_entry e;

	begin();
	check(!symlinkat("/tmp", dir->fd, "one/u/way"));
	put("one/u", "f", "x");
	start();
	copy("way");
	copy("f");
	check(view_lookup(&view, "f", &e, &err) == 1);
	check(writer_put(&writer, "f", &e, &err) < 0 && err.code == ERR_EXISTS);
	check(strstr(err.msg, "write '/f'"));
	check(writer_put(&writer, "way/f", &e, &err) < 0 && err.errnum == ELOOP);
	check(writer_put(&writer, "../f", &e, &err) < 0 && err.code == ERR_CORRUPT);
	check(writer_put(&writer, "/f", &e, &err) < 0 && err.code == ERR_CORRUPT);
	check(writer_put(&writer, "f/", &e, &err) < 0 && err.code == ERR_CORRUPT);
	check(writer_put(&writer, "way/./f", &e, &err) < 0 && err.code == ERR_CORRUPT);
	check(writer_put(&writer, "", &e, &err) < 0 && err.code == ERR_CORRUPT);
	close(e.fd);
	stop();
}

TEST_MAIN;
