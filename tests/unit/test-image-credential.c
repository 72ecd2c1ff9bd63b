#include "lib/image/credential.h"

#include "tests/unit/test.h"

/* user:pass and other:word */
#define FIRST	"{\"auth\":\"dXNlcjpwYXNz\"}"
#define SECOND	"{\"auth\":\"b3RoZXI6d29yZA==\"}"

static struct image_credential_ask ask;

static int find(const char *text, const char *reference, struct image_credential *ret)
{
	struct image_ref ref;
	struct error err;

	check(image_ref_parse(reference, &ref, &err) == 0);
	return image_credential_find(text, strlen(text), &ref, ret, &ask, &err);
}

TEST(by_registry)
{
	struct image_credential c;
	const char *text = "{\"auths\":{\"r.example:5000\":" FIRST ",\"https://s.example/v2/\":"
			   SECOND "}}";

	check(find(text, "r.example:5000/a", &c) == 1);
	check_str(c.username, "user");
	check_str(c.password, "pass");
	check(find(text, "s.example/a/b", &c) == 1);
	check_str(c.username, "other");
	check(find(text, "r.example/a", &c) == 0);
	check(find(text, "r.example:50001/a", &c) == 0);
	check(find(text, "alpine", &c) == 0);
	check(find("{}", "alpine", &c) == 0);
}

TEST(docker_has_another_name)
{
	struct image_credential c;

	check(find("{\"auths\":{\"https://index.docker.io/v1/\":" FIRST "}}", "alpine", &c) == 1);
	check(find("{\"auths\":{\"docker.io\":" FIRST "}}", "alpine", &c) == 1);
}

TEST(the_most_exact_one)
{
	struct image_credential c;
	const char *text = "{\"auths\":{\"r.example\":" FIRST ",\"r.example/team\":" SECOND "}}";

	check(find(text, "r.example/team/x", &c) == 1);
	check_str(c.username, "other");
	check(find(text, "r.example/teams", &c) == 1);
	check_str(c.username, "user");
}

TEST(plain_fields)
{
	struct image_credential c;

	check(find("{\"auths\":{\"r.example\":{\"username\":\"u\",\"password\":\"p:q\"}}}",
		   "r.example/a", &c) == 1);
	check_str(c.password, "p:q");
	check(find("{\"auths\":{\"r.example\":{}}}", "r.example/a", &c) == 0);
}

TEST(damaged_ones)
{
	struct image_credential c;

	check(find("", "r.example/a", &c) < 0);
	check(find("[]", "r.example/a", &c) < 0);
	check(find("{\"auths\":{\"r.example\":{\"auth\":\"!!!\"}}}", "r.example/a", &c) < 0);
	check(find("{\"auths\":{\"r.example\":{\"auth\":\"dXNlcg==\"}}}", "r.example/a", &c) < 0);
	check(find("{\"auths\":3}", "r.example/a", &c) == 0);
}

TEST(programs_are_named)
{
	struct image_credential c;
	const char *text = "{\"auths\":{\"r.example\":" FIRST "},\"credsStore\":\"store\","
			   "\"credHelpers\":{\"r.example\":\"own\",\"docker.io\":\"hub\"}}";

	check(find(text, "r.example/a", &c) == 1 && ask.first);
	check_str(ask.program, "own");
	check_str(ask.server, "r.example");
	check(find(text, "other.example/a", &c) == 0 && !ask.first);
	check_str(ask.program, "store");
	check_str(ask.server, "other.example");
	check(find(text, "alpine", &c) == 0 && ask.first);
	check_str(ask.program, "hub");
	check_str(ask.server, "https://index.docker.io/v1/");
	check(find("{\"credsStore\":7}", "alpine", &c) == 0);
	check_str(ask.program, "");
}

TEST(a_token_that_gets_others)
{
	struct image_credential c;

	check(find("{\"auths\":{\"r.example\":{\"auth\":\"dXNlcjpwYXNz\","
		   "\"identitytoken\":\"t\"}}}", "r.example/a", &c) == 1);
	check(c.identity);
	check_str(c.password, "t");
	check(find("{\"auths\":{\"r.example\":" FIRST "}}", "r.example/a", &c) == 1 && !c.identity);
}

TEST_MAIN;
