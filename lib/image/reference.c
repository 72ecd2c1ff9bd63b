#include "lib/image/reference.h"

#include <stdio.h>
#include <string.h>

enum { REPOSITORY_MAX = 240 };

#define LOWER	"abcdefghijklmnopqrstuvwxyz"
#define DIGITS	"0123456789"
#define UPPER	"ABCDEFGHIJKLMNOPQRSTUVWXYZ"

static int bad(struct error *err, const char *text, const char *why)
{
	(void)err_set(err, ERR_USAGE, "'%.200s' is not the name of an image: %s", text, why);
	return err_hint(err, "write it as alpine:3, ghcr.io/owner/name:tag or "
			"localhost:5000/name@sha256:...");
}

bool image_digest_valid(const char *digest)
{
	return !strncmp(digest, "sha256:", 7) && strlen(digest) == IMAGE_DIGEST - 1 &&
		strspn(digest + 7, DIGITS "abcdef") == 64;
}

/* [a-z0-9]+ with '.', '_', '__' or any number of '-' between, parted by '/' */
static bool is_repository(const char *s)
{
	bool start = true;

	for (; *s; s++) {
		size_t n = strspn(s, LOWER DIGITS);

		if (n) {
			s += n;
			start = false;
		}
		if (!*s)
			return !start;
		if (start)
			return false;
		if (*s == '/') {
			start = true;
			continue;
		}
		if (*s == '-')
			s += strspn(s, "-") - 1;
		else if (*s == '_')
			s += s[1] == '_';
		else if (*s != '.')
			return false;
		if (!s[1] || !strchr(LOWER DIGITS, s[1]))
			return false;
	}
	return false;
}

/* A name or an address, and a port */
static bool is_registry(const char *s)
{
	size_t n = *s == '[' ? strspn(s + 1, DIGITS "abcdefABCDEF:.%") : 0;

	if (n) {
		if (s[1 + n] != ']')
			return false;
		s += n + 2;
	} else {
		n = strspn(s, LOWER UPPER DIGITS ".-");
		if (!n || *s == '.' || *s == '-' || s[n - 1] == '.' || s[n - 1] == '-')
			return false;
		s += n;
	}
	if (!*s)
		return true;
	return *s == ':' && s[1] && strlen(s) <= 6 && strspn(s + 1, DIGITS) == strlen(s + 1);
}

/* Takes the tag and the digest off the end of name. */
static int take_end(char *name, struct image_ref *ret, const char *text, struct error *err)
{
	char *at = strchr(name, '@'), *colon, *slash;

	if (at) {
		*at++ = '\0';
		if (!image_digest_valid(at))
			return bad(err, text, "a digest is sha256: and 64 digits of 0-9a-f");
		(void)snprintf(ret->digest, sizeof(ret->digest), "%s", at);
	}
	slash = strrchr(name, '/');
	colon = strrchr(name, ':');
	if (colon && (!slash || colon > slash)) {
		*colon++ = '\0';
		if (!*colon || strlen(colon) >= IMAGE_TAG || *colon == '.' || *colon == '-' ||
		    strspn(colon, LOWER UPPER DIGITS "_.-") != strlen(colon))
			return bad(err, text, "a tag is up to 128 letters, digits and '_.-'");
		(void)snprintf(ret->tag, sizeof(ret->tag), "%s", colon);
	}
	return 0;
}

int image_ref_parse(const char *text, struct image_ref *ret, struct error *err)
{
	char name[IMAGE_REF], *rest = name, *slash;
	const char *library;
	size_t domain;

	*ret = (struct image_ref){ .registry = "docker.io" };
	if (!*text)
		return bad(err, text, "it is empty");
	if (strlen(text) >= sizeof(name))
		return bad(err, text, "it is too long");
	(void)snprintf(name, sizeof(name), "%s", text);
	slash = strchr(name, '/');
	domain = slash ? (size_t)(slash - name) : 0;
	if (domain && (memchr(name, '.', domain) || memchr(name, ':', domain) ||
		       (domain == 9 && !memcmp(name, "localhost", 9)))) {
		*slash = '\0';
		if (domain >= IMAGE_REGISTRY || !is_registry(name))
			return bad(err, text, "the part before the first '/' is no registry");
		(void)snprintf(ret->registry, sizeof(ret->registry), "%.255s",
			       strcmp(name, "index.docker.io") ? name : "docker.io");
		rest = slash + 1;
	}
	if (take_end(rest, ret, text, err) < 0)
		return -1;
	library = !strcmp(ret->registry, "docker.io") && !strchr(rest, '/') ? "library/" : "";
	if (strlen(library) + strlen(rest) > REPOSITORY_MAX || !is_repository(rest))
		return bad(err, text, "a repository is small letters and digits, with '._-/' "
			   "between them");
	(void)snprintf(ret->repository, sizeof(ret->repository), "%s%.240s", library, rest);
	if (!ret->tag[0] && !ret->digest[0])
		(void)snprintf(ret->tag, sizeof(ret->tag), "latest");
	return 0;
}

char *image_ref_format(const struct image_ref *ref, char buf[IMAGE_REF])
{
	(void)snprintf(buf, IMAGE_REF, "%s/%s%s%s%s%s", ref->registry, ref->repository,
		       ref->tag[0] ? ":" : "", ref->tag, ref->digest[0] ? "@" : "", ref->digest);
	return buf;
}

bool image_host_is_loopback(const char *host)
{
	size_t n = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
	unsigned int a, b, c, d;
	char address[64], end;

	if (n >= sizeof(address))
		return false;
	memcpy(address, host, n);
	address[n] = '\0';
	if (!strcmp(address, "localhost") || !strcmp(address, "[::1]"))
		return true;
	return strspn(address, DIGITS ".") == n &&
		sscanf(address, "%3u.%3u.%3u.%3u%c", &a, &b, &c, &d, &end) == 4 && a == 127;
}
