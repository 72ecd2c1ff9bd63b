#include "lib/chain/inputs.h"

#include "tests/unit/tempdir.h"

static struct error err;

static char *path_in(const struct tempdir *dir, const char *name)
{
	char *path;

	check(asprintf(&path, "%s/%s", dir->path, name) > 0);
	return path;
}

static const char *content(const struct inputs *in, const char *to)
{
	return json_string_value(json_object_get(in->content, to));
}

static void add(struct inputs *in, const struct tempdir *dir, const char *name, const char *to)
{
	cleanup_free char *path = path_in(dir, name);

	check(!inputs_add(in, path, to, &err));
}

TEST(a_file_is_its_mode_and_its_bytes)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	CLEANUP_INPUTS struct inputs in = INPUTS;
	CLEANUP_INPUTS struct inputs again = INPUTS;

	put_file(dir, "a", "abc", 3);
	put_file(dir, "b", "abc", 3);
	add(&in, dir, "a", "/x");
	check_str(content(&in, "/x"), "file 0600 "
		  "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
	/* wherever it comes from */
	add(&again, dir, "b", "/x");
	check(json_equal(in.content, again.content));
	check(!fchmodat(dir->fd, "b", 0755, 0));
	add(&again, dir, "b", "/x");
	check(!json_equal(in.content, again.content));
	put_file(dir, "a", "abd", 3);
	add(&again, dir, "a", "/x");
	check(!json_equal(in.content, again.content));
}

TEST(a_folder_is_what_is_in_it)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	CLEANUP_INPUTS struct inputs in = INPUTS;

	put_file(dir, "f", "1", 1);
	put_file(dir, "\377", "2", 1);
	check(!symlinkat("f", dir->fd, "l") && !symlinkat("\376", dir->fd, "m"));
	check(!mkdirat(dir->fd, "d", 0750) && !fchmod(dir->fd, 0711));
	check(!inputs_add(&in, dir->path, "/t", &err));
	check(json_object_size(in.content) == 6);
	check_str(content(&in, "/t"), "folder 0711");
	check_str(content(&in, "/t/d"), "folder 0750");
	check_str(content(&in, "/t/l"), "link f");
	check_str(content(&in, "/t/m"), "link64 /g==");
	check(!strncmp(content(&in, "base64:L3Qv/w=="), "file 0600 ", 10));
	/* a link that is named is followed */
	add(&in, dir, "l", "/f");
	check(json_equal(json_object_get(in.content, "/f"), json_object_get(in.content, "/t/f")));
}

TEST(of_very_many_there_is_one_digest)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	CLEANUP_INPUTS struct inputs in = INPUTS;
	CLEANUP_INPUTS struct inputs again = INPUTS;
	char name[16];

	for (int i = 0; i < INPUTS_TOLD; i++) {
		snprintf(name, sizeof(name), "%d", i);
		put_file(dir, name, "x", 1);
	}
	check(!inputs_add(&in, dir->path, "/t", &err) && !inputs_add(&in, dir->path, "/t", &err));
	check(json_object_size(in.content) == 2 && in.n == 2 * (INPUTS_TOLD + 1));
	check(!strncmp(content(&in, "/t"), "tree 4097 ", 10));
	check_str(content(&in, "/t, more"), content(&in, "/t"));
	put_file(dir, "7", "y", 1);
	check(!inputs_add(&again, dir->path, "/t", &err));
	check(strcmp(content(&again, "/t"), content(&in, "/t")) != 0);
	check(!unlinkat(dir->fd, "7", 0));
	inputs_release(&again);
	check(!inputs_add(&again, dir->path, "/t", &err));
	check(json_object_size(again.content) == INPUTS_TOLD);
}

static bool changed(const struct inputs *in)
{
	const char *which;

	return inputs_changed(in, &which);
}

TEST(changes_meanwhile_are_seen)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	struct inputs in = INPUTS;
	const char *which = NULL;

	put_file(dir, "f", "1", 1);
	check(!inputs_add(&in, dir->path, "/t", &err) && !changed(&in));
	put_file(dir, "f", "22", 2);
	check(inputs_changed(&in, &which) && strstr(which, "/f"));
	inputs_release(&in);
	check(!inputs_add(&in, dir->path, "/t", &err) && !changed(&in));
	put_file(dir, "g", "", 0);
	check(changed(&in));
	inputs_release(&in);
	check(!inputs_add(&in, dir->path, "/t", &err) && !changed(&in));
	check(!unlinkat(dir->fd, "g", 0));
	check(changed(&in));
	inputs_release(&in);
	check(!changed(&in));
}

TEST(what_cannot_be_taken)
{
	CLEANUP(tempdir_remove) struct tempdir *dir = tempdir_new();
	CLEANUP_INPUTS struct inputs in = INPUTS;
	cleanup_free char *fifo = path_in(dir, "fifo");
	cleanup_free char *none = path_in(dir, "none");

	check(!mkfifoat(dir->fd, "fifo", 0600));
	check(inputs_add(&in, fifo, "/x", &err) < 0 && err.code == ERR_USAGE);
	check(inputs_add(&in, dir->path, "/x", &err) < 0 && err.code == ERR_USAGE);
	check(inputs_add(&in, none, "/x", &err) < 0 && err.code == ERR_NOT_FOUND);
}

TEST_MAIN;
