#include "lib/state/paths.h"

#include <unistd.h>

#include "tests/unit/state.h"

TEST(a_set_is_sorted_and_has_each_once)
{
	CLEANUP(paths_release) struct paths *p = &(struct paths){ 0 };
	static const char *const in[] = { "b", "a/b", "a", "a-b", "a/b", "b" };

	paths_sort(p);
	check(!p->n);
	for (size_t i = 0; i < ARRAY_SIZE(in); i++)
		check(!paths_add(p, in[i], &err));
	paths_sort(p);
	check(p->n == 4);
	check_str(p->v[0], "a");
	check_str(p->v[1], "a-b");
	check_str(p->v[2], "a/b");
	check_str(p->v[3], "b");
}

TEST(what_is_below_a_folder_of_all_layers)
{
	CLEANUP(paths_release) struct paths *p = &(struct paths){ 0 };

	begin();
	folder("root/d");
	put("root/d", "a", "x");
	folder("one/u/d");
	folder("one/u/d/e");
	put("one/u/d/e", "b", "x");
	folder("two/u/d");
	put("two/u/d", "a", "y");
	look();
	check(!paths_below(p, &view, "d", &err));
	paths_sort(p);
	check(p->n == 3);
	check_str(p->v[0], "d/a");
	check_str(p->v[1], "d/e");
	check_str(p->v[2], "d/e/b");
	end();
}

TEST_MAIN;
