#ifndef FAAS_CONFIG_KEYS_H
#define FAAS_CONFIG_KEYS_H

/*
 * Configuration keys
 * ==================
 *
 * The one list of what can be configured. `faas config`, faas-config(5), the
 * completions and the defaults of options (.config = "timeout") read it.
 *
 * A project's file arrives with somebody else's source tree, so it may say how
 * much a program gets and where it runs, but not what it can reach, where data
 * goes, or which program faas starts: those keys have project = false.
 *
 * Beside the keys in the table there is alias.<name>.
 */

#include <stdbool.h>

#include "lib/base/error.h"

enum config_type {
	CONFIG_STRING,
	CONFIG_NAME,
	CONFIG_CHOICE,
	CONFIG_TIME,
	CONFIG_SIZE,
	CONFIG_CPUS,
	CONFIG_NUMBER,
	CONFIG_PATH,		/* absolute, or from ~/ */
};

struct config_key {
	const char *name;
	enum config_type type;
	const char *env;	/* the variable that beats every file */
	const char *dflt;	/* NULL: unset */
	bool project;		/* may a project's file set it? */
	const char *help;	/* lower case, no stop */
	const char *const *choices;	/* of CONFIG_CHOICE, NULL-ended */
};

extern const struct config_key config_keys[];	/* ends with a NULL name */

/* The key of that name; any alias.<name> is one. NULL if there is none. */
const struct config_key *config_key(const char *name);
/* The same, with the error: "unknown key 'tiemout'", did you mean. */
const struct config_key *config_known(const char *name, struct error *err);
/* Is value one that key can have? The message names the key. */
int config_check(const struct config_key *key, const char *name, const char *value,
		 struct error *err) _must_check_;
/* "a time such as 30s": what config_check() accepts, for manuals. */
const char *config_type_text(enum config_type type);

#endif
