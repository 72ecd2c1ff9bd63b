#include "lib/client/metric.h"

#include "tests/unit/test.h"

/* What it finds, fed `piece` bytes at a time. */
static void finds(const char *regex, const char *text, size_t piece, const char *want)
{
	CLEANUP(metric_pattern_release) struct metric_pattern *p = &(struct metric_pattern){ 0 };
	struct metric m = METRIC(p);
	struct error err;

	check(!metric_compile(p, "", regex, &err));
	for (size_t at = 0, len = strlen(text); at < len; at += piece)
		metric_feed(&m, text + at, len - at < piece ? len - at : piece);
	metric_end(&m);
	check(m.found == (want != NULL));
	if (want)
		check_str(m.value, want);
	check(!m.line);
}

TEST(last_match_counts)
{
	static const char text[] = "loss=3\nloss=2.5\nnothing\nloss=1e-3";

	for (size_t piece = 1; piece < sizeof(text); piece++)
		finds("loss=([0-9.e-]+)", text, piece, "1e-3");
	finds("([0-9]+)", "1 2 3\n", 100, "3");
	finds("loss=([0-9]+)", "", 1, NULL);
	finds("loss=([0-9]+)", "gain=3\n", 3, NULL);
}

TEST(lines)
{
	finds("^(.*)$", "one\ntwo\n", 4, "two");
	finds("^([a-z])", "abc\n", 1, "a");
	finds("x(.*)y", "x1\n2y\n", 2, NULL);
	finds("()", "abc\n", 2, "");
	finds("a(b)?", "ab\nac\n", 1, "b");
}

TEST(bytes_that_no_text_has)
{
	CLEANUP(metric_pattern_release) struct metric_pattern *p = &(struct metric_pattern){ 0 };
	struct metric m = METRIC(p);
	struct error err;

	check(!metric_compile(p, "", "n=([0-9]+)", &err));
	metric_feed(&m, "\0\377\0n=7\0\n\0", 9);
	metric_end(&m);
	check(m.found);
	check_str(m.value, "7");
}

TEST(a_line_without_end)
{
	CLEANUP(metric_pattern_release) struct metric_pattern *p = &(struct metric_pattern){ 0 };
	struct metric m = METRIC(p);
	struct error err;

	check(!metric_compile(p, "", "(n=[0-9])", &err));
	metric_feed(&m, "n=1", 3);
	for (int i = 0; i < 2 * METRIC_LINE; i++)
		metric_feed(&m, " ", 1);
	metric_feed(&m, "n=2", 3);
	metric_end(&m);
	check_str(m.value, "n=1");
}

TEST(a_value_without_end)
{
	CLEANUP(metric_pattern_release) struct metric_pattern *p = &(struct metric_pattern){ 0 };
	struct metric m = METRIC(p);
	struct error err;

	check(!metric_compile(p, "", "(x+)", &err));
	for (int i = 0; i < 1000; i++)
		metric_feed(&m, "x", 1);
	metric_end(&m);
	check(strlen(m.value) == METRIC_VALUE - 1);
}

TEST(patterns)
{
	struct metric_pattern p = { 0 };
	struct error err;

	check(metric_compile(&p, "", "[0-9]+", &err) < 0 && err.code == ERR_USAGE);
	check(strstr(err.msg, "0 groups") && strstr(err.hint, "parentheses"));
	check(metric_compile(&p, "", "(a)(b)", &err) < 0 && strstr(err.msg, "2 groups"));
	check(metric_compile(&p, "", "(a", &err) < 0 && strstr(err.msg, "wrong"));
	check(metric_compile(&p, "", "([z-a])", &err) < 0 && err.code == ERR_USAGE);
	check(!p.compiled);
	metric_pattern_release(&p);
}

TEST(names)
{
	static const char *const bad[] = { "", "x", "=(a)", "1x=(a)", "a b=(a)", "a.b=(a)", "n=a" };
	struct metric_pattern p = { 0 };
	struct error err;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		check(metric_parse(&p, bad[i], &err) < 0 && err.code == ERR_USAGE);
	check(!metric_parse(&p, "f1-score_2=f1=(.*)", &err));
	check_str(p.name, "f1-score_2");
	metric_pattern_release(&p);
}

TEST(numbers)
{
	static const char *const bad[] = { "", " 1", "1 ", "1x", "x", "nan", "inf", "-inf", "1e999",
					   "1,5", "--1" };
	double n = 7;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		check(!metric_number(bad[i], &n) && n == 7);
	check(metric_number("-1.5e2", &n) && n == -150);
	check(metric_number("0", &n) && n == 0);
}

TEST_MAIN;
