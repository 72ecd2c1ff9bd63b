#include "lib/lang/lang.h"

#include <ctype.h>
#include <strings.h>

#include "tests/unit/test.h"

static const char *name_of(const struct lang *lang)
{
	return lang ? lang->name : "-";
}

TEST(names_and_aliases)
{
	check_str(name_of(lang_by_name("python")), "python");
	check_str(name_of(lang_by_name("Python3")), "python");
	check_str(name_of(lang_by_name("JS")), "javascript");
	check_str(name_of(lang_by_name("c++")), "cpp");
	check_str(name_of(lang_by_name("C")), "c");
	check_str(name_of(lang_by_name("sh")), "bash");
	check(!lang_by_name(""));
	check(!lang_by_name("pythonn"));
}

/* ext:language, as clients send them */
static const char *const extensions[] = {
	"py:python", "js:javascript", "ts:typescript", "rb:ruby", "php:php", "pl:perl",
	"sh:bash", "r:r", "R:r", "lua:lua", "go:go", "rs:rust", "c:c", "cpp:cpp",
	"cc:cpp", "cxx:cpp", "java:java", "kt:kotlin", "m:objc", "cs:csharp",
	"fs:fsharp", "hs:haskell", "ml:ocaml", "clj:clojure", "scm:scheme",
	"ss:scheme", "erl:erlang", "ex:elixir", "exs:elixir", "jl:julia", "d:d",
	"nim:nim", "zig:zig", "v:v", "cr:crystal", "dart:dart", "groovy:groovy",
	"f90:fortran", "f95:fortran", "lisp:commonlisp", "lsp:commonlisp",
	"cob:cobol", "tcl:tcl", "raku:raku", "pro:prolog", "p:prolog", "4th:forth",
	"forth:forth", "fth:forth", "scala:scala", "C:cpp", "PY:python",
};

TEST(extensions)
{
	for (size_t i = 0; i < ARRAY_SIZE(extensions); i++) {
		const char *colon = strchr(extensions[i], ':');
		char name[64];

		snprintf(name, sizeof(name), "a.b/x.%.*s", (int)(colon - extensions[i]),
			 extensions[i]);
		check_str(name_of(lang_by_filename(name)), colon + 1);
	}
	check(!lang_by_filename("x"));
	check(!lang_by_filename("x."));
	check(!lang_by_filename(".py"));
	check(!lang_by_filename("a.py/x"));
	check(!lang_by_filename(""));
	check(!lang_by_filename("x.unknown"));
}

TEST(near_misses)
{
	check_str(name_of(lang_nearest("pyhton")), "python");
	check_str(name_of(lang_nearest("javascrpt")), "javascript");
	check_str(name_of(lang_nearest("rusty")), "rust");
	check_str(name_of(lang_nearest("Pythn")), "python");
	check(!lang_nearest("qqqqqq"));
	check(!lang_nearest(""));
	check(!lang_nearest("a-very-long-name-that-is-nothing-like-a-language"));
}

static void check_steps(const struct lang *lang)
{
	check(lang->n_steps && lang->n_steps <= LANG_STEPS);
	check(lang->package || lang->install);
	check(lang->source && lang->name);
	for (size_t i = 0; i < lang->n_steps; i++) {
		const struct lang_step *step = &lang->steps[i];

		check(step->run == (i + 1 == lang->n_steps));
		check(step->alternatives[0]);
		for (size_t j = 0; step->alternatives[j]; j++)
			check(step->alternatives[j][0][0]);
	}
}

/* Nothing may be reached under two names: the second row would be dead. */
static void check_unique(const struct lang *lang)
{
	const char *const *s;

	check(lang_by_name(lang->name) == lang);
	for (s = lang->aliases; s && *s; s++)
		check(lang_by_name(*s) == lang);
	for (s = lang->extensions; s && *s; s++) {
		char name[32];

		snprintf(name, sizeof(name), "x.%s", *s);
		check(lang_by_filename(name) == lang);
	}
	for (s = lang->shebangs; s && *s; s++) {
		char line[64];
		int len = snprintf(line, sizeof(line), "#!/usr/bin/%s\n", *s);

		check(lang_by_shebang(line, (size_t)len) == lang);
	}
}

TEST(every_row_is_whole_and_reachable)
{
	check(lang_count() >= 42);
	check(!lang_at(lang_count()));
	for (size_t i = 0; i < lang_count(); i++) {
		const struct lang *lang = lang_at(i);

		check_unique(lang);
		for (; lang; lang = lang->otherwise) {
			check_steps(lang);
			check_str(lang->name, lang_at(i)->name);
		}
	}
}

TEST(every_placeholder_is_known)
{
	for (size_t i = 0; i < lang_count(); i++) {
		const struct lang *lang = lang_at(i);
		char **env = lang_env(lang, "/d");

		for (size_t j = 0; env[j]; j++)
			check(strchr(env[j], '=') && !strchr(env[j], '{'));
		lang_argv_free(env);
		for (size_t s = 0; s < lang->n_steps; s++)
			for (size_t j = 0; lang->steps[s].alternatives[j]; j++) {
				char **argv = lang_argv(lang->steps[s].alternatives[j],
							"/d", lang->source, NULL);

				for (size_t k = 0; argv[k]; k++)
					check(!strchr(argv[k], '{'));
				lang_argv_free(argv);
			}
	}
}

static char *join(char **argv)
{
	static char text[256];

	text[0] = '\0';
	for (size_t i = 0; argv[i]; i++) {
		size_t len = strlen(text);

		snprintf(text + len, sizeof(text) - len, "%s%s", i ? "|" : "", argv[i]);
	}
	lang_argv_free(argv);
	return text;
}

TEST(templates)
{
	static const char *const plain[] = { "x", "-o{out}", "{file}", NULL };
	static const char *const inside[] = { "x", "{file}{dir}", "--", "{args}", "end",
					      NULL };
	static const char *const odd[] = { "{", "{}", "{argss}", "a{b}", "{{file}", NULL };
	char a[] = "{file}", b[] = "";
	char *const args[] = { a, b, NULL };

	check_str(join(lang_argv(plain, "/d", "m.c", NULL)), "x|-o/d/program.out|/d/m.c");
	check_str(join(lang_argv(plain, "/d", "/e/m.c", args)),
		  "x|-o/d/program.out|/e/m.c|{file}|");
	check_str(join(lang_argv(inside, "/d", "f", args)), "x|/d/f/d|--|{file}||end");
	check_str(join(lang_argv(inside, "/d", "f", NULL)), "x|/d/f/d|--|end");
	check_str(join(lang_argv(odd, "/d", "f", NULL)), "{|{}|{argss}|a{b}|{/d/f");
	check_str(join(lang_env(lang_by_name("elixir"), "/d")), "HOME=/d");
	check_str(join(lang_env(lang_by_name("python"), "/d")), "");
}

static bool has_word(void *arg, const char *program)
{
	const char *const *list = arg;

	for (; *list; list++)
		if (!strcmp(*list, program))
			return true;
	return false;
}

static const char *chosen(const char *name, const char *const *programs)
{
	static char text[64];
	struct lang_recipe recipe;
	struct error err = { 0 };

	if (lang_choose(lang_by_name(name), has_word, (void *)programs, &recipe, &err) < 0)
		return err_name(err.code);
	text[0] = '\0';
	for (size_t i = 0; i < recipe.n_steps; i++) {
		size_t len = strlen(text);

		snprintf(text + len, sizeof(text) - len, " %s", recipe.steps[i][0]);
	}
	return text;
}

TEST(choosing)
{
	static const char *const some[] = { "python", "clang", "dotnet", "gcc", "lua5.3",
					    "kotlinc", NULL };
	static const char *const mono[] = { "mcs", "mono", "dotnet", NULL };

	check_str(chosen("python", some), " python");
	check_str(chosen("c", some), " gcc {out}");
	check_str(chosen("lua", some), " lua5.3");
	check_str(chosen("csharp", some), " dotnet");
	check_str(chosen("csharp", mono), " mcs mono");
	check_str(chosen("kotlin", some), "no-command");
}

TEST(a_program_that_needs_a_file_or_a_version)
{
	static const char *const bare[] = { "gcc", "clang", "node", NULL };
	static const char *const gobjc[] = { "gcc", "/usr/lib*/gcc/*/*/cc1obj", NULL };
	static const char *const local[] = { "gcc", "/usr/local/lib*/gcc/*/*/cc1obj", NULL };
	static const char *const other[] = { "gcc", "clang", "/usr/lib*/libobjc.so", NULL };
	static const char *const tsx[] = { "node", "tsx", NULL };
	const struct lang *ts = lang_by_name("typescript");
	struct lang_recipe recipe;
	struct error err = { 0 };

	check_str(chosen("objc", bare), "no-command");
	check_str(chosen("objc", gobjc), " gcc {out}");
	check_str(chosen("objc", local), " gcc {out}");
	check_str(chosen("objc", other), " clang {out}");
	check(lang_choose(lang_by_name("objc"), has_word, (void *)bare, &recipe, &err) < 0);
	check(strstr(err.msg, "looked for gcc with cc1obj, clang with libobjc.so"));
	/* another language is nobody's need */
	check_str(chosen("c", bare), " gcc {out}");
	check(!lang_choose(ts, has_word, (void *)bare, &recipe, &err));
	check_str(recipe.unsure, "node");
	check(!lang_choose(ts, has_word, (void *)tsx, &recipe, &err));
	check(!recipe.unsure);
}

TEST(what_is_missing_is_named)
{
	static const char *const nothing[] = { NULL };
	struct lang_recipe recipe = { .n_steps = 77 };
	struct error err = { 0 };

	check(lang_choose(lang_by_name("c"), has_word, (void *)nothing, &recipe, &err) < 0);
	check(err.code == ERR_NO_COMMAND && recipe.n_steps == 77);
	check_str(err.msg, "no program for language 'c' in the environment: "
			   "looked for cc, gcc, clang, tcc");
	check(strstr(err.hint, "apt-get install gcc"));
	check(lang_choose(lang_by_name("zig"), has_word, (void *)nothing, &recipe, &err) < 0);
	check(strstr(err.hint, "ziglang.org"));
}

TEST_MAIN;
