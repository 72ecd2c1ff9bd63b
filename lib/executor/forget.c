#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/executor/executor.h"

/*
 * Executions that are over are forgotten: one, or the old ones, with their logs.
 */

static const char *text_of(const json_t *params, const char *key)
{
	return json_string_value(json_object_get(params, key));
}

static void delete_logs(struct executor *x, const char *id)
{
	static const char *const files[] = { "/old", "/new", "" };
	char name[64];

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		(void)snprintf(name, sizeof(name), "logs/%s%s", id, files[i]);
		(void)unlinkat(x->state_dir, name, *files[i] ? 0 : AT_REMOVEDIR);
	}
}

int forget_execution(struct session *s, json_int_t id, const json_t *params,
			       struct error *err)
{
	cleanup_execution struct execution e = { 0 };
	struct run *run;

	if (run_flush(s->x, err) < 0 ||
	    execution_find(s->x, text_of(params, "id"), &run, &e, err) < 0)
		return -1;
	if (run) {
		(void)err_set(err, ERR_BUSY, "execution '%s' has not ended", run->rec.id);
		return err_hint(err, "'faas execution cancel %s' ends it", run->rec.id);
	}
	if (store_execution_delete(s->x->store, e.id, err) < 0)
		return -1;
	if (e.logged)
		delete_logs(s->x, e.id);
	session_result(s, id, json_pack("{s:s}", "id", e.id), NULL, 0);
	return 0;
}

static void prune_one(void *arg, const char *id)
{
	json_array_append_new(arg, json_string(id));
}

int forget_executions(struct session *s, json_int_t id, const json_t *params,
			      struct error *err)
{
	const json_t *older = json_object_get(params, "older_than_ms");
	json_int_t ms = json_integer_value(older), now = (json_int_t)clock_unix_ms();
	struct execution_prune prune = {
		.keep_last = (uint64_t)json_integer_value(json_object_get(params, "keep_last")),
		.before_ms = !older ? INT64_MAX : ms < now ? now - ms : 0,
		.dry_run = json_is_true(json_object_get(params, "dry_run")),
	};
	cleanup_json json_t *ids = json_array();
	uint64_t count = 0;
	json_t *one;
	size_t i;

	if (run_flush(s->x, err) < 0 ||
	    store_execution_prune(s->x->store, &prune, prune_one, ids, &count, err) < 0)
		return -1;
	if (!prune.dry_run)
		json_array_foreach(ids, i, one)
			delete_logs(s->x, json_string_value(one));
	session_result(s, id, json_pack("{s:I,s:b,s:O}", "count", (json_int_t)count, "dry_run",
					prune.dry_run, "ids", ids), NULL, 0);
	return 0;
}
