#include "cmd/output.h"

#include "tests/unit/test.h"

static char *text;
static size_t size;

static struct ctx begin(bool json)
{
	struct ctx ctx = { .out = open_memstream(&text, &size), .json = json };

	check(ctx.out);
	return ctx;
}

static void end(struct ctx *ctx, const char *want)
{
	check(fclose(ctx->out) == 0);
	check_str(text, want);
	free(text);
}

static const struct out_column columns[] = {
	{ "id" }, { "size", .flags = OUT_RIGHT }, { "created_at", "CREATED" },
	{ "wide", .flags = OUT_WIDE }, { NULL }
};

static int two_rows(struct ctx *ctx, const struct out_opts *opts, struct error *err)
{
	struct out o;

	out_list(&o, ctx, opts, "things", columns);
	out_row(&o);
	out_str(&o, "id", "a");
	out_size(&o, "size", 1536);
	out_time(&o, "created_at", 1000);
	out_str(&o, "extra", "x");
	out_str(&o, "wide", "w");
	out_row(&o);
	out_str(&o, "id", "a-longer\nname");
	out_size(&o, "size", 7);
	out_time(&o, "created_at", 0);
	return out_end(&o, err);
}

TEST(a_list_for_people)
{
	struct ctx ctx = begin(false);
	struct error err = { 0 };

	check(two_rows(&ctx, NULL, &err) == 0);
	end(&ctx, "ID              SIZE  CREATED\n"
		  "a               1.5K  1970-01-01T00:00:01.000Z\n"
		  "a-longer\\nname     7  -\n");
}

TEST(a_list_as_json)
{
	struct ctx ctx = begin(true);
	struct error err = { 0 };

	check(two_rows(&ctx, NULL, &err) == 0);
	end(&ctx, "{\"schema\":\"faas.v1\",\"things\":[{\"id\":\"a\",\"size\":1536,"
		  "\"created_at\":\"1970-01-01T00:00:01.000Z\",\"extra\":\"x\","
		  "\"wide\":\"w\"},{\"id\":\"a-longer\\nname\",\"size\":7,"
		  "\"created_at\":null}]}\n");
}

TEST(names_only)
{
	struct ctx ctx = begin(false);
	struct error err = { 0 };

	ctx.quiet = true;
	check(two_rows(&ctx, NULL, &err) == 0);
	end(&ctx, "a\na-longer\\nname\n");
}

TEST(chosen_fields)
{
	struct out_opts opts = { .no_header = true, .fields = "wide,id" };
	struct ctx ctx = begin(false);
	struct error err = { 0 };

	check(two_rows(&ctx, &opts, &err) == 0);
	end(&ctx, "w  a\n-  a-longer\\nname\n");
	ctx = begin(true);
	check(two_rows(&ctx, &opts, &err) == 0);
	end(&ctx, "{\"schema\":\"faas.v1\",\"things\":[{\"id\":\"a\",\"wide\":\"w\"},"
		  "{\"id\":\"a-longer\\nname\"}]}\n");
	ctx = begin(true);
	opts.fields = "id,sizes";
	check(two_rows(&ctx, &opts, &err) < 0);
	check_str(err.msg, "no field 'sizes'");
	end(&ctx, "");
}

static int empty_list(struct ctx *ctx, struct error *err)
{
	struct out o;

	out_list(&o, ctx, NULL, "things", columns);
	return out_end(&o, err);
}

TEST(lists_without_entries)
{
	struct ctx ctx = begin(true);
	struct error err = { 0 };

	check(empty_list(&ctx, &err) == 0);
	end(&ctx, "{\"schema\":\"faas.v1\",\"things\":[]}\n");
	ctx = begin(false);
	check(empty_list(&ctx, &err) == 0);
	end(&ctx, "ID  SIZE  CREATED\n");
}

static int object(struct ctx *ctx, struct error *err)
{
	struct out o;

	out_object(&o, ctx, NULL);
	out_str(&o, "id", "e-1");
	out_open(&o, "usage", '{');
	out_us(&o, "cpu_us", 1500);
	out_open(&o, "io", '{');
	out_uint(&o, "read", 7);
	out_close(&o);
	out_cpus(&o, "cpus", 500);
	out_close(&o);
	out_open(&o, "argv", '[');
	out_str(&o, NULL, "ls");
	out_open(&o, NULL, '{');
	out_bool(&o, "x", true);
	out_close(&o);
	out_close(&o);
	out_bool(&o, "ok", true);
	out_int(&o, "exit", -1);
	out_raw(&o, "raw", "{}");
	return out_end(&o, err);
}

TEST(an_object_for_people)
{
	struct ctx ctx = begin(false);
	struct error err = { 0 };

	check(object(&ctx, &err) == 0);
	end(&ctx, "id                e-1\n"
		  "usage.cpu_us      1.5ms\n"
		  "usage.io.read     7\n"
		  "usage.cpus        0.5\n"
		  "ok                yes\n"
		  "exit              -1\n"
		  "raw               {}\n");
}

TEST(an_object_as_json)
{
	struct ctx ctx = begin(true);
	struct error err = { 0 };

	check(object(&ctx, &err) == 0);
	end(&ctx, "{\"schema\":\"faas.v1\",\"id\":\"e-1\",\"usage\":{\"cpu_us\":1500,"
		  "\"io\":{\"read\":7},\"cpus\":500},\"argv\":[\"ls\",{\"x\":true}],"
		  "\"ok\":true,\"exit\":-1,\"raw\":{}}\n");
}

TEST(an_object_by_name)
{
	struct ctx ctx = begin(false);
	struct error err = { 0 };

	ctx.quiet = true;
	check(object(&ctx, &err) == 0);
	end(&ctx, "e-1\n");
}

static int stream(struct ctx *ctx, struct error *err)
{
	struct out o;

	out_stream(&o, ctx, NULL, columns);
	for (int i = 1; i <= 2; i++) {
		out_row(&o);
		out_str(&o, "id", i == 1 ? "one" : "two");
		out_size(&o, "size", (uint64_t)i);
	}
	return out_end(&o, err);
}

TEST(streams)
{
	struct ctx ctx = begin(true);
	struct error err = { 0 };

	check(stream(&ctx, &err) == 0);
	end(&ctx, "{\"schema\":\"faas.v1\",\"id\":\"one\",\"size\":1}\n"
		  "{\"schema\":\"faas.v1\",\"id\":\"two\",\"size\":2}\n");
	ctx = begin(false);
	check(stream(&ctx, &err) == 0);
	end(&ctx, "ID                SIZE  CREATED\n"
		  "one                  1  -\n"
		  "two                  2  -\n");
}

TEST(what_a_terminal_must_not_see)
{
	struct ctx ctx = begin(false);

	out_escape(ctx.out, "a\x1b[31m\n\t\0\x7f", 10);
	out_escape(ctx.out, "\xc2\x9b", 2);
	out_escape(ctx.out, "\xe2\x80\xae", 3);
	out_escape(ctx.out, "\xff\xc3\xa9", 3);
	end(&ctx, "a\\x1b[31m\\n\\t\\x00\\x7f\\xc2\\x9b\\xe2\\x80\\xae\\xff\xc3\xa9");
}

TEST_MAIN;
