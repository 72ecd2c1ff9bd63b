#include "lib/config/text.h"

#include "tests/unit/test.h"

/* All pairs as "line:key=value;", or the error. */
static const char *parse(const char *text)
{
	static struct config_reader r;
	static char out[1000];
	struct strbuf sb = STRBUF(sizeof(out) - 1);
	struct error err = { 0 };
	int kind;

	r = (struct config_reader)CONFIG_READER(text);
	while ((kind = config_read_line(&r, &err)) > CONFIG_LINE_END)
		if (kind == CONFIG_LINE_PAIR)
			strbuf_addf(&sb, "%u:%s=%s;", r.number, r.key, r.value);
	if (kind < 0) {
		strbuf_clear(&sb);
		strbuf_addf(&sb, "%u! %s", r.number, err.msg);
	}
	check(!strbuf_failed(&sb));
	memcpy(out, sb.buf, sb.len + 1);
	strbuf_release(&sb);
	return out;
}

static const char *edit(const char *text, const char *key, const char *value)
{
	static char out[1000];
	struct strbuf sb = STRBUF(sizeof(out) - 1);
	struct error err = { 0 };
	bool found;
	int r = config_edit(text, key, value, &sb, &found, &err);

	check(!strbuf_failed(&sb));
	if (r < 0)
		memcpy(out, err.msg, sizeof(err.msg));
	else
		memcpy(out, sb.buf, sb.len + 1);
	strbuf_release(&sb);
	return out;
}

TEST(pairs)
{
	check_str(parse(""), "");
	check_str(parse("a = b"), "1:a=b;");
	check_str(parse("a=b\n\n# x\n  ; y\n c-d\t=  e f  \n"), "1:a=b;5:c-d=e f;");
	check_str(parse("a = b # c\na = b#c\na = # c\na ="),
		  "1:a=b;2:a=b#c;3:a=;4:a=;");
	check_str(parse("a = b\r\n"), "1:a=b;");
}

TEST(sections)
{
	check_str(parse("a=1\n[x]\nb=2\n[ y ] # z\nc=3"), "1:a=1;3:x.b=2;5:y.c=3;");
	check_str(parse("x.b = 2"), "1:x.b=2;");
}

TEST(quotes)
{
	check_str(parse("a = \" b \" # c"), "1:a= b ;");
	check_str(parse("a = \"\\\"\\\\\\n\\t\""), "1:a=\"\\\n\t;");
	check_str(parse("a = b \"c\""), "1:a=b \"c\";");
}

TEST(mistakes)
{
	check_str(parse("\na"), "2! a line is 'key = value'");
	check_str(parse("= x"), "1! a line is 'key = value'");
	check_str(parse("a b = x"), "1! a line is 'key = value'");
	check_str(parse("[x"), "1! a section is written '[name]'");
	check_str(parse("[]"), "1! a section is written '[name]'");
	check_str(parse("[x] y"), "1! text after ']'");
	check_str(parse("a = \"x"), "1! a quote is not closed");
	check_str(parse("a = \"x\\"), "1! after '\\' only \", \\, n and t");
	check_str(parse("a = \"x\" y"), "1! text after the closing quote");
}

TEST(limits)
{
	char *text = calloc(1, CONFIG_MAX_VALUE + 10);

	check(text);
	memset(text, 'a', CONFIG_MAX_VALUE + 8);
	check_str(parse(text), "1! a name is too long");
	memcpy(text, "a=", 2);
	check_str(parse(text), "1! a value is too long");
	memcpy(text, "a=\"", 3);
	check_str(parse(text), "1! a value is too long");
	free(text);
}

TEST(edits)
{
	check_str(edit("", "a", "b"), "a = b\n");
	check_str(edit("# x\na = 1 # y\nb = 2", "a", "3"), "# x\na = 3\nb = 2");
	check_str(edit("a = 1\na = 2\n", "a", "3"), "a = 3\n");
	check_str(edit("b = 2", "a", "3"), "b = 2\na = 3\n");
	check_str(edit("[x]\nb = 2\n", "a", "3"), "a = 3\n[x]\nb = 2\n");
	check_str(edit("[x]\nb = 2\n\n[y]\n", "x.c", "3"),
		  "[x]\nb = 2\nc = 3\n\n[y]\n");
	check_str(edit("a = 1", "x.c", "3"), "a = 1\n\n[x]\nc = 3\n");
	check_str(edit("x.c = 1\n", "x.c", "3"), "x.c = 3\n");
	check_str(edit("a = 1\nb = 2\n", "a", NULL), "b = 2\n");
	check_str(edit("a = 1\n", "b", NULL), "a = 1\n");
	check_str(edit("a = \"\n", "b", "1"), "line 1: a quote is not closed");
	check_str(edit("", "a", " x "), "a = \" x \"\n");
	check_str(edit("", "a", ""), "a = \"\"\n");
}

TEST_MAIN;
