#include "lib/chain/key.h"

#include "tests/unit/test.h"

#define STEP "\"parent\":\"environment x\",\"argv\":[\"a\",\"b\"],\"variables\":{},"	\
	"\"files\":{\"/f\":\"file 0644 00\"},\"limits\":{\"memory\":1},"		\
	"\"network\":\"none\",\"user\":\"\",\"workdir\":\"/work\",\"engine\":\"e\""

static json_t *step(const char *changes)
{
	json_t *j = json_loads("{" STEP "}", 0, NULL);
	json_t *other = json_loads(changes, 0, NULL);

	check(j && other);
	check(!json_object_update(j, other));
	json_decref(other);
	return j;
}

static void key(const char *changes, char hex[HASH_TEXT])
{
	json_t *j = step(changes);
	struct error err;

	check(!key_of(j, hex, &err));
	json_decref(j);
}

/* Each differs from the step above, and from all others here. */
static const char *const different[] = {
	"{}",
	"{\"parent\":\"environment y\"}",
	"{\"parent\":\"snapshot x\"}",
	"{\"argv\":[\"a\",\"c\"]}",
	"{\"argv\":[\"a b\"]}",
	"{\"argv\":[\"a\",\"b\",\"\"]}",
	"{\"argv\":[[\"a\",\"b\"]]}",
	"{\"argv\":null}",
	"{\"argv\":[\"a\",{\"base64\":\"Yg==\"}]}",
	"{\"variables\":{\"A\":\"1\"}}",
	"{\"variables\":{\"A\":\"2\"}}",
	"{\"variables\":{\"A\":\"1\",\"B\":\"2\"}}",
	"{\"variables\":{\"A1\":\"\"}}",
	"{\"files\":{}}",
	"{\"files\":{\"/f\":\"file 0755 00\"}}",
	"{\"files\":{\"/f\":\"file 0644 01\"}}",
	"{\"files\":{\"/f\":\"link 0644 00\"}}",
	"{\"files\":{\"/g\":\"file 0644 00\"}}",
	"{\"files\":{\"/f\":\"file 0644 00\",\"/g\":\"folder 0755\"}}",
	"{\"limits\":{\"memory\":2}}",
	"{\"limits\":{\"pids\":1}}",
	"{\"limits\":{}}",
	"{\"network\":\"nat\"}",
	"{\"user\":\"u\"}",
	"{\"workdir\":\"/\"}",
	"{\"engine\":\"f\"}",
};

TEST(what_differs_has_another_key)
{
	enum { N = sizeof(different) / sizeof(different[0]) };
	static char keys[N][HASH_TEXT];

	for (size_t i = 0; i < N; i++) {
		key(different[i], keys[i]);
		check(strlen(keys[i]) == HASH_TEXT - 1);
		for (size_t k = 0; k < i; k++)
			if (!strcmp(keys[i], keys[k])) {
				fprintf(stderr, "%s and %s\n", different[i], different[k]);
				abort();
			}
	}
}

TEST(what_is_the_same_has_the_same_key)
{
	static const char *const same[][2] = {
		{ "{}", "{\"workdir\":\"/work\"}" },
		{ "{\"variables\":{\"A\":\"1\",\"B\":\"2\"}}", "{\"variables\":{\"B\":\"2\",\"A\":\"1\"}}" },
		{ "{\"files\":{\"/a\":\"x\",\"/b\":\"y\"}}", "{\"files\":{\"/b\":\"y\",\"/a\":\"x\"}}" },
		{ "{\"user\":\"\\u00e4\"}", "{\"user\":\"\303\244\"}" },
	};
	char a[HASH_TEXT], b[HASH_TEXT];

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		key(same[i][0], a);
		key(same[i][1], b);
		check_str(a, b);
	}
}

TEST(a_step_is_whole)
{
	char hex[HASH_TEXT] = "as it was";
	json_t *j = step("{\"more\":1}");
	struct error err;

	check(key_of(j, hex, &err) < 0 && err.code == ERR_BUG);
	json_object_del(j, "more");
	json_object_del(j, "user");
	check(key_of(j, hex, &err) < 0 && err.code == ERR_BUG);
	check_str(hex, "as it was");
	json_decref(j);
}

static void expect_changes(const char *from, const char *to, const char *expected)
{
	json_t *was = step(from), *is = step(to), *words = key_changes(was, is);
	char *text = json_dumps(words, JSON_COMPACT);

	check_str(text, expected);
	free(text);
	json_decref(words);
	json_decref(was);
	json_decref(is);
}

TEST(changes_are_told)
{
	expect_changes("{}", "{}", "[]");
	expect_changes("{}", "{\"parent\":\"snapshot x\"}", "[\"what it stands on changed\"]");
	expect_changes("{}", "{\"argv\":[]}", "[\"the command changed\"]");
	expect_changes("{}", "{\"files\":{\"/f\":\"file 0755 00\"}}", "[\"file '/f' changed\"]");
	expect_changes("{}", "{\"files\":{\"/g\":\"folder 0755\"}}",
		       "[\"file '/g' is new\",\"file '/f' is gone\"]");
	expect_changes("{\"variables\":{\"A\":\"1\"}}", "{\"variables\":{\"A\":\"2\"}}",
		       "[\"variable 'A' changed\"]");
	expect_changes("{}", "{\"limits\":{},\"user\":\"u\",\"network\":\"nat\",\"workdir\":\"/\","
		       "\"engine\":\"f\"}", "[\"limit 'memory' is gone\",\"the network changed\","
		       "\"the user changed\",\"the work folder changed\",\"the engine changed\"]");
}

TEST(changes_are_not_endless)
{
	json_t *was = step("{}"), *is = step("{}"), *words;
	char name[16];

	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "/%d", i);
		json_object_set_new(json_object_get(is, "files"), name, json_string("folder 0755"));
	}
	words = key_changes(was, is);
	check(json_array_size(words) == KEY_WORDS);
	check_str(json_string_value(json_array_get(words, KEY_WORDS - 1)), "more changed");
	json_decref(words);
	json_decref(was);
	json_decref(is);
}

TEST(values_of_variables_are_nowhere)
{
	json_t *given = json_pack("{s:s,s:s,s:{s:s}}", "A", "secret", "B", "secret", "C", "base64",
				  "c2VjcmV0"), *got = key_digests(given);
	char *text = json_dumps(got, 0);

	check(!strstr(text, "secret"));
	check(json_equal(json_object_get(got, "A"), json_object_get(got, "B")));
	check(!json_equal(json_object_get(got, "A"), json_object_get(got, "C")));
	free(text);
	json_decref(given);
	json_decref(got);
}

TEST_MAIN;
