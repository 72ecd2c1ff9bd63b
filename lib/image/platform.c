#include "lib/image/platform.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

/* What uname and people say, and what images say. */
static const struct {
	const char *machine, *architecture, *variant;
} names[] = {
	{ "x86_64", "amd64", "" }, { "aarch64", "arm64", "" }, { "armv8l", "arm64", "" },
	{ "armv7l", "arm", "v7" }, { "armv6l", "arm", "v6" }, { "armhf", "arm", "v7" },
	{ "armel", "arm", "v6" }, { "i386", "386", "" }, { "i686", "386", "" },
	{ "loongarch64", "loong64", "" },
};

static void normal(struct image_platform *p)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(p->architecture, names[i].machine)) {
			(void)snprintf(p->architecture, PLATFORM_PART, "%s",
				       names[i].architecture);
			if (!p->variant[0])
				(void)snprintf(p->variant, PLATFORM_PART, "%s",
					       names[i].variant);
		}
	/* v8 is what arm64 always is */
	if (!strcmp(p->architecture, "arm64") && !strcmp(p->variant, "v8"))
		p->variant[0] = '\0';
}

static bool take(const char **text, char part[PLATFORM_PART])
{
	size_t n = strcspn(*text, "/");

	if (!n || n >= PLATFORM_PART ||
	    strspn(*text, "abcdefghijklmnopqrstuvwxyz0123456789._-") < n)
		return false;
	memcpy(part, *text, n);
	part[n] = '\0';
	*text += n;
	return true;
}

int image_platform_parse(const char *text, struct image_platform *ret, struct error *err)
{
	const char *at = text;
	struct utsname host;

	*ret = (struct image_platform){ .os = "linux" };
	if (!text) {
		if (uname(&host) < 0)
			return err_set(err, ERR_SYSTEM, "this machine has no name");
		(void)snprintf(ret->architecture, PLATFORM_PART, "%.20s", host.machine);
		normal(ret);
		return 0;
	}
	if (strchr(text, '/') ? !take(&at, ret->os) || *at++ != '/' : false)
		goto bad;
	if (!take(&at, ret->architecture))
		goto bad;
	if (*at == '/' && (at++, !take(&at, ret->variant)))
		goto bad;
	if (*at)
		goto bad;
	normal(ret);
	return 0;
bad:
	(void)err_set(err, ERR_USAGE, "'%.64s' is not a platform", text);
	return err_hint(err, "write it as linux/amd64 or linux/arm/v7");
}

char *image_platform_format(const struct image_platform *p, char buf[PLATFORM_SIZE])
{
	(void)snprintf(buf, PLATFORM_SIZE, "%s/%s%s%s", p->os, p->architecture,
		       p->variant[0] ? "/" : "", p->variant);
	return buf;
}

bool image_platform_suits(const struct image_platform *has, const struct image_platform *want)
{
	struct image_platform h = *has;

	normal(&h);
	return !strcmp(h.os, want->os) && !strcmp(h.architecture, want->architecture) &&
		(!want->variant[0] || !strcmp(h.variant, want->variant));
}
