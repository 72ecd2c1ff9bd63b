#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "lib/base/macro.h"
#include "lib/base/memory.h"
#include "lib/statehelper/verb.h"

static const struct {
	const char *name;
	verb *run;
} verbs[] = {
	{ "clone", verb_clone },
	{ "compact", verb_compact },
	{ "measure", verb_measure },
	{ "settle", verb_settle },
	{ "check", verb_check },
	{ "export", verb_export },
	{ "admit", verb_admit },
	{ "merge", verb_merge },
	{ "merge-folder", verb_merge_folder },
	{ "diff", verb_diff },
};

static int run(const json_t *ask, json_t *result, struct error *err)
{
	const char *name = json_string_value(json_object_get(ask, "do"));

	for (size_t i = 0; name && i < ARRAY_SIZE(verbs); i++)
		if (!strcmp(name, verbs[i].name))
			return verbs[i].run(ask, result, err);
	return err_set(err, ERR_USAGE, "faas-state is started by faas, and does not know '%.60s'",
		       name ? name : "");
}

int main(void)
{
	json_t *ask, *result;
	struct error err = { 0 };
	int r;

	json_set_alloc_funcs(memory_get, free);
	ask = json_loadfd(0, JSON_REJECT_DUPLICATES, NULL);
	result = json_object();
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	(void)sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	r = run(ask, result, &err);
	json_decref(ask);
	if (r < 0) {
		(void)json_object_clear(result);
		json_object_set_new(result, "code", json_string(err_name(err.code)));
		json_object_set_new(result, "message", text_json(err.msg));
		if (err.hint[0])
			json_object_set_new(result, "hint", json_string(err.hint));
	}
	json_object_set_new(result, "ok", json_boolean(r >= 0));
	say(result);
	json_decref(result);
	return r < 0;
}
