#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/base64.h"
#include "lib/base/macro.h"
#include "lib/statehelper/verb.h"

static const struct {
	const char *name;
	verb *run;
} verbs[] = {
	{ "measure", verb_measure },
	{ "merge", verb_merge },
	{ "merge-folder", verb_merge_folder },
	{ "diff", verb_diff },
};

/* One line, whole: the caller may have gone, and then nobody reads it. */
static void say(json_t *line)
{
	char *text = json_dumps(line, JSON_COMPACT);
	size_t len = text ? strlen(text) : 0, done = 0;

	if (text)
		text[len++] = '\n';
	while (done < len) {
		ssize_t n = write(1, text + done, len - done);

		if (n < 0 && errno != EINTR)
			break;
		done += n > 0 ? (size_t)n : 0;
	}
	free(text);
}

void say_progress(uint64_t done, uint64_t of)
{
	static int64_t last_ms;
	struct timespec now;
	json_t *line;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec * 1000 + now.tv_nsec / 1000000 - last_ms < 100)
		return;
	last_ms = now.tv_sec * 1000 + now.tv_nsec / 1000000;
	line = json_pack("{s:{s:I,s:I}}", "progress", "done", (json_int_t)done, "of",
			 (json_int_t)of);
	say(line);
	json_decref(line);
}

json_t *say_text(const char *s, size_t len)
{
	json_t *j = json_stringn(s, len), *wrapped;
	char *encoded;

	if (j)
		return j;
	encoded = malloc(BASE64_SIZE(len));
	if (!encoded)
		return json_null();
	(void)base64_encode(s, len, encoded);
	wrapped = json_pack("{s:s}", "base64", encoded);
	free(encoded);
	return wrapped;
}

/* A message may have a name in it that is not UTF-8. */
static json_t *text(char *s)
{
	json_t *j = json_string(s);

	for (char *c = s; !j && *c; c++)
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	return j ? j : json_string(s);
}

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
	json_t *ask = json_loadfd(0, JSON_REJECT_DUPLICATES, NULL), *result = json_object();
	struct error err = { 0 };
	int r;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	(void)sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	r = run(ask, result, &err);
	json_decref(ask);
	if (r < 0) {
		(void)json_object_clear(result);
		json_object_set_new(result, "code", json_string(err_name(err.code)));
		json_object_set_new(result, "message", text(err.msg));
		if (err.hint[0])
			json_object_set_new(result, "hint", json_string(err.hint));
	}
	json_object_set_new(result, "ok", json_boolean(r >= 0));
	say(result);
	json_decref(result);
	return r < 0;
}
