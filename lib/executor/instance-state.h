#ifndef FAAS_EXECUTOR_INSTANCE_STATE_H
#define FAAS_EXECUTOR_INSTANCE_STATE_H

/*
 * The life cycle of an instance, as one table: in which state what may be asked for,
 * and to which state it leads.
 */

#include <stdbool.h>

/* id, name, what somebody can do about it */
#define INSTANCE_STATES(X)						\
	X(PENDING, "pending", "'faas instance wait %s --for state:running' first") \
	X(RUNNING, "running", "'faas instance stop %s' first")		\
	X(PAUSED, "paused", "'faas instance resume %s' first")		\
	X(STOPPED, "stopped", "'faas instance start %s' first")		\
	X(TERMINATED, "terminated", "'faas instance start --name NAME' makes another one")

enum instance_state {
#define X(id, name, hint) INSTANCE_##id,
	INSTANCE_STATES(X)
#undef X
	INSTANCE__MAX
};

/* id, "web is stopped and cannot be ..." */
#define INSTANCE_VERBS(X)						\
	X(START, "started")						\
	X(STARTED, "reported as started")				\
	X(EXEC, "executed in")						\
	X(PAUSE, "paused")						\
	X(RESUME, "resumed")						\
	X(STOP, "stopped")						\
	X(ENDED, "reported as ended")					\
	X(RESTART, "restarted")						\
	X(TERMINATE, "terminated")

enum instance_verb {
#define X(id, name) VERB_##id,
	INSTANCE_VERBS(X)
#undef X
	VERB__MAX
};

/* The state that follows, or -1: it is not legal. */
int instance_next(enum instance_state state, enum instance_verb verb);
const char *instance_state_name(enum instance_state state);
/* Or -1. */
int instance_state_find(const char *name);
const char *instance_verb_name(enum instance_verb verb);
/* What to type, with a %s for the instance's name. */
const char *instance_state_hint(enum instance_state state);

#endif
