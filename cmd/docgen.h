#ifndef FAAS_CMD_DOCGEN_H
#define FAAS_CMD_DOCGEN_H

/*
 * docgen: prints man pages and completions from the command tables. Built
 * and run by `make generate`, never installed. Its output is committed, so
 * that a build needs no generator and a reader can see it; `make check`
 * fails if the committed files are not what this prints.
 *
 *	docgen man faas-execute.1 man/	 the page, with man/faas-execute.1.in if it is there
 *	docgen bash completions/faas.bash.in
 *	docgen zsh completions/_faas.in
 *	docgen pages			names of all manual pages
 *	docgen commands			one leaf command a line, for the tests
 */

#include "cmd/command.h"

/* Each prints to stdout; template is the whole text of the .in file, or NULL. */
void docgen_command_page(const struct cmd *cmd, const char *template);
void docgen_other_page(const char *page, const char *template);
void docgen_bash(const char *template);
void docgen_zsh(const char *template);

/* Calls fn for every visible command, with "snapshot create" as its path. */
void docgen_each(void (*fn)(const char *path, const struct cmd *cmd));

/* Prints template; a line that is only "@NAME@" is left to at("NAME"). */
void docgen_fill(const char *template, const char *end, void (*at)(const char *name));

/* Says "docgen: ..." and ends. */
void docgen_die(const char *what, const char *name) _noreturn_;

#endif
