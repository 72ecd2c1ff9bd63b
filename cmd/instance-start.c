#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/instance.h"
#include "lib/base/id.h"
#include "lib/base/parse.h"

/*
 * faas instance start: a new one, or one that has stopped.
 */

int instance_put_restart(json_t *params, const char *policy, struct error *err)
{
	const char *colon = policy ? strchr(policy, ':') : NULL;
	uint64_t max = 0;

	if (!policy)
		return 0;
	if (colon && (strncmp(policy, "on-failure:", 11) ||
		      parse_u64(colon + 1, &max) < 0 || !max || max > INT32_MAX)) {
		(void)err_set(err, ERR_USAGE, "'%.64s' is no way to restart", policy);
		return err_hint(err, "there are no, on-failure, on-failure:3 and always");
	}
	json_object_set_new(
	    params, "restart",
	    json_stringn(policy, colon ? (size_t)(colon - policy) : strlen(policy)));
	json_object_set_new(params, "restart_max", json_integer((json_int_t)max));
	return 0;
}

static int put_ports(json_t *params, const struct opt_strs *given, struct error *err)
{
	json_t *ports = json_array();

	json_object_set_new(params, "ports", ports);
	for (int i = 0; i < given->n; i++) {
		uint64_t port;

		if (parse_u64(given->v[i], &port) < 0 || !port || port > 65535)
			return err_set(err, ERR_USAGE, "'%.32s' is not a port, from 1 to 65535",
				       given->v[i]);
		json_array_append_new(ports, json_integer((json_int_t)port));
	}
	return 0;
}

static void put_number(json_t *params, const char *key, uint64_t value)
{
	if (value)
		json_object_set_new(params, key, json_integer((json_int_t)value));
}

/* As `execute` would ask for it; without words the program is none. */
static int make_params(struct client *client, const struct start_options *o,
		       const struct opt_rest *words, json_t **ret, struct error *err)
{
	char *idle[] = { (char *)(uintptr_t)"idle", NULL };
	struct opt_rest none = { .v = idle, .n = 1, .literal = true };
	struct run_plan plan;
	json_t *params;
	int r = run_plan_make(client, &o->run, words->n ? words : &none, false, &plan, err);

	params = plan.params;
	if (!r && plan.n_files)
		r = err_set(err, ERR_USAGE,
			    "an instance's program is a command of its environment");
	if (!words->n)
		json_object_del(params, "steps");
	if (o->snapshot) {
		/* whose environment it is */
		json_object_del(params, "environment");
		json_object_set_new(params, "parent", client_text(o->snapshot));
	}
	if (o->name)
		json_object_set_new(params, "name", client_text(o->name));
	put_number(params, "ttl_ms", o->ttl_ms);
	put_number(params, "auto_stop_ms", o->auto_stop_ms);
	if (o->remove)
		json_object_set_new(params, "remove", json_true());
	if (!r)
		r = instance_put_restart(params, o->restart, err);
	if (!r)
		r = put_ports(params, &o->ports, err);
	if (!r)
		*ret = json_incref(params);
	run_plan_release(&plan);
	return r;
}

/* The executor died: its successor knows the instance, or never heard of it. */
static int begin_again(struct client **client, const char *id, json_t *params, json_t **ret,
		       struct error *err)
{
	json_t *wait = json_pack("{s:s,s:[s,s,s]}", "id", id, "states", "running", "stopped",
				 "terminated");

	if (client_reconnect(client, err) < 0) {
		json_decref(wait);
		return -1;
	}
	if (!client_call(*client, "instance.wait", wait, ret, err))
		return 0;
	if (err->code != ERR_NOT_FOUND)
		return -1;
	return client_call(*client, "instance.create", json_incref(params), ret, err);
}

int instance_begin(struct client **client, const struct start_options *o,
		   const struct opt_rest *words, json_t **ret, struct error *err)
{
	cleanup_json json_t *params = NULL;
	char id[ID_SIZE];

	if (make_params(*client, o, words, &params, err) < 0)
		return -1;
	id_make(id);
	json_object_set_new(params, "id", json_string(id));
	if (!client_call(*client, "instance.create", json_incref(params), ret, err))
		return 0;
	return client_lost(*client) ? begin_again(client, id, params, ret, err) : -1;
}

#define ARGS struct start_args
ARGS {
	struct start_options start;
	struct opt_rest words;
};

static const struct opt start_opts[] = {
	START_OPTIONS(ARGS, start),
	OPERAND_REST("command", ARGS, words,
		     "'--' and its program, which it idles without; or an instance that stopped"),
	OPT_END
};

static int start_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	CLEANUP(client_free) struct client *client = NULL;
	cleanup_json json_t *i = NULL;
	const char *name;
	int r;

	if (args->words.n > 1 && !args->words.literal) {
		(void)err_set(err, ERR_USAGE, "'%.64s' is one word too many", args->words.v[1]);
		return err_hint(err, "the program of a new instance comes after '--'");
	}
	if (executor_connect(&client, err) < 0)
		return -1;
	if (args->words.n && !args->words.literal)
		r = client_call(client, "instance.start", instance_id(args->words.v[0]), &i, err);
	else
		r = instance_begin(&client, &args->start, &args->words, &i, err);
	if (r < 0)
		return -1;
	name = json_string_value(json_object_get(i, "name"));
	out_note(ctx, "'faas instance exec %s -- COMMAND' runs a command in it",
		 name ? name : json_string_value(json_object_get(i, "id")));
	return instance_show_one(ctx, i, err);
}

static const char *const examples[] = {
	"faas instance start --name box",
	"faas instance start --name web --ttl 2h --restart always -- python3 web.py",
	"faas instance start box",
	NULL
};

const struct cmd instance_cmd_start = {
	.name = "start",
	.summary = "start a new instance, or one that has stopped",
	.args_size = sizeof(ARGS),
	.opts = start_opts,
	.run = start_run,
	.examples = examples,
};
