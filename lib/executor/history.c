#include <stdlib.h>
#include <string.h>

#include "lib/executor/merge.h"

/* Where a snapshot comes from: its parent, and what was merged into that. */

static int note(struct executor *x, const char *id, json_t *seen, json_t *next,
		struct error *err)
{
	cleanup_snapshot struct snapshot s = { .id = "" };
	int r;

	if (!id || json_object_get(seen, id))
		return 0;
	r = store_snapshot_find(x->store, id, &s, err);
	if (r <= 0)
		return r;	/* it was deleted: nothing older is known that way */
	json_object_set_new(seen, id, json_integer(s.seq));
	json_array_append_new(next, json_pack("[s?,s?]", s.parent, s.merged));
	return 0;
}

/* The ids of all ancestors, and its own, with their order. */
static json_t *ancestors(struct executor *x, const char *id, struct error *err)
{
	json_t *seen = json_object();
	cleanup_json json_t *next = json_array();
	int r = note(x, id, seen, next, err);

	for (size_t i = 0; !r && i < json_array_size(next); i++) {
		const json_t *two = json_array_get(next, i);

		for (size_t j = 0; !r && j < 2; j++)
			r = note(x, json_string_value(json_array_get(two, j)), seen, next, err);
	}
	if (!r)
		return seen;
	json_decref(seen);
	return NULL;
}

int history_base(struct executor *x, const struct snapshot *a, const struct snapshot *b,
		 struct snapshot *ret, struct error *err)
{
	cleanup_json json_t *of_a = NULL;
	cleanup_json json_t *of_b = NULL;
	const char *id, *best = NULL;
	json_int_t newest = -1;
	json_t *seq;

	*ret = (struct snapshot){ .id = "" };
	if (strcmp(a->environment, b->environment))
		return err_set(err, ERR_CONFLICT, "'%s' is of environment '%s', and '%s' of '%s'",
			       a->id, a->environment, b->id, b->environment);
	of_a = ancestors(x, a->id, err);
	of_b = of_a ? ancestors(x, b->id, err) : NULL;
	if (!of_b)
		return -1;
	/* a snapshot is newer than what it comes from */
	json_object_foreach(of_a, id, seq)
		if (json_object_get(of_b, id) && json_integer_value(seq) > newest) {
			newest = json_integer_value(seq);
			best = id;
		}
	return best && store_snapshot_find(x->store, best, ret, err) < 0 ? -1 : 0;
}
