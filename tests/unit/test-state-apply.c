#include "lib/state/apply.h"

#include <unistd.h>

#include "tests/unit/state.h"

/* "one" is the base and "two" is theirs, below /work; "mine" is the folder. */
static struct view base, mine;
static struct merge merged;
static int fd = -1;

static int never(const struct merge *m, const int fds[3], char **ret, size_t *len,
		 struct error *e)
{
	(void)fds;
	(void)m;
	(void)ret;
	(void)len;
	(void)e;
	return TEXT_CONFLICT;
}

static void start(void)
{
	begin();
	folder("one/u/work");
	folder("two/u/work");
	folder("mine");
}

static void plan(void)
{
	open_layers(&base, 1);
	look();
	fd = openat(dir->fd, "mine", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	mine = apply_view(fd);
	merged = (struct merge){ .text = never, .no_owners = true, .given = true };
	merged.side[FROM_BASE] = (struct merge_side){ &base, "work" };
	merged.side[FROM_OURS] = (struct merge_side){ &mine, "" };
	merged.side[FROM_THEIRS] = (struct merge_side){ &view, "work" };
	check(!apply_paths(&base, &view, "work", &merged.paths, &err));
	check(!merge_plan(&merged, &err));
}

static void stop(void)
{
	merge_release(&merged);
	view_close(&base);
	close(fd);
	end();
}

static bool has(const char *path)
{
	return !faccessat(dir->fd, path, F_OK, AT_SYMLINK_NOFOLLOW);
}

TEST(what_theirs_changed_is_applied)
{
	struct stat st;

	if (geteuid())
		return;
	start();
	folder("one/u/work/d");
	put("one/u/work/d", "gone", "x");
	put("one/u/work", "f", "x");
	folder("mine/d");
	put("mine/d", "gone", "x");
	put("mine", "f", "x");
	put("mine", "own", "x");
	whiteout("two/u/work/d");
	put("two/u/work", "f", "longer");
	check(!fchmodat(dir->fd, "two/u/work/f", 04755, 0));
	put("two/u", "elsewhere", "x");
	plan();
	check(!merged.n_conflicts && merged.deleted == 2 && merged.changed == 1);
	check(!apply_merge(&merged, fd, &err));
	check(!has("mine/d") && has("mine/own") && !has("mine/elsewhere"));
	check(!fstatat(dir->fd, "mine/f", &st, 0) && st.st_size == 6);
	check((st.st_mode & 07777) == 0755);
	stop();
}

TEST(what_was_changed_since_the_plan_stays)
{
	start();
	put("one/u/work", "f", "x");
	put("mine", "f", "x");
	put("two/u/work", "f", "y");
	plan();
	put("mine", "f", "meanwhile");
	check(apply_merge(&merged, fd, &err) < 0 && err.code == ERR_CONFLICT);
	check(faccessat(dir->fd, "mine/f", F_OK, 0) == 0);
	stop();
}

TEST(a_link_in_the_way_is_not_followed)
{
	start();
	folder("outside");
	folder("two/u/work/way");
	put("two/u/work/way", "in", "x");
	plan();
	check(!merged.n_conflicts);
	check(!symlinkat("../outside", dir->fd, "mine/way"));
	check(apply_merge(&merged, fd, &err) < 0);
	check(!has("outside/in"));
	stop();
}

TEST_MAIN;
