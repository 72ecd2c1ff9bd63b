#include "lib/executor/executor.h"

#include "lib/base/id.h"
#include "tests/unit/test.h"

static struct error err;
static struct executor x;
static struct slot host, py;
/* What the last request became. */
static struct run *run;
static struct slot *slot;
static bool cached;

/* An executor whose spawner runs and knows two environments; nothing is sent. */
static void begin(void)
{
	if (run)
		run_free(run);
	x = (struct executor){
		.spawner = { .up = true, .cgroups = 1u << CGROUP_UNIFIED |
				 1u << CGROUP_CPU | 1u << CGROUP_BLKIO }, .memory_total = 8ull << 30,
		.slots = &host, .state_dir = -1,
	};
	host = (struct slot){ .name = "host", .number = 1, .next = &py };
	py = (struct slot){ .name = "py", .number = 2 };
	py.env.variables = (char *)"{\"PATH\":\"/opt/bin\",\"A\":\"env\",\"B\":\"env\"}";
	py.env.workdir = (char *)"/src";
	py.env.user = (char *)"app";
	run = run_new(&x);
	err = (struct error){ 0 };
}

static int request(const char *text)
{
	cleanup_json json_t *params = json_loads(text, JSON_ALLOW_NUL, NULL);

	check(params);
	begin();
	return request_read(&x, params, run, &slot, &cached, &err);
}

/* The command is one word, besides these. */
static int with(const char *more)
{
	char text[4096];

	check(snprintf(text, sizeof(text), "{\"steps\":[[[\"a\"]]]%s%s}",
		       *more ? "," : "", more) < (int)sizeof(text));
	return request(text);
}

static void refused(const char *more, enum err_code code, const char *why)
{
	check(with(more) == -1);
	check(err.code == code);
	if (!strstr(err.msg, why)) {
		fprintf(stderr, "'%s' instead of '%s'\n", err.msg, why);
		abort();
	}
}

/* The body, its strings joined by '|'. */
static const char *body(void)
{
	static char text[4096];

	check(run->body_len < sizeof(text) && !run->body[run->body_len - 1]);
	memcpy(text, run->body, run->body_len);
	for (size_t i = 0; i + 1 < run->body_len; i++)
		if (!text[i])
			text[i] = '|';
	return text;
}

static bool has_variable(const char *pair)
{
	const char *end = run->body + run->body_len;

	for (const char *p = run->body; p < end; p += strlen(p) + 1)
		if (!strcmp(p, pair))
			return true;
	return false;
}

TEST(defaults)
{
	check(!with(""));
	check(slot == &host && !cached && id_valid(run->rec.id));
	check_str(run->rec.state, "queued");
	check_str(run->rec.mode, "ephemeral");
	check_str(run->rec.network, "none");
	check_str(run->rec.argv, "[\"a\"]");
	check_str(run->rec.labels, "{}");
	check_str(run->rec.degraded, "[]");
	check(!strncmp(body(), "/work||4|", 9));
	check(strstr(body(), "|1|1|1|a") == NULL && strstr(body(), "|1|1|a"));
	check(has_variable("LANG=C.UTF-8") && has_variable("FAAS_ENVIRONMENT=host"));
	check(run->msg.n_steps == 1 && !run->msg.timeout_ms &&
	      run->msg.grace_ms == 10000);
	check(run->msg.log_cap == 16 << 20 && !run->msg.flags);
	check(run->build.limits.memory == 4ull << 30 && run->build.limits.pids == 1024);
	check(run->msg.limits.memory == run->build.limits.memory);
	check_str(run->msg.id, run->rec.id);
}

TEST(steps_become_counts_and_words)
{
	check(!request("{\"steps\":[[[\"cc\",\"-o\",\"x "
		       "y\"],[\"tcc\"]],[[\"./x\",\"\",\"\xc3\xa4\"]]]}"));
	check(strstr(body(), "|2|3|cc|-o|x y|1|tcc|1|3|./x||\xc3\xa4"));
	check(run->msg.n_steps == 2);
	check_str(run->rec.argv, "[\"./x\",\"\",\"\xc3\xa4\"]");
}

TEST(bytes_that_json_cannot_hold)
{
	check(!request("{\"steps\":[[[\"a\",{\"base64\":\"//4K\"}]]],"
		       "\"env\":{\"X\":{\"base64\":\"/w==\"}}}"));
	check(strstr(body(), "|a|\xff\xfe\n") && has_variable("X=\xff"));
}

TEST(steps_that_are_none)
{
	static const char *const bad[] = {
	    "[]",
	    "[[]]",
	    "[[[]]]",
	    "[7]",
	    "[[7]]",
	    "[[[7]]]",
	    "[[[null]]]",
	    "[[[\"a\"],[]]]",
	    "[[[\"a\"]],[]]",
	    "[[[\"a\\u0000b\"]]]",
	    "[[[{}]]]",
	    "[[[{\"base64\":7}]]]",
	    "[[[{\"base64\":\"x\"}]]]",
	    "[[[{\"base64\":\"AAAA\"}]]]",
	    "[[\"a\"]]",
	    "[\"a\"]",
	    "[[[\"a\"]],[[\"a\"]],[[\"a\"]],[[\"a\"]],[[\"a\"]],[[\"a\"]],[[\"a\"]],[["
	    "\"a\"]],"
	    "[[\"a\"]]]",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char text[256];

		(void)snprintf(text, sizeof(text), "{\"steps\":%s}", bad[i]);
		check(request(text) == -1);
		check(err.code == ERR_USAGE && err.msg[0]);
	}
}

TEST(variables_of_three_kinds)
{
	check(!with("\"environment\":\"py\",\"env\":{\"B\":\"own\",\"C\":\"a=b\"}"));
	check(slot == &py);
	check(!strncmp(body(), "/src|app|", 9));
	check(has_variable("PATH=/opt/bin") && has_variable("A=env"));
	check(has_variable("B=own") && !has_variable("B=env") && has_variable("C=a=b"));
	check(!with("\"environment\":\"py\",\"workdir\":\"/x\",\"user\":\"1:2\""));
	check(!strncmp(body(), "/x|1:2|", 7));
	refused("\"env\":{\"\":\"x\"}", ERR_USAGE, "variable's name");
	refused("\"env\":{\"A=B\":\"x\"}", ERR_USAGE, "variable's name");
	refused("\"env\":{\"A\":7}", ERR_USAGE, "must be text");
	refused("\"env\":{\"A\":\"x\\u0000\"}", ERR_USAGE, "NUL");
}

TEST(limits)
{
	check(!with("\"allow_degraded\":true,\"limits\":{\"memory\":1048576,\"pids\":5,\"cpu_millis\":250,"
		    "\"disk\":65536,\"io_bps\":1}"));
	check(run->build.limits.memory == 1 << 20 && run->build.limits.pids == 5);
	check(run->build.limits.cpu_millis == 250 && run->build.limits.disk == 65536);
	check(run->build.limits.io_bps == 1);
	check(!with("\"limits\":{\"memory\":0,\"pids\":0}"));
	check(!run->build.limits.memory && !run->build.limits.pids);
	check(!with("\"limits\":{\"cpu_millis\":9000000000000000000}"));
	check(run->build.limits.cpu_millis == 1000 * 1000 * 1000);
	refused("\"limits\":{\"memory\":1048575}", ERR_USAGE, "1 MiB");
	refused("\"limits\":{\"disk\":1}", ERR_USAGE, "64 KiB");
	refused("\"limits\":{\"disk\":0}", ERR_USAGE, "64 KiB");
	refused("\"limits\":{\"cpu_millis\":9}", ERR_USAGE, "0.01");
	refused("\"limits\":{\"memroy\":5000000}", ERR_USAGE, "no field 'memroy'");
	refused("\"limits\":{\"memory\":\"1G\"}", ERR_USAGE, "whole number");
	refused("\"limits\":{\"memory\":-1}", ERR_USAGE, "whole number");
	refused("\"limits\":{\"pids\":null}", ERR_USAGE, "whole number");
}

static int without_cgroups(const char *text)
{
	cleanup_json json_t *params = json_loads(text, 0, NULL);

	begin();
	x.spawner.cgroups = 0;
	x.spawner.lacks = LACKS_SUBIDS;
	return request_read(&x, params, run, &slot, &cached, &err);
}

TEST(limits_that_this_host_cannot_keep)
{
	check(without_cgroups(
		  "{\"steps\":[[[\"a\"]]],\"limits\":{\"cpu_millis\":500}}") == -1);
	check(err.code == ERR_UNSUPPORTED && err.hint[0]);
	check(without_cgroups("{\"steps\":[[[\"a\"]]],\"limits\":{\"io_bps\":500}}") ==
	      -1);
	check(!without_cgroups("{\"steps\":[[[\"a\"]]],\"limits\":{\"cpu_millis\":500},"
			       "\"allow_degraded\":true}"));
	check(strstr(run->rec.degraded, "no cgroup") &&
	      strstr(run->rec.degraded, "users"));
	/* nothing is asked of a file that is not there, and the record says what was wanted */
	check(!run->build.limits.cpu_millis && strstr(run->rec.limits, "\"cpu_millis\":500"));
}

TEST(names_ids_and_labels)
{
	struct run *other;

	check(!with("\"id\":\"abcdefghij27\",\"name\":\"a.b\",\"labels\":{\"k\":\"v\","
		    "\"a\":\"\"}"));
	check_str(run->rec.id, "abcdefghij27");
	check_str(run->rec.name, "a.b");
	check_str(run->rec.labels, "{\"a\":\"\",\"k\":\"v\"}");
	refused("\"id\":\"../../etc/x\"", ERR_USAGE, "cannot be an id");
	refused("\"id\":\"\"", ERR_USAGE, "cannot be an id");
	refused("\"name\":\"a@b\"", ERR_USAGE, "cannot be a name");
	refused("\"name\":\"\"", ERR_USAGE, "cannot be a name");
	refused("\"labels\":{\"k\":7}", ERR_USAGE, "label 'k'");
	refused("\"labels\":{\"\":\"v\"}", ERR_USAGE, "label");
	refused("\"labels\":{\"k\":\"a\\u0000b\"}", ERR_USAGE, "label 'k'");

	begin();
	other = run_new(&x);
	(void)snprintf(other->rec.id, sizeof(other->rec.id), "abcdefghij27");
	(void)snprintf(other->rec.name, sizeof(other->rec.name), "n");
	cleanup_json json_t *id =
	    json_loads("{\"steps\":[[[\"a\"]]],\"id\":\"abcdefghij27\"}", 0, NULL);
	cleanup_json json_t *name =
	    json_loads("{\"steps\":[[[\"a\"]]],\"name\":\"n\"}", 0, NULL);

	check(request_read(&x, id, run, &slot, &cached, &err) == -1 &&
	      err.code == ERR_EXISTS);
	check(request_read(&x, name, run, &slot, &cached, &err) == -1 &&
	      err.code == ERR_EXISTS);
	/* a finished one does not keep its name */
	other->finished = true;
	check(!request_read(&x, name, run, &slot, &cached, &err));
	run_free(other);
}

TEST(too_many_labels)
{
	cleanup_json json_t *params =
	    json_loads("{\"steps\":[[[\"a\"]]],\"labels\":{}}", 0, NULL);
	json_t *labels = json_object_get(params, "labels");

	for (int i = 0; i < 65; i++) {
		char key[16];

		(void)snprintf(key, sizeof(key), "k%d", i);
		json_object_set_new(labels, key, json_string("v"));
	}
	begin();
	check(request_read(&x, params, run, &slot, &cached, &err) == -1);
	check(strstr(err.msg, "64 labels"));
}

TEST(choices)
{
	check(!with("\"mode\":\"cached\"") && cached);
	check_str(run->rec.mode, "cached");
	check(!with("\"mode\":\"ephemeral\"") && !cached);
	check(!with("\"network\":\"host\"") && run->build.network == NETWORK_HOST);
	check(!with("\"network\":\"none\"") && run->build.network == NETWORK_NONE);
	refused("\"mode\":\"branched\"", ERR_USAGE, "branched");
	refused("\"mode\":\"\"", ERR_USAGE, "unknown mode");
	refused("\"network\":\"all\"", ERR_USAGE, "unknown network 'all'");
	refused("\"workdir\":\"work\"", ERR_USAGE, "not absolute");
	refused("\"workdir\":\"\"", ERR_USAGE, "not absolute");
}

TEST(flags)
{
	check(!with("\"detach\":true"));
	check(run->msg.flags == (RUN_DETACHED | RUN_LOG | RUN_ANNOUNCE) &&
	      run->rec.logged);
	check(!with("\"log\":true,\"log_bytes\":5") && run->msg.flags == RUN_LOG);
	check(run->msg.log_cap == 5);
	check(!with("\"tty\":{}") && run->msg.flags == (RUN_TTY | RUN_ANNOUNCE));
	check(run->msg.rows == 24 && run->msg.cols == 80);
	check(!with("\"tty\":{\"rows\":65535,\"cols\":1}"));
	check(run->msg.rows == 65535 && run->msg.cols == 1);
	refused("\"tty\":{\"rows\":65536}", ERR_USAGE, "rows");
	refused("\"tty\":{\"rows\":-1}", ERR_USAGE, "rows");
	refused("\"tty\":{\"colour\":1}", ERR_USAGE, "colour");
	check(!with("\"timeout_ms\":1500,\"grace_ms\":0"));
	check(run->msg.timeout_ms == 1500 && !run->msg.grace_ms);
	/* added to a clock in microseconds it must not wrap */
	check(
	    !with("\"timeout_ms\":9223372036854775807,\"grace_ms\":9223372036854775807"));
	check(run->msg.timeout_ms < UINT64_MAX / 4000 &&
	      run->msg.grace_ms < UINT64_MAX / 4000);
}

static int request_of(size_t bytes, const char *workdir)
{
	char *word = malloc(bytes + 1);
	cleanup_json json_t *params = NULL;

	memset(word, 'x', bytes);
	word[bytes] = '\0';
	params = json_pack("{s:[[[s]]],s:s*}", "steps", word, "workdir", workdir);
	free(word);
	begin();
	return request_read(&x, params, run, &slot, &cached, &err);
}

TEST(too_large)
{
	char *path = calloc(1, 5001);

	check(!request_of(2 << 20, NULL) && run->body_len > 2 << 20);
	check(request_of(MSG_BODY_MAX, NULL) == -1);
	check(err.code == ERR_CANNOT_RUN && strstr(err.msg, "8 MiB"));
	memset(path, 'd', 5000);
	path[0] = '/';
	check(request_of(1, path) == -1 && strstr(err.msg, "too long"));
	path[4095] = '\0';
	check(!request_of(1, path));
	free(path);
}

TEST_MAIN;
