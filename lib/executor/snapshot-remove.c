#include "lib/executor/snapshot-remove.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fault.h"
#include "lib/executor/instance.h"
#include "lib/executor/layer.h"
#include "lib/executor/work.h"

struct row {
	char id[STORE_ID], name[STORE_NAME], parent[STORE_ID], layer[STORE_ID];
	int64_t bytes;
	bool ready, measured, marked;
};

struct doom {
	struct executor *x;
	struct row *rows;		/* oldest first, so parents before children */
	size_t n, size;
	bool full;			/* no memory for all of them */
	json_t *by_id;			/* id to index */
	json_t *users;			/* id to why something other than a snapshot needs it */
	json_t *kept;
};

static int add_row(void *arg, const struct snapshot *s)
{
	cleanup_json json_t *layers = json_loads(s->layers ? s->layers : "[]", 0, NULL);
	const char *layer = json_string_value(json_array_get(layers, 0));
	struct doom *d = arg;
	struct row *row;

	if (d->n == d->size) {
		size_t size = d->size ? d->size * 2 : 64;
		struct row *rows = reallocarray(d->rows, size, sizeof(*rows));

		d->full = !rows;
		if (!rows)
			return 1;
		d->rows = rows;
		d->size = size;
	}
	row = &d->rows[d->n];
	*row = (struct row){ .bytes = s->bytes, .ready = !strcmp(s->state, "ready"),
			     .measured = s->synced_ms > 0 };
	(void)snprintf(row->id, sizeof(row->id), "%s", s->id);
	(void)snprintf(row->name, sizeof(row->name), "%s", s->name);
	(void)snprintf(row->parent, sizeof(row->parent), "%s", s->parent ? s->parent : "");
	(void)snprintf(row->layer, sizeof(row->layer), "%s", layer ? layer : "");
	json_object_set_new(d->by_id, s->id, json_integer((json_int_t)d->n++));
	return 0;
}

static void used_by(struct doom *d, const char *id, const char *how, const char *who)
{
	char text[400];

	(void)snprintf(text, sizeof(text), how, who);
	json_object_set_new(d->users, id, json_string(text));
}

static int add_branch(void *arg, const struct branch *b)
{
	static const char needs[] = "branch '%s' needs it";

	used_by(arg, b->base, needs, b->name);
	used_by(arg, b->head, needs, b->name);
	return 0;
}

static void held(void *arg, const char *id)
{
	used_by(arg, id, "%s is reading it", "a command");
}

int doom_begin(struct executor *x, struct doom **ret, struct error *err)
{
	CLEANUP(doom_free) struct doom *d = calloc(1, sizeof(*d));

	if (!d)
		return err_sys(err, ENOMEM, "look at snapshots");
	*d = (struct doom){ .x = x, .by_id = json_object(), .users = json_object(),
			    .kept = json_array() };
	if (run_flush(x, err) < 0 || store_snapshot_list(x->store, add_row, d, err) < 0 ||
	    store_branch_list(x->store, add_branch, d, err) < 0)
		return -1;
	if (d->full)
		return err_sys(err, ENOMEM, "look at snapshots");
	for (const struct run *run = x->runs; run; run = run->next)
		if (!run->finished && run->rec.parent)
			used_by(d, run->rec.parent, "it is in use by execution '%s'", run->rec.id);
	for (const struct live_instance *i = x->instances; i; i = i->next)
		if (i->rec.base)
			used_by(d, i->rec.base, "instance '%s' stands on it", instance_name(i));
	work_each_held(x, held, d);
	for (const struct session *s = x->sessions; s; s = s->next)
		if (s->held[0])
			used_by(d, s->held, "%s goes on from it", "a chain of steps");
	*ret = TAKE_PTR(d);
	return 0;
}

void doom_free(struct doom *d)
{
	if (!d)
		return;
	json_decref(d->by_id);
	json_decref(d->users);
	json_decref(d->kept);
	free(d->rows);
	free(d);
}

static struct row *row_of(const struct doom *d, const char *id)
{
	const json_t *i = json_object_get(d->by_id, id);

	return i ? &d->rows[json_integer_value(i)] : NULL;
}

bool doom_mark(struct doom *d, const char *id)
{
	struct row *row = row_of(d, id);

	if (!row || !row->ready)
		return false;
	row->marked = true;
	return true;
}

void doom_mark_descendants(struct doom *d)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct row *parent = row_of(d, d->rows[i].parent);

		if (parent && parent->marked && d->rows[i].ready)
			d->rows[i].marked = true;
	}
}

static void spare(struct doom *d, struct row *row, const char *why)
{
	row->marked = false;
	json_array_append_new(d->kept, json_pack("{s:s,s:o,s:s}", "id", row->id, "name",
						 *row->name ? json_string(row->name) : json_null(),
						 "why", why));
}

void doom_spare(struct doom *d, const json_t **ret_kept)
{
	/* of what stays, what stands on it: known before it is looked at */
	for (size_t i = d->n; i-- > 0;) {
		struct row *row = &d->rows[i], *parent;
		const char *why = json_string_value(json_object_get(d->users, row->id));

		if (row->marked && why)
			spare(d, row, why);
		parent = row->marked ? NULL : row_of(d, row->parent);
		if (parent)
			used_by(d, parent->id, "'%s' stands on it",
				*row->name ? row->name : row->id);
	}
	*ret_kept = d->kept;
}

json_t *doom_report(const struct doom *d)
{
	json_t *list = json_array();

	for (size_t i = d->n; i-- > 0;) {
		const struct row *row = &d->rows[i];
		bool own = !strcmp(row->layer, row->id);

		if (!row->marked)
			continue;
		json_array_append_new(list, json_pack("{s:s,s:o,s:o}", "id", row->id, "name",
			*row->name ? json_string(row->name) : json_null(), "bytes",
			!own ? json_integer(0) : row->measured ? json_integer(row->bytes)
							       : json_null()));
	}
	return list;
}

static int delete_rows(struct doom *d, struct error *err)
{
	struct store *store = d->x->store;

	if (store_begin(store, err) < 0)
		return -1;
	for (size_t i = d->n; i-- > 0;)
		if (d->rows[i].marked && store_snapshot_delete(store, d->rows[i].id, err) < 0) {
			store_rollback(store);
			return -1;
		}
	(void)fault("snapshot.remove.commit");
	return store_commit(store, err);
}

int doom_carry_out(struct executor *x, struct doom *d, struct error *err)
{
	int r = delete_rows(d, err);

	if (r < 0 && err->code == ERR_LIMIT && reserve_release(x))
		r = delete_rows(d, err);
	if (r < 0)
		return -1;
	(void)fault("snapshot.deleted");
	/* when that fails, layer_tend() tries it again */
	if (!store_sync(x->store, err))
		for (size_t i = d->n; i-- > 0;)
			if (d->rows[i].marked)
				layer_remove(x, d->rows[i].id);
	/* layers made of several may be needed no more */
	x->layers_left = true;
	return 0;
}
