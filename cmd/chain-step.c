#include "cmd/chain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/base64.h"
#include "lib/base/cleanup.h"
#include "lib/base/fault.h"
#include "lib/client/execution.h"

/*
 * One step: its result is asked for by what it is made of; when there is none it is
 * run, on a copy of where the chain is, and what it left is kept under its key.
 */

enum { DEATHS_MAX = 20 };

static uint64_t now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static const char *text_of(const json_t *j, const char *key)
{
	return json_string_value(json_object_get(j, key));
}

static void set_snapshot(char to[64], const json_t *j, const char *key)
{
	const char *id = text_of(j, key);

	(void)snprintf(to, 64, "%s", id ? id : "");
}

/* Each of the operations may be asked for twice: the second time nothing more happens. */
int chain_ask(struct chain *c, const char *op, json_t *params, json_t **ret, struct error *err)
{
	cleanup_json json_t *kept = params;
	int r = client_call(c->client, op, json_incref(kept), ret, err);

	/* gone before it was asked, or before it answered */
	for (int i = 0; r < 0 && i < DEATHS_MAX && (client_lost(c->client) ||
						     err->code == ERR_UNAVAILABLE); i++) {
		if (client_reconnect(&c->client, err) < 0)
			return -1;
		r = client_call(c->client, op, json_incref(kept), ret, err);
	}
	return r;
}

/* Where it begins. */
static void set_start(const struct chain *c, json_t *params)
{
	if (*c->snapshot)
		json_object_set_new(params, "parent", json_string(c->snapshot));
	else
		json_object_set_new(params, "environment", client_text(c->environment));
}

static json_t *question(const struct chain *c, const struct chain_step *s)
{
	json_t *params = json_copy(s->find);

	set_start(c, params);
	json_object_set_new(params, "chain", wire_text(c->name));
	json_object_set_new(params, "number", json_integer(s->number));
	if (c->o->no_cache)
		json_object_set_new(params, "fresh", json_true());
	return params;
}

static int replay(struct chain *c, const json_t *found, struct chain_result *r,
		  struct error *err)
{
	const char *coded = text_of(found, "output");
	cleanup_free char *bytes = malloc(coded ? strlen(coded) + 1 : 1);
	ssize_t size = coded && bytes ? base64_decode(coded, bytes) : 0;
	size_t at = 0, len;
	const char *data;
	int stream, n;

	if (!bytes)
		return err_sys(err, ENOMEM, "read the output of a step");
	if (size < 0)
		return err_set(err, ERR_PROTOCOL, "the output of a step is not base64");
	while ((n = output_next(bytes, (size_t)size, &at, &stream, &data, &len, err)) > 0) {
		output_add(&r->output, stream, data, len);
		chain_show(c, stream, data, len);
	}
	if (n < 0)
		return -1;
	r->output.truncated = json_is_true(json_object_get(found, "truncated"));
	return 0;
}

struct watching {
	const struct chain *chain;
	struct output *output;
};

static void on_output(void *arg, int stream, const void *data, size_t size)
{
	struct watching *w = arg;

	output_add(w->output, stream, data, size);
	chain_show(w->chain, stream, data, size);
}

static json_t *run_params(const struct chain *c, const struct chain_step *s, const char *key)
{
	cleanup_json json_t *comment = wire_text(s->text);
	json_t *params = json_copy(s->run);
	char cut[1024];

	set_start(c, params);
	json_object_set_new(params, "snapshot", json_string(""));
	json_object_set_new(params, "on_success", json_true());
	json_object_set_new(params, "labels", json_pack("{s:s}", "faas.chain", key));
	(void)snprintf(cut, sizeof(cut), "%s", json_string_value(comment));
	/* not within a character */
	json_object_set_new(params, "comment", wire_text(cut));
	return params;
}

static int execute(struct chain *c, const struct chain_step *s, struct chain_result *r,
		   json_t **ret, struct error *err)
{
	struct execution_capture captures[2] = { CAPTURE(0), CAPTURE(0) };
	struct execution_request request = {
		.stdio = { -1, -1, -1 }, .files = s->files, .n_files = s->n_files,
		.forward_signals = true, .captures = captures, .n_captures = 2,
	};
	struct watching w = { c, &r->output };
	int fds[2] = { -1, -1 }, n = 0;

	for (int k = 0; !n && k < 2; k++) {
		captures[k].each = on_output;
		captures[k].arg = &w;
		captures[k].stream = k + 1;
		n = capture_open(&captures[k], &fds[k], err);
		request.stdio[k + 1] = fds[k];
	}
	request.params = run_params(c, s, r->key);
	if (!n)
		n = execution_run(&c->client, &request, ret, err);
	json_decref(request.params);
	for (int k = 0; k < 2; k++) {
		if (fds[k] >= 0)
			(void)close(fds[k]);
		capture_release(&captures[k]);
	}
	return n;
}

static json_t *coded_output(const struct output *o)
{
	cleanup_free char *text = malloc(BASE64_SIZE(o->bytes.len));

	if (!text)
		return NULL;
	base64_encode(o->bytes.buf, o->bytes.len, text);
	return json_string(text);
}

static int keep(struct chain *c, const struct chain_step *s, const json_t *record,
		struct chain_result *r, struct error *err)
{
	cleanup_json json_t *kept = NULL;
	const char *which = NULL;
	json_t *params;

	set_snapshot(r->snapshot, record, "snapshot");
	(void)fault("chain.made");
	if (s->inputs && inputs_changed(s->inputs, &which)) {
		out_warn(c->ctx, "step %d: '%s' changed while it was being copied: its result will "
			 "not be used again", s->number, which);
		return 0;
	}
	params = question(c, s);
	json_object_set_new(params, "execution", json_string(text_of(record, "id")));
	json_object_set_new(params, "key", json_string(r->key));
	json_object_set_new(params, "command", wire_text(s->text));
	json_object_set_new(params, "output", coded_output(&r->output));
	json_object_set_new(params, "truncated", json_boolean(r->output.truncated));
	if (chain_ask(c, "chain.keep", params, &kept, err) < 0)
		return -1;
	(void)fault("chain.told");
	if (!json_is_true(json_object_get(kept, "kept")))
		out_warn(c->ctx, "step %d: what it stands on changed while it ran: its result will "
			 "not be used again", s->number);
	set_snapshot(r->snapshot, kept, "snapshot");
	return 0;
}

/* What a person wants to know when it was not the program that decided. */
static void explain_end(const struct chain *c, const json_t *record, int number)
{
	if (json_is_true(json_object_get(record, "oom_killed")))
		out_warn(c->ctx, "step %d ran out of memory; --memory gives it more", number);
	if (json_is_true(json_object_get(record, "timed_out")))
		out_warn(c->ctx, "step %d was stopped at its deadline", number);
}

static int make(struct chain *c, const struct chain_step *s, struct chain_result *r,
		struct error *err)
{
	cleanup_json json_t *record = NULL;

	if (execute(c, s, r, &record, err) < 0)
		return -1;
	r->exit = execution_status(record);
	explain_end(c, record, s->number);
	return r->exit ? 0 : keep(c, s, record, r, err);
}

int chain_step_run(struct chain *c, const struct chain_step *s, struct chain_result *ret,
		   struct error *err)
{
	cleanup_json json_t *found = NULL;
	uint64_t begin = now_us();
	int r;

	ret->known = true;
	ret->output = (struct output)OUTPUT;
	if (chain_ask(c, "chain.find", question(c, s), &found, err) < 0)
		return -1;
	(void)snprintf(ret->key, sizeof(ret->key), "%s", text_of(found, "key"));
	ret->hit = json_is_true(json_object_get(found, "hit"));
	ret->changed = json_incref(json_object_get(found, "changed"));
	chain_begin_step(c, s->number, s->text, ret);
	if (ret->hit) {
		set_snapshot(ret->snapshot, found, "snapshot");
		(void)fault("chain.found");
		r = replay(c, found, ret, err);
	} else {
		r = make(c, s, ret, err);
	}
	ret->us = now_us() - begin;
	if (r < 0)
		return -1;
	ret->done = !ret->exit;
	if (ret->done)
		(void)snprintf(c->snapshot, sizeof(c->snapshot), "%s", ret->snapshot);
	return ret->exit;
}

/* ---- a name for what came out ---- */

/* Is that what an earlier run made here, to have a second name for the same files? */
static bool is_alias_of(struct chain *c, const char *name)
{
	cleanup_json json_t *s = NULL;
	const char *label, *parent;
	struct error err;

	if (chain_ask(c, "snapshot.get", json_pack("{s:o}", "id", client_text(name)), &s,
		      &err) < 0)
		return false;
	label = text_of(json_object_get(s, "labels"), "faas.chain");
	parent = text_of(s, "parent");
	if (!label || strcmp(label, "alias") || !parent || strcmp(parent, c->snapshot))
		return false;
	set_snapshot(c->snapshot, s, "id");
	return true;
}

/* A snapshot has one name: the second is that of one that stands on it, and is empty. */
static int add_alias(struct chain *c, struct error *err)
{
	struct chain_step s = { .text = "another name" };
	struct chain_result r = { .output = OUTPUT };
	cleanup_json json_t *record = NULL;
	cleanup_json json_t *params = json_pack("{s:[[[s]]],s:b}", "steps", "alias", "files_only",
						1);
	int n;

	s.run = params;
	(void)snprintf(r.key, sizeof(r.key), "alias");
	n = execute(c, &s, &r, &record, err);
	output_release(&r.output);
	if (n < 0)
		return -1;
	set_snapshot(c->snapshot, record, "snapshot");
	return 0;
}

int chain_set_name(struct chain *c, const char *name, struct error *err)
{
	cleanup_json json_t *done = NULL;
	json_t *params = json_pack("{s:o,s:s}", "name", client_text(name), "id", c->snapshot);

	if (!chain_ask(c, "chain.name", params, &done, err))
		return 0;
	if (err->code != ERR_CONFLICT)
		return -1;
	if (is_alias_of(c, name))
		return 0;
	if (add_alias(c, err) < 0)
		return -1;
	return chain_ask(c, "chain.name", json_pack("{s:o,s:s}", "name", client_text(name), "id",
						    c->snapshot), &done, err);
}
