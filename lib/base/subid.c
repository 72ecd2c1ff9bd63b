#include "lib/base/subid.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/parse.h"

enum { FILE_MAX = 256 * 1024, FIELD = 64 };

/* The next field of a line into f, "" if it is longer than one can be; what is behind it. */
static const char *field(const char *at, char f[FIELD])
{
	size_t n = strcspn(at, ":\n");

	(void)snprintf(f, FIELD, "%.*s", n < FIELD ? (int)n : 0, at);
	return at + n + (at[n] == ':');
}

static const char *next_line(const char *at)
{
	at += strcspn(at, "\n");
	return at + (*at == '\n');
}

void subid_find(const char *text, const char *name, uint32_t uid, uint32_t *ret_first,
		uint32_t *ret_count)
{
	char who[FIELD], number[FIELD], own[16];
	uint64_t first, count;

	*ret_first = *ret_count = 0;
	(void)snprintf(own, sizeof(own), "%u", uid);
	for (; *text; text = next_line(text)) {
		const char *at = field(text, who);

		if (!*who || (strcmp(who, own) && strcmp(who, name)))
			continue;
		at = field(at, number);
		if (parse_u64(number, &first) < 0)
			continue;
		(void)field(at, number);
		/* the last id is none */
		if (parse_u64(number, &count) < 0 || !first || first >= UINT32_MAX ||
		    count > UINT32_MAX - first || count <= *ret_count)
			continue;
		*ret_first = (uint32_t)first;
		*ret_count = (uint32_t)count;
	}
}

void subid_user(const char *text, uint32_t uid, char *ret, uint32_t size)
{
	char who[FIELD], number[FIELD], own[16];

	*ret = '\0';
	(void)snprintf(own, sizeof(own), "%u", uid);
	for (; *text; text = next_line(text)) {
		const char *at = field(text, who);

		at = field(at, number);
		(void)field(at, number);
		if (*who && !strcmp(number, own)) {
			(void)snprintf(ret, size, "%s", who);
			return;
		}
	}
}

static char *read_text(const char *path)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char *text = fd < 0 ? NULL : malloc(FILE_MAX);
	ssize_t n = text ? read(fd, text, FILE_MAX - 1) : 0;

	if (text)
		text[n > 0 ? n : 0] = '\0';
	return text;
}

struct subids subid_read(uint32_t uid)
{
	cleanup_free char *uids = read_text("/etc/subuid");
	cleanup_free char *gids = read_text("/etc/subgid");
	struct subids s = { 0 };
	char name[FIELD] = "";

	/* most have none: then the users need not be read */
	if (uids && gids && *uids && *gids) {
		cleanup_free char *users = read_text("/etc/passwd");

		if (users)
			subid_user(users, uid, name, sizeof(name));
		subid_find(uids, name, uid, &s.uid, &s.uids);
		subid_find(gids, name, uid, &s.gid, &s.gids);
	}
	return s;
}
