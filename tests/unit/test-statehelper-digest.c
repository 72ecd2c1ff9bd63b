#include "lib/statehelper/digest.h"

#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "tests/unit/state.h"

static char text[2][DIGEST_TEXT];

static const char *of(const char *layer, int i)
{
	struct walk_owners owners = { .shift = 0 };
	int fd = openat(dir->fd, layer, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	check(fd >= 0 && !digest_layer(fd, &owners, text[i], &err));
	close(fd);
	return text[i];
}

static bool same(void)
{
	return !strcmp(of("one", 0), of("two", 1));
}

TEST(the_same_content_is_the_same)
{
	begin();
	check(same() && strlen(text[0]) == DIGEST_TEXT - 1);
	put("one/u", "a", "text");
	check(!same());
	put("two/u", "a", "texT");
	check(!same());
	put("two/u", "a", "text");
	check(same());
	/* times are not content, and neither are overlay's own folders */
	check(!utimensat(dir->fd, "one/u/a", (struct timespec[]){ { 1, 2 }, { 3, 4 } }, 0));
	folder("one/w");
	put("one/w", "x", "y");
	check(same());
	check(!fchmodat(dir->fd, "one/u/a", 0600, 0));
	check(!same());
	check(!fchmodat(dir->fd, "one/u/a", 04644, 0));
	check(same());
	end();
}

TEST(names_links_and_marks_count)
{
	begin();
	put("one/u", "a", "x");
	put("two/u", "a", "x");
	check(!symlinkat("a", dir->fd, "one/u/l") && !symlinkat("b", dir->fd, "two/u/l"));
	check(!same());
	check(!unlinkat(dir->fd, "two/u/l", 0) && !symlinkat("a", dir->fd, "two/u/l"));
	check(same());
	check(!linkat(dir->fd, "one/u/a", dir->fd, "one/u/b", 0));
	put("two/u", "b", "x");
	check(!same());
	check(!unlinkat(dir->fd, "two/u/b", 0) && !linkat(dir->fd, "two/u/a", dir->fd, "two/u/b", 0));
	check(same());
	whiteout("one/u/gone");
	check(!same());
	whiteout("two/u/gone");
	check(same());
	folder("one/u/d");
	folder("two/u/d");
	check(same());
	opaque("one/u/d");
	check(!same());
	end();
}

TEST(holes_are_zeros)
{
	static char zeros[300000];
	int a, b;

	begin();
	a = openat(dir->fd, "one/u/f", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	b = openat(dir->fd, "two/u/f", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	check(a >= 0 && b >= 0);
	check(pwrite(a, "end", 3, 300000) == 3);
	check(write(b, zeros, sizeof(zeros)) == sizeof(zeros) && write(b, "end", 3) == 3);
	check(same());
	check(!ftruncate(a, 300004));
	check(!same());
	check(!ftruncate(b, 300004));
	check(same());
	/* one that nobody can read to its end by reading all of it */
	check(!ftruncate(a, INT64_C(1) << 40));
	check(!same());
	close(a);
	close(b);
	end();
}

TEST(owners_count_in_the_first_half)
{
	struct walk_owners nobody = { .nobody = true };
	int fd;

	/* only root gives files away */
	if (geteuid())
		return;
	begin();
	put("one/u", "a", "x");
	put("two/u", "a", "x");
	check(!fchownat(dir->fd, "one/u/a", 7, 8, 0));
	check(!same() && digest_same(text[0], text[1], false) && !digest_same(text[0], text[1], true));
	fd = openat(dir->fd, "one", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check(!digest_layer(fd, &nobody, text[0], &err));
	close(fd);
	fd = openat(dir->fd, "two", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check(!digest_layer(fd, &nobody, text[1], &err) && !strcmp(text[0], text[1]));
	close(fd);
	end();
}

TEST(a_chain_depends_on_all_of_it)
{
	char a[HASH_TEXT], b[HASH_TEXT];

	begin();
	of("one", 0);
	put("one/u", "a", "x");
	of("one", 1);
	digest_chain("environment host ", text[0], a);
	digest_chain("environment other ", text[0], b);
	check(strcmp(a, b) != 0);
	digest_chain("environment host ", text[1], b);
	check(strcmp(a, b) != 0);
	digest_chain("environment host ", text[0], b);
	check(!strcmp(a, b));
	check(!digest_same("", "", true) && !digest_same(text[0], "abc", false));
	end();
}

static int add_alone(void *arg, const struct walk_entry *e, struct error *error)
{
	struct digest *d = arg;
	uint64_t at = 0;
	char *room;
	ssize_t n;

	while ((n = walk_read(e, &at, room = digest_room(d), error)) > 0) {
		digest_block(d, at, room, (size_t)n);
		at += (uint64_t)n;
	}
	digest_add(d, e);
	return (int)n;
}

TEST(with_a_thread_as_without)
{
	struct walk_owners owners = { .shift = 0 };
	static char bytes[150001];
	struct digest d;
	int fd;

	begin();
	for (int i = 0; i < 40; i++) {
		char name[] = { (char)('A' + i), '\0' };
		int f = openat(dir->fd, "one/u", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		int file = openat(f, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

		memset(bytes, i + 1, sizeof(bytes));
		check(write(file, bytes, sizeof(bytes)) == sizeof(bytes));
		close(file);
		close(f);
	}
	of("one", 0);
	digest_begin(&d);
	d.alone = true;
	fd = openat(dir->fd, "one", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check(fd >= 0 && !walk_layer(fd, &owners, add_alone, &d, &err));
	check(!d.queue && d.bytes == 40 * sizeof(bytes));
	digest_end(&d, text[1]);
	check(!strcmp(text[0], text[1]));
	close(fd);
	end();
}

TEST_MAIN;
