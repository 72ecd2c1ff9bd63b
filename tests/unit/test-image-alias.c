#include "lib/image/alias.h"

#include <fcntl.h>
#include <unistd.h>

#include "lib/base/remove.h"
#include "tests/unit/test.h"

static char dir[] = "/tmp/faas-alias-XXXXXX";
static char path[64];

static const char *resolve(const char *name)
{
	static char buf[IMAGE_REF];
	cleanup_aliases struct image_aliases a = { NULL, 0 };
	struct error err;

	check(image_aliases_load(path, &a, &err) == 0);
	return image_alias_resolve(&a, name, buf, &err) == 0 ? buf : NULL;
}

static void write_file(const char *text)
{
	FILE *f = fopen(path, "we");

	check(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static enum err_code load_error(void)
{
	cleanup_aliases struct image_aliases a = { NULL, 0 };
	struct error err = { 0 };

	return image_aliases_load(path, &a, &err) < 0 ? err.code : ERR_NONE;
}

TEST(a_file_of_aliases)
{
	struct error err;
	int tmp;

	check(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/below/images", dir);
	check_str(resolve("alpine-fast"), "docker.io/library/alpine:3");
	check_str(resolve("alpine"), "alpine");
	check(!resolve("Not An Image"));
	check(image_alias_set(path, "mine", "r.example/a/b", &err) == 0);
	check(image_alias_set(path, "alpine-fast", "alpine:edge", &err) == 0);
	check_str(resolve("mine"), "r.example/a/b");
	check_str(resolve("mine:3"), "r.example/a/b:3");
	check_str(resolve("alpine-fast"), "alpine:edge");
	check_str(resolve("alpine-fast:3"), "alpine-fast:3");
	check_str(resolve("x/mine:3"), "x/mine:3");
	check(image_alias_set(path, "mine", "other:1", &err) == 0);
	check_str(resolve("mine"), "other:1");
	check(image_alias_set(path, "mine", NULL, &err) == 0);
	check_str(resolve("mine"), "mine");
	check(image_alias_set(path, "mine", NULL, &err) < 0 && err.code == ERR_NOT_FOUND);
	check(image_alias_set(path, "a/b", "x", &err) < 0 && err.code == ERR_USAGE);
	check(image_alias_set(path, "a", "X", &err) < 0 && err.code == ERR_USAGE);
	write_file("# words\n\n  a\tx:1 # more\r\nb  y");
	check_str(resolve("a"), "x:1");
	check_str(resolve("b:2"), "y:2");
	write_file("a\n");
	check(load_error() == ERR_USAGE);
	write_file("a b c\n");
	check(load_error() == ERR_USAGE);
	write_file("a B\n");
	check(load_error() == ERR_USAGE);
	tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check(tree_remove(tmp, dir + 5, &err) == 0 && close(tmp) == 0);
}

TEST_MAIN;
