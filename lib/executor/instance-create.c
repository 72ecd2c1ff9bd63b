#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/id.h"
#include "lib/base/memory.h"
#include "lib/base/parse.h"
#include "lib/executor/instance.h"
#include "lib/executor/snapshot.h"

enum { PORTS_MAX = 64 };

#define TIME_MAX_MS	(INT64_C(36525) * 86400 * 1000)

static const char *text_of(const json_t *params, const char *key)
{
	return json_string_value(json_object_get(params, key));
}

/* ---- what a client may say of one ---- */

static int check_ports(const json_t *ports, struct error *err)
{
	json_t *port;
	size_t n;

	if (json_array_size(ports) > PORTS_MAX)
		return err_set(err, ERR_USAGE, "more than %d ports", PORTS_MAX);
	json_array_foreach((json_t *)(uintptr_t)ports, n, port)
		if (!json_is_integer(port) || json_integer_value(port) < 1 ||
		    json_integer_value(port) > 65535)
			return err_set(err, ERR_USAGE, "a port is a number from 1 to 65535");
	return 0;
}

int instance_set_name(struct live_instance *i, const char *name, struct error *err)
{
	if (*name && (parse_name(name) < 0 || strchr(name, '@') || strlen(name) >= STORE_NAME))
		return err_set(err, ERR_USAGE, "'%.128s' cannot be the name of an instance: use "
			       "letters, digits, '.', '_' and '-'", name);
	for (const struct live_instance *k = i->x->instances; *name && k; k = k->next)
		if (k != i && instance_state(k) != INSTANCE_TERMINATED &&
		    !strcmp(k->rec.name, name)) {
			(void)err_set(err, ERR_EXISTS,
				      "there is an instance '%s' already, and it is "
				      "%s",
				      name, k->rec.state);
			return err_hint(
			    err, "choose another name, or 'faas instance %s %s'",
			    instance_state(k) == INSTANCE_STOPPED ? "start" : "show",
			    name);
		}
	(void)snprintf(i->rec.name, sizeof(i->rec.name), "%s", name);
	return 0;
}

static int check_time(const json_t *ms, const char *what, struct error *err)
{
	if (json_integer_value(ms) > TIME_MAX_MS)
		return err_set(err, ERR_USAGE, "%s is longer than 100 years", what);
	return 0;
}

int instance_set_ways(struct live_instance *i, const json_t *params, struct error *err)
{
	static const char *const policies[] = { "no", "on-failure", "always" };
	const char *restart = text_of(params, "restart");
	const json_t *max = json_object_get(params, "restart_max");
	const json_t *ttl = json_object_get(params, "ttl_ms");
	const json_t *idle = json_object_get(params, "auto_stop_ms");
	const json_t *remove = json_object_get(params, "remove");
	bool known = !restart;

	for (size_t k = 0; k < ARRAY_SIZE(policies); k++)
		known |= restart && !strcmp(restart, policies[k]);
	if (!known)
		return err_set(err, ERR_USAGE, "'%.64s' is no way to restart: there are no, "
			       "on-failure and always", restart);
	if (json_integer_value(max) > INT32_MAX)
		return err_set(err, ERR_USAGE, "'restart_max' is too large");
	if (check_time(ttl, "the time to live", err) < 0 ||
	    check_time(idle, "the time of idleness", err) < 0)
		return -1;
	if (restart) {
		(void)snprintf(i->rec.restart, sizeof(i->rec.restart), "%s", restart);
		i->rec.restart_max = (int)json_integer_value(max);
	}
	if (remove)
		i->rec.remove = json_is_true(remove);
	if (i->rec.remove && strcmp(i->rec.restart, "no"))
		return err_set(err, ERR_USAGE, "what is removed when it has stopped is not "
			       "restarted");
	if (ttl)
		instance_set_ttl(&i->rec, json_integer_value(ttl));
	if (idle)
		i->rec.auto_stop_ms = json_integer_value(idle);
	return 0;
}

int instance_set_labels(struct live_instance *i, const json_t *changes, struct error *err)
{
	/* they are those of snapshots in every respect */
	struct snapshot s = { .labels = i->rec.labels };
	int r = snapshot_set_labels(&s, changes, err);

	i->rec.labels = s.labels;
	return r;
}

/* ---- create ---- */

/* Those fields that a start of it is made of, now and later. */
static char *request_of(const json_t *params)
{
	static const char *const keys[] = {
		"environment", "steps", "shell", "env", "workdir", "user", "network", "limits", "grace_ms",
		"log_bytes", "allow_degraded",
	};
	cleanup_json json_t *j = json_object();

	for (size_t k = 0; k < ARRAY_SIZE(keys); k++)
		json_object_set(j, keys[k], json_object_get(params, keys[k]));
	return json_dumps(j, JSON_COMPACT);
}

static int set_beginning(struct live_instance *i, const json_t *params, struct error *err)
{
	const char *parent = text_of(params, "parent"), *env = text_of(params, "environment");
	cleanup_snapshot struct snapshot at = { .id = "" };

	if (!parent) {
		i->rec.environment = memory_copy(env ? env : "host");
		return 0;
	}
	if (run_flush(i->x, err) < 0 || branch_find_start(i->x, parent, &at, err) < 0)
		return -1;
	if (env && strcmp(env, at.environment))
		return err_set(err, ERR_USAGE, "snapshot '%s' is of environment '%s', not of '%s'",
			       parent, at.environment, env);
	i->rec.base = memory_copy(at.id);
	i->rec.environment = memory_copy(at.environment);
	return 0;
}

static int set_id(struct live_instance *i, const json_t *params, struct error *err)
{
	cleanup_instance struct instance old = { .id = "" };
	const char *id = text_of(params, "id");
	char layer[ID_SIZE];
	int r = 0;

	if (id && !id_valid(id))
		return err_set(err, ERR_USAGE, "'%.64s' cannot be an id", id);
	if (id)
		r = store_instance_find(i->x->store, id, &old, err);
	if (r)
		return r < 0 ? -1
			     : err_set(err, ERR_EXISTS,
				       "there is an instance '%s' already", id);
	if (id)
		(void)snprintf(i->rec.id, sizeof(i->rec.id), "%s", id);
	else
		id_make(i->rec.id);
	id_make(layer);
	i->rec.layer = memory_copy(layer);
	return 0;
}

static int fill(struct live_instance *i, const json_t *params, struct error *err)
{
	const char *name = text_of(params, "name");
	const json_t *ports = json_object_get(params, "ports");

	(void)snprintf(i->rec.restart, sizeof(i->rec.restart), "no");
	(void)snprintf(i->rec.wanted, sizeof(i->rec.wanted), "running");
	i->rec.created_ms = (int64_t)clock_unix_ms();
	i->rec.boot = memory_copy(boot_id());
	instance_set_state(i, INSTANCE_PENDING);
	instance_used(&i->rec);
	if (set_id(i, params, err) < 0 || (name && instance_set_name(i, name, err) < 0) ||
	    check_ports(ports, err) < 0 || instance_set_ways(i, params, err) < 0 ||
	    instance_set_labels(i, json_object_get(params, "labels"), err) < 0 ||
	    set_beginning(i, params, err) < 0)
		return -1;
	i->rec.ports = ports ? json_dumps(ports, JSON_COMPACT) : memory_copy("[]");
	i->rec.request = request_of(params);
	if (!i->rec.request || !i->rec.ports)
		return err_sys(err, ENOMEM, "start an instance");
	return 0;
}

int instance_create(struct session *s, json_int_t id, const json_t *params, struct error *err)
{
	struct executor *x = s->x;
	struct live_instance *i;

	if (run_allowed(x, err) < 0)
		return -1;
	i = instance_add(x);
	i->fresh = true;
	if (fill(i, params, err) < 0 ||
	    instance_wait_for(i, s, id, 1u << INSTANCE_RUNNING, true, err) < 0 ||
	    instance_launch(i, err) < 0) {
		instance_forget(i);
		return -1;
	}
	return 0;
}
