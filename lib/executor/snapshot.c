#include "lib/executor/snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fault.h"
#include "lib/base/memory.h"
#include "lib/base/parse.h"
#include "lib/base/strbuf.h"
#include "lib/executor/compact.h"
#include "lib/executor/instance.h"
#include "lib/executor/layer.h"
#include "lib/executor/result.h"
#include "lib/executor/work.h"

enum { COMMENT_MAX = 4096, LABELS_MAX = 64 };
#define TTL_MAX_MS	(INT64_C(36525) * 86400 * 1000)

static const char *text_of(const json_t *params, const char *key)
{
	return json_string_value(json_object_get(params, key));
}

/* ---- what a client may say of one ---- */

int snapshot_check_name(const char *name, struct error *err)
{
	if (!name || !*name || (!parse_name(name) && !strchr(name, '@') && strlen(name) < STORE_NAME))
		return 0;
	return err_set(err, ERR_USAGE, "'%.128s' cannot be the name of a snapshot: use letters, "
		       "digits and '._:/-'", name);
}

int snapshot_check_comment(const char *comment, struct error *err)
{
	if (comment && strlen(comment) > COMMENT_MAX)
		return err_set(err, ERR_USAGE, "a comment has at most %d bytes", COMMENT_MAX);
	return 0;
}

int snapshot_set_ttl(struct snapshot *s, const json_t *ttl_ms, struct error *err)
{
	json_int_t ms = json_integer_value(ttl_ms), now = (json_int_t)clock_unix_ms();

	if (!ttl_ms)
		return 0;
	if (ms > TTL_MAX_MS)
		return err_set(err, ERR_USAGE, "a snapshot that is to end ends within 100 years");
	s->expires_ms = ms ? now + ms : 0;
	return 0;
}

int snapshot_set_labels(struct snapshot *s, const json_t *changes, struct error *err)
{
	cleanup_json json_t *labels = json_loads(s->labels ? s->labels : "{}", 0, NULL);
	const char *key;
	json_t *value;

	if (!labels)
		labels = json_object();
	json_object_foreach((json_t *)(uintptr_t)changes, key, value) {
		if (json_is_null(value))
			(void)json_object_del(labels, key);
		else if (!json_is_string(value) || !*key || strlen(key) > 128 ||
			 strlen(json_string_value(value)) != json_string_length(value))
			return err_set(err, ERR_USAGE, "label '%.128s' is not text", key);
		else
			json_object_set(labels, key, value);
	}
	if (json_object_size(labels) > LABELS_MAX)
		return err_set(err, ERR_USAGE, "more than %d labels", LABELS_MAX);
	free(s->labels);
	s->labels = json_dumps(labels, JSON_COMPACT | JSON_SORT_KEYS);
	return 0;
}

/* ---- a run's parent ---- */

int snapshot_stack(const struct snapshot *parent, struct run *run, struct error *err)
{
	cleanup_json json_t *layers = json_loads(parent->layers, 0, NULL);
	cleanup_strbuf struct strbuf names = STRBUF((size_t)STACK_MAX * MSG_ID);
	json_t *layer;
	size_t i;

	if (json_array_size(layers) > STACK_MAX) {
		(void)err_set(err, ERR_LIMIT, "snapshot '%s' stands on %zu others, and %d is as "
			      "deep as a sandbox goes", parent->id, json_array_size(layers) - 1,
			      STACK_MAX);
		return err_hint(err, "begin again with an earlier one");
	}
	json_array_foreach(layers, i, layer) {
		const char *name = json_string_value(layer);

		if (!name || strchr(name, '/') || *name == '.')
			return err_set(err, ERR_CORRUPT, "snapshot '%s' has a layer that is no "
				       "name", parent->id);
		strbuf_add(&names, name, strlen(name) + 1);
	}
	if (!json_array_size(layers) || strbuf_failed(&names))
		return err_set(err, ERR_CORRUPT, "snapshot '%s' has no layers", parent->id);
	run->build.stack = (uint32_t)json_array_size(layers);
	run->stack_len = names.len;
	run->stack = strbuf_detach(&names);
	return 0;
}

int snapshot_parent(struct executor *x, const json_t *params, struct run *run,
		    const char **environment, struct error *err)
{
	cleanup_snapshot struct snapshot parent = { 0 };
	const char *what = text_of(params, "parent"), *branch = text_of(params, "branch");

	if (what && branch)
		return err_set(err, ERR_USAGE, "a run begins with a parent or with a branch, not "
			       "with both");
	if (!what && !branch)
		return 0;
	/* it may have been made a moment ago */
	if (run_flush(x, err) < 0)
		return -1;
	if (branch ? branch_head(x, branch, &parent, err) < 0
		   : store_snapshot_get(x->store, what, &parent, err) < 0)
		return -1;
	if (snapshot_stack(&parent, run, err) < 0)
		return -1;
	run->rec.branch = memory_copy(branch);
	if (!what)
		what = parent.id;
	if (*environment && strcmp(*environment, parent.environment))
		return err_set(err, ERR_USAGE, "snapshot '%s' is of environment '%s', not of '%s'",
			       what, parent.environment, *environment);
	run->rec.parent = memory_copy(parent.id);
	run->parent_environment = memory_copy(parent.environment);
	*environment = run->parent_environment;
	return 0;
}

/* ---- a run that is to be kept ---- */

static char *layers_with(const struct run *run, const char *own)
{
	cleanup_json json_t *layers = json_pack("[s]", own);
	const char *name = run->stack;

	for (uint32_t i = 0; i < run->build.stack; i++, name += strlen(name) + 1)
		json_array_append_new(layers, json_string(name));
	return json_dumps(layers, JSON_COMPACT);
}

int snapshot_keep(struct executor *x, const json_t *params, struct run *run, struct error *err)
{
	const char *name = text_of(params, "snapshot"), *comment = text_of(params, "comment");
	const json_t *ttl = json_object_get(params, "snapshot_ttl_ms");
	cleanup_snapshot struct snapshot s = { .state = "making", .kind = "fs" };
	cleanup_snapshot struct snapshot old = { 0 };
	int r;

	if (!name && run->rec.branch)
		name = "";
	if (!name && (comment || ttl || json_is_true(json_object_get(params, "on_success"))))
		return err_set(err, ERR_USAGE, "%s is of a snapshot, and none is asked for",
			       comment ? "a comment" : ttl ? "'snapshot_ttl_ms'" : "'on_success'");
	if (!name)
		return 0;
	if (snapshot_check_name(name, err) < 0 || snapshot_check_comment(comment, err) < 0 ||
	    snapshot_set_ttl(&s, ttl, err) < 0)
		return -1;
	if (json_is_true(json_object_get(params, "on_success")))
		(void)snprintf(s.state, sizeof(s.state), "trying");
	run->on_success = !strcmp(s.state, "trying");
	/* of its run, whose id is as good as any */
	(void)snprintf(s.id, sizeof(s.id), "%s", run->rec.id);
	(void)snprintf(s.name, sizeof(s.name), "%s", name);
	s.parent = memory_copy(run->rec.parent);
	s.environment = memory_copy(run->rec.environment);
	s.execution = memory_copy(run->rec.id);
	s.engine = memory_copy("overlay");
	s.comment = comment && *comment ? memory_copy(comment) : NULL;
	s.labels = memory_copy(run->rec.labels ? run->rec.labels : "{}");
	s.layers = layers_with(run, s.id);
	s.created_ms = (int64_t)clock_unix_ms();
	/* a snapshot outlives the record of its run, whose id may then come again */
	r = store_snapshot_find(x->store, s.id, &old, err);
	if (r)
		return r < 0 ? -1 : err_set(err, ERR_EXISTS, "there is a snapshot '%s' already", s.id);
	r = store_snapshot_put(x->store, &s, err);
	/* the name may be that of a run which was kept from having one, and is not recorded yet */
	if (r < 0 && err->code == ERR_EXISTS && x->n_dirty) {
		r = run_flush(x, err);
		if (!r)
			r = store_snapshot_put(x->store, &s, err);
	}
	if (r < 0)
		return -1;
	(void)fault("snapshot.noted");
	run->rec.snapshot = memory_copy(s.id);
	(void)snprintf(run->build.keep, sizeof(run->build.keep), "%s", s.id);
	if (layer_make(x, s.id, err) < 0) {
		snapshot_abandon(x, run);
		return -1;
	}
	return 0;
}

void snapshot_abandon(struct executor *x, struct run *run)
{
	struct error err;

	if (!run->rec.snapshot)
		return;
	/* the next start finds the row, and that nobody makes it */
	if (store_snapshot_delete(x->store, run->rec.snapshot, &err) < 0)
		return;
	layer_remove(x, run->rec.snapshot);
	free(run->rec.snapshot);
	run->rec.snapshot = NULL;
}

/* Once more, too, when an earlier transaction came to nothing. */
static int drop(struct executor *x, struct run *run, struct error *err)
{
	int r;

	if (!run->dropped)
		run->dropped = run->rec.snapshot;
	run->rec.snapshot = NULL;
	r = store_snapshot_delete(x->store, run->dropped, err);
	return r < 0 && err->code != ERR_NOT_FOUND ? -1 : 0;
}

int snapshot_finish(struct executor *x, struct run *run, struct error *err)
{
	cleanup_snapshot struct snapshot got = { 0 };
	int r;

	if (!run->finished || (!run->rec.snapshot && !run->dropped))
		return 0;
	/* it never ran, or nobody knows how it ended */
	if (run->rec.error_code || run->dropped)
		return drop(x, run, err);
	r = store_snapshot_find(x->store, run->rec.snapshot, &got, err);
	if (r <= 0)
		return r;
	if (!strcmp(got.state, "trying") && (run->rec.exit_code || run->rec.timed_out))
		return drop(x, run, err);
	(void)snprintf(got.state, sizeof(got.state), "ready");
	/* it is as old as the end of its run */
	if (got.expires_ms)
		got.expires_ms += (int64_t)clock_unix_ms() - got.created_ms;
	snapshot_noted(x, &got);
	r = store_snapshot_put(x->store, &got, err);
	if (!r)
		compact_note(x, got.id);
	if (!r && run->rec.branch)
		r = branch_advance(x, run->rec.branch, run->rec.snapshot, err);
	return r;
}

void snapshot_finished(struct executor *x, struct run *run)
{
	if (run->finished && run->rec.snapshot)
		layer_trim(x, run->rec.snapshot);
	if (!run->dropped)
		return;
	layer_remove(x, run->dropped);
	free(run->dropped);
	run->dropped = NULL;
}

struct stands {
	const char *environment;
	char id[STORE_ID];
};

static int stands_on(void *arg, const struct snapshot *s)
{
	struct stands *w = arg;

	if (strcmp(s->environment, w->environment))
		return 0;
	(void)snprintf(w->id, sizeof(w->id), "%.*s", STORE_ID - 1, s->name[0] ? s->name : s->id);
	return 1;
}

int snapshot_check_environment(struct executor *x, const char *name, struct error *err)
{
	struct stands w = { .environment = name };

	result_yield(x, NULL, name);
	if (run_flush(x, err) < 0 || store_snapshot_list(x->store, stands_on, &w, err) < 0)
		return -1;
	if (!w.id[0])
		return instance_check_environment(x, name, err);
	(void)err_set(err, ERR_BUSY, "snapshot '%s' stands on environment '%s'", w.id, name);
	return err_hint(err, "delete it first; see 'faas snapshot list'");
}

/* ---- handlers ---- */

static int find(struct executor *x, const json_t *params, struct snapshot *ret,
		struct error *err)
{
	if (run_flush(x, err) < 0)
		return -1;
	return store_snapshot_get(x->store, text_of(params, "id"), ret, err);
}

int snapshot_get(struct session *s, json_int_t id, const json_t *params, struct error *err)
{
	cleanup_snapshot struct snapshot got = { 0 };

	json_t *j;

	if (find(s->x, params, &got, err) < 0)
		return -1;
	j = report_snapshot(&got);
	if (built_report_files(s->x, got.environment, j, err) < 0) {
		json_decref(j);
		return -1;
	}
	session_result(s, id, j, NULL, 0);
	return 0;
}

int snapshot_update(struct session *s, json_int_t id, const json_t *params, struct error *err)
{
	const char *name = text_of(params, "name"), *comment = text_of(params, "comment");
	cleanup_snapshot struct snapshot got = { 0 };

	if (find(s->x, params, &got, err) < 0)
		return -1;
	if (snapshot_check_name(name, err) < 0 || snapshot_check_comment(comment, err) < 0 ||
	    snapshot_set_ttl(&got, json_object_get(params, "ttl_ms"), err) < 0)
		return -1;
	if (name)
		(void)snprintf(got.name, sizeof(got.name), "%s", name);
	if (comment) {
		free(got.comment);
		got.comment = *comment ? memory_copy(comment) : NULL;
	}
	if (snapshot_set_labels(&got, json_object_get(params, "labels"), err) < 0 ||
	    store_snapshot_put(s->x->store, &got, err) < 0)
		return -1;
	snapshot_noted(s->x, &got);
	session_result(s, id, report_snapshot(&got), NULL, 0);
	return 0;
}

int snapshot_remove(struct executor *x, const char *id, struct error *err)
{
	int r;

	for (const struct run *run = x->runs; run; run = run->next)
		if (!run->finished && run->rec.parent && !strcmp(run->rec.parent, id)) {
			(void)err_set(err, ERR_BUSY, "snapshot '%s' is in use by execution '%s'",
				      id, run->rec.id);
			return err_hint(err, "'faas execution cancel %s' first", run->rec.id);
		}
	for (const struct session *s = x->sessions; s; s = s->next)
		if (!strcmp(s->held, id))
			return err_set(err, ERR_BUSY, "a chain of steps goes on from snapshot '%s'",
				       id);
	if (work_holds(x, id)) {
		(void)err_set(err, ERR_BUSY, "snapshot '%s' is being read", id);
		return err_hint(err, "try again when the command that reads it has ended");
	}
	r = store_snapshot_delete(x->store, id, err);
	if (r < 0 && err->code == ERR_LIMIT && reserve_release(x))
		r = store_snapshot_delete(x->store, id, err);
	if (r < 0)
		return -1;
	(void)fault("snapshot.deleted");
	layer_remove(x, id);
	/* layers made of several may be needed no more */
	x->layers_left = true;
	return 0;
}
