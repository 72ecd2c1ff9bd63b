#include "lib/executor/compact.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fault.h"
#include "lib/base/id.h"
#include "lib/base/strbuf.h"
#include "lib/executor/layer.h"
#include "lib/executor/work.h"

enum { AGAIN_US = 60000000 };	/* after a failure */

static unsigned int tier_of(const json_t *layer)
{
	const char *name = json_string_value(layer);

	/* an id of our own has no '-' */
	return name && name[0] == 'c' && isdigit((unsigned char)name[1]) && name[2] == '-'
		? (unsigned int)(name[1] - '0') : 0;
}

bool compact_choose(const json_t *layers, size_t *ret_first, unsigned int *ret_tier)
{
	size_t n = json_array_size(layers), end;

	/* the first is the snapshot's own */
	for (size_t i = 1; i < n; i = end) {
		unsigned int tier = tier_of(json_array_get(layers, i));

		for (end = i; end < n && tier_of(json_array_get(layers, end)) == tier;)
			end++;
		if (end - i >= COMPACT_FAN && tier < 9) {
			*ret_first = end - COMPACT_FAN;
			*ret_tier = tier + 1;
			return true;
		}
	}
	return false;
}

void compact_note(struct executor *x, const char *id)
{
	if (!x->compact.ids)
		x->compact.ids = json_array();
	json_array_append_new(x->compact.ids, json_string(id));
}

static int note_one(void *arg, const struct snapshot *s)
{
	cleanup_json json_t *layers = json_loads(s->layers, 0, NULL);
	unsigned int tier;
	size_t first;

	if (!strcmp(s->state, "ready") && compact_choose(layers, &first, &tier))
		compact_note(arg, s->id);
	return 0;
}

int compact_note_all(struct executor *x, struct error *err)
{
	return store_snapshot_list(x->store, note_one, x, err);
}

const char *compact_making(const struct executor *x)
{
	return x->compact.making[0] ? x->compact.making : NULL;
}

/* `,"a","b"` as the stacks are stored; the comma says that none of them is somebody's own. */
static char *as_stored(const json_t *layers)
{
	char *text = json_dumps(layers, JSON_COMPACT);
	size_t len = text ? strlen(text) : 0;

	if (len < 2)
		return text;
	text[0] = ',';
	text[len - 1] = '\0';
	return text;
}

static int replace(struct executor *x, const json_t *layers, struct error *err)
{
	cleanup_free char *from = as_stored(layers);
	char to[MSG_ID + 8];

	(void)snprintf(to, sizeof(to), ",\"%s\"", x->compact.making);
	if (!from)
		return err_set(err, ERR_LIMIT, "no memory");
	return store_snapshot_restack(x->store, from, to, err);
}

struct made {
	char id[MSG_ID];
	json_t *layers;
};

static int made(struct executor *x, void *data, json_t *result, json_t **answer,
		struct error *err)
{
	struct made *m = data;
	bool done = false;

	*answer = NULL;
	(void)fault("compact.made");
	if (result && run_flush(x, err) == 0)
		done = replace(x, m->layers, err) == 0;
	(void)fault("compact.replaced");
	if (done) {
		/* the tier above may be too long now, and of those below none needs what was there */
		compact_note(x, m->id);
		x->layers_left = true;
	} else {
		layer_remove(x, x->compact.making);
		x->compact.after_us = clock_us() + AGAIN_US;
		compact_note(x, m->id);
	}
	x->compact.making[0] = '\0';
	json_decref(m->layers);
	free(m);
	return 0;
}

static int begin(struct executor *x, const char *id, const json_t *layers, size_t first,
		 unsigned int tier, struct error *err)
{
	cleanup_json json_t *ask = NULL;
	cleanup_close int fd = layer_folder(x, err);
	struct work_request req = {
		.helper = { .program = "faas-state", .fds = { fd }, .n_fds = 1 },
		.done = made,
	};
	struct made *m;
	char own[ID_SIZE];

	if (fd < 0)
		return -1;
	m = calloc(1, sizeof(*m));
	if (!m)
		return err_set(err, ERR_LIMIT, "no memory");
	(void)snprintf(m->id, sizeof(m->id), "%s", id);
	m->layers = json_array();
	for (size_t i = 0; i < COMPACT_FAN; i++)
		json_array_append(m->layers, json_array_get(layers, first + i));
	id_make(own);
	(void)snprintf(x->compact.making, sizeof(x->compact.making), "c%u-%s", tier, own);
	ask = json_pack("{s:s,s:O,s:s}", "do", "compact", "layers", m->layers, "into",
			x->compact.making);
	req.helper.ask = ask;
	req.data = m;
	if (!work_start(x, &req, NULL, 0, err))
		return 0;
	x->compact.making[0] = '\0';
	json_decref(m->layers);
	free(m);
	return -1;
}

static int take_next(struct executor *x, struct error *err)
{
	cleanup_snapshot struct snapshot s = { 0 };
	cleanup_json json_t *layers = NULL;
	const char *id = json_string_value(json_array_get(x->compact.ids, 0));
	unsigned int tier;
	size_t first;
	int r = store_snapshot_find(x->store, id, &s, err);

	(void)json_array_remove(x->compact.ids, 0);
	if (r <= 0)
		return r;
	layers = json_loads(s.layers, 0, NULL);
	return compact_choose(layers, &first, &tier) ? begin(x, s.id, layers, first, tier, err) : 0;
}

void compact_tend(struct executor *x)
{
	struct error err;

	while (!x->compact.making[0] && json_array_size(x->compact.ids) && !x->stopping &&
	       !x->n_dirty && clock_us() >= x->compact.after_us)
		if (take_next(x, &err) < 0)
			x->compact.after_us = clock_us() + AGAIN_US;
}
