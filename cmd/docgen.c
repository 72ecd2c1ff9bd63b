#include "cmd/docgen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"

void docgen_die(const char *what, const char *name)
{
	fprintf(stderr, "docgen: %s '%s'\n", what, name);
	exit(1);
}

static void each(const char *path, const struct cmd *cmd,
		 void (*fn)(const char *path, const struct cmd *cmd))
{
	if (cmd->flags & CMD_HIDDEN)
		return;
	fn(path, cmd);
	for (const struct cmd *const *s = cmd->subs; s && *s; s++) {
		char sub[96];

		(void)snprintf(sub, sizeof(sub), "%s %s", path, (*s)->name);
		each(sub, *s, fn);
	}
}

void docgen_each(void (*fn)(const char *path, const struct cmd *cmd))
{
	for (const struct cmd *const *c = commands; *c; c++)
		each((*c)->name, *c, fn);
}

void docgen_fill(const char *template, const char *end, void (*at)(const char *name))
{
	for (const char *p = template; *p && p != end;) {
		size_t len = strcspn(p, "\n");
		char name[32];

		if (len > 2 && len < sizeof(name) && p[0] == '@' && p[len - 1] == '@') {
			(void)snprintf(name, sizeof(name), "%.*s", (int)len - 2, p + 1);
			at(name);
		} else {
			printf("%.*s\n", (int)len, p);
		}
		p += len + (p[len] == '\n');
	}
}

/* The whole file, or NULL if there is none; one fixed limit will do. */
static char *slurp(const char *path)
{
	enum { MAX = 1 << 20 };
	FILE *f = fopen(path, "r");
	char *text;
	size_t len;

	if (!f)
		return NULL;
	text = malloc(MAX);
	len = text ? fread(text, 1, MAX - 1, f) : 0;
	if (!text || ferror(f) || !feof(f))
		docgen_die("cannot read", path);
	fclose(f);
	text[len] = '\0';
	return text;
}

static void print_leaf(const char *path, const struct cmd *cmd)
{
	if (cmd->run)
		puts(path);
}

static void print_pages(void)
{
	puts("faas.1\nfaas-exit-codes.7\nfaas-tutorial.7\nfaas-config.5");
	for (const struct cmd *const *c = commands; *c; c++)
		if (!((*c)->flags & CMD_HIDDEN))
			printf("faas-%s.1\n", (*c)->name);
}

static void man(const char *page, const char *dir)
{
	cleanup_free char *template = NULL;
	char path[256];
	size_t len = strlen(page);

	(void)snprintf(path, sizeof(path), "%s/%s.in", dir, page);
	template = slurp(path);
	for (const struct cmd *const *c = commands; *c; c++)
		if (len > 7 && !strcmp(page + len - 2, ".1") &&
		    strlen((*c)->name) == len - 7 &&
		    !strncmp(page + 5, (*c)->name, len - 7)) {
			docgen_command_page(*c, template);
			return;
		}
	if (!template)
		docgen_die("no such manual", page);
	docgen_other_page(page, template);
}

static char *need(const char *path)
{
	char *text = slurp(path);

	if (!text)
		docgen_die("cannot read", path);
	return text;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "man")) {
		man(argv[2], argv[3]);
	} else if (argc == 3 && !strcmp(argv[1], "bash")) {
		cleanup_free char *template = need(argv[2]);

		docgen_bash(template);
	} else if (argc == 3 && !strcmp(argv[1], "zsh")) {
		cleanup_free char *template = need(argv[2]);

		docgen_zsh(template);
	} else if (argc == 2 && !strcmp(argv[1], "pages")) {
		print_pages();
	} else if (argc == 2 && !strcmp(argv[1], "commands")) {
		docgen_each(print_leaf);
	} else {
		return 2;
	}
	return fflush(stdout) ? 1 : 0;
}
