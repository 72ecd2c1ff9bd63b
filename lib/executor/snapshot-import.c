#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fault.h"
#include "lib/base/id.h"
#include "lib/base/memory.h"
#include "lib/environment/unpack.h"
#include "lib/executor/layer.h"
#include "lib/executor/snapshot.h"
#include "lib/executor/work.h"

/*
 * An exported snapshot becomes snapshots again. A confined helper unpacks it to a staging
 * folder beside the layers, another one compares that with the manifest and checks
 * the signature; then the layers get their names, and last all rows at once. Whatever
 * fails or dies before that leaves folders without rows, which are swept.
 */

enum { IMPORT_LAYERS_MAX = 1000 };
#define BYTES_MAX	(UINT64_C(32) << 30)
#define NO_RATIO	(UINT64_C(1) << 40)	/* files of zeros are nothing bad */

struct importing {
	struct source source;		/* the first helper's status */
	struct importing *next;
	struct executor *x;
	struct session *session;	/* NULL when it has gone, or the second helper has it */
	json_int_t request;
	struct unpack *unpack;
	struct unpack_request ask;
	json_t *params;
	char staging[64];		/* below layers/ */
	int layers, from, key;
};

static const char *text_of(const json_t *params, const char *key)
{
	return json_string_value(json_object_get(params, key));
}

static void importing_free(struct importing *m)
{
	struct importing **at = &m->x->imports;

	while (*at && *at != m)
		at = &(*at)->next;
	if (*at)
		*at = m->next;
	unpack_free(m->unpack);
	layer_remove(m->x, m->staging);
	json_decref(m->params);
	if (m->layers >= 0)
		(void)close(m->layers);
	if (m->from >= 0)
		(void)close(m->from);
	if (m->key >= 0)
		(void)close(m->key);
	free(m);
}

/* ---- the manifest becomes rows ---- */

struct admitted {
	struct importing *m;
	const json_t *manifest;
	const char *environment;
	struct snapshot base;		/* that it stands on, or with an empty id */
	json_t *stack;			/* of the layers below, newest first */
	json_t *ids;			/* of those that were renamed */
};

struct wanted {
	const char *checksum;
	char id[STORE_ID];
};

static int has_checksum(void *arg, const struct snapshot *s)
{
	struct wanted *w = arg;

	if (strcmp(s->state, "ready") || !s->checksum || strcmp(s->checksum, w->checksum))
		return 0;
	(void)snprintf(w->id, sizeof(w->id), "%s", s->id);
	return 1;
}

static int find_base(struct admitted *a, struct error *err)
{
	const json_t *base = json_object_get(a->manifest, "base");
	struct wanted w = { .checksum = text_of(base, "checksum") };
	struct store *store = a->m->x->store;

	a->stack = json_array();
	if (!base || json_is_null(base))
		return 0;
	if (!w.checksum)
		return err_set(err, ERR_USAGE, "its manifest is not whole");
	if (store_snapshot_list(store, has_checksum, &w, err) < 0)
		return -1;
	if (!w.id[0]) {
		(void)err_set(err, ERR_NOT_FOUND, "it stands on snapshot '%.64s', which is not here",
			      text_of(base, "id") ? text_of(base, "id") : "");
		return err_hint(err, "import that one first, or export this one without --since");
	}
	if (store_snapshot_get(store, w.id, &a->base, err) < 0)
		return -1;
	json_decref(a->stack);
	a->stack = json_loads(a->base.layers, 0, NULL);
	return a->stack ? 0 : err_set(err, ERR_CORRUPT, "snapshot '%s' has no layers", w.id);
}

static int find_environment(struct admitted *a, struct error *err)
{
	const char *own = text_of(json_object_get(a->manifest, "environment"), "name");

	a->environment = text_of(a->m->params, "environment");
	if (!a->environment)
		a->environment = a->base.id[0] ? a->base.environment : own;
	if (a->base.id[0] && strcmp(a->environment, a->base.environment))
		return err_set(err, ERR_CONFLICT, "it stands on '%s', which is of environment '%s'",
			       a->base.id, a->base.environment);
	if (!a->environment)
		return err_set(err, ERR_USAGE, "its manifest is not whole");
	if (slot_get(a->m->x, a->environment, err))
		return 0;
	if (err->code != ERR_NOT_FOUND)
		return -1;
	(void)err_set(err, ERR_NOT_FOUND, "no environment '%.128s'", a->environment);
	return err_hint(err, "'faas env create' makes one, and --environment names another");
}

static int set_text(char **field, const json_t *value)
{
	const char *text = json_string_value(value);

	*field = text && *text ? memory_copy(text) : NULL;
	return 0;
}

/* One layer: its folder gets its name here. */
static int make_row(struct admitted *a, size_t i, const char *parent, struct snapshot *s,
		    struct error *err)
{
	const json_t *layers = json_object_get(a->manifest, "layers");
	const json_t *layer = json_array_get(layers, i), *params = a->m->params;
	bool last = i + 1 == json_array_size(layers);
	const char *name = text_of(params, "name");
	char from[128];
	int r = fault("import.rename");

	if (last && !name)
		name = text_of(layer, "name");
	if (snapshot_check_name(last ? name : NULL, err) < 0 ||
	    snapshot_check_comment(text_of(layer, "comment"), err) < 0)
		return -1;
	id_make(s->id);
	(void)snprintf(s->name, sizeof(s->name), "%s", last && name ? name : "");
	s->parent = memory_copy(parent);
	s->environment = memory_copy(a->environment);
	s->engine = memory_copy("overlay");
	(void)set_text(&s->comment, json_object_get(layer, "comment"));
	s->labels = memory_copy("{}");
	s->created_ms = (int64_t)clock_unix_ms();
	if (snapshot_set_labels(s, json_object_get(layer, "labels"), err) < 0 ||
	    (last && snapshot_set_ttl(s, json_object_get(params, "ttl_ms"), err) < 0))
		return -1;
	json_array_insert_new(a->stack, 0, json_string(s->id));
	s->layers = json_dumps(a->stack, JSON_COMPACT);
	(void)snprintf(from, sizeof(from), "%s/layers/%zu", a->m->staging, i);
	if (r || renameat(a->m->layers, from, a->m->layers, s->id) < 0)
		return err_sys(err, r ? r : errno, "take in layer %zu", i);
	json_array_append_new(a->ids, json_string(s->id));
	return 0;
}

static int put_rows(struct admitted *a, json_t **answer, struct error *err)
{
	size_t n = json_array_size(json_object_get(a->manifest, "layers"));
	struct store *store = a->m->x->store;
	char parent[STORE_ID] = "";

	if (a->base.id[0])
		(void)snprintf(parent, sizeof(parent), "%s", a->base.id);
	for (size_t i = 0; i < n; i++) {
		cleanup_snapshot struct snapshot s = { .state = "ready", .kind = "fs" };

		if (make_row(a, i, *parent ? parent : NULL, &s, err) < 0 ||
		    store_snapshot_put(store, &s, err) < 0)
			return -1;
		(void)snprintf(parent, sizeof(parent), "%s", s.id);
		snapshot_noted(a->m->x, &s);
		if (i + 1 == n)
			*answer = report_snapshot(&s);
	}
	return 0;
}

static int publish(struct admitted *a, json_t **answer, struct error *err)
{
	struct executor *x = a->m->x;
	json_t *id;
	size_t i;

	a->ids = json_array();
	if (run_flush(x, err) < 0 || find_base(a, err) < 0 || find_environment(a, err) < 0 ||
	    store_begin(x->store, err) < 0)
		return -1;
	if (!put_rows(a, answer, err)) {
		(void)fault("import.commit");
		if (!store_commit(x->store, err)) {
			(void)fault("import.committed");
			return 0;
		}
	} else {
		store_rollback(x->store);
	}
	json_decref(*answer);
	*answer = NULL;
	json_array_foreach(a->ids, i, id)
		layer_remove(x, json_string_value(id));
	return -1;
}

static int admitted(struct executor *x, void *data, json_t *result, json_t **answer,
		    struct error *err)
{
	struct admitted a = { .m = data, .manifest = json_object_get(result, "manifest") };
	int r = -1;

	(void)x;
	(void)fault("import.admitted");
	if (result && json_array_size(json_object_get(a.manifest, "layers")) <= IMPORT_LAYERS_MAX)
		r = publish(&a, answer, err);
	snapshot_release(&a.base);
	json_decref(a.stack);
	json_decref(a.ids);
	importing_free(data);
	return r < 0 ? err_wrap(err, "nothing was imported") : 0;
}

/* ---- the helpers ---- */

static int start_second(struct importing *m, struct error *err)
{
	bool verify = m->key >= 0, rootless = m->x->spawner.rootless;
	cleanup_json json_t *ask = json_pack("{s:s,s:b,s:I,s:b}", "do", "admit", "verify", verify,
					     "shift", (json_int_t)(rootless ? 0 : UID_BASE),
					     "rootless", rootless);
	cleanup_close int fd = openat(m->layers, m->staging,
				      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct work_request req = {
		.helper = { .program = "faas-state", .ask = ask, .fds = { fd, m->key },
			    .n_fds = verify ? 2 : 1 },
		.done = admitted, .data = m, .for_session = true,
	};

	if (fd < 0)
		return err_sys(err, errno, "open what was unpacked");
	return work_start(m->x, &req, m->session, m->request, err);
}

static void on_status(struct source *s, uint32_t events)
{
	struct importing *m = (struct importing *)s;
	struct unpack_result got = { 0 };
	struct error err = { 0 };
	int r;

	(void)events;
	if (!unpack_read(m->unpack))
		return;
	event_remove(m->x, s);
	m->x->busy_us = clock_us();
	r = unpack_finish(m->unpack, &got, &err);
	m->unpack = NULL;
	(void)fault("import.unpacked");
	if (!r && !m->session)
		r = err_set(&err, ERR_UNAVAILABLE, "the client has gone");
	if (!r && !start_second(m, &err)) {
		m->session = NULL;
		return;
	}
	(void)err_wrap(&err, "nothing was imported");
	if (m->session)
		session_error(m->session, m->request, &err);
	importing_free(m);
}

static void on_progress(void *data, uint64_t bytes, uint64_t entries)
{
	struct importing *m = data;

	if (m->session)
		session_event(m->session, m->request, "progress",
			      json_pack("{s:I,s:I}", "bytes", (json_int_t)bytes, "entries",
					(json_int_t)entries), NULL, 0);
}

/* Nobody else wants it; one that is being looked at belongs to its work (work.h). */
void snapshot_session_gone(struct session *s)
{
	for (struct importing *m = s->x->imports, *next; m; m = next) {
		next = m->next;
		if (m->session != s)
			continue;
		event_remove(m->x, &m->source);
		importing_free(m);
	}
}

/* A bomb fills no more than half of what is free. */
static uint64_t most_bytes(const struct importing *m)
{
	uint64_t most = (uint64_t)json_integer_value(json_object_get(m->params, "max_bytes"));
	struct statvfs st;

	if (most)
		return most;
	if (fstatvfs(m->layers, &st) < 0)
		return BYTES_MAX;
	most = (uint64_t)st.f_bavail * st.f_frsize / 2;
	return most && most < BYTES_MAX ? most : BYTES_MAX;
}

static int begin(struct importing *m, const json_t *params, struct error *err)
{
	char id[ID_SIZE];

	id_make(id);
	(void)snprintf(m->staging, sizeof(m->staging), ".import-%s", id);
	if (m->layers < 0)
		return -1;
	if (m->from < 0 || (m->key < 0 && json_is_true(json_object_get(params, "verify"))))
		return err_set(err, ERR_PROTOCOL, "a descriptor for the import is missing");
	if (snapshot_check_name(text_of(params, "name"), err) < 0)
		return -1;
	m->ask = (struct unpack_request){
		.parent_fd = m->layers, .name = m->staging, .archive_fd = m->from, .source_fd = -1,
		.snapshot = true, .max_bytes = most_bytes(m), .max_ratio = NO_RATIO, .max_depth = 1000,
		.uid_base = m->x->spawner.rootless ? 0 : UID_BASE,
		.uid_count = m->x->spawner.rootless ? 0 : UID_COUNT,
		.progress = on_progress, .data = m,
	};
	if (unpack_start(&m->ask, &m->unpack, err) < 0)
		return -1;
	m->source = (struct source){ .fd = unpack_fd(m->unpack), .ready = on_status };
	return event_add(m->x, &m->source, EPOLLIN, err);
}

int snapshot_import(struct session *s, json_int_t id, const json_t *params, struct error *err)
{
	bool verify = json_is_true(json_object_get(params, "verify"));
	struct importing *m = calloc(1, sizeof(*m));

	if (!m)
		return err_sys(err, ENOMEM, "import a snapshot");
	*m = (struct importing){
		.x = s->x, .session = s, .request = id, .next = s->x->imports,
		.params = json_deep_copy(params), .layers = layer_folder(s->x, err),
		.from = wire_take_fd(&s->wire), .key = -1,
	};
	if (verify)
		m->key = wire_take_fd(&s->wire);
	s->x->imports = m;
	if (begin(m, params, err) < 0) {
		importing_free(m);
		return -1;
	}
	return 0;
}
