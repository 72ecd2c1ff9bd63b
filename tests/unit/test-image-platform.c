#include "lib/image/platform.h"

#include "tests/unit/test.h"

static const struct {
	const char *text, *want;
} rows[] = {
	{ "linux/amd64", "linux/amd64" }, { "amd64", "linux/amd64" }, { "arm64", "linux/arm64" },
	{ "linux/arm64/v8", "linux/arm64" }, { "linux/arm/v7", "linux/arm/v7" },
	{ "linux/x86_64", "linux/amd64" }, { "aarch64", "linux/arm64" },
	{ "linux/armhf", "linux/arm/v7" }, { "windows/amd64", "windows/amd64" },
	{ "", NULL }, { "/", NULL }, { "linux/", NULL }, { "/amd64", NULL },
	{ "linux/amd64/", NULL }, { "linux/arm/v7/x", NULL }, { "Linux/amd64", NULL },
	{ "linux/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL }, { "linux amd64", NULL },
};

TEST(platforms)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct image_platform p;
		struct error err = { 0 };
		char text[PLATFORM_SIZE];

		check((image_platform_parse(rows[i].text, &p, &err) == 0) == !!rows[i].want);
		if (rows[i].want)
			check_str(image_platform_format(&p, text), rows[i].want);
		else
			check(err.hint[0]);
	}
}

static bool suits(const char *has, const char *want)
{
	struct image_platform h, w;
	struct error err;

	check(image_platform_parse(has, &h, &err) == 0 && image_platform_parse(want, &w, &err) == 0);
	return image_platform_suits(&h, &w);
}

TEST(which_suits)
{
	check(suits("linux/amd64", "linux/amd64"));
	check(suits("linux/arm64/v8", "linux/arm64"));
	check(suits("linux/arm64", "linux/arm64/v8"));
	check(suits("linux/arm/v7", "linux/arm"));
	check(!suits("linux/arm/v6", "linux/arm/v7"));
	check(!suits("linux/amd64", "linux/arm64"));
	check(!suits("windows/amd64", "linux/amd64"));
}

TEST(this_machine_has_one)
{
	struct image_platform p;
	struct error err;

	check(image_platform_parse(NULL, &p, &err) == 0);
	check_str(p.os, "linux");
	check(p.architecture[0]);
}

TEST_MAIN;
