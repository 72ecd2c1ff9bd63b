#include "lib/executor/merge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fault.h"
#include "lib/base/id.h"
#include "lib/base/memory.h"
#include "lib/base/parse.h"
#include "lib/executor/layer.h"
#include "lib/executor/snapshot.h"
#include "lib/executor/work.h"
#include "lib/state/resolve.h"

enum { THEIRS_MAX = 100, ANSWER_ROOM = 8 << 20 };

struct merging {
	struct merging *next;
	struct executor *x;
	struct session *session;
	json_int_t request;
	char branch[STORE_NAME];	/* to be moved, or "" */
	char start[STORE_ID];		/* where it was */
	const json_t *params;		/* checked, and held */
	json_t *theirs;			/* ids, in order */
	json_t *made;			/* ids of rows that say `making` */
	json_t *held;			/* those, and all that is read */
	json_t *steps;			/* of the answer */
	struct snapshot ours;		/* what the next step begins with */
	bool marked;			/* files of it have marks of conflicts */
	size_t at;
};

static const char *text_of(const json_t *params, const char *key)
{
	return json_string_value(json_object_get(params, key));
}

bool merge_moves(const struct executor *x, const char *branch)
{
	for (const struct merging *m = x->merges; m; m = m->next)
		if (!strcmp(m->branch, branch))
			return true;
	return false;
}

static void merging_free(struct merging *m)
{
	for (struct merging **at = &m->x->merges; *at; at = &(*at)->next)
		if (*at == m) {
			*at = m->next;
			break;
		}
	json_decref((json_t *)(uintptr_t)m->params);
	json_decref(m->theirs);
	json_decref(m->made);
	json_decref(m->held);
	json_decref(m->steps);
	snapshot_release(&m->ours);
	free(m);
}

static bool dry(const struct merging *m)
{
	return json_is_true(json_object_get(m->params, "dry_run"));
}

/* A snapshot is wanted whatever there is to merge. */
static bool wanted(const struct merging *m)
{
	return !m->branch[0] || text_of(m->params, "name") || text_of(m->params, "comment");
}

/* ---- what is made: rows and folders ---- */

static void undo(struct merging *m)
{
	struct executor *x = m->x;
	struct error err;

	/* the last stands on the one before it */
	for (size_t i = json_array_size(m->made); i-- > 0;) {
		const char *id = json_string_value(json_array_get(m->made, i));
		int r = store_snapshot_delete(x->store, id, &err);

		if (r < 0 && err.code == ERR_LIMIT && reserve_release(x))
			r = store_snapshot_delete(x->store, id, &err);
		/* else the next start finds a row that nobody makes */
		if (r >= 0 || err.code == ERR_NOT_FOUND)
			layer_remove(x, id);
	}
}

static char *layers_with(const char *id, const char *of)
{
	cleanup_json json_t *layers = json_pack("[s]", id);
	cleanup_json json_t *below = json_loads(of, 0, NULL);

	json_array_extend(layers, below);
	return json_dumps(layers, JSON_COMPACT);
}

static int make_row(struct merging *m, const struct snapshot *theirs, bool last,
		    struct snapshot *ret, struct error *err)
{
	const char *name = text_of(m->params, "name"), *comment = text_of(m->params, "comment");
	char id[ID_SIZE];

	id_make(id);
	*ret = (struct snapshot){ .state = "making", .kind = "fs" };
	(void)snprintf(ret->id, sizeof(ret->id), "%s", id);
	if (last && name && !dry(m))
		(void)snprintf(ret->name, sizeof(ret->name), "%s", name);
	ret->parent = memory_copy(m->ours.id);
	ret->merged = memory_copy(theirs->id);
	ret->environment = memory_copy(m->ours.environment);
	ret->engine = memory_copy("overlay");
	ret->comment = last && comment && *comment ? memory_copy(comment) : NULL;
	ret->labels = memory_copy("{}");
	ret->layers = layers_with(id, m->ours.layers);
	ret->created_ms = (int64_t)clock_unix_ms();
	if (store_snapshot_put(m->x->store, ret, err) < 0)
		return -1;
	(void)fault("merge.noted");
	json_array_append_new(m->made, json_string(id));
	json_array_append_new(m->held, json_string(id));
	return layer_make(m->x, id, err);
}

/* ---- the answer ---- */

static json_t *answer(const struct merging *m, const char *head, bool conflict)
{
	const char *name = text_of(m->params, "name");
	bool made = !conflict && !dry(m);

	return json_pack("{s:b,s:b,s:s?,s:s?,s:s?,s:s,s:O}", "conflict", conflict || m->marked,
			 "dry_run", dry(m),
			 "branch", m->branch[0] ? m->branch : NULL, "snapshot", made ? head : NULL,
			 "name", made ? name : NULL, "ours", m->start, "steps", m->steps);
}

static void note_step(struct merging *m, const struct snapshot *theirs,
		      const struct snapshot *base, const char *how, json_t *result)
{
	json_t *step = result ? json_copy(result) : json_object();

	(void)json_object_del(step, "ok");
	json_object_set_new(step, "theirs", json_string(theirs->id));
	json_object_set_new(step, "base", base->id[0] ? json_string(base->id) : json_null());
	json_object_set_new(step, "how", json_string(how));
	json_array_append_new(m->steps, step);
}

/* ---- the end: all of it, or nothing ---- */

static int make_ready(struct merging *m, struct error *err)
{
	size_t i;
	json_t *id;

	json_array_foreach(m->made, i, id) {
		cleanup_snapshot struct snapshot s = { .id = "" };
		int r = store_snapshot_find(m->x->store, json_string_value(id), &s, err);

		if (r <= 0)
			return r < 0 ? -1 : err_set(err, ERR_CORRUPT, "the merge's own snapshot has gone");
		(void)snprintf(s.state, sizeof(s.state), "ready");
		if (store_snapshot_put(m->x->store, &s, err) < 0)
			return -1;
	}
	return 0;
}

static int move_branch(struct merging *m, struct error *err)
{
	cleanup_branch struct branch b = { .name = "" };

	if (store_branch_get(m->x->store, m->branch, &b, err) < 0)
		return -1;
	if (strcmp(b.head, m->start)) {
		(void)err_set(err, ERR_CONFLICT, "branch '%s' was moved meanwhile", m->branch);
		return err_hint(err, "merge again");
	}
	free(b.head);
	b.head = memory_copy(m->ours.id);
	return store_branch_put(m->x->store, &b, err);
}

static int commit(struct merging *m, struct error *err)
{
	int r = fault("merge.commit");

	if (r)
		return err_sys(err, r, "record a merge");
	if (run_flush(m->x, err) < 0 || store_begin(m->x->store, err) < 0)
		return -1;
	r = make_ready(m, err);
	if (!r && m->branch[0])
		r = move_branch(m, err);
	if (r < 0) {
		store_rollback(m->x->store);
		return -1;
	}
	if (store_commit(m->x->store, err) < 0)
		return -1;
	(void)fault("merge.committed");
	return 0;
}

/* ---- one after the other ---- */

/* 1: a helper is at work on one; 0: all are done; -1: *err. */
static int go_on(struct merging *m, struct error *err);

static int finish(struct merging *m, json_t **ret, struct error *err)
{
	int r = dry(m) ? 0 : commit(m, err);

	if (r < 0 || dry(m))
		undo(m);
	if (!r)
		*ret = answer(m, m->ours.id, false);
	return r;
}

/* What was read as `theirs` of this step, and its base. */
static int step_sides(struct merging *m, struct snapshot *theirs, struct snapshot *base,
		      struct error *err)
{
	const char *id = json_string_value(json_array_get(m->theirs, m->at));
	int r = store_snapshot_find(m->x->store, id, theirs, err);

	if (!r)
		return err_set(err, ERR_NOT_FOUND, "snapshot '%s' has gone meanwhile", id);
	return r < 0 ? -1 : history_base(m->x, &m->ours, theirs, base, err);
}

static int merged(struct executor *x, void *data, json_t *result, json_t **ret,
		  struct error *err)
{
	cleanup_snapshot struct snapshot theirs = { .id = "" };
	cleanup_snapshot struct snapshot base = { .id = "" };
	struct merging *m = data;
	const char *made = json_string_value(json_array_get(m->made, json_array_size(m->made) - 1));
	int r = result ? step_sides(m, &theirs, &base, err) : -1;

	if (r < 0) {
		undo(m);
		merging_free(m);
		return err_wrap(err, "merge");
	}
	note_step(m, &theirs, &base, "merged", result);
	m->marked |= json_integer_value(json_object_get(result, "n_marked")) > 0;
	if (json_integer_value(json_object_get(result, "n_conflicts")) >
	    json_integer_value(json_object_get(result, "n_marked"))) {
		undo(m);
		*ret = answer(m, NULL, true);
		merging_free(m);
		return 0;
	}
	snapshot_release(&m->ours);
	r = store_snapshot_find(x->store, made, &m->ours, err);
	m->at++;
	r = r < 0 ? -1 : go_on(m, err);
	if (r > 0)
		return WORK_GOES_ON;
	if (r < 0)
		undo(m);
	else
		r = finish(m, ret, err);
	merging_free(m);
	return r;
}

static int set_side(json_t *ask, const char *name, const struct snapshot *s)
{
	return json_object_set_new(ask, name, s->id[0] ? json_loads(s->layers, 0, NULL)
				   : json_array());
}

/* What the request calls it: what is merged into, or one of the others, counted from 0. */
static const char *said(const struct merging *m, int which)
{
	const json_t *list = json_object_get(m->params, "theirs");

	if (!m->branch[0])
		which++;
	return which < 0 ? m->branch : json_string_value(json_array_get(list, (size_t)which));
}

static int start_work(struct merging *m, const struct snapshot *base,
		      const struct snapshot *theirs, const char *made, struct error *err)
{
	const char *strategy = text_of(m->params, "strategy");
	const char *markers = text_of(m->params, "conflict");
	cleanup_json json_t *ask = json_pack("{s:s,s:s,s:s,s:[s,s,s],s:b,s:b,s:I}", "do", "merge",
					     "strategy", strategy ? strategy : "three-way",
					     "markers", markers ? markers : "none", "labels", "base",
					     said(m, -1), said(m, (int)m->at), "write", 1,
					     "changes", dry(m), "room", (json_int_t)ANSWER_ROOM /
					     (json_int_t)json_array_size(m->theirs));
	cleanup_close int layers = layer_folder(m->x, err);
	cleanup_close int own = -1;
	struct work_request req = {
		.helper = { .program = "faas-state", .ask = ask, .n_fds = 2 },
		.done = merged, .data = m, .for_session = true, .snapshots = m->held,
	};

	if (layers < 0 || snapshot_sides(m->x, m->ours.environment, ask, err) < 0)
		return -1;
	if (set_side(ask, "base", base) < 0 || set_side(ask, "ours", &m->ours) < 0 ||
	    set_side(ask, "theirs", theirs) < 0)
		return err_set(err, ERR_CORRUPT, "a snapshot has no layers");
	own = layer_open(layers, made, err);
	if (own < 0)
		return -1;
	req.helper.fds[0] = layers;
	req.helper.fds[1] = own;
	return work_start(m->x, &req, m->session, m->request, err);
}

/* Nothing is to be written: the other is where we are, or we are where it began. */
static int skip(struct merging *m, const struct snapshot *theirs, const struct snapshot *base,
		struct error *err)
{
	const char *strategy = text_of(m->params, "strategy");
	int which = strategy ? merge_strategy_by_name(strategy) : MERGE_THREE_WAY;
	bool narrow = which == MERGE_UNION || which == MERGE_INTERSECTION;

	if (wanted(m) || !base->id[0])
		return 0;
	if (!strcmp(base->id, theirs->id)) {
		note_step(m, theirs, base, "up-to-date", NULL);
		return 1;
	}
	if (strcmp(base->id, m->ours.id) || narrow || dry(m))
		return 0;
	note_step(m, theirs, base, "fast-forward", NULL);
	snapshot_release(&m->ours);
	return store_snapshot_find(m->x->store, theirs->id, &m->ours, err);
}

static int go_on(struct merging *m, struct error *err)
{
	for (; m->at < json_array_size(m->theirs); m->at++) {
		cleanup_snapshot struct snapshot theirs = { .id = "" };
		cleanup_snapshot struct snapshot base = { .id = "" };
		cleanup_snapshot struct snapshot row = { .id = "" };
		bool last = m->at + 1 == json_array_size(m->theirs);
		int r = step_sides(m, &theirs, &base, err);

		if (!r)
			r = skip(m, &theirs, &base, err);
		if (r < 0)
			return -1;
		if (r)
			continue;
		if (base.id[0])
			json_array_append_new(m->held, json_string(base.id));
		if (make_row(m, &theirs, last, &row, err) < 0)
			return -1;
		return start_work(m, &base, &theirs, row.id, err) < 0 ? -1 : 1;
	}
	return 0;
}

/* ---- the request ---- */

static int add_theirs(struct merging *m, const char *what, struct error *err)
{
	cleanup_snapshot struct snapshot s = { .id = "" };

	if (branch_find_start(m->x, what, &s, err) < 0)
		return -1;
	if (!m->ours.id[0]) {
		m->ours = s;
		s = (struct snapshot){ .id = "" };
		return 0;
	}
	json_array_append_new(m->theirs, json_string(s.id));
	json_array_append_new(m->held, json_string(s.id));
	return 0;
}

static int check(const json_t *params, struct error *err)
{
	const char *name = text_of(params, "name"), *strategy = text_of(params, "strategy");
	const char *markers = text_of(params, "conflict");

	if (strategy && merge_strategy_by_name(strategy) < 0)
		return err_set(err, ERR_USAGE, "'%.60s' is no strategy: three-way, union, "
			       "intersection, latest, ours or theirs", strategy);
	if (markers && merge_markers_by_name(markers) < 0)
		return err_set(err, ERR_USAGE, "'%.60s' is no way to mark conflicts: none, merge or "
			       "diff3", markers);
	if (name && (parse_name(name) < 0 || strchr(name, '@') || strlen(name) >= STORE_NAME))
		return err_set(err, ERR_USAGE, "'%.128s' cannot be the name of a snapshot: use "
			       "letters, digits and '._:/-'", name);
	return 0;
}

static int read_request(struct merging *m, struct error *err)
{
	const json_t *list = json_object_get(m->params, "theirs");
	const char *into = text_of(m->params, "into");
	size_t least = into ? 1 : 2, i;
	json_t *what;

	if (json_array_size(list) < least || json_array_size(list) > THEIRS_MAX)
		return err_set(err, ERR_USAGE, "a merge is of %s, and at most %d",
			       into ? "one other" : "two, or of one into a branch", THEIRS_MAX);
	if (run_flush(m->x, err) < 0 || (into && branch_head(m->x, into, &m->ours, err) < 0))
		return -1;
	json_array_foreach(list, i, what) {
		if (!json_is_string(what))
			return err_set(err, ERR_USAGE, "'theirs' are names");
		if (add_theirs(m, json_string_value(what), err) < 0)
			return -1;
	}
	(void)snprintf(m->branch, sizeof(m->branch), "%s", into ? into : "");
	(void)snprintf(m->start, sizeof(m->start), "%s", m->ours.id);
	json_array_append_new(m->held, json_string(m->ours.id));
	return 0;
}

int branch_merge(struct session *s, json_int_t id, const json_t *params, struct error *err)
{
	struct merging *m = calloc(1, sizeof(*m));
	json_t *done = NULL;
	int r;

	if (!m)
		return err_sys(err, ENOMEM, "merge");
	*m = (struct merging){
		.x = s->x, .session = s, .request = id, .theirs = json_array(), .made = json_array(),
		.held = json_array(), .steps = json_array(),
		.params = json_incref((json_t *)(uintptr_t)params),
	};
	r = check(params, err);
	if (!r)
		r = read_request(m, err);
	if (!r) {
		m->next = s->x->merges;
		s->x->merges = m;
		r = go_on(m, err);
	}
	if (r > 0)
		return 0;
	if (r < 0)
		undo(m);
	else
		r = finish(m, &done, err);
	if (!r)
		session_result(s, id, done, NULL, 0);
	merging_free(m);
	return r;
}
