#include "lib/client/halt.h"

#include <string.h>

#include "lib/base/parse.h"

int halt_parse(const char *text, struct halt *ret, struct error *err)
{
	static const char soon[] = "soon,fail=", now[] = "now,fail=";
	struct halt h = { 0 };
	const char *number = NULL;

	if (!text || !strcmp(text, "never")) {
		*ret = h;
		return 0;
	}
	h.now = !strncmp(text, now, strlen(now));
	if (h.now)
		number = text + strlen(now);
	else if (!strncmp(text, soon, strlen(soon)))
		number = text + strlen(soon);
	if (!number || parse_u64(number, &h.after) < 0 || !h.after)
		return err_set(err, ERR_USAGE, "'--halt=%.32s' is not never, soon,fail=N or "
			       "now,fail=N", text);
	*ret = h;
	return 0;
}

bool halt_reached(const struct halt *h, uint64_t failures)
{
	return h->after && failures >= h->after;
}
