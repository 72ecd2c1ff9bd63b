#include "lib/config/keys.h"

#include <stdint.h>
#include <string.h>

#include "lib/base/nearest.h"
#include "lib/base/parse.h"

static const char *const modes[] = {
	"ephemeral", "cached", "checkpointed", "branched", "persistent", NULL
};
static const char *const networks[] = { "none", "nat", "host", NULL };
static const char *const colors[] = { "auto", "always", "never", NULL };

const struct config_key config_keys[] = {
	{ "env", CONFIG_NAME, "FAAS_ENV", "host", true,
	  "environment that commands run in" },
	{ "mode", CONFIG_CHOICE, "FAAS_MODE", "ephemeral", true,
	  "what happens to the sandbox before and after a run", modes },
	{ "network", CONFIG_CHOICE, "FAAS_NETWORK", "none", false,
	  "what a sandbox can reach", networks },
	{ "timeout", CONFIG_TIME, "FAAS_TIMEOUT", NULL, true,
	  "time after which a program is stopped" },
	{ "memory", CONFIG_SIZE, "FAAS_MEMORY", NULL, true,
	  "memory that a sandbox may use" },
	{ "cpus", CONFIG_CPUS, "FAAS_CPUS", NULL, true,
	  "CPUs that a sandbox may use" },
	{ "pids", CONFIG_NUMBER, "FAAS_PIDS", NULL, true,
	  "processes that a sandbox may have" },
	{ "context", CONFIG_NAME, "FAAS_CONTEXT", "local", false,
	  "where commands go: 'local', or the name of a remote" },
	{ "color", CONFIG_CHOICE, "FAAS_COLOR", "auto", true,
	  "colour in what is printed", colors },
	{ "pager", CONFIG_STRING, "FAAS_PAGER", NULL, false,
	  "program that shows long text on a terminal; else PAGER, else less" },
	{ "state-dir", CONFIG_PATH, "FAAS_STATE_DIR", NULL, false,
	  "folder of the executor's state" },
	{ "idle-timeout", CONFIG_TIME, "FAAS_IDLE_TIMEOUT", NULL, false,
	  "time without work after which an executor started on demand ends" },
	{ "max-runs", CONFIG_NUMBER, "FAAS_MAX_RUNS", NULL, false,
	  "programs that an executor runs at once; one that runs keeps what it began with" },
	{ NULL }
};

static const struct config_key alias_key = {
	"alias.<name>", CONFIG_STRING, NULL, NULL, false,
	"the words that 'faas <name>' stands for",
};

const struct config_key *config_key(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

	if (!strncmp(name, "alias.", 6))
		return name[6] && strspn(name + 6, letters) == strlen(name + 6) ?
			&alias_key : NULL;
	for (const struct config_key *k = config_keys; k->name; k++)
		if (!strcmp(k->name, name))
			return k;
	return NULL;
}

const struct config_key *config_known(const char *name, struct error *err)
{
	const struct config_key *k = config_key(name);
	struct nearest near = NEAREST(name);

	if (k)
		return k;
	for (k = config_keys; k->name; k++)
		nearest_try(&near, k->name);
	(void)err_set(err, ERR_USAGE, "unknown key '%s'", name);
	if (near.best)
		(void)err_hint(err, "did you mean '%s'?", near.best);
	else
		(void)err_hint(err, "'faas config list --all' shows every key");
	return NULL;
}

const char *config_type_text(enum config_type type)
{
	static const char *const texts[] = {
		[CONFIG_STRING] = "a text",
		[CONFIG_NAME] = "a name",
		[CONFIG_CHOICE] = "one of the listed words",
		[CONFIG_TIME] = "a time such as 250ms, 30s or 5m",
		[CONFIG_SIZE] = "a size such as 64M or 1.5G",
		[CONFIG_CPUS] = "a number of CPUs such as 0.5 or 2",
		[CONFIG_NUMBER] = "a whole number",
		[CONFIG_PATH] = "an absolute path",
	};

	return texts[type];
}

static bool fits(const struct config_key *key, const char *value)
{
	uint64_t n;

	switch (key->type) {
	case CONFIG_STRING:
		return true;
	case CONFIG_NAME:
		return parse_name(value) == 0;
	case CONFIG_CHOICE:
		for (const char *const *c = key->choices; *c; c++)
			if (!strcmp(*c, value))
				return true;
		return false;
	case CONFIG_TIME:
		return parse_ms(value, &n) == 0;
	case CONFIG_SIZE:
		return parse_size(value, &n) == 0;
	case CONFIG_CPUS:
		return parse_cpus(value, &n) == 0;
	case CONFIG_NUMBER:
		return parse_u64(value, &n) == 0;
	case CONFIG_PATH:
		return value[0] == '/' || !strncmp(value, "~/", 2);
	}
	return false;
}

int config_check(const struct config_key *key, const char *name, const char *value,
		 struct error *err)
{
	struct nearest near = NEAREST(value);

	if (fits(key, value))
		return 0;
	if (key->type != CONFIG_CHOICE)
		return err_set(err, ERR_USAGE, "%s is %s, not '%s'", name,
			       config_type_text(key->type), value);
	for (const char *const *c = key->choices; *c; c++)
		nearest_try(&near, *c);
	(void)err_set(err, ERR_USAGE, "%s cannot be '%s'", name, value);
	if (near.best)
		return err_hint(err, "did you mean '%s'?", near.best);
	return -1;
}
