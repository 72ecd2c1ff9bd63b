#include <jansson.h>
#include <string.h>

#include "lib/executor/environment.h"
#include "tests/unit/test.h"

static struct environment e;
static struct error err;

static int describe(const char *params)
{
	json_t *j = json_loads(params, 0, NULL);
	int r;

	check(j);
	r = environment_describe(j, &e, &err);
	json_decref(j);
	return r;
}

TEST(what_is_not_named_stays)
{
	check(!describe("{}") && !e.languages && !e.features && !e.warm_up);
	check(!describe("{\"languages\":[\"py\",\"bash\",\"python3\"],\"warm_up\":\"x\","
			"\"features\":{\"b\":true,\"a\":false}}"));
	check_str(e.languages, "[\"python\",\"bash\"]");
	check_str(e.features, "{\"a\":false,\"b\":true}");
	check_str(e.warm_up, "x");
	check(!describe("{\"features\":{\"a\":null,\"c\":true}}"));
	check_str(e.languages, "[\"python\",\"bash\"]");
	check_str(e.features, "{\"b\":true,\"c\":true}");
	check(!describe("{\"languages\":[],\"warm_up\":\"\"}"));
	check_str(e.languages, "[]");
	check(!e.warm_up);
	environment_release(&e);
}

TEST(what_is_wrong_changes_nothing)
{
	char many[400] = "{\"languages\":[";

	for (int i = 0; i < 17; i++)
		(void)snprintf(many + strlen(many), sizeof(many) - strlen(many), "%s\"bash\"",
			       i ? "," : "");
	(void)snprintf(many + strlen(many), sizeof(many) - strlen(many), "]}");
	check(!describe("{\"languages\":[\"bash\"],\"features\":{\"a\":true}}"));
	check(describe("{\"languages\":[\"klingon\"]}") < 0 && strstr(err.msg, "klingon"));
	check(describe("{\"languages\":[7]}") < 0);
	check(describe(many) < 0 && err.code == ERR_LIMIT);
	check(describe("{\"features\":{\"a\":1}}") < 0);
	check(describe("{\"features\":{\"\":true}}") < 0);
	check_str(e.languages, "[\"bash\"]");
	check_str(e.features, "{\"a\":true}");
	environment_release(&e);
}

TEST(the_strategy)
{
	struct environment host = { .name = "host" }, hot = { .cache = "aggressive" };

	check(!environment_is_aggressive(&host) && environment_is_aggressive(&hot));
}

TEST_MAIN;
