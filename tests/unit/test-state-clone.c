#include "lib/state/clone.h"

#include <errno.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/base/remove.h"
#include "tests/unit/tempdir.h"

struct world {
	char path[64];
	int dir, from, to;
};

static struct error err;

static int folder(int dir, const char *name)
{
	check(!mkdirat(dir, name, 0751));
	return openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void file(int dir, const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0640);

	check(fd >= 0 && dprintf(fd, "%s", text) >= 0 && !close(fd));
}

static struct world world(void)
{
	struct world w = { .path = "/tmp/faas-clone-XXXXXX" };

	check(mkdtemp(w.path));
	w.dir = open(w.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	w.from = folder(w.dir, "from");
	w.to = folder(w.dir, "to");
	check(!close(folder(w.from, "u")) && !close(folder(w.from, "w")));
	return w;
}

static void finish(struct world *w)
{
	check(!close(w->from) && !close(w->to) && !tree_empty(w->dir, &err) && !close(w->dir) &&
	      !rmdir(w->path));
}

static struct stat at(const struct world *w, const char *path)
{
	struct stat st = { 0 };

	if (fstatat(w->to, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		check(errno == ENOENT);
	return st;
}

static int last_entries;

static void each(const struct clone_size *so_far)
{
	check((int)so_far->entries >= last_entries);
	last_entries = (int)so_far->entries;
}

TEST(every_kind_is_copied_and_scratch_is_not)
{
	struct clone_size size;
	struct world w = world();
	char target[16] = "";

	file(w.from, "u/a", "hello");
	check(!linkat(w.from, "u/a", w.from, "u/b", 0));
	check(!symlinkat("nowhere", w.from, "u/l") && !mknodat(w.from, "u/p", S_IFIFO | 0600, 0));
	check(!mknodat(w.from, "u/gone", S_IFCHR, makedev(0, 0)));
	check(!close(folder(w.from, "u.usr")));
	file(w.from, "u.usr/x", "");
	file(w.from, "w/scratch", "");
	last_entries = 0;
	check(!clone_layer(w.from, w.to, &size, each, &err));
	check(at(&w, "u/a").st_ino == at(&w, "u/b").st_ino && at(&w, "u/a").st_nlink == 2);
	check(at(&w, "u/a").st_size == 5 && (at(&w, "u/a").st_mode & 07777) == 0640);
	check(readlinkat(w.to, "u/l", target, sizeof(target)) == 7 && !strcmp(target, "nowhere"));
	check(S_ISFIFO(at(&w, "u/p").st_mode) && S_ISCHR(at(&w, "u/gone").st_mode));
	check(S_ISREG(at(&w, "u.usr/x").st_mode) && !at(&w, "w").st_mode);
	check(size.bytes == 5 && size.entries == 8 && last_entries == 8);
	finish(&w);
}

TEST(a_copy_does_not_change_with_what_it_is_of)
{
	struct world w = world();
	struct clone_size size;

	file(w.from, "u/a", "before");
	check(!clone_layer(w.from, w.to, &size, NULL, &err));
	file(w.from, "u/a", "afterwards");
	check(at(&w, "u/a").st_size == 6);
	finish(&w);
}

TEST(folders_keep_marks_times_and_attributes)
{
	const char *mark = geteuid() ? "user.overlay.opaque" : "trusted.overlay.opaque";
	const struct timespec times[] = { { .tv_sec = 1000 }, { .tv_sec = 2000, .tv_nsec = 3 } };
	struct world w = world();
	struct clone_size size;
	char value[8] = "";
	int fd = folder(w.from, "u/d");

	check(fd >= 0 && !fsetxattr(fd, "user.mine", "v", 1, 0) && !fsetxattr(fd, mark, "y", 1, 0));
	file(w.from, "u/d/x", "1");
	check(!futimens(fd, times) && !close(fd));
	check(!clone_layer(w.from, w.to, &size, NULL, &err));
	check(at(&w, "u/d").st_mtim.tv_sec == 2000 && at(&w, "u/d").st_mtim.tv_nsec == 3);
	check((at(&w, "u/d").st_mode & 07777) == 0751);
	fd = openat(w.to, "u/d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check(fgetxattr(fd, "user.mine", value, sizeof(value)) == 1 && *value == 'v');
	check(fgetxattr(fd, mark, value, sizeof(value)) == 1 && *value == 'y' && !close(fd));
	finish(&w);
}

TEST(what_is_there_already_and_what_is_too_deep_is_an_error)
{
	struct world w = world();
	struct clone_size size;
	int fd = openat(w.from, "u", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (int i = 0; i < 250; i++) {
		int sub = folder(fd, "d");

		check(sub >= 0 && !close(fd));
		fd = sub;
	}
	check(!close(fd));
	check(clone_layer(w.from, w.to, &size, NULL, &err) < 0 && err.code == ERR_LIMIT);
	check(clone_layer(w.from, w.to, &size, NULL, &err) < 0);
	finish(&w);
}

TEST_MAIN;
