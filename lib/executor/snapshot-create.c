#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fault.h"
#include "lib/base/id.h"
#include "lib/base/memory.h"
#include "lib/executor/compact.h"
#include "lib/executor/instance.h"
#include "lib/executor/layer.h"
#include "lib/executor/snapshot-live.h"
#include "lib/executor/snapshot.h"

/*
 * Snapshots without a run of their own, and branches moved back: create and restore.
 *
 * Of what is kept already, one more is a row that stands on the first and has its
 * layers: it takes no room, and the first one stays as long as it is there. Of an
 * environment it has a layer of its own, with the two folders that a stack must have.
 */

static const char *text_of(const json_t *params, const char *key)
{
	return json_string_value(json_object_get(params, key));
}

/* ---- create ---- */

/* One that has not ended, by any of its names; or NULL. */
static struct run *running(struct executor *x, const char *what)
{
	struct run *run = strcmp(what, "@last") ? run_find(x, what) : x->runs;

	return run && !run->finished ? run : NULL;
}

/* The snapshot of a run that has ended. */
static int of_execution(struct executor *x, const char *what, struct snapshot *ret,
			struct error *err)
{
	cleanup_execution struct execution e = { 0 };

	if (store_execution_get(x->store, what, &e, err) < 0)
		return -1;
	if (e.snapshot)
		return store_snapshot_get(x->store, e.snapshot, ret, err);
	(void)err_set(err, ERR_CONFLICT, "execution '%s' did not keep its files", e.id);
	return err_hint(err, "'faas execute --snapshot NAME' keeps them");
}

static int of_branch(struct executor *x, const char *name, struct snapshot *ret,
		     struct error *err)
{
	cleanup_branch struct branch b = { .name = "" };

	if (store_branch_get(x->store, name, &b, err) < 0)
		return -1;
	return store_snapshot_get(x->store, b.head, ret, err);
}

static const char *const kinds[] = { "execution", "branch", "environment", "snapshot",
				     "instance" };

/* Which of the kinds the request names, and only that; -1: *err. */
static int only_one(const json_t *params, struct error *err)
{
	int kind = -1;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!text_of(params, kinds[i]))
			continue;
		if (kind >= 0)
			return err_set(err, ERR_USAGE, "a snapshot is of one thing, not of %s and "
				       "of %s", kinds[kind], kinds[i]);
		kind = (int)i;
	}
	if (kind >= 0)
		return kind;
	(void)err_set(err, ERR_USAGE, "say what the snapshot is to be of");
	return err_hint(err, "--execution, --branch, --environment, --instance or --snapshot; or "
			"'faas execute --snapshot NAME'");
}

static int find_origin(struct executor *x, const json_t *params, struct snapshot *ret,
		       const char **ret_environment, struct error *err)
{
	int kind = only_one(params, err);
	const char *what = kind < 0 ? NULL : text_of(params, kinds[kind]);

	if (!what)
		return -1;
	if (kind == 2) {
		*ret_environment = what;
		/* is it there? */
		return slot_get(x, what, err) ? 0 : -1;
	}
	return kind == 0 ? of_execution(x, what, ret, err) :
		kind == 1 ? of_branch(x, what, ret, err) :
		store_snapshot_get(x->store, what, ret, err);
}

/* As the first run of an environment would leave it (lib/spawner/build.c). */
static int fill_layer(struct executor *x, const char *id, struct error *err)
{
	static const struct {
		const char *name;
		mode_t mode;
	} folders[] = { { "u", 0755 }, { "u/tmp", 01777 }, { "u/work", 0755 } };
	uid_t owner = x->spawner.rootless ? (uid_t)-1 : UID_BASE;
	cleanup_close int all = -1, own = -1;
	int r = fault("snapshot.fill");

	if (layer_make(x, id, err) < 0)
		return -1;
	all = layer_folder(x, err);
	if (all < 0)
		return -1;
	own = openat(all, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (own < 0)
		return err_sys(err, errno, "open layer '%s'", id);
	for (size_t i = 0; i < ARRAY_SIZE(folders) && !r; i++)
		/* the state folder is ours alone, so nothing can be in between */
		if (mkdirat(own, folders[i].name, 0700) < 0 ||
		    fchmodat(own, folders[i].name, folders[i].mode, 0) < 0 ||
		    fchownat(own, folders[i].name, owner, owner, AT_SYMLINK_NOFOLLOW) < 0)
			r = errno;
	return r ? err_sys(err, r, "fill layer '%s'", id) : 0;
}

/* What is known of the one that it shares everything with is known of it, too. */
static void share(struct snapshot *s, const struct snapshot *origin)
{
	s->parent = memory_copy(origin->id);
	s->layers = memory_copy(origin->layers);
	s->synced_ms = origin->synced_ms;
	s->checksum = memory_copy(origin->checksum);
}

/* What the request says of it. */
static int describe(const json_t *params, struct snapshot *s, struct error *err)
{
	const char *name = text_of(params, "name"), *comment = text_of(params, "comment");

	(void)snprintf(s->name, sizeof(s->name), "%s", name ? name : "");
	s->engine = memory_copy("overlay");
	s->comment = comment && *comment ? memory_copy(comment) : NULL;
	s->labels = memory_copy("{}");
	s->created_ms = (int64_t)clock_unix_ms();
	return snapshot_set_labels(s, json_object_get(params, "labels"), err) < 0 ||
		snapshot_set_ttl(s, json_object_get(params, "ttl_ms"), err) < 0 ? -1 : 0;
}

static int make(struct executor *x, const json_t *params, struct snapshot *s, struct error *err)
{
	cleanup_snapshot struct snapshot origin = { .id = "" };
	const char *environment = NULL;

	if (find_origin(x, params, &origin, &environment, err) < 0 ||
	    describe(params, s, err) < 0)
		return -1;
	id_make(s->id);
	s->environment = memory_copy(environment ? environment : origin.environment);
	s->execution = memory_copy(origin.execution);
	if (origin.id[0]) {
		share(s, &origin);
		return 0;
	}
	/* the row comes last: a folder without one is swept */
	if (asprintf(&s->layers, "[\"%s\"]", s->id) < 0) {
		s->layers = NULL;
		return err_sys(err, ENOMEM, "make a snapshot");
	}
	return fill_layer(x, s->id, err);
}

/* Of what runs: the answer comes later. */
static int make_live(struct session *s, json_int_t id, const json_t *params, struct run *run,
		     struct error *err)
{
	cleanup_snapshot struct snapshot made = { .kind = "fs" };

	if (!run->sandbox || run->sandbox->state != SANDBOX_RUNNING) {
		(void)err_set(err, ERR_BUSY, "execution '%s' has not begun yet", run->rec.id);
		return err_hint(err, "try again in a moment");
	}
	if (describe(params, &made, err) < 0)
		return -1;
	made.parent = memory_copy(run->rec.parent);
	made.environment = memory_copy(run->rec.environment);
	made.execution = memory_copy(run->rec.id);
	return live_snapshot(s, id, run->sandbox, &made,
			     json_is_true(json_object_get(params, "sync")), err);
}

static int answer(struct session *s, json_int_t id, const json_t *params,
		  const struct snapshot *made, struct error *err)
{
	cleanup_snapshot struct snapshot got = { .id = "" };

	snapshot_noted(s->x, made);
	if (json_is_true(json_object_get(params, "sync")))
		return snapshot_sync(s, id, made->id, -1, err);
	if (store_snapshot_find(s->x->store, made->id, &got, err) < 0)
		return -1;
	session_result(s, id, report_snapshot(&got), NULL, 0);
	return 0;
}

/* One that runs goes on meanwhile; of one that has stopped nothing is copied. */
static int of_instance(struct session *s, json_int_t id, const json_t *params,
		       struct error *err)
{
	cleanup_snapshot struct snapshot made = { .kind = "fs" };
	struct live_instance *i = instance_find(s->x, text_of(params, "instance"), err);

	if (!i)
		return -1;
	if (instance_state(i) == INSTANCE_RUNNING && i->run)
		return make_live(s, id, params, i->run, err);
	if (instance_state(i) != INSTANCE_STOPPED) {
		(void)err_set(err, ERR_CONFLICT, "instance '%s' is %s, and its files cannot be "
			      "copied", instance_name(i), i->rec.state);
		return err_hint(err, instance_state_hint(instance_state(i)), instance_name(i));
	}
	if (describe(params, &made, err) < 0 || instance_become_snapshot(i, &made, err) < 0)
		return -1;
	compact_note(s->x, made.id);
	return answer(s, id, params, &made, err);
}

int snapshot_create(struct session *s, json_int_t id, const json_t *params, struct error *err)
{
	cleanup_snapshot struct snapshot made = { .state = "ready", .kind = "fs" };
	const char *execution = text_of(params, "execution");
	struct executor *x = s->x;
	struct run *run;

	if (snapshot_check_name(text_of(params, "name"), err) < 0 ||
	    snapshot_check_comment(text_of(params, "comment"), err) < 0 ||
	    run_flush(x, err) < 0)
		return -1;
	run = execution ? running(x, execution) : NULL;
	if (run && only_one(params, err) < 0)
		return -1;
	if (run)
		return make_live(s, id, params, run, err);
	if (text_of(params, "instance"))
		return only_one(params, err) < 0 ? -1 : of_instance(s, id, params, err);
	if (make(x, params, &made, err) < 0 ||
	    store_snapshot_put(x->store, &made, err) < 0) {
		if (made.id[0] && !made.parent)
			layer_remove(x, made.id);
		return -1;
	}
	(void)fault("snapshot.created");
	return answer(s, id, params, &made, err);
}

/* ---- restore ---- */

/* 1 when `what` is `of`, or among those that it stands on. */
static int in_line(struct executor *x, const char *what, const char *of, struct error *err)
{
	char at[STORE_ID];

	(void)snprintf(at, sizeof(at), "%s", of);
	while (strcmp(at, what)) {
		cleanup_snapshot struct snapshot s = { .id = "" };
		int r = store_snapshot_find(x->store, at, &s, err);

		if (r <= 0 || !s.parent)
			return r < 0 ? -1 : 0;
		(void)snprintf(at, sizeof(at), "%.*s", STORE_ID - 1, s.parent);
	}
	return 1;
}

static int move_back(struct executor *x, struct branch *b, const struct snapshot *to, bool force,
		     struct error *err)
{
	int r = in_line(x, to->id, b->head, err);

	if (r < 0)
		return -1;
	if (!r && !force) {
		(void)err_set(err, ERR_CONFLICT, "snapshot '%s' is not in the history of branch "
			      "'%s'", to->id, b->name);
		return err_hint(err, "--force moves it there all the same");
	}
	free(b->head);
	b->head = memory_copy(to->id);
	/* it begins where it is, when it was moved before its beginning */
	r = in_line(x, b->base, to->id, err);
	if (r == 0) {
		free(b->base);
		b->base = memory_copy(to->id);
	}
	return r < 0 ? -1 : 0;
}

int snapshot_restore(struct session *s, json_int_t id, const json_t *params, struct error *err)
{
	const char *name = text_of(params, "branch");
	cleanup_snapshot struct snapshot to = { .id = "" };
	cleanup_branch struct branch b = { .name = "" };
	cleanup_free char *before = NULL;
	struct executor *x = s->x;
	json_t *report;

	if (branch_check_name(name, err) < 0 || branch_check_idle(x, name, err) < 0 ||
	    run_flush(x, err) < 0 ||
	    store_snapshot_get(x->store, text_of(params, "id"), &to, err) < 0)
		return -1;
	if (!store_branch_get(x->store, name, &b, err)) {
		before = memory_copy(b.head);
		if (move_back(x, &b, &to, json_is_true(json_object_get(params, "force")), err) < 0)
			return -1;
	} else if (err->code == ERR_NOT_FOUND) {
		(void)snprintf(b.name, sizeof(b.name), "%s", name);
		b.base = memory_copy(to.id);
		b.head = memory_copy(to.id);
		b.labels = memory_copy("{}");
		b.created_ms = (int64_t)clock_unix_ms();
	} else {
		return -1;
	}
	if (store_branch_put(x->store, &b, err) < 0)
		return -1;
	(void)fault("branch.restored");
	report = report_branch(&b);
	json_object_set_new(report, "before", before ? json_string(before) : json_null());
	session_result(s, id, report, NULL, 0);
	return 0;
}
