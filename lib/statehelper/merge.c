#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "lib/state/merge.h"
#include "lib/statehelper/confine.h"
#include "lib/statehelper/sides.h"
#include "lib/statehelper/text.h"
#include "lib/statehelper/verb.h"

/* What the answer has room for, unless it is asked for less. */
enum { ROOM = 8 << 20, ROW = 64 };

static json_t *tell(const struct merge_item *item)
{
	const struct merge_choice *c = &item->choice;
	const char *kind = "C";

	if (c->conflict || c->marked)
		return json_pack("{s:o,s:s,s:b}", "path", say_text(item->path, strlen(item->path)),
				 "conflict", merge_conflict_name(c->conflict ? c->conflict : c->marked),
				 "marked", c->marked != CONFLICT_NONE);
	if (!c->present)
		kind = "D";
	else if (!item->st[FROM_OURS].st_mode)
		kind = "A";
	return json_pack("{s:s,s:o,s:b}", "kind", kind, "path",
			 say_text(item->path, strlen(item->path)), "merged",
			 c->content == FROM_TEXT);
}

void merge_tell(const struct merge *m, const json_t *ask, bool changes, json_t *result)
{
	json_int_t asked = json_integer_value(json_object_get(ask, "room"));
	size_t room = asked > 0 && asked < ROOM ? (size_t)asked : ROOM;
	json_t *conflicts = json_array(), *told = json_array();

	for (size_t i = 0; i < m->n; i++) {
		const struct merge_item *item = &m->items[i];
		/* a byte of a name may be six in JSON */
		size_t size = strlen(item->path) * 6 + ROW;

		bool conflict = item->choice.conflict || item->choice.marked;

		if ((!conflict && !(changes && item->changes && !m->n_conflicts)) || size > room)
			continue;
		room -= size;
		json_array_append_new(conflict ? conflicts : told, tell(item));
	}
	json_object_set_new(result, "conflicts", conflicts);
	json_object_set_new(result, "changes", told);
	json_object_set_new(result, "n_conflicts",
			    json_integer((json_int_t)(m->n_conflicts + m->n_marked)));
	json_object_set_new(result, "n_marked", json_integer((json_int_t)m->n_marked));
	json_object_set_new(result, "added", json_integer((json_int_t)m->added));
	json_object_set_new(result, "changed", json_integer((json_int_t)m->changed));
	json_object_set_new(result, "deleted", json_integer((json_int_t)m->deleted));
	json_object_set_new(result, "merged_texts", json_integer((json_int_t)m->texts));
}

int merge_read_how(const json_t *ask, struct merge *ret, struct error *err)
{
	const char *markers = json_string_value(json_object_get(ask, "markers"));
	const json_t *labels = json_object_get(ask, "labels");
	int style = markers ? merge_markers_by_name(markers) : MARKERS_NONE;
	const char *name = json_string_value(json_object_get(ask, "strategy"));
	int strategy = name ? merge_strategy_by_name(name) : MERGE_THREE_WAY;

	if (strategy < 0)
		return err_set(err, ERR_USAGE, "no merge strategy '%.60s'", name);
	if (style < 0)
		return err_set(err, ERR_USAGE, "no way to mark conflicts '%.60s'", markers);
	ret->strategy = (enum merge_strategy)strategy;
	ret->markers = (enum merge_markers)style;
	for (size_t i = 0; i < 3; i++)
		ret->label[i] = json_string_value(json_array_get(labels, i));
	return 0;
}

int verb_merge(const json_t *ask, json_t *result, struct error *err)
{
	CLEANUP(sides_release) struct sides *s = &(struct sides){ .n = 0 };
	CLEANUP(merge_release) struct merge *m = &(struct merge){ .text = text_merge };
	bool write = json_is_true(json_object_get(ask, "write"));
	struct confine c = { .write = write ? 4 : -1, .layers = write };
	static const char *const names[] = { "base", "ours", "theirs" };

	if (merge_read_how(ask, m, err) < 0 || sides_open(s, ask, names, 3, err) < 0)
		return -1;
	sides_confine(s, &c);
	if (confine(&c, err) < 0)
		return -1;
	for (int i = 0; i < 3; i++)
		m->side[i] = (struct merge_side){ &s->view[i], "" };
	if (merge_plan(m, err) < 0)
		return -1;
	merge_tell(m, ask, json_is_true(json_object_get(ask, "changes")), result);
	if (!m->n_conflicts && write) {
		CLEANUP(writer_close) struct writer *w = &(struct writer){ .fd = -1 };

		if (writer_open(w, 4, &s->view[FROM_OURS], err) < 0 || merge_write(m, w, err) < 0)
			return -1;
	}
	return 0;
}
