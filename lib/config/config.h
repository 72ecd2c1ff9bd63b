#ifndef FAAS_CONFIG_CONFIG_H
#define FAAS_CONFIG_CONFIG_H

/*
 * Configuration files
 * ===================
 *
 *	project	.faas/config in the current folder or the nearest one above
 *	user	$XDG_CONFIG_HOME/faas/config, or ~/.config/faas/config
 *	system	/etc/faas/config, or $FAAS_SYSTEM_CONFIG
 *
 * An earlier one wins; a FAAS_* variable beats them all, and an option beats that.
 * FAAS_NO_PROJECT=1 leaves the project's out. A file that anybody may write to, or
 * that belongs to another user who is not root, is refused: it could be a trap.
 *
 *	struct config c = CONFIG_INIT;
 *
 *	if (config_load(&c, err) < 0) ...
 *	v = config_value(&c, "timeout", &origin);	"30s", "FAAS_TIMEOUT"
 *	config_release(&c);
 */

#include <stddef.h>

#include "lib/base/error.h"
#include "lib/config/keys.h"

/* From the one that wins on. */
enum config_scope { CONFIG_PROJECT, CONFIG_USER, CONFIG_SYSTEM, CONFIG_SCOPES };

struct config_entry {
	char *key;
	char *value;
	char *origin;		/* "/home/x/.config/faas/config:3" */
};

struct config_file {
	char *path;		/* where it is or would be; NULL: nowhere */
	struct config_entry *v;
	size_t n;
};

struct config {
	struct config_file files[CONFIG_SCOPES];
};

#define CONFIG_INIT	{ { { NULL, NULL, 0 } } }

/* Reads the three files; one that is not there is empty. */
int config_load(struct config *c, struct error *err) _must_check_;
void config_release(struct config *c);

/* What a key is: from its variable, the files, or its default; NULL if unset. */
const char *config_value(const struct config *c, const char *key,
			 const char **ret_origin);
/* The same without variable and default. */
const struct config_entry *config_find(const struct config *c, const char *key);

const char *config_scope_name(enum config_scope scope);
/* Where the file of a scope is or would be made; to be freed. NULL: no home. */
char *config_path(enum config_scope scope);

/* Sets key in the file of scope, or removes it (value NULL), as a whole or not. */
int config_write(enum config_scope scope, const char *key, const char *value,
		 struct error *err) _must_check_;

#endif
