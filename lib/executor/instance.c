#include "lib/executor/instance.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fault.h"
#include "lib/base/memory.h"

enum { FORGET_MS = 86400000 };	/* what was terminated is remembered for a day */

struct live_instance *instance_add(struct executor *x)
{
	struct live_instance *i = memory_must(calloc(1, sizeof(*i)));

	i->x = x;
	i->rec.exit_code = -1;
	i->next = x->instances;
	i->prev = &x->instances;
	if (i->next)
		i->next->prev = &i->next;
	x->instances = i;
	return i;
}

void instance_forget(struct live_instance *i)
{
	instance_connects_lost(i, NULL);
	while (i->waiters) {
		struct instance_waiter *w = i->waiters;

		i->waiters = w->next;
		free(w);
	}
	for (struct run *run = i->x->runs; run; run = run->next) {
		if (run->instance == i)
			run->instance = NULL;
		if (run->guest_of == i)
			run->guest_of = NULL;
	}
	*i->prev = i->next;
	if (i->next)
		i->next->prev = i->prev;
	instance_release(&i->rec);
	free(i);
}

/* One that was terminated is here until the loop comes by. */
static bool alive(const struct live_instance *i)
{
	return instance_state(i) != INSTANCE_TERMINATED;
}

static bool is_named(const struct live_instance *i, const char *what)
{
	return alive(i) && (!strcmp(i->rec.id, what) ||
			    (i->rec.name[0] && !strcmp(i->rec.name, what)));
}

/* In what is known in memory: no answer from the database is waited for. */
struct live_instance *instance_find(struct executor *x, const char *what, struct error *err)
{
	cleanup_instance struct instance gone = { .id = "" };
	struct live_instance *found = NULL;
	size_t len = strlen(what);

	for (struct live_instance *i = x->instances; i; i = i->next)
		if (is_named(i, what) || (alive(i) && !strcmp(what, "@last")))
			return i;
	for (struct live_instance *i = x->instances; len >= 4 && i; i = i->next)
		if (alive(i) && !strncmp(i->rec.id, what, len)) {
			if (found) {
				(void)err_set(err, ERR_CONFLICT,
					      "several instances begin with '%s'", what);
				(void)err_hint(
				    err, "give more of its id; see 'faas instance list'");
				return NULL;
			}
			found = i;
		}
	if (found)
		return found;
	/* one that was terminated is known, and of no use */
	if (!store_instance_get(x->store, what, &gone, err)) {
		(void)err_set(err, ERR_NOT_FOUND, "instance '%s' was terminated", what);
		(void)err_hint(err, "see 'faas instance list'");
	}
	return NULL;
}

enum instance_state instance_state(const struct live_instance *i)
{
	int state = instance_state_find(i->rec.state);

	return state < 0 ? INSTANCE_STOPPED : (enum instance_state)state;
}

void instance_set_state(struct live_instance *i, enum instance_state state)
{
	(void)snprintf(i->rec.state, sizeof(i->rec.state), "%s", instance_state_name(state));
}

const char *instance_name(const struct live_instance *i)
{
	return i->rec.name[0] ? i->rec.name : i->rec.id;
}

int instance_check(const struct live_instance *i, enum instance_verb verb, struct error *err)
{
	enum instance_state state = instance_state(i);
	bool ending = strcmp(i->rec.wanted, "running") && state != INSTANCE_STOPPED;

	if (ending && (verb == VERB_EXEC || verb == VERB_PAUSE || verb == VERB_RESUME)) {
		(void)err_set(err, ERR_CONFLICT, "instance '%s' is being %s and cannot be %s",
			      instance_name(i), i->rec.wanted, instance_verb_name(verb));
		return err_hint(err, "'faas instance start %s' when it has stopped",
				instance_name(i));
	}
	if (instance_next(state, verb) >= 0)
		return 0;
	(void)err_set(err, ERR_CONFLICT, "instance '%s' is %s and cannot be %s", instance_name(i),
		      i->rec.state, instance_verb_name(verb));
	/* running, to be resumed: there is nothing to do */
	if ((state == INSTANCE_RUNNING && verb == VERB_RESUME) ||
	    (state == INSTANCE_STOPPED && verb == VERB_STOP) ||
	    (state == INSTANCE_PAUSED && verb == VERB_PAUSE))
		return err_hint(err, "'faas instance show %s' says since when", instance_name(i));
	return err_hint(err, instance_state_hint(state), instance_name(i));
}

/* ---- what is noted ---- */

static int write_note(struct live_instance *i, const char *event, const json_t *detail,
		      struct error *err)
{
	cleanup_free char *text = detail ? json_dumps(detail, JSON_COMPACT) : NULL;
	struct instance_event e = { .at_ms = i->rec.updated_ms, .detail = text };
	struct store *store = i->x->store;

	(void)snprintf(e.instance, sizeof(e.instance), "%s", i->rec.id);
	(void)snprintf(e.type, sizeof(e.type), "%s", event);
	if (store_begin(store, err) < 0)
		return -1;
	if (store_instance_put(store, &i->rec, err) < 0 ||
	    store_instance_event_add(store, &e, err) < 0 ||
	    (instance_state(i) == INSTANCE_TERMINATED &&
	     store_instance_forget(store, i->rec.updated_ms - FORGET_MS, err) < 0)) {
		store_rollback(store);
		return -1;
	}
	return store_commit(store, err);
}

int instance_note(struct live_instance *i, const char *event, json_t *detail, struct error *err)
{
	cleanup_json json_t *kept = detail;
	int r;

	i->rec.updated_ms = (int64_t)clock_unix_ms();
	r = write_note(i, event, kept, err);
	/* what ends may be what makes room */
	if (r < 0 && err->code == ERR_LIMIT && reserve_release(i->x))
		r = write_note(i, event, kept, err);
	if (!r) {
		i->noted = true;
		i->stale = false;
	}
	(void)fault("instance.noted");
	return r;
}

void instance_note_later(struct live_instance *i, const char *event, json_t *detail)
{
	struct error err;

	if (instance_note(i, event, detail, &err) < 0)
		i->stale = true;
}

/* ---- who waits ---- */

static void start_error(const struct live_instance *i, struct error *err)
{
	if (i->why.code) {
		*err = i->why;
		return;
	}
	(void)err_set(err, ERR_CONFLICT, "instance '%s' is %s: %s", instance_name(i), i->rec.state,
		      i->rec.reason ? i->rec.reason : "it has ended");
	(void)err_hint(err, "'faas instance logs %s' shows what its program wrote",
		       instance_name(i));
}

void instance_answer(struct live_instance *i)
{
	enum instance_state state = instance_state(i);
	struct instance_waiter **at = &i->waiters;

	while (*at) {
		struct instance_waiter *w = *at;
		bool over = w->starts && (state == INSTANCE_STOPPED ||
					  state == INSTANCE_TERMINATED) && !i->again;
		struct error err;

		/* from there it goes nowhere else */
		if (state == INSTANCE_TERMINATED)
			over = true;
		if (!(w->states & 1u << state) && !over) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		if (w->states & 1u << state) {
			session_result(w->session, w->request, instance_report(i), NULL, 0);
		} else {
			start_error(i, &err);
			session_error(w->session, w->request, &err);
		}
		free(w);
	}
}

int instance_wait_for(struct live_instance *i, struct session *s, json_int_t request,
		      unsigned int states, bool starts, struct error *err)
{
	struct instance_waiter *w = calloc(1, sizeof(*w)), **at = &i->waiters;

	if (!w)
		return err_sys(err, ENOMEM, "wait for the instance");
	*w = (struct instance_waiter){ .session = s, .request = request, .states = states,
				       .starts = starts };
	while (*at)
		at = &(*at)->next;
	*at = w;
	return 0;
}

void instance_unwait(struct live_instance *i, const struct session *s, json_int_t request)
{
	for (struct instance_waiter **at = &i->waiters; *at; at = &(*at)->next) {
		struct instance_waiter *w = *at;

		if (w->session != s || w->request != request)
			continue;
		*at = w->next;
		free(w);
		return;
	}
}

void instance_session_gone(struct session *s)
{
	for (struct live_instance *i = s->x->instances; i; i = i->next) {
		instance_connects_lost(i, s);
		for (struct instance_waiter **at = &i->waiters; *at;) {
			struct instance_waiter *w = *at;

			if (w->session != s) {
				at = &w->next;
				continue;
			}
			*at = w->next;
			free(w);
		}
	}
}

/* ---- what others ask ---- */

struct sandbox *instance_sandbox(const struct live_instance *i)
{
	return i && i->run ? i->run->sandbox : NULL;
}

json_t *instance_report(const struct live_instance *i)
{
	json_t *j = report_instance(&i->rec);
	int64_t left = instance_ttl_left(&i->rec);

	json_object_set_new(j, "pid", i->run && i->run->rec.pid ? json_integer(i->run->rec.pid)
								 : json_null());
	json_object_set_new(j, "commands", json_integer(i->n_guests));
	json_object_set_new(j, "ttl_left_ms", left < 0 ? json_null() : json_integer(left));
	return j;
}

void instance_note_layers(const struct executor *x, json_t *rows)
{
	for (const struct live_instance *i = x->instances; i; i = i->next)
		if (alive(i))
			json_object_set_new(rows, i->rec.layer, json_true());
}

int instance_check_environment(struct executor *x, const char *name, struct error *err)
{
	char who[STORE_NAME];
	int r = store_instance_of_environment(x->store, name, who, err);

	if (r <= 0)
		return r;
	(void)err_set(err, ERR_BUSY, "instance '%s' is in environment '%s'", who, name);
	return err_hint(err, "'faas instance terminate %s' first", who);
}
