#include "lib/image/challenge.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define SPACE	" \t\r\n"
#define TOKEN	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789" \
		"!#$%&'*+-.^_`|~"

/* The value after '=': quoted, or a token. NULL when it is neither, or too long. */
static const char *value(const char *s, char ret[CHALLENGE_VALUE])
{
	size_t n = 0;

	if (*s != '"') {
		n = strspn(s, TOKEN "/:=");
		if (!n || n >= CHALLENGE_VALUE)
			return NULL;
		memcpy(ret, s, n);
		ret[n] = '\0';
		return s + n;
	}
	for (s++; *s && *s != '"'; s++) {
		if (*s == '\\' && s[1])
			s++;
		if (n + 1 >= CHALLENGE_VALUE || (unsigned char)*s < ' ')
			return NULL;
		ret[n++] = *s;
	}
	ret[n] = '\0';
	return *s == '"' ? s + 1 : NULL;
}

/* The parameters of one challenge, up to the next one, whose scheme has no '='. */
static const char *parameters(const char *s, struct image_challenge *c)
{
	for (;;) {
		size_t n;
		const char *name, *after;
		char got[CHALLENGE_VALUE];

		s += strspn(s, SPACE ",");
		n = strspn(s, TOKEN);
		name = s;
		after = s + n + strspn(s + n, SPACE);
		if (!n || *after != '=')
			return s;
		after++;
		s = value(after + strspn(after, SPACE), got);
		if (!s)
			return NULL;
		if (n == 5 && !strncasecmp(name, "realm", n))
			memcpy(c->realm, got, sizeof(got));
		else if (n == 7 && !strncasecmp(name, "service", n))
			memcpy(c->service, got, sizeof(got));
		else if (n == 5 && !strncasecmp(name, "scope", n))
			memcpy(c->scope, got, sizeof(got));
	}
}

bool image_challenge_parse(const char *header, struct image_challenge *ret)
{
	const char *s = header;

	*ret = (struct image_challenge){ .scheme = AUTH_NONE };
	while (s && *s) {
		struct image_challenge c = { .scheme = AUTH_NONE };
		size_t n;

		s += strspn(s, SPACE ",");
		n = strspn(s, TOKEN);
		if (!n)
			break;
		if (n == 6 && !strncasecmp(s, "Bearer", n))
			c.scheme = AUTH_BEARER;
		else if (n == 5 && !strncasecmp(s, "Basic", n))
			c.scheme = AUTH_BASIC;
		s = parameters(s + n, &c);
		/* a token without a place to have it from is none */
		if (!s || (c.scheme == AUTH_BEARER && !c.realm[0]))
			continue;
		if (c.scheme > ret->scheme)
			*ret = c;
	}
	return ret->scheme != AUTH_NONE;
}
