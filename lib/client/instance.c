#include "lib/client/faas.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/client/handle.h"
#include "lib/client/request.h"

/*
 * faas_instance_*(): what `faas instance` does.
 */

static int failed(const struct error *err, struct faas_error *ret)
{
	return handle_fail(err, err_exit(err->code), ret);
}

/* NULL for what is not there; *bad when there is no memory. */
static char *copy(const json_t *j, const char *key, bool *bad)
{
	const char *text = json_string_value(json_object_get(j, key));
	char *s = text ? strdup(text) : NULL;

	*bad |= text && !s;
	return s;
}

static int64_t number(const json_t *j, const char *key)
{
	return json_integer_value(json_object_get(j, key));
}

void faas_instance_free(struct faas_instance *i)
{
	if (!i)
		return;
	free(i->name);
	free(i->environment);
	free(i->snapshot);
	free(i->execution);
	free(i->reason);
	free(i->record);
	free(i);
}

void faas_instances_free(struct faas_instance **list)
{
	for (struct faas_instance **at = list; at && *at; at++)
		faas_instance_free(*at);
	free(list);
}

static void copy_text(char *to, size_t size, const json_t *j, const char *key)
{
	const char *text = json_string_value(json_object_get(j, key));

	(void)snprintf(to, size, "%s", text ? text : "");
}

static struct faas_instance *make(const json_t *j)
{
	struct faas_instance *i = calloc(1, sizeof(*i));
	bool bad = false;

	if (!i)
		return NULL;
	copy_text(i->id, sizeof(i->id), j, "id");
	copy_text(i->state, sizeof(i->state), j, "state");
	i->name = copy(j, "name", &bad);
	i->environment = copy(j, "environment", &bad);
	i->snapshot = copy(j, "snapshot", &bad);
	i->execution = copy(j, "execution", &bad);
	i->reason = copy(j, "reason", &bad);
	i->pid = (int)number(j, "pid");
	i->created_ms = number(j, "created_ms");
	i->expires_ms = number(j, "expires_ms");
	i->record = request_text(j);
	if (!bad && i->record)
		return i;
	faas_instance_free(i);
	return NULL;
}

/* One operation whose result is an instance. */
static int ask(struct faas *f, const char *operation, json_t *params, struct faas_instance **ret,
	       struct faas_error *error)
{
	cleanup_json json_t *result = NULL;
	struct error err;

	if (handle_call(f, operation, params, NULL, 0, &result, &err) < 0)
		return failed(&err, error);
	if (!ret)
		return 0;
	*ret = make(result);
	if (*ret)
		return 0;
	(void)err_sys(&err, ENOMEM, "keep the result");
	return failed(&err, error);
}

static json_t *by_id(const char *what)
{
	return json_pack("{s:o}", "id", client_text(what));
}

static json_t *with_grace(const char *what, int64_t grace_ms)
{
	json_t *params = by_id(what);

	if (grace_ms >= 0)
		json_object_set_new(params, "grace_ms", json_integer(grace_ms));
	return params;
}

/* ---- start ---- */

static int put_limits(const struct faas_instance_start *s, json_t *params, struct error *err)
{
	const struct {
		const char *key;
		uint64_t value;
	} all[] = {
		{ "memory", s->memory }, { "pids", s->pids }, { "cpu_millis", s->cpu_millis },
		{ "io_bps", s->io },
	};
	json_t *limits = json_object();

	json_object_set_new(params, "limits", limits);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		if (all[i].value > INT64_MAX)
			return err_set(err, ERR_USAGE, "%s is too large", all[i].key);
		if (all[i].value)
			json_object_set_new(limits, all[i].key,
					    json_integer((json_int_t)all[i].value));
	}
	return 0;
}

static void put_program(const char *const *argv, json_t *params)
{
	json_t *words = json_array();

	for (; argv && *argv; argv++)
		json_array_append_new(words, client_text(*argv));
	if (json_array_size(words))
		json_object_set_new(params, "steps", json_pack("[[O]]", words));
	json_decref(words);
}

static int start_params(const struct faas_instance_start *s, json_t *params, struct error *err)
{
	const struct {
		const char *key, *value;
	} texts[] = {
		{ "name", s->name }, { "environment", s->environment }, { "parent", s->snapshot },
		{ "network", s->network }, { "restart", s->restart },
	};
	json_t *env = json_object(), *labels = json_object();

	json_object_set_new(params, "env", env);
	json_object_set_new(params, "labels", labels);
	for (size_t i = 0; i < ARRAY_SIZE(s->reserved); i++)
		if (s->reserved[i])
			return err_set(err, ERR_USAGE, "a reserved field is not zero; zero the "
				       "whole struct first");
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (texts[i].value)
			json_object_set_new(params, texts[i].key, client_text(texts[i].value));
	put_program(s->argv, params);
	if (s->ttl_ms > INT64_MAX || s->auto_stop_ms > INT64_MAX || s->restart_max < 0)
		return err_set(err, ERR_USAGE, "a time or a number is out of range");
	json_object_set_new(params, "ttl_ms", json_integer((json_int_t)s->ttl_ms));
	json_object_set_new(params, "auto_stop_ms", json_integer((json_int_t)s->auto_stop_ms));
	json_object_set_new(params, "restart_max", json_integer(s->restart_max));
	json_object_set_new(params, "remove", json_boolean(s->remove));
	if (request_pairs(s->env, "variable", env, err) < 0 ||
	    request_pairs(s->labels, "label", labels, err) < 0)
		return -1;
	return put_limits(s, params, err);
}

int faas_instance_start(struct faas *f, const struct faas_instance_start *start,
			struct faas_instance **ret, struct faas_error *error)
{
	cleanup_json json_t *params = json_object();
	struct error err;

	if (start_params(start, params, &err) < 0)
		return failed(&err, error);
	return ask(f, "instance.create", json_incref(params), ret, error);
}

/* ---- the others ---- */

int faas_instance_get(struct faas *f, const char *what, struct faas_instance **ret,
		      struct faas_error *error)
{
	return ask(f, "instance.get", by_id(what), ret, error);
}

int faas_instance_start_again(struct faas *f, const char *what, struct faas_instance **ret,
			      struct faas_error *error)
{
	return ask(f, "instance.start", by_id(what), ret, error);
}

int faas_instance_pause(struct faas *f, const char *what, struct faas_instance **ret,
			struct faas_error *error)
{
	return ask(f, "instance.pause", by_id(what), ret, error);
}

int faas_instance_resume(struct faas *f, const char *what, struct faas_instance **ret,
			 struct faas_error *error)
{
	return ask(f, "instance.resume", by_id(what), ret, error);
}

int faas_instance_stop(struct faas *f, const char *what, int64_t grace_ms,
		       struct faas_instance **ret, struct faas_error *error)
{
	return ask(f, "instance.stop", with_grace(what, grace_ms), ret, error);
}

int faas_instance_terminate(struct faas *f, const char *what, int64_t grace_ms,
			    struct faas_error *error)
{
	return ask(f, "instance.terminate", with_grace(what, grace_ms), NULL, error);
}

int faas_instance_wait(struct faas *f, const char *what, const char *state,
		       struct faas_instance **ret, struct faas_error *error)
{
	json_t *params = by_id(what);

	json_object_set_new(params, "states", json_pack("[o]", client_text(state)));
	return ask(f, "instance.wait", params, ret, error);
}

int faas_instance_connect(struct faas *f, const char *what, int port, struct faas_error *error)
{
	cleanup_json json_t *result = NULL;
	json_t *params = by_id(what);
	struct error err;
	int fd;

	json_object_set_new(params, "port", json_integer(port));
	if (handle_call(f, "instance.connect", params, NULL, 0, &result, &err) < 0)
		return failed(&err, error);
	fd = client_take_fd(f->client);
	if (fd >= 0)
		return fd;
	(void)err_set(&err, ERR_PROTOCOL, "the executor sent no socket");
	return failed(&err, error);
}

int faas_instance_list(struct faas *f, struct faas_instance ***ret, size_t *ret_n,
		       struct faas_error *error)
{
	cleanup_json json_t *result = NULL;
	struct faas_instance **v;
	struct error err;
	bool bad = false;
	json_t *j;
	size_t i;

	if (handle_call(f, "instance.list", NULL, NULL, 0, &result, &err) < 0)
		return failed(&err, error);
	v = calloc(json_array_size(result) + 1, sizeof(struct faas_instance *));
	json_array_foreach(result, i, j) {
		if (v)
			v[i] = make(j);
		bad |= v && !v[i];
	}
	if (!v || bad) {
		faas_instances_free(v);
		(void)err_sys(&err, ENOMEM, "keep the list");
		return failed(&err, error);
	}
	*ret = v;
	*ret_n = json_array_size(result);
	return 0;
}
