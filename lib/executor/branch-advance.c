#include <string.h>

#include "lib/base/fault.h"
#include "lib/executor/snapshot.h"

/*
 * A branch takes what was made where it is, and only if it still is there: of two who
 * saw the same state, the second one is refused.
 */

static const char *text_of(const json_t *params, const char *key)
{
	return json_string_value(json_object_get(params, key));
}

static int check(const struct snapshot *head, const struct snapshot *from,
		 const struct snapshot *to, const char *name, struct error *err)
{
	if (strcmp(head->id, from->id)) {
		(void)err_set(err, ERR_CONFLICT, "branch '%s' was moved on meanwhile, to '%s'", name,
			      head->id);
		return err_hint(err, "begin another branch at '%s', and compare", to->id);
	}
	if (!to->parent || strcmp(to->parent, from->id))
		return err_set(err, ERR_CONFLICT, "snapshot '%s' did not begin at '%s'", to->id,
			       from->id);
	return 0;
}

int branch_advance_to(struct session *s, json_int_t id, const json_t *params, struct error *err)
{
	cleanup_snapshot struct snapshot head = { .id = "" };
	cleanup_snapshot struct snapshot from = { .id = "" };
	cleanup_snapshot struct snapshot to = { .id = "" };
	cleanup_branch struct branch b = { .name = "" };
	const char *name = text_of(params, "name");
	struct store *store = s->x->store;

	if (run_flush(s->x, err) < 0 || branch_head(s->x, name, &head, err) < 0 ||
	    store_snapshot_get(store, text_of(params, "from"), &from, err) < 0 ||
	    store_snapshot_get(store, text_of(params, "to"), &to, err) < 0 ||
	    check(&head, &from, &to, name, err) < 0)
		return -1;
	if (branch_advance(s->x, name, to.id, err) < 0)
		return -1;
	(void)fault("branch.advanced");
	if (store_branch_get(store, name, &b, err) < 0)
		return -1;
	session_result(s, id, report_branch(&b), NULL, 0);
	return 0;
}
