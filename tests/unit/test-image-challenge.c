#include "lib/image/challenge.h"

#include "tests/unit/test.h"

static struct image_challenge parse(const char *header, enum auth_scheme want)
{
	struct image_challenge c;

	check(image_challenge_parse(header, &c) == (want != AUTH_NONE));
	check(c.scheme == want);
	return c;
}

TEST(bearer)
{
	struct image_challenge c = parse("Bearer realm=\"https://auth.docker.io/token\","
					 "service=\"registry.docker.io\","
					 "scope=\"repository:library/alpine:pull\"", AUTH_BEARER);

	check_str(c.realm, "https://auth.docker.io/token");
	check_str(c.service, "registry.docker.io");
	check_str(c.scope, "repository:library/alpine:pull");
	c = parse("bearer Realm = https://x/y , scope=a, error=\"x\"", AUTH_BEARER);
	check_str(c.realm, "https://x/y");
	check_str(c.scope, "a");
	c = parse("Bearer realm=\"a\\\"b,c\"", AUTH_BEARER);
	check_str(c.realm, "a\"b,c");
}

TEST(several)
{
	struct image_challenge c = parse("Basic realm=\"x\", Bearer realm=\"y\",service=\"z\"",
					 AUTH_BEARER);

	check_str(c.realm, "y");
	check_str(c.service, "z");
	c = parse("Bearer realm=\"y\", Basic realm=\"x\"", AUTH_BEARER);
	check_str(c.realm, "y");
	parse("Digest realm=\"q\", nonce=\"n\", Basic realm=\"x\"", AUTH_BASIC);
	parse("Basic", AUTH_BASIC);
	parse("Negotiate, Basic realm=\"x\"", AUTH_BASIC);
}

TEST(what_is_wrong_is_none)
{
	char huge[4000];

	parse("", AUTH_NONE);
	parse("Bearer", AUTH_NONE);
	parse("Bearer realm=\"\"", AUTH_NONE);
	parse("Bearer realm=\"open", AUTH_NONE);
	parse("Bearer realm=\"a\nb\"", AUTH_NONE);
	parse("Bearer service=\"s\"", AUTH_NONE);
	parse("Negotiate abc==", AUTH_NONE);
	parse(",,, ,", AUTH_NONE);
	parse("=\"x\"", AUTH_NONE);
	memset(huge, 'a', sizeof(huge));
	memcpy(huge, "Bearer realm=\"", 14);
	memcpy(huge + sizeof(huge) - 2, "\"", 2);
	parse(huge, AUTH_NONE);
}

TEST_MAIN;
