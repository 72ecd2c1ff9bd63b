#include "lib/image/reference.h"

#include "tests/unit/test.h"

#define HEX	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct {
	const char *text, *want;	/* NULL: refused */
} rows[] = {
	{ "alpine", "docker.io/library/alpine:latest" },
	{ "alpine:3", "docker.io/library/alpine:3" },
	{ "python:3.12-slim", "docker.io/library/python:3.12-slim" },
	{ "owner/name", "docker.io/owner/name:latest" },
	{ "docker.io/alpine", "docker.io/library/alpine:latest" },
	{ "index.docker.io/alpine", "docker.io/library/alpine:latest" },
	{ "ghcr.io/owner/name:v1", "ghcr.io/owner/name:v1" },
	{ "localhost/x", "localhost/x:latest" },
	{ "localhost:5000/x", "localhost:5000/x:latest" },
	{ "127.0.0.1:5000/a/b/c:t", "127.0.0.1:5000/a/b/c:t" },
	{ "[::1]:5000/x", "[::1]:5000/x:latest" },
	{ "a/b__c/d-e/f---g/h.i", "docker.io/a/b__c/d-e/f---g/h.i:latest" },
	{ "x@sha256:" HEX, "docker.io/library/x@sha256:" HEX },
	{ "x:t@sha256:" HEX, "docker.io/library/x:t@sha256:" HEX },
	{ "x:_1", "docker.io/library/x:_1" },
	{ "", NULL }, { ":", NULL }, { "@", NULL }, { "/", NULL }, { "a/", NULL },
	{ "/a", NULL }, { "a//b", NULL }, { "A", NULL }, { "a:", NULL }, { "a:.b", NULL },
	{ "a:-b", NULL }, { "a:b:c", NULL }, { "a b", NULL }, { "a.b", "docker.io/library/a.b:latest" },
	{ "a..b", NULL }, { "a___b", NULL }, { "a-", NULL }, { "-a", NULL }, { "a.", NULL },
	{ "../x", NULL }, { "a/../b", NULL }, { "x@sha256:12", NULL }, { "x@sha512:" HEX, NULL },
	{ "x@sha256:" HEX "0", NULL }, { "-x.y/a", NULL }, { "x.y:a/b", NULL }, { "x.y:/b", NULL },
	{ "x.y:123456/b", NULL }, { "[::1/x", NULL }, { "a\nb", NULL }, { "a@b@c", NULL },
};

TEST(references)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error err = { 0 };
		struct image_ref ref;
		char text[IMAGE_REF];
		int r = image_ref_parse(rows[i].text, &ref, &err);

		check((r == 0) == !!rows[i].want);
		if (!rows[i].want)
			check(err.code == ERR_USAGE && err.hint[0]);
		else
			check_str(image_ref_format(&ref, text), rows[i].want);
	}
}

TEST(what_is_written_is_read_again)
{
	struct image_ref ref, again;
	struct error err;
	char text[IMAGE_REF];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!rows[i].want)
			continue;
		check(image_ref_parse(rows[i].text, &ref, &err) == 0);
		check(image_ref_parse(image_ref_format(&ref, text), &again, &err) == 0);
		check_str(again.registry, ref.registry);
		check_str(again.repository, ref.repository);
		check_str(again.tag, ref.tag);
		check_str(again.digest, ref.digest);
	}
}

TEST(long_ones_are_refused)
{
	char text[2000];
	struct image_ref ref;
	struct error err;

	for (size_t n = 1; n < sizeof(text); n++) {
		memset(text, 'a', n);
		text[n] = '\0';
		check((image_ref_parse(text, &ref, &err) == 0) == (n <= 240 - strlen("library/")));
	}
	memset(text, 'a', 400);
	memcpy(text + 300, ".b/c", 5);
	check(image_ref_parse(text, &ref, &err) < 0);
	memcpy(text, "x:", 2);
	memset(text + 2, 'a', 129);
	text[131] = '\0';
	check(image_ref_parse(text, &ref, &err) < 0);
	text[130] = '\0';
	check(image_ref_parse(text, &ref, &err) == 0);
}

TEST(loopback)
{
	check(image_host_is_loopback("localhost"));
	check(image_host_is_loopback("localhost:5000"));
	check(image_host_is_loopback("127.0.0.1"));
	check(image_host_is_loopback("127.1.2.3:80"));
	check(image_host_is_loopback("[::1]:5000"));
	check(!image_host_is_loopback("localhost.example.com"));
	check(!image_host_is_loopback("127.0.0.1.example.com"));
	check(!image_host_is_loopback("128.0.0.1"));
	check(!image_host_is_loopback("[::2]:5000"));
	check(!image_host_is_loopback("docker.io"));
	check(!image_host_is_loopback(""));
}

TEST_MAIN;
