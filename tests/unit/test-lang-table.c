#include "lib/lang/table.h"

#include <ctype.h>
#include <strings.h>

#include "tests/unit/test.h"

/* The rules of the rows; that each is found by its names is in test-lang-lang.c. */

static bool lower(const char *s, const char *also)
{
	for (; *s; s++)
		if (!islower((unsigned char)*s) && !isdigit((unsigned char)*s) &&
		    !strchr(also, *s))
			return false;
	return true;
}

static bool contains(const char *const *list, const char *word)
{
	for (; list && *list; list++)
		if (!strcmp(*list, word))
			return true;
	return false;
}

TEST(names)
{
	for (size_t i = 0; i < lang_table_size; i++) {
		const struct lang *l = &lang_table[i];

		check(*l->name && lower(l->name, ""));
		for (const char *const *s = l->aliases; s && *s; s++)
			check(**s && lower(*s, "+#-.") && strcmp(*s, l->name));
		for (size_t k = 0; k < i; k++) {
			check(strcmp(lang_table[k].name, l->name));
			for (const char *const *s = l->aliases; s && *s; s++)
				check(strcasecmp(lang_table[k].name, *s) &&
				      !contains(lang_table[k].aliases, *s));
		}
	}
}

TEST(extensions_belong_to_one)
{
	for (size_t i = 0; i < lang_table_size; i++)
		for (const char *const *s = lang_table[i].extensions; s && *s; s++) {
			check(**s && !strchr(*s, '.') && !strchr(*s, '/'));
			for (size_t k = 0; k < i; k++)
				check(!contains(lang_table[k].extensions, *s));
		}
}

/* Some compilers go by it, and so do we when a file has to be copied. */
TEST(sources_have_an_extension_of_the_row)
{
	for (size_t i = 0; i < lang_table_size; i++) {
		const char *dot = strrchr(lang_table[i].source, '.');

		check(dot && !strchr(lang_table[i].source, '/'));
		check(!strcmp(lang_table[i].source, "main.ts") ||
		      contains(lang_table[i].extensions, dot + 1));
	}
}

static void check_words(const struct lang *l, const char *const *words, bool run)
{
	bool file = false, args = false;

	for (; *words; words++) {
		if (strstr(*words, "{args}")) {
			/* a whole word, once, and in the last step only */
			check(!strcmp(*words, "{args}") && run && !args);
			args = true;
		}
		file |= strstr(*words, "{file}") || strstr(*words, "{out}") ||
			strstr(*words, "{dir}");
		check(!strchr(*words, '\n'));
	}
	check(file || !l);
}

TEST(commands)
{
	for (size_t i = 0; i < lang_table_size; i++)
		for (const struct lang *l = &lang_table[i]; l; l = l->otherwise) {
			check(l->n_steps >= 1 && l->n_steps <= LANG_STEPS);
			check(l->steps[l->n_steps - 1].run);
			for (size_t s = 0; s < l->n_steps; s++)
				for (size_t a = 0; l->steps[s].alternatives[a]; a++)
					check_words(l, l->steps[s].alternatives[a],
						    l->steps[s].run);
		}
}

static bool begins_a_step(const struct lang *l, const char *program)
{
	for (size_t s = 0; s < l->n_steps; s++)
		for (size_t a = 0; l->steps[s].alternatives[a]; a++)
			if (!strcmp(l->steps[s].alternatives[a][0], program))
				return true;
	return false;
}

TEST(needs_are_of_programs_of_the_row)
{
	for (size_t i = 0; i < lang_table_size; i++)
		for (const struct lang *l = &lang_table[i]; l; l = l->otherwise)
			for (const struct lang_need *n = l->needs; n && n->program; n++) {
				check(begins_a_step(l, n->program));
				check(!n->file || *n->file == '/');
			}
}

TEST(environments_and_words_for_people)
{
	for (size_t i = 0; i < lang_table_size; i++)
		for (const struct lang *l = &lang_table[i]; l; l = l->otherwise) {
			for (const char *const *e = l->env; e && *e; e++)
				check(isupper((unsigned char)**e) && strchr(*e, '='));
			check(!!l->package != !!l->install);
			check(!l->version || *l->version);
			/* it does not go on for ever */
			check(l->otherwise != l &&
			      (!l->otherwise || !l->otherwise->otherwise));
		}
}

TEST_MAIN;
