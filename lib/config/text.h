#ifndef FAAS_CONFIG_TEXT_H
#define FAAS_CONFIG_TEXT_H

/*
 * The text of a configuration file
 * ================================
 *
 *	# a comment, also with ';'
 *	env = python
 *	timeout = 30s		# a comment needs a blank before it here
 *	pager = "less -R  "	with quotes: \" \\ \n \t are known
 *
 *	[alias]
 *	py = execute -l python
 *
 * A name under [section] is section.name, which may also be written out. The last
 * of several lines for one key counts. There is no line continuation, no include
 * and no variable: what a file says can be seen in it.
 */

#include "lib/base/error.h"
#include "lib/base/strbuf.h"

enum {
	CONFIG_MAX_FILE = 256 << 10,
	CONFIG_MAX_KEY = 160,
	CONFIG_MAX_VALUE = 4096,
};

enum config_line { CONFIG_LINE_END, CONFIG_LINE_BLANK, CONFIG_LINE_SECTION,
		   CONFIG_LINE_PAIR };

/* Reads line by line; text is NUL-terminated and outlives it. */
struct config_reader {
	const char *next;
	unsigned int number;		/* of the line read last */
	const char *line;		/* and where it is, with its line end */
	size_t len;
	char section[CONFIG_MAX_KEY / 2];
	char key[CONFIG_MAX_KEY];	/* of a pair: with its section */
	char value[CONFIG_MAX_VALUE];
};

#define CONFIG_READER(text)	{ .next = (text) }

/* The kind of the next line, or -1. The message does not name file and line. */
int config_read_line(struct config_reader *r, struct error *err) _must_check_;

/*
 * Writes text to out with key set to value, or without key when value is NULL. What
 * else is in it, comments included, stays. *ret_found: was the key there?
 */
int config_edit(const char *text, const char *key, const char *value,
		struct strbuf *out, bool *ret_found, struct error *err) _must_check_;

#endif
