#include "lib/client/items.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/test.h"

static int read_text(struct items *items, const char *text, size_t len, char delimiter,
		     struct error *err)
{
	cleanup_close int fd = memfd_create("items", MFD_CLOEXEC);

	check(fd >= 0 && write(fd, text, len) == (ssize_t)len && !lseek(fd, 0, SEEK_SET));
	return items_read(items, fd, "x", delimiter, err);
}

TEST(lines)
{
	CLEANUP(items_release) struct items *items = &(struct items){ 0 };
	struct error err;

	check(!read_text(items, "a b\n\n  c\r\nlast", 14, '\n', &err));
	check(items->n == 3);
	check_str(items->v[0], "a b");
	check_str(items->v[1], "  c\r");
	check_str(items->v[2], "last");
}

TEST(nul_bytes)
{
	CLEANUP(items_release) struct items *items = &(struct items){ 0 };
	struct error err;

	check(!read_text(items, "a\nb\0\0c\0", 7, '\0', &err));
	check(items->n == 3);
	check_str(items->v[0], "a\nb");
	check_str(items->v[1], "");
	check_str(items->v[2], "c");
}

TEST(nothing)
{
	CLEANUP(items_release) struct items *items = &(struct items){ 0 };
	struct error err;

	check(!read_text(items, "", 0, '\n', &err) && !items->n);
	check(!read_text(items, "\n\n\n", 3, '\n', &err) && !items->n);
}

TEST(what_no_word_can_be)
{
	CLEANUP(items_release) struct items *items = &(struct items){ 0 };
	cleanup_free char *big = malloc(ITEM_MAX + 1);
	struct error err;

	check(read_text(items, "ok\na\0b\n", 7, '\n', &err) < 0);
	check(err.code == ERR_USAGE && strstr(err.msg, "item 2") && strstr(err.hint, "--null"));
	memset(big, 'x', ITEM_MAX + 1);
	items_release(items);
	check(!read_text(items, big, ITEM_MAX, '\n', &err) && items->n == 1);
	check(read_text(items, big, ITEM_MAX + 1, '\n', &err) < 0 && err.code == ERR_USAGE);
	check(read_text(items, "x", 1, '\n', &err) == 0);
	check(items_read(items, -1, "closed", '\n', &err) < 0 && err.code == ERR_SYSTEM);
}

/* The words, each followed by '|'. */
static void fills(const struct item_template *t, const char *item, const char *want)
{
	char got[512] = "";
	struct error err;
	int n;
	cleanup_free char **words = items_fill(t, item, &n, &err);

	check(words && !words[n]);
	for (int i = 0; i < n; i++) {
		strncat(got, words[i], sizeof(got) - strlen(got) - 2);
		strncat(got, "|", 2);
	}
	check_str(got, want);
}

TEST(fill)
{
	static const char *const argv[] = { "cp", "{}", "to/{}.{}", "" };
	static const char *const none[] = { "wc", "-c" };
	const struct item_template with = { .words = argv, .n = 4, .mark = "{}" };
	const struct item_template without = { .words = none, .n = 2, .mark = "{}" };

	fills(&with, "a b", "cp|a b|to/a b.a b||");
	fills(&with, "{}", "cp|{}|to/{}.{}||");
	fills(&with, "", "cp||to/.||");
	fills(&without, "it's", "wc|-c|it's|");
}

/* The code, once the item has a place in it. */
static void code_is(const char *code, const char *want)
{
	const struct item_template t = { .words = &code, .n = 1, .mark = "{}", .shell = true };
	struct error err;
	int n;
	cleanup_free char **words = items_fill(&t, "$(rm -rf /)'\"", &n, &err);

	check(words && n == 1);
	check_str(words[0], want);
}

TEST(fill_in_code_is_a_variable)
{
	static const char *const code[] = { "echo {} \"$1\"", "{}!" };
	const struct item_template t = { .words = code, .n = 2, .mark = "{}", .shell = true };

	fills(&t, "a; rm -rf $HOME", "echo \"${FAAS_ITEM}\" \"$1\"|a; rm -rf $HOME!|");
	fills(&t, "", "echo \"${FAAS_ITEM}\" \"$1\"|!|");
}

TEST(fill_in_code_as_it_is_quoted_there)
{
	code_is("{}", "\"${FAAS_ITEM}\"");
	code_is("\"a {} b\" {}", "\"a ${FAAS_ITEM} b\" \"${FAAS_ITEM}\"");
	code_is("'a {} b' {}", "'a '\"${FAAS_ITEM}\"' b' \"${FAAS_ITEM}\"");
	code_is("echo \\\" {}", "echo \\\" \"${FAAS_ITEM}\"");
	code_is("echo \\' {}", "echo \\' \"${FAAS_ITEM}\"");
	code_is("\"\\\" {}\"", "\"\\\" ${FAAS_ITEM}\"");
	code_is("'\\' {}", "'\\' \"${FAAS_ITEM}\"");
	code_is("\"it's {}\"", "\"it's ${FAAS_ITEM}\"");
	code_is("'say \"{}\"'", "'say \"'\"${FAAS_ITEM}\"'\"'");
	code_is("\"$(basename {}) {}\" {}",
		"\"$(basename \"${FAAS_ITEM}\") ${FAAS_ITEM}\" \"${FAAS_ITEM}\"");
	code_is("\"$( (cd \"{}\") )\"{}", "\"$( (cd \"${FAAS_ITEM}\") )\"\"${FAAS_ITEM}\"");
	code_is("# it's a comment\n{}", "# it's a comment\n\"${FAAS_ITEM}\"");
	code_is("a#'{}'", "a#''\"${FAAS_ITEM}\"''");
	code_is("$(echo {})", "$(echo \"${FAAS_ITEM}\")");
	code_is(")) {} \\", ")) \"${FAAS_ITEM}\" \\");
}

TEST(fill_in_code_of_any_depth)
{
	char code[400] = "";
	const char *word = code;
	const struct item_template t = { .words = &word, .n = 1, .mark = "{}", .shell = true };
	struct error err;
	int n;

	for (int i = 0; i < 50; i++)
		strncat(code, i % 2 ? "\"$(" : "\"'(", 5);
	strncat(code, "{}", 3);

	cleanup_free char **words = items_fill(&t, "$(rm -rf /)", &n, &err);

	check(words && n == 1);
	check(strstr(words[0], "${FAAS_ITEM}") && !strstr(words[0], "rm"));
}

TEST(fill_leaves_other_languages_alone)
{
	static const char *const code[] = { "d = {}; print(d)" };
	const struct item_template t = { .words = code, .n = 1, .mark = "{}", .program = true };

	fills(&t, "x", "d = {}; print(d)|x|");
}

TEST(fill_with_another_mark)
{
	static const char *const argv[] = { "find", "-exec", "echo", "{}", "%", ";" };
	const struct item_template t = { .words = argv, .n = 6, .mark = "%" };

	fills(&t, "x", "find|-exec|echo|{}|x|;|");
}

TEST(fill_has_a_bound)
{
	cleanup_free char *item = malloc(ITEM_MAX + 1);
	const char *words[64];
	struct item_template t = { .words = words, .n = 64, .mark = "{}" };
	struct error err;
	int n = 7;

	memset(item, 'x', ITEM_MAX);
	item[ITEM_MAX] = '\0';
	for (int i = 0; i < 64; i++)
		words[i] = "{}";
	check(!items_fill(&t, item, &n, &err));
	check(err.code == ERR_LIMIT && n == 7);
}

TEST_MAIN;
