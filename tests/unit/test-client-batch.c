#include "lib/client/batch.h"

#include "tests/unit/test.h"

static int parse(const char *line, struct batch_request *r, struct error *err)
{
	return batch_parse(line, strlen(line), r, err);
}

static void refuse(const char *line, const char *why)
{
	struct batch_request r;
	struct error err;

	check(parse(line, &r, &err) < 0);
	check(err.code == ERR_USAGE);
	if (!strstr(err.msg, why)) {
		fprintf(stderr, "%s: '%s' without '%s'\n", line, err.msg, why);
		abort();
	}
	batch_release(&r);
}

TEST(code)
{
	struct batch_request r;
	struct error err;

	check(!parse("{\"code\": \"print(1)\", \"lang\": \"python\", \"args\": [\"a\", \"\"],"
		     "\"id\": 7}", &r, &err));
	check(r.kind == BATCH_CODE);
	check(r.words.n == 3);
	check_str(r.words.v[0], "print(1)");
	check_str(r.words.v[2], "");
	check(!r.words.v[3]);
	check_str(r.language, "python");
	check(json_integer_value(r.id) == 7);
	check(!r.input);
	batch_release(&r);
}

TEST(argv_with_everything)
{
	struct batch_request r;
	struct error err;

	check(!parse("{\"argv\":[\"ls\",\"-l\"],\"env\":\"host\",\"mode\":\"cached\","
		     "\"env_vars\":{\"A\":\"1\",\"B\":\"x=y\"},\"labels\":{\"team\":\"core\"},"
		     "\"files\":[\"a:b\"],\"timeout\":\"1m\",\"grace\":250,\"memory\":\"64M\","
		     "\"disk\":1048576,\"cpus\":0.5,\"pids\":10,\"workdir\":\"/tmp\","
		     "\"user\":\"nobody\",\"name\":\"n\",\"network\":\"none\","
		     "\"allow_degraded\":true,\"stdin\":{\"base64\":\"AP8=\"}}", &r, &err));
	check(r.kind == BATCH_ARGV);
	check(r.words.n == 2);
	check_str(r.environment, "host");
	check_str(r.variables.v[1], "B=x=y");
	check_str(r.labels.v[0], "team=core");
	check_str(r.files.v[0], "a:b");
	check(r.timeout_ms == 60000 && r.grace_ms == 250);
	check(r.memory == 64 << 20 && r.disk == 1 << 20 && r.cpus == 500 && r.pids == 10);
	check(r.allow_degraded);
	check(r.input_len == 2 && !memcmp(r.input, "\0\xff", 2));
	batch_release(&r);
}

TEST(empty_input_is_input)
{
	struct batch_request r;
	struct error err;

	check(!parse("{\"code\":\"cat\",\"stdin\":\"\"}", &r, &err));
	check(r.input && !r.input_len);
	batch_release(&r);
}

TEST(bad_lines)
{
	refuse("", "not JSON");
	refuse("{", "not JSON");
	refuse("[]", "object");
	refuse("7", "object");
	refuse("{\"code\":\"a\\u0000b\"}", "not JSON");
	refuse("{\"code\":\"a\",\"code\":\"b\"}", "not JSON");
	refuse("{\"code\":\"\xff\"}", "not JSON");
	refuse("{}", "one of");
	refuse("{\"code\":\"a\",\"file\":\"b\"}", "one of");
	refuse("{\"code\":7}", "'code' must be text");
	refuse("{\"file\":\"-\"}", "'file'");
	refuse("{\"argv\":[]}", "'argv'");
	refuse("{\"argv\":[\"\"]}", "'argv'");
	refuse("{\"argv\":[1]}", "'argv'");
	refuse("{\"argv\":\"ls\"}", "'argv'");
	refuse("{\"argv\":[\"ls\"],\"args\":[\"a\"]}", "'args'");
	refuse("{\"code\":\"a\",\"timeot\":1}", "'timeot'");
	refuse("{\"code\":\"a\",\"timeout\":-1}", "'timeout'");
	refuse("{\"code\":\"a\",\"timeout\":\"soon\"}", "'timeout'");
	refuse("{\"code\":\"a\",\"memory\":1.5}", "'memory'");
	refuse("{\"code\":\"a\",\"cpus\":0}", "'cpus'");
	refuse("{\"code\":\"a\",\"cpus\":1e300}", "'cpus'");
	refuse("{\"code\":\"a\",\"pids\":\"9\"}", "'pids'");
	refuse("{\"code\":\"a\",\"env_vars\":{\"A\":1}}", "'env_vars'");
	refuse("{\"code\":\"a\",\"env_vars\":{\"A=B\":\"1\"}}", "A=B");
	refuse("{\"code\":\"a\",\"labels\":[]}", "'labels'");
	refuse("{\"code\":\"a\",\"allow_degraded\":1}", "'allow_degraded'");
	refuse("{\"code\":\"a\",\"stdin\":7}", "'stdin'");
	refuse("{\"code\":\"a\",\"stdin\":{\"base64\":\"?\"}}", "'stdin'");
	refuse("{\"code\":\"a\",\"stdin\":{\"base64\":\"\",\"x\":1}}", "'stdin'");
	refuse("{\"code\":\"a\",\"env\":\"a\",\"environment\":\"b\"}", "twice");
	refuse("{\"code\":\"a\",\"id\":null}", "'id'");
}

TEST(id_of_a_bad_line)
{
	struct batch_request r;
	struct error err;

	check(parse("{\"oops\":1,\"id\":\"x\"}", &r, &err) < 0);
	check_str(json_string_value(r.id), "x");
	batch_release(&r);
}

TEST_MAIN;
