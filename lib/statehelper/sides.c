#include "lib/statehelper/sides.h"

#include <stdlib.h>

int sides_open(struct sides *s, const json_t *ask, const char *const *names, int n,
	       struct error *err)
{
	const char *root = json_string_value(json_object_get(ask, "root"));
	json_int_t shift = json_integer_value(json_object_get(ask, "shift"));

	if (!root)
		return err_set(err, ERR_USAGE, "no root is named");
	for (; s->n < n; s->n++) {
		const json_t *layers = json_object_get(ask, names[s->n]);
		size_t count = json_array_size(layers);
		cleanup_free const char **list = calloc(count + 1, sizeof(*list));

		if (!json_is_array(layers) || !list)
			return err_set(err, ERR_USAGE, "no '%s' is given", names[s->n]);
		for (size_t i = 0; i < count; i++) {
			list[i] = json_string_value(json_array_get(layers, i));
			if (!list[i])
				return err_set(err, ERR_USAGE, "a layer has a name");
		}
		if (view_open(3, list, (int)count, root, (unsigned int)shift, &s->view[s->n],
			      err) < 0)
			return -1;
	}
	return 0;
}

void sides_release(struct sides *s)
{
	while (s->n)
		view_close(&s->view[--s->n]);
}

void sides_confine(const struct sides *s, struct confine *c)
{
	c->read[c->n_read++] = 3;
	c->read[c->n_read++] = s->view[0].root;
}
