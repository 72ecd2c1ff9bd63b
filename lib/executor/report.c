#include <string.h>

#include "lib/base/parse.h"
#include "lib/executor/executor.h"
#include "lib/executor/work.h"
#include "lib/store/instance.h"

static json_t *text(const char *s)
{
	return s && *s ? wire_text(s) : json_null();
}

static json_t *time_of(int64_t ms)
{
	char buf[FORMAT_TIME];

	return ms ? json_string(format_time(buf, (uint64_t)ms)) : json_null();
}

static json_t *parsed(const char *s, json_t *otherwise)
{
	json_t *j = s ? json_loads(s, JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL) : NULL;

	if (!j)
		return otherwise;
	json_decref(otherwise);
	return j;
}

static json_t *usage(const struct execution *e)
{
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:o,s:I,s:I}",
			 "setup_us", (json_int_t)e->setup_us, "wall_us", (json_int_t)e->wall_us,
			 "user_us", (json_int_t)e->user_us,
			 "system_us", (json_int_t)e->system_us,
			 "memory_peak_bytes", (json_int_t)e->memory_peak,
			 "memory_source", text(e->memory_source),
			 "read_bytes", (json_int_t)e->io_read,
			 "written_bytes", (json_int_t)e->io_write);
}

json_t *report_execution(const struct execution *e)
{
	json_t *j = json_object();

	json_object_set_new(j, "id", json_string(e->id));
	json_object_set_new(j, "name", text(e->name));
	json_object_set_new(j, "state", json_string(e->state));
	json_object_set_new(j, "argv", parsed(e->argv, json_array()));
	json_object_set_new(j, "language", text(e->language));
	json_object_set_new(j, "code_sha256", text(e->code_sha256));
	json_object_set_new(j, "mode", text(e->mode));
	json_object_set_new(j, "environment", text(e->environment));
	json_object_set_new(j, "engine", text(e->engine));
	json_object_set_new(j, "workdir", text(e->workdir));
	json_object_set_new(j, "user", text(e->user));
	json_object_set_new(j, "network", text(e->network));
	json_object_set_new(j, "env", parsed(e->env, json_object()));
	json_object_set_new(j, "limits", parsed(e->limits, json_object()));
	json_object_set_new(j, "labels", parsed(e->labels, json_object()));
	json_object_set_new(j, "degraded", parsed(e->degraded, json_array()));
	json_object_set_new(j, "exit_code",
			    e->exit_code >= 0 ? json_integer(e->exit_code) : json_null());
	json_object_set_new(j, "signal", e->signal ? json_integer(e->signal) : json_null());
	json_object_set_new(j, "oom_killed", json_boolean(e->oom_killed));
	json_object_set_new(j, "timed_out", json_boolean(e->timed_out));
	json_object_set_new(j, "cancelled", json_boolean(e->cancelled));
	json_object_set_new(j, "error", e->error_code
			    ? json_pack("{s:s,s:o}", "code", e->error_code, "message",
					wire_text(e->error_message ? e->error_message : ""))
			    : json_null());
	json_object_set_new(j, "created_at", time_of(e->created_ms));
	json_object_set_new(j, "started_at", time_of(e->started_ms));
	json_object_set_new(j, "ended_at", time_of(e->ended_ms));
	json_object_set_new(j, "created_ms", json_integer(e->created_ms));
	json_object_set_new(j, "started_ms", json_integer(e->started_ms));
	json_object_set_new(j, "ended_ms", json_integer(e->ended_ms));
	json_object_set_new(j, "usage", usage(e));
	json_object_set_new(j, "detached", json_boolean(e->detached));
	json_object_set_new(j, "logged", json_boolean(e->logged));
	json_object_set_new(j, "log_bytes", json_integer(e->log_bytes));
	json_object_set_new(j, "log_truncated", json_boolean(e->log_truncated));
	json_object_set_new(j, "pid", e->pid ? json_integer(e->pid) : json_null());
	json_object_set_new(j, "parent", text(e->parent));
	json_object_set_new(j, "snapshot", text(e->snapshot));
	json_object_set_new(j, "branch", text(e->branch));
	json_object_set_new(j, "instance", text(e->instance));
	json_object_set_new(j, "cursor", json_integer(e->seq));
	return j;
}

json_t *report_end(const struct execution *e)
{
	return json_pack("{s:s,s:o,s:o,s:b,s:b,s:b}", "id", e->id, "exit_code",
			 e->exit_code >= 0 ? json_integer(e->exit_code) : json_null(), "signal",
			 e->signal ? json_integer(e->signal) : json_null(), "oom_killed",
			 e->oom_killed, "timed_out", e->timed_out, "cancelled", e->cancelled);
}

json_t *report_snapshot(const struct snapshot *s)
{
	bool known = s->synced_ms > 0;

	return json_pack("{s:s,s:o,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:I,s:o,s:b,s:b,s:o,s:o,"
			 "s:o,s:I}", "id", s->id, "name", text(s->name), "kind", s->kind,
			 "parent", text(s->parent), "merged", text(s->merged),
			 "environment", text(s->environment),
			 "execution", text(s->execution), "engine", text(s->engine),
			 "comment", text(s->comment), "labels", parsed(s->labels, json_object()),
			 "layers", parsed(s->layers, json_array()),
			 "created_at", time_of(s->created_ms),
			 "created_ms", (json_int_t)s->created_ms,
			 "expires_ms", s->expires_ms ? json_integer(s->expires_ms) : json_null(),
			 "synced", known, "unsafe", s->synced_ms == SNAPSHOT_UNSAFE,
			 "entries", known ? json_integer(s->entries) : json_null(),
			 "bytes", known ? json_integer(s->bytes) : json_null(),
			 "checksum", text(s->checksum), "cursor", (json_int_t)s->seq);
}

static json_t *number_or_null(int64_t n, bool known)
{
	return known ? json_integer(n) : json_null();
}

json_t *report_instance(const struct instance *i)
{
	json_t *request = parsed(i->request, json_object());
	json_t *j = json_pack("{s:s,s:o,s:s,s:o,s:o,s:o,s:o,s:o,s:o}", "id", i->id, "name",
			      text(i->name), "state", i->state, "environment",
			      text(i->environment), "snapshot", text(i->base), "execution",
			      text(i->execution), "reason", text(i->reason), "labels",
			      parsed(i->labels, json_object()), "ports",
			      parsed(i->ports, json_array()));
	json_t *steps = json_object_get(request, "steps");

	json_object_set(j, "argv", json_array_get(json_array_get(steps, 0), 0));
	if (!json_object_get(j, "argv"))
		json_object_set_new(j, "argv", json_array());
	json_object_set(j, "limits", json_object_get(request, "limits"));
	json_object_set(j, "network", json_object_get(request, "network"));
	json_object_set_new(j, "restart", json_pack("{s:s,s:i,s:i}", "policy", i->restart, "max",
						    i->restart_max, "count", i->restarts));
	json_object_set_new(j, "remove", json_boolean(i->remove));
	json_object_set_new(j, "exit_code", number_or_null(i->exit_code, i->exit_code >= 0));
	json_object_set_new(j, "signal", number_or_null(i->signal, i->signal));
	json_object_set_new(j, "ttl_ms", number_or_null(i->ttl_ms, i->ttl_ms));
	json_object_set_new(j, "auto_stop_ms", number_or_null(i->auto_stop_ms, i->auto_stop_ms));
	json_object_set_new(j, "expires_ms", number_or_null(i->expires_ms, i->expires_ms));
	json_object_set_new(j, "active_ms", number_or_null(i->active_ms, i->active_ms));
	json_object_set_new(j, "created_ms", json_integer(i->created_ms));
	json_object_set_new(j, "started_ms", json_integer(i->started_ms));
	json_object_set_new(j, "stopped_ms", json_integer(i->stopped_ms));
	json_object_set_new(j, "updated_ms", json_integer(i->updated_ms));
	json_object_set_new(j, "cursor", json_integer(i->seq));
	json_decref(request);
	return j;
}

json_t *report_branch(const struct branch *b)
{
	return json_pack("{s:s,s:s,s:s,s:o,s:o,s:I}", "name", b->name, "base", b->base, "head",
			 b->head, "labels", parsed(b->labels, json_object()), "created_at",
			 time_of(b->created_ms), "created_ms", (json_int_t)b->created_ms);
}

json_t *report_environment(const struct environment *e)
{
	return json_pack("{s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:I,s:I,s:o,s:o,s:o}",
			 "name", e->name, "kind", e->snapshot ? "built" : e->kind,
			 "base", text(e->base), "snapshot", text(e->snapshot),
			 "source", text(e->source),
			 "cache", text(e->cache), "resources", parsed(e->resources, json_object()),
			 "variables", parsed(e->variables, json_object()),
			 "workdir", text(e->workdir), "user", text(e->user),
			 "shell", text(e->shell), "created_at", time_of(e->created_ms),
			 "image", parsed(e->image, json_null()), "size_bytes", (json_int_t)e->size_bytes,
			 "entries", (json_int_t)e->entries,
			 "languages", parsed(e->languages, json_array()),
			 "features", parsed(e->features, json_object()),
			 "warm_up", text(e->warm_up));
}

static json_t *report_pool(const char *name, const struct pool *p)
{
	return json_pack("{s:s,s:I,s:I,s:I,s:I,s:I}", "name", name,
			 "ready", (json_int_t)p->count, "target", (json_int_t)p->target,
			 "hits", (json_int_t)p->hits, "misses", (json_int_t)p->misses,
			 "made", (json_int_t)p->made);
}

json_t *report_status(struct executor *x)
{
	json_t *pools = json_array(), *cgroups = json_array();
	static const char *const kinds[CGROUP__MAX] = {
#define X(id, name) [CGROUP_##id] = name,
		CGROUP_KINDS(X)
#undef X
	};

	json_array_append_new(pools, report_pool("blank", &x->blanks));
	for (struct slot *s = x->slots; s; s = s->next)
		if (!s->removed)
			json_array_append_new(pools, report_pool(s->name, &s->warm));
	for (int i = 0; i < CGROUP__MAX; i++)
		if (x->cgroups[i] >= 0)
			json_array_append_new(cgroups, json_string(kinds[i]));
	return json_pack("{s:b,s:I,s:s,s:o,s:o,s:I,s:I,s:I,s:I,s:I,s:I,s:b,s:o,s:o,s:o,s:b,s:o}",
			 "running", 1, "pid", (json_int_t)getpid(),
			 "version", FAAS_VERSION, "state_dir", wire_text(x->state_path),
			 "started_at", time_of((int64_t)x->started_ms),
			 "clients", (json_int_t)x->n_sessions,
			 "sandboxes", (json_int_t)x->n_sandboxes,
			 "active", (json_int_t)x->n_running,
			 "executions", (json_int_t)x->n_runs,
			 "recovered", (json_int_t)x->n_recovered,
			 "lost", (json_int_t)x->n_lost,
			 "rootless", x->spawner.rootless,
			 "cgroups", cgroups, "pools", pools, "helpers", work_report(x),
			 "draining", x->stopping != STOP_NO,
			 "error", x->store_failed ? wire_text(x->store_error.msg) : json_null());
}
