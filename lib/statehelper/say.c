#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/base64.h"
#include "lib/statehelper/verb.h"

/* One line, whole: the caller may have gone, and then nobody reads it. */
void say(json_t *line)
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

json_t *text_json(char *s)
{
	json_t *j = json_string(s);

	for (char *c = s; !j && *c; c++)
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	return j ? j : json_string(s);
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
