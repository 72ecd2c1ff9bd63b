#include "lib/state/compact.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/base/remove.h"
#include "tests/unit/test.h"

/* Layers are made of words: "+path" a file, "/path" a folder, "-path" a whiteout, "=path" hides. */
struct world {
	char path[64];
	int dir, layers[8], n, out;
};

static void make(int dir, const char *word)
{
	const char *mark = geteuid() ? "user.overlay.opaque" : "trusted.overlay.opaque";
	int fd;

	switch (*word) {
	case '+':
		fd = openat(dir, word + 1, O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
		check(fd >= 0 && dprintf(fd, "%d", dir) > 0 && !close(fd));
		return;
	case '-':
		check(!mknodat(dir, word + 1, S_IFCHR, makedev(0, 0)));
		return;
	}
	check(!mkdirat(dir, word + 1, 0750));
	if (*word != '=')
		return;
	fd = openat(dir, word + 1, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check(fd >= 0 && !fsetxattr(fd, mark, "y", 1, 0) && !close(fd));
}

/* Newest first, ended by NULL. */
static struct world world(const char *const *layers)
{
	struct world w = { .path = "/tmp/faas-compact-XXXXXX" };

	check(mkdtemp(w.path));
	w.dir = open(w.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check(w.dir >= 0);
	for (; *layers; layers++) {
		char name[16], text[512], *at = text, *word;

		(void)snprintf(name, sizeof(name), "%d", w.n);
		(void)snprintf(text, sizeof(text), "%s", *layers);
		check(!mkdirat(w.dir, name, 0711));
		w.layers[w.n] = openat(w.dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		check(w.layers[w.n] >= 0);
		while ((word = strsep(&at, " ")))
			make(w.layers[w.n], word);
		w.n++;
	}
	check(!mkdirat(w.dir, "out", 0711));
	w.out = openat(w.dir, "out", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check(w.out >= 0);
	return w;
}

static void finish(struct world *w)
{
	struct error err;

	for (int i = 0; i < w->n; i++)
		check(!close(w->layers[i]));
	check(!close(w->out) && !tree_empty(w->dir, &err) && !close(w->dir) && !rmdir(w->path));
}

static struct stat at(const struct world *w, const char *path)
{
	struct stat st = { 0 };

	if (fstatat(w->out, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		check(errno == ENOENT);
	return st;
}

/* Which layer's file it is, by what is in it. */
static int whose(const struct world *w, const char *path)
{
	int fd = openat(w->out, path, O_RDONLY | O_CLOEXEC), n, who = -1;
	char text[16];

	check(fd >= 0);
	n = (int)read(fd, text, sizeof(text) - 1);
	check(n > 0 && !close(fd));
	text[n] = '\0';
	for (int i = 0; i < w->n; i++) {
		char own[16];

		(void)snprintf(own, sizeof(own), "%d", w->layers[i]);
		if (!strcmp(own, text))
			who = i;
	}
	return who;
}

static bool hides(const struct world *w, const char *path)
{
	const char *mark = geteuid() ? "user.overlay.opaque" : "trusted.overlay.opaque";
	int fd = openat(w->out, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char value[4];
	bool r;

	check(fd >= 0);
	r = fgetxattr(fd, mark, value, sizeof(value)) == 1;
	(void)close(fd);
	return r;
}

TEST(the_topmost_that_knows_a_name_decides)
{
	struct world w = world((const char *const[]){
		"/u +u/a /u/d +u/d/x", "/u +u/a +u/b /u/d +u/d/y -u/gone", "/u +u/gone +u/c", NULL });
	struct error err = { 0 };

	check(!compact_layers(w.layers, w.n, w.out, &err));
	check(whose(&w, "u/a") == 0 && whose(&w, "u/b") == 1 && whose(&w, "u/c") == 2);
	check(whose(&w, "u/d/x") == 0 && whose(&w, "u/d/y") == 1);
	check(S_ISCHR(at(&w, "u/gone").st_mode) && !at(&w, "u/gone").st_rdev);
	check(at(&w, "u/a").st_nlink == 2);
	check((at(&w, "u/d").st_mode & 07777) == 0750);
	check(!hides(&w, "u") && !hides(&w, "u/d"));
	finish(&w);
}

TEST(a_folder_that_hides_ends_the_search)
{
	struct world w = world((const char *const[]){
		"/u /u/d +u/d/new", "/u =u/d +u/d/own", "/u /u/d +u/d/old", NULL });
	struct error err = { 0 };

	check(!compact_layers(w.layers, w.n, w.out, &err));
	check(whose(&w, "u/d/new") == 0 && whose(&w, "u/d/own") == 1);
	check(!at(&w, "u/d/old").st_mode);
	check(hides(&w, "u/d"));
	finish(&w);
}

TEST(a_folder_over_something_else_hides)
{
	struct world w = world((const char *const[]){
		"/u /u/f /u/g", "/u +u/f -u/g", "/u /u/f +u/f/x /u/g +u/g/x", NULL });
	struct error err = { 0 };

	check(!compact_layers(w.layers, w.n, w.out, &err));
	check(hides(&w, "u/f") && hides(&w, "u/g"));
	check(!at(&w, "u/f/x").st_mode && !at(&w, "u/g/x").st_mode);
	finish(&w);
}

TEST(something_else_over_a_folder_is_itself)
{
	struct world w = world((const char *const[]){ "/u +u/f -u/g", "/u /u/f +u/f/x /u/g", NULL });
	struct error err = { 0 };

	check(!compact_layers(w.layers, w.n, w.out, &err));
	check(S_ISREG(at(&w, "u/f").st_mode) && S_ISCHR(at(&w, "u/g").st_mode));
	finish(&w);
}

TEST(parts_stay_apart_and_scratch_is_left_out)
{
	struct world w = world((const char *const[]){
		"/u /w /u.etc +u.etc/a", "/u.etc +u.etc/b /u.usr +u.usr/c /w.etc", NULL });
	struct error err = { 0 };

	check(!compact_layers(w.layers, w.n, w.out, &err));
	check(whose(&w, "u.etc/a") == 0 && whose(&w, "u.etc/b") == 1 && whose(&w, "u.usr/c") == 1);
	check(!at(&w, "w").st_mode && !at(&w, "w.etc").st_mode);
	finish(&w);
}

TEST(folders_keep_times_and_attributes)
{
	struct world w = world((const char *const[]){ "/u /u/d", "/u /u/d +u/d/x", NULL });
	const struct timespec times[] = { { .tv_sec = 1000 }, { .tv_sec = 2000, .tv_nsec = 3 } };
	struct error err = { 0 };
	char value[8] = "";
	int fd = openat(w.layers[0], "u/d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	check(fd >= 0 && !fsetxattr(fd, "user.mine", "v", 1, 0) && !futimens(fd, times));
	(void)close(fd);
	check(!compact_layers(w.layers, w.n, w.out, &err));
	check(at(&w, "u/d").st_mtim.tv_sec == 2000 && at(&w, "u/d").st_mtim.tv_nsec == 3);
	fd = openat(w.out, "u/d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check(fgetxattr(fd, "user.mine", value, sizeof(value)) == 1 && *value == 'v');
	(void)close(fd);
	finish(&w);
}

TEST(too_many_layers_and_too_deep_folders_are_refused)
{
	struct world w = world((const char *const[]){ "/u", NULL });
	struct error err = { 0 };
	int fd = openat(w.layers[0], "u", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	check(compact_layers(w.layers, 0, w.out, &err) < 0 && err.code == ERR_USAGE);
	check(compact_layers(w.layers, COMPACT_LAYERS_MAX + 1, w.out, &err) < 0);
	for (int i = 0; i < 250; i++) {
		int sub;

		check(!mkdirat(fd, "d", 0700));
		sub = openat(fd, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		check(sub >= 0 && !close(fd));
		fd = sub;
	}
	(void)close(fd);
	check(compact_layers(w.layers, w.n, w.out, &err) < 0 && err.code == ERR_LIMIT);
	finish(&w);
}

TEST_MAIN;
