#include "lib/image/manifest.h"

#include "tests/unit/test.h"

#define ROOTFS	"\"rootfs\":{\"diff_ids\":[]}"

static json_t *parse(const char *text, enum err_code want)
{
	struct error err = { 0 };
	json_t *j = NULL;

	check((image_config_parse(text, strlen(text), &j, &err) < 0 ? err.code : ERR_NONE) == want);
	return j;
}

static const char *text_of(const json_t *j, const char *key)
{
	return json_string_value(json_object_get(j, key));
}

TEST(what_is_used)
{
	json_t *j = parse("{\"os\":\"linux\",\"architecture\":\"arm\",\"variant\":\"v7\","
			  "\"created\":\"2020-01-01T00:00:00Z\",\"config\":{"
			  "\"Env\":[\"A=1\",\"A=2\",\"B=x=y\",\"=\",\"none\",3],"
			  "\"WorkingDir\":\"/w\",\"User\":\"7:8\",\"Cmd\":[\"a\",\"b\"],"
			  "\"Entrypoint\":[\"/e\"],\"ExposedPorts\":{\"80/tcp\":{}},"
			  "\"Labels\":{\"k\":\"v\",\"n\":3}}," ROOTFS "}", ERR_NONE);
	const json_t *variables = json_object_get(j, "variables");

	check(json_object_size(variables) == 2);
	check_str(text_of(variables, "A"), "2");
	check_str(text_of(variables, "B"), "x=y");
	check_str(text_of(j, "workdir"), "/w");
	check_str(text_of(j, "user"), "7:8");
	check_str(text_of(j, "platform"), "linux/arm/v7");
	check_str(text_of(json_object_get(j, "labels"), "k"), "v");
	check(json_object_size(json_object_get(j, "labels")) == 1);
	check(json_array_size(json_object_get(j, "cmd")) == 2);
	check_str(json_string_value(json_array_get(json_object_get(j, "ports"), 0)), "80/tcp");
	json_decref(j);
}

TEST(what_is_not_there)
{
	json_t *j = parse("{" ROOTFS "}", ERR_NONE);

	check(!json_object_get(j, "workdir") && !json_object_get(j, "user"));
	check(json_array_size(json_object_get(j, "entrypoint")) == 0);
	json_decref(j);
	json_decref(parse("{\"config\":null," ROOTFS "}", ERR_NONE));
	json_decref(parse("{\"config\":{\"Env\":{},\"Cmd\":3,\"Labels\":[]}," ROOTFS "}", ERR_NONE));
}

TEST(what_is_wrong)
{
	parse("{}", ERR_UNSUPPORTED);
	parse("[]", ERR_PROTOCOL);
	parse("x", ERR_PROTOCOL);
	parse("", ERR_PROTOCOL);
	parse("{\"rootfs\":{\"diff_ids\":[3]}}", ERR_PROTOCOL);
	parse("{\"rootfs\":{\"diff_ids\":[\"sha256:x\"]}}", ERR_PROTOCOL);
}

TEST_MAIN;
