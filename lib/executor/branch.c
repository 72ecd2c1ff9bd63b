#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/fault.h"
#include "lib/base/memory.h"
#include "lib/base/parse.h"
#include "lib/executor/merge.h"
#include "lib/executor/snapshot.h"

/*
 * A branch is a name for a line of snapshots: each run on it begins at its head and,
 * when it has ended, is its head. One run at a time moves it on.
 */

static const char *text_of(const json_t *params, const char *key)
{
	return json_string_value(json_object_get(params, key));
}

static const struct run *mover(const struct executor *x, const char *name)
{
	for (const struct run *run = x->runs; run; run = run->next)
		if (!run->finished && run->rec.branch && !strcmp(run->rec.branch, name))
			return run;
	return NULL;
}

static int busy(const struct run *run, const char *name, struct error *err)
{
	(void)err_set(err, ERR_BUSY, "execution '%s' is moving branch '%s'", run->rec.id, name);
	return err_hint(err, "'faas execution wait %s' first, or branch from it", run->rec.id);
}

int branch_check_name(const char *name, struct error *err)
{
	if (!parse_name(name) && !strchr(name, '@') && strlen(name) < STORE_NAME)
		return 0;
	return err_set(err, ERR_USAGE, "'%.128s' cannot be the name of a branch: use letters, "
		       "digits and '._:/-'", name);
}

int branch_check_idle(struct executor *x, const char *name, struct error *err)
{
	const struct run *run = mover(x, name);

	if (run)
		return busy(run, name, err);
	if (!merge_moves(x, name))
		return 0;
	(void)err_set(err, ERR_BUSY, "a merge is moving branch '%s'", name);
	return err_hint(err, "try again when it has ended, or branch from it");
}

int branch_head(struct executor *x, const char *name, struct snapshot *ret, struct error *err)
{
	cleanup_branch struct branch b = { .name = "" };

	if (branch_check_idle(x, name, err) < 0)
		return -1;
	if (store_branch_get(x->store, name, &b, err) < 0)
		return -1;
	return store_snapshot_get(x->store, b.head, ret, err);
}

int branch_advance(struct executor *x, const char *name, const char *head, struct error *err)
{
	cleanup_branch struct branch b = { .name = "" };

	/* it was deleted meanwhile: the snapshot stays, for whoever looks for it */
	if (store_branch_get(x->store, name, &b, err) < 0)
		return err->code == ERR_NOT_FOUND ? 0 : -1;
	free(b.head);
	b.head = memory_copy(head);
	return store_branch_put(x->store, &b, err);
}

int branch_find_start(struct executor *x, const char *from, struct snapshot *ret,
		      struct error *err)
{
	cleanup_branch struct branch b = { .name = "" };

	if (!store_snapshot_get(x->store, from, ret, err))
		return 0;
	if (err->code != ERR_NOT_FOUND)
		return -1;
	if (!store_branch_get(x->store, from, &b, err))
		return store_snapshot_get(x->store, b.head, ret, err);
	(void)err_set(err, ERR_NOT_FOUND, "no snapshot or branch '%s'", from);
	return err_hint(err, "see 'faas snapshot list' and 'faas branch list'");
}

int branch_create(struct session *s, json_int_t id, const json_t *params, struct error *err)
{
	const char *name = text_of(params, "name");
	cleanup_snapshot struct snapshot start = { .id = "" };
	cleanup_branch struct branch b = { .name = "" };
	cleanup_branch struct branch old = { .name = "" };

	if (branch_check_name(name, err) < 0)
		return -1;
	if (run_flush(s->x, err) < 0)
		return -1;
	if (!store_branch_get(s->x->store, name, &old, err)) {
		(void)err_set(err, ERR_EXISTS, "there is a branch '%s' already", name);
		return err_hint(err, "choose another name, or 'faas branch delete %s'", name);
	}
	if (err->code != ERR_NOT_FOUND ||
	    branch_find_start(s->x, text_of(params, "from"), &start, err) < 0)
		return -1;
	(void)snprintf(b.name, sizeof(b.name), "%s", name);
	b.base = memory_copy(start.id);
	b.head = memory_copy(start.id);
	b.labels = json_object_get(params, "labels")
		? json_dumps(json_object_get(params, "labels"), JSON_COMPACT) : memory_copy("{}");
	b.created_ms = (int64_t)clock_unix_ms();
	if (store_branch_put(s->x->store, &b, err) < 0)
		return -1;
	session_result(s, id, report_branch(&b), NULL, 0);
	return 0;
}

static int list_one(void *arg, const struct branch *b)
{
	json_array_append_new(arg, report_branch(b));
	return 0;
}

int branch_list(struct session *s, json_int_t id, const json_t *params, struct error *err)
{
	cleanup_json json_t *list = json_array();

	(void)params;
	if (run_flush(s->x, err) < 0 || store_branch_list(s->x->store, list_one, list, err) < 0)
		return -1;
	session_result(s, id, json_incref(list), NULL, 0);
	return 0;
}

int branch_get(struct session *s, json_int_t id, const json_t *params, struct error *err)
{
	cleanup_branch struct branch b = { .name = "" };

	if (run_flush(s->x, err) < 0 ||
	    store_branch_get(s->x->store, text_of(params, "name"), &b, err) < 0)
		return -1;
	session_result(s, id, report_branch(&b), NULL, 0);
	return 0;
}

/* From the head down, as far as they have no name and nothing stands on them. */
static uint64_t drop_line(struct executor *x, const struct branch *b)
{
	cleanup_snapshot struct snapshot at = { .id = "" };
	uint64_t n = 0;
	struct error err;

	if (store_snapshot_get(x->store, b->head, &at, &err) < 0)
		return 0;
	while (strcmp(at.id, b->base) && !at.name[0] && at.parent) {
		struct snapshot next = { .id = "" };

		if (snapshot_remove(x, at.id, &err) < 0)
			break;
		n++;
		if (store_snapshot_get(x->store, at.parent, &next, &err) < 0)
			break;
		snapshot_release(&at);
		at = next;
	}
	return n;
}

int branch_delete(struct session *s, json_int_t id, const json_t *params, struct error *err)
{
	cleanup_branch struct branch b = { .name = "" };
	const char *name = text_of(params, "name");
	uint64_t n;

	if (branch_check_idle(s->x, name, err) < 0)
		return -1;
	if (run_flush(s->x, err) < 0 || store_branch_get(s->x->store, name, &b, err) < 0 ||
	    store_branch_delete(s->x->store, name, err) < 0)
		return -1;
	(void)fault("branch.deleted");
	n = drop_line(s->x, &b);
	session_result(s, id, json_pack("{s:s,s:I}", "name", name, "snapshots", (json_int_t)n), NULL,
		       0);
	return 0;
}
