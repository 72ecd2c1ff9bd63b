#include "lib/client/request.h"

#include <unistd.h>

#include "tests/unit/test.h"

static const char *const argv[] = { "true", NULL };

TEST(exactly_one_thing_is_run)
{
	struct faas_execute run = { .argv = argv };
	struct error err;

	check(!request_check(&run, &err));
	run.code = "true";
	check(request_check(&run, &err) < 0 && err.code == ERR_USAGE);
	run = (struct faas_execute){ .file = "x", .args = argv, .language = "c" };
	check(!request_check(&run, &err));
	run = (struct faas_execute){ .argv = argv, .language = "c" };
	check(request_check(&run, &err) < 0);
	run = (struct faas_execute){ .argv = argv + 1 };
	check(request_check(&run, &err) < 0);
	run = (struct faas_execute){ 0 };
	check(request_check(&run, &err) < 0);
}

TEST(streams_that_cannot_be_are_refused)
{
	struct faas_execute run = { .argv = argv, .out = { .kind = FAAS_FD, .fd = -1 } };
	struct error err;

	check(request_check(&run, &err) < 0);
	run.out.kind = (enum faas_stream_kind)9;
	check(request_check(&run, &err) < 0);
	run.out.kind = FAAS_MEMORY;
	check(!request_check(&run, &err));
	run.detach = 1;
	check(request_check(&run, &err) < 0);
	run = (struct faas_execute){ .argv = argv, .in = { .kind = FAAS_MEMORY, .size = 1 } };
	check(request_check(&run, &err) < 0);
	run = (struct faas_execute){ .argv = argv, .reserved[0] = &run };
	check(request_check(&run, &err) < 0);
}

TEST(fields_become_parameters)
{
	static const char *const labels[] = { "a=b=c", "d=", NULL };
	struct faas_execute run = {
		.argv = argv, .mode = "cached", .timeout_ms = 5, .memory = 1 << 20,
		.labels = labels, .detach = 1,
	};
	cleanup_json json_t *params = NULL;
	struct error err;
	char *text;

	check(!request_params(&run, &params, &err));
	text = request_text(params);
	check_str(text, "{\"labels\":{\"a\":\"b=c\",\"d\":\"\"},\"mode\":\"cached\","
		  "\"detach\":true,\"timeout_ms\":5,\"limits\":{\"memory\":1048576}}");
	free(text);
	run.disk = UINT64_MAX;
	check(request_params(&run, &params, &err) < 0);
	run = (struct faas_execute){ .labels = argv };
	check(request_params(&run, &params, &err) < 0);
	check_str(err.msg, "label 'true' is not NAME=value");
}

TEST(files_have_names_and_contents)
{
	struct faas_file in[] = {
		{ .path = "/etc/passwd" }, { .data = "text", .size = 4, .to = "a/b" },
	};
	struct faas_execute run = { .files = in, .n_files = 2 };
	struct code_plan plan = { .fd = -1 };
	struct request_files files;
	struct error err;
	char buf[8];

	check(!request_files(&run, &plan, &files, &err) && files.n == 2);
	check_str(files.v[0].to, "passwd");
	check(files.v[1].mode == 0644 && read(files.v[1].fd, buf, 8) == 4);
	request_files_release(&files);
	in[0].path = "folder/";
	check(request_files(&run, &plan, &files, &err) < 0);
	request_files_release(&files);
	in[0].path = NULL;
	in[0].to = "x";
	in[0].size = 1;
	check(request_files(&run, &plan, &files, &err) < 0);
	request_files_release(&files);
}

TEST(records_become_results)
{
	cleanup_json json_t *j = json_pack("{s:s,s:s,s:n,s:i,s:b,s:{s:i,s:i}}", "id", "abcd",
					   "state", "exited", "exit_code", "signal", 9,
					   "oom_killed", 1, "usage", "wall_us", 7,
					   "memory_peak_bytes", 8);
	struct faas_result r;
	struct error err;

	check(!request_result(j, &r, &err));
	check(r.exit_code == -1 && r.signal == 9 && r.oom_killed && r.wall_us == 7 &&
	      r.memory_peak == 8 && !r.out && !r.err && r.record);
	check_str(r.id, "abcd");
	faas_result_release(&r);
	check(!r.record);
}

TEST_MAIN;
