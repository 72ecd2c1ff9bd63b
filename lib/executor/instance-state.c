#include "lib/executor/instance-state.h"

#include <stddef.h>
#include <string.h>

#include "lib/base/macro.h"

static const struct transition {
	enum instance_state from;
	enum instance_verb verb;
	enum instance_state to;
} transitions[] = {
	{ INSTANCE_PENDING, VERB_STARTED, INSTANCE_RUNNING },
	{ INSTANCE_PENDING, VERB_ENDED, INSTANCE_STOPPED },
	{ INSTANCE_PENDING, VERB_STOP, INSTANCE_STOPPED },
	{ INSTANCE_PENDING, VERB_TERMINATE, INSTANCE_TERMINATED },

	{ INSTANCE_RUNNING, VERB_EXEC, INSTANCE_RUNNING },
	{ INSTANCE_RUNNING, VERB_PAUSE, INSTANCE_PAUSED },
	{ INSTANCE_RUNNING, VERB_STOP, INSTANCE_STOPPED },
	{ INSTANCE_RUNNING, VERB_ENDED, INSTANCE_STOPPED },
	{ INSTANCE_RUNNING, VERB_RESTART, INSTANCE_PENDING },
	{ INSTANCE_RUNNING, VERB_TERMINATE, INSTANCE_TERMINATED },

	{ INSTANCE_PAUSED, VERB_RESUME, INSTANCE_RUNNING },
	{ INSTANCE_PAUSED, VERB_STOP, INSTANCE_STOPPED },
	{ INSTANCE_PAUSED, VERB_ENDED, INSTANCE_STOPPED },
	{ INSTANCE_PAUSED, VERB_RESTART, INSTANCE_PENDING },
	{ INSTANCE_PAUSED, VERB_TERMINATE, INSTANCE_TERMINATED },

	{ INSTANCE_STOPPED, VERB_START, INSTANCE_PENDING },
	{ INSTANCE_STOPPED, VERB_RESTART, INSTANCE_PENDING },
	{ INSTANCE_STOPPED, VERB_TERMINATE, INSTANCE_TERMINATED },
};

static const char *const state_names[] = {
#define X(id, name, hint) name,
	INSTANCE_STATES(X)
#undef X
};

static const char *const state_hints[] = {
#define X(id, name, hint) hint,
	INSTANCE_STATES(X)
#undef X
};

static const char *const verb_names[] = {
#define X(id, name) name,
	INSTANCE_VERBS(X)
#undef X
};

int instance_next(enum instance_state state, enum instance_verb verb)
{
	for (size_t i = 0; i < ARRAY_SIZE(transitions); i++)
		if (transitions[i].from == state && transitions[i].verb == verb)
			return (int)transitions[i].to;
	return -1;
}

const char *instance_state_name(enum instance_state state)
{
	return state_names[state];
}

int instance_state_find(const char *name)
{
	for (int i = 0; i < INSTANCE__MAX; i++)
		if (!strcmp(state_names[i], name))
			return i;
	return -1;
}

const char *instance_verb_name(enum instance_verb verb)
{
	return verb_names[verb];
}

const char *instance_state_hint(enum instance_state state)
{
	return state_hints[state];
}
