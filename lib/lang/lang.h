#ifndef FAAS_LANG_LANG_H
#define FAAS_LANG_LANG_H

/*
 * The table of languages
 * ======================
 *
 * A language is a row of data (table.c): how it is recognised, and what is run
 * to turn one source file into a running program. Nothing here looks at the
 * file system; what exists is for the caller to say, because it is the
 * sandbox's file system that counts and not ours.
 *
 *	lang = lang_by_name("py");
 *	if (lang_choose(lang, exists_in_root, root, &recipe, err) < 0)
 *		return -1;
 *	for (size_t i = 0; i < recipe.n_steps; i++)
 *		argv = lang_argv(recipe.steps[i], "/work", recipe.lang->source,
 *				 i + 1 == recipe.n_steps ? args : NULL);
 *
 * Placeholders, anywhere in a word of a template:
 *
 *	{file}	the source: "<dir>/<source>", or <source> when it is absolute; some
 *		compilers go by its extension, so a file whose lang_by_filename()
 *		is not the language is to be copied to <dir>/<lang->source>
 *	{dir}	a writable folder for what the steps make
 *	{out}	"<dir>/program.out", the compiled program
 *	{args}	a whole word only: the user's arguments; without it they go last
 */

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/error.h"
#include "lib/base/macro.h"

struct lang_step {
	/*
	 * NULL-ended list of NULL-ended templates: the first whose program,
	 * argv[0], exists is the one. A program that begins with '{' was made
	 * by an earlier step and exists.
	 */
	const char *const *const *alternatives;
	bool run;		/* the last step: gets the user's arguments */
};

/* What a program must have beside it, of which any will do, to serve a language. */
struct lang_need {
	const char *program;	/* argv[0] of an alternative; NULL ends a list */
	/* an absolute path, '*' as in the shell; NULL: not every version of it will do */
	const char *file;
};

struct lang {
	const char *name;			/* canonical: "python" */
	const char *const *aliases;		/* NULL-ended, or NULL */
	const char *const *extensions;		/* without the dot, in this case */
	const char *const *shebangs;		/* program names, or NULL */
	const char *source;			/* file name for code: "main.py" */
	const char *const *env;			/* "K=V" templates, or NULL */
	const struct lang_step *steps;
	size_t n_steps;
	const struct lang_need *needs;		/* or NULL */
	const char *version;			/* words that print it, or NULL */
	const char *package;			/* Debian package(s), or NULL */
	const char *install;			/* where it comes from, if no package */
	/* Another way, tried when a program of this one is missing; or NULL. */
	const struct lang *otherwise;
};

enum { LANG_STEPS = 3 };

struct lang_recipe {
	const struct lang *lang;		/* the row chosen: asked for, or otherwise */
	const char *const *steps[LANG_STEPS];	/* templates for lang_argv() */
	size_t n_steps;				/* the last one runs the program */
	const char *unsure;			/* a program that may be too old, or NULL */
};

/* By name or alias, case ignored ("C++", "JS"). NULL when there is none. */
const struct lang *lang_by_name(const char *name) _nonnull_;
/* By the extension of the last component; exact case wins (".C" is C++). */
const struct lang *lang_by_filename(const char *name) _nonnull_;
/*
 * By the first line of a file, of which head is the beginning and need not be
 * NUL-terminated. Understands env, its options and assignments, and versions
 * ("python3.11"). NULL when it is not a shebang, or of no known language.
 */
const struct lang *lang_by_shebang(const char *head, size_t len) _nonnull_;
/* What was probably meant, for "did you mean"; NULL when nothing is close. */
const struct lang *lang_nearest(const char *name) _nonnull_;

/* All of them, in the order of the table; NULL past the end. */
size_t lang_count(void);
const struct lang *lang_at(size_t i);

/*
 * Picks one template per step. exists(arg, program) says whether a program is
 * on the sandbox's PATH, or the file of a lang_need in its file system. When none
 * serves: ERR_NO_COMMAND, a message that names what was looked for, and a hint
 * that names the package.
 */
int lang_choose(const struct lang *lang, bool (*exists)(void *arg, const char *program),
		void *arg, struct lang_recipe *ret, struct error *err) _must_check_;

/*
 * Expands a template to a NULL-ended vector, freed with lang_argv_free(). args
 * is NULL-ended, or NULL for none. NULL only when there is no memory.
 */
char **lang_argv(const char *const *template, const char *dir, const char *source,
		 char *const *args) _must_check_;
/*
 * The row's environment as a NULL-ended, maybe empty, vector of "K=V", for every
 * step. They are defaults: what the user sets wins.
 */
char **lang_env(const struct lang *lang, const char *dir) _must_check_;
void lang_argv_free(char **argv);

#endif
