#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/memory.h"
#include "lib/executor/instance.h"

enum { EVENTS_PAGE = 500 };

static const char *text_of(const json_t *params, const char *key)
{
	return json_string_value(json_object_get(params, key));
}

/* A set of states, 1 << each; 0 for no field. */
static int states_of(const json_t *list, unsigned int *ret, struct error *err)
{
	json_t *state;
	size_t n;

	*ret = 0;
	json_array_foreach((json_t *)(uintptr_t)list, n, state) {
		const char *name = json_string_value(state);
		int found = name ? instance_state_find(name) : -1;

		if (found < 0)
			return err_set(err, ERR_USAGE, "'%.64s' is no state: there are pending, "
				       "running, paused, stopped and terminated", name ? name : "");
		*ret |= 1u << found;
	}
	return 0;
}

/* ---- get, list ---- */

/* One that lives as it is now, and one that does not as it was. */
static int report_any(struct executor *x, const char *what, json_t **ret, struct error *err)
{
	cleanup_instance struct instance gone = { .id = "" };
	struct live_instance *i = instance_find(x, what, err);

	if (i) {
		*ret = instance_report(i);
		return 0;
	}
	if (err->code == ERR_CONFLICT || store_instance_get(x->store, what, &gone, err) < 0)
		return -1;
	*ret = report_instance(&gone);
	return 0;
}

int instance_get(struct session *s, json_int_t id, const json_t *params, struct error *err)
{
	json_t *report;

	if (report_any(s->x, text_of(params, "id"), &report, err) < 0)
		return -1;
	session_result(s, id, report, NULL, 0);
	return 0;
}

struct filter {
	struct executor *x;
	unsigned int states;
	const char *environment, *name;
	const json_t *labels;
	json_t *list;
};

/* Each is "key=value", and all must be there. */
static bool labels_fit(const char *have, const json_t *wanted)
{
	cleanup_json json_t *labels = json_loads(have ? have : "{}", 0, NULL);
	json_t *label;
	size_t n;

	json_array_foreach((json_t *)(uintptr_t)wanted, n, label) {
		const char *text = json_string_value(label), *eq = text ? strchr(text, '=') : NULL;
		cleanup_free char *key = eq ? strndup(text, (size_t)(eq - text)) : NULL;
		const char *value = key ? text_of(labels, key) : NULL;

		if (!value || strcmp(value, eq + 1))
			return false;
	}
	return true;
}

static int list_one(void *arg, const struct instance *rec)
{
	struct filter *f = arg;
	int state = instance_state_find(rec->state);
	struct live_instance *i = f->x->instances;

	if (!(f->states & 1u << state) ||
	    (f->environment && strcmp(rec->environment, f->environment)) ||
	    (f->name && fnmatch(f->name, rec->name, 0)) || !labels_fit(rec->labels, f->labels))
		return 0;
	while (i && strcmp(i->rec.id, rec->id))
		i = i->next;
	json_array_append_new(f->list, i ? instance_report(i) : report_instance(rec));
	return 0;
}

int instance_list(struct session *s, json_int_t id, const json_t *params, struct error *err)
{
	cleanup_json json_t *list = json_array();
	struct filter f = {
		.x = s->x, .environment = text_of(params, "environment"),
		.name = text_of(params, "name"), .labels = json_object_get(params, "labels"),
		.list = list,
	};

	if (states_of(json_object_get(params, "states"), &f.states, err) < 0)
		return -1;
	if (!f.states)
		f.states = json_is_true(json_object_get(params, "all")) ?
			~0u : ~(1u << INSTANCE_TERMINATED);
	if (store_instance_list(s->x->store, list_one, &f, err) < 0)
		return -1;
	session_result(s, id, json_incref(list), NULL, 0);
	return 0;
}

/* ---- wait ---- */

int instance_wait(struct session *s, json_int_t id, const json_t *params, struct error *err)
{
	struct live_instance *i = instance_find(s->x, text_of(params, "id"), err);
	json_t *report = NULL;
	unsigned int states;

	if (states_of(json_object_get(params, "states"), &states, err) < 0)
		return -1;
	if (!states)
		return err_set(err, ERR_USAGE, "wait for which state?");
	if (!i) {
		/* for its end one that has ended is waited for no longer */
		if (!(states & 1u << INSTANCE_TERMINATED) ||
		    report_any(s->x, text_of(params, "id"), &report, err) < 0)
			return -1;
		session_result(s, id, report, NULL, 0);
		return 0;
	}
	if (instance_wait_for(i, s, id, states, false, err) < 0)
		return -1;
	instance_answer(i);
	return 0;
}

/* ---- logs ---- */

int instance_logs(struct session *s, json_int_t id, const json_t *params, struct error *err)
{
	cleanup_json json_t *report = NULL;
	cleanup_json json_t *record = NULL;
	cleanup_execution struct execution e = { 0 };
	cleanup_close int fd = -1;
	const char *execution;
	struct run *run;

	if (report_any(s->x, text_of(params, "id"), &report, err) < 0)
		return -1;
	execution = text_of(report, "execution");
	if (!execution)
		return err_set(err, ERR_NOT_FOUND, "instance '%s' never had a program",
			       text_of(params, "id"));
	if (execution_find(s->x, execution, &run, &e, err) < 0)
		return -1;
	fd = run_log_folder(s->x, execution, false, err);
	if (fd < 0)
		return -1;
	session_result(s, id, report_execution(run ? &run->rec : &e), &fd, 1);
	return 0;
}

/* ---- events ---- */

static int add_event(void *arg, const struct instance_event *e)
{
	json_t *detail = e->detail ? json_loads(e->detail, 0, NULL) : NULL;

	json_array_append_new(arg, json_pack("{s:I,s:s,s:I,s:s,s:o}", "cursor",
					     (json_int_t)e->seq, "instance", e->instance, "at_ms",
					     (json_int_t)e->at_ms, "type", e->type, "detail",
					     detail ? detail : json_object()));
	return 0;
}

int instance_events(struct session *s, json_int_t id, const json_t *params, struct error *err)
{
	cleanup_json json_t *report = NULL;
	cleanup_json json_t *list = json_array();
	const char *what = text_of(params, "id");
	json_int_t limit = json_integer_value(json_object_get(params, "limit"));
	json_int_t after = json_integer_value(json_object_get(params, "after"));

	if (what && report_any(s->x, what, &report, err) < 0)
		return -1;
	if (limit < 1 || limit > EVENTS_PAGE)
		limit = EVENTS_PAGE;
	if (store_instance_event_list(s->x->store, what ? text_of(report, "id") : NULL, after,
				      (int)limit, add_event, list, err) < 0)
		return -1;
	session_result(s, id, json_incref(list), NULL, 0);
	return 0;
}

/* ---- update ---- */

static int change(struct live_instance *i, const json_t *params, struct error *err)
{
	const char *name = text_of(params, "name");

	if ((name && instance_set_name(i, name, err) < 0) ||
	    instance_set_ways(i, params, err) < 0 ||
	    instance_set_labels(i, json_object_get(params, "labels"), err) < 0)
		return -1;
	return instance_note(i, "updated", NULL, err);
}

int instance_update(struct session *s, json_int_t id, const json_t *params, struct error *err)
{
	struct live_instance *i = instance_find(s->x, text_of(params, "id"), err);
	struct instance before;
	char *labels;

	if (!i)
		return -1;
	/* what is refused in part is not done at all */
	before = i->rec;
	labels = memory_copy(before.labels);
	if (change(i, params, err) < 0) {
		free(i->rec.labels);
		i->rec = before;
		i->rec.labels = labels;
		return -1;
	}
	free(labels);
	session_result(s, id, instance_report(i), NULL, 0);
	return 0;
}
