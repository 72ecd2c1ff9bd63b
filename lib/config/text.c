#include "lib/config/text.h"

#include <stdio.h>
#include <string.h>

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static const char *skip(const char *p)
{
	while (blank(*p))
		p++;
	return p;
}

static bool ends(const char *p)
{
	return !*p || *p == '\n';
}

/* Letters, digits, '-', '_' and '.', into buf; returns where it ended. */
static const char *word(const char *p, char *buf, size_t size, struct error *err)
{
	size_t n = 0;

	for (; (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
	       (*p >= '0' && *p <= '9') || (*p && strchr("-_.", *p)); p++) {
		if (n + 1 >= size) {
			(void)err_set(err, ERR_USAGE, "a name is too long");
			return NULL;
		}
		buf[n++] = *p;
	}
	buf[n] = '\0';
	return p;
}

static int read_section(struct config_reader *r, const char *p, struct error *err)
{
	p = word(skip(p), r->section, sizeof(r->section) - 1, err);
	if (!p)
		return -1;
	p = skip(p);
	if (!r->section[0] || *p != ']')
		return err_set(err, ERR_USAGE, "a section is written '[name]'");
	p = skip(p + 1);
	if (!ends(p) && *p != '#' && *p != ';')
		return err_set(err, ERR_USAGE, "text after ']'");
	return CONFIG_LINE_SECTION;
}

static int read_quoted(struct config_reader *r, const char *p, struct error *err)
{
	static const char from[] = "\"\\nt", to[] = "\"\\\n\t";
	size_t n = 0;

	for (p++; *p != '"'; p++) {
		const char *known;
		char c = *p;

		if (ends(p))
			return err_set(err, ERR_USAGE, "a quote is not closed");
		if (c == '\\') {
			known = p[1] ? strchr(from, p[1]) : NULL;
			if (!known)
				return err_set(err, ERR_USAGE,
					       "after '\\' only \", \\, n and t");
			c = to[known - from];
			p++;
		}
		if (n + 1 >= sizeof(r->value))
			return err_set(err, ERR_USAGE, "a value is too long");
		r->value[n++] = c;
	}
	r->value[n] = '\0';
	p = skip(p + 1);
	if (!ends(p) && *p != '#' && *p != ';')
		return err_set(err, ERR_USAGE, "text after the closing quote");
	return CONFIG_LINE_PAIR;
}

static int read_value(struct config_reader *r, const char *p, struct error *err)
{
	const char *end = p;

	if (*p == '"')
		return read_quoted(r, p, err);
	while (!ends(end) &&
	       !((*end == '#' || *end == ';') && (end == p || blank(end[-1]))))
		end++;
	while (end > p && blank(end[-1]))
		end--;
	if ((size_t)(end - p) >= sizeof(r->value))
		return err_set(err, ERR_USAGE, "a value is too long");
	memcpy(r->value, p, (size_t)(end - p));
	r->value[end - p] = '\0';
	return CONFIG_LINE_PAIR;
}

static int read_pair(struct config_reader *r, const char *p, struct error *err)
{
	char name[CONFIG_MAX_KEY / 2];

	p = word(p, name, sizeof(name), err);
	if (!p)
		return -1;
	p = skip(p);
	if (!name[0] || *p != '=')
		return err_set(err, ERR_USAGE, "a line is 'key = value'");
	(void)snprintf(r->key, sizeof(r->key), "%s%s%s", r->section,
		       r->section[0] ? "." : "", name);
	return read_value(r, skip(p + 1), err);
}

int config_read_line(struct config_reader *r, struct error *err)
{
	const char *p;

	if (!*r->next)
		return CONFIG_LINE_END;
	r->line = r->next;
	r->len = strcspn(r->line, "\n");
	r->len += r->line[r->len] == '\n';
	r->next = r->line + r->len;
	r->number++;

	p = skip(r->line);
	if (ends(p) || *p == '#' || *p == ';')
		return CONFIG_LINE_BLANK;
	if (*p == '[')
		return read_section(r, p + 1, err);
	return read_pair(r, p, err);
}

/* name = value, quoted when it would not come back as it is */
static void add_pair(struct strbuf *out, const char *name, const char *value)
{
	static const char from[] = "\"\\\n\t", to[] = "\"\\nt";
	size_t len = strlen(value);
	bool quote = !len || blank(value[0]) || blank(value[len - 1]) ||
		strpbrk(value, "\"\\\n\t#;");

	strbuf_addf(out, "%s = %s", name, quote ? "\"" : "");
	for (const char *p = value; *p; p++) {
		const char *at = quote ? strchr(from, *p) : NULL;

		if (at)
			strbuf_addf(out, "\\%c", to[at - from]);
		else
			strbuf_addc(out, *p);
	}
	strbuf_adds(out, quote ? "\"\n" : "\n");
}

/* Where a new line belongs: behind the last line that does, or 0. */
struct place {
	unsigned int last;	/* line of the key itself */
	unsigned int after;	/* a line of its section */
	bool section;		/* the section exists */
};

static int find_place(const char *text, const char *key, size_t section_len,
		      struct place *ret, struct error *err)
{
	struct config_reader r = CONFIG_READER(text);
	int kind;

	*ret = (struct place){ 0, 0, section_len == 0 };
	while ((kind = config_read_line(&r, err)) > CONFIG_LINE_END) {
		bool here = strlen(r.section) == section_len &&
			!strncmp(r.section, key, section_len);

		if (here && kind == CONFIG_LINE_SECTION)
			ret->section = true;
		if (here && (kind != CONFIG_LINE_BLANK || !section_len))
			ret->after = r.number;
		if (kind == CONFIG_LINE_PAIR && !strcmp(r.key, key))
			ret->last = r.number;
	}
	return kind < 0 ? err_wrap(err, "line %u", r.number) : 0;
}

static void add_new(struct strbuf *out, const char *key, size_t section_len,
		    const char *value, const struct place *at)
{
	if (out->len && out->buf[out->len - 1] != '\n')
		strbuf_addc(out, '\n');
	if (!at->section)
		strbuf_addf(out, "%s[%.*s]\n", out->len ? "\n" : "",
			    (int)section_len, key);
	add_pair(out, key + section_len + (section_len ? 1 : 0), value);
}

int config_edit(const char *text, const char *key, const char *value,
		struct strbuf *out, bool *ret_found, struct error *err)
{
	const char *dot = strchr(key, '.');
	size_t section_len = dot ? (size_t)(dot - key) : 0;
	struct config_reader r = CONFIG_READER(text);
	struct place at;
	int kind;

	if (value && strlen(value) >= CONFIG_MAX_VALUE)
		return err_set(err, ERR_USAGE, "the value of %s is too long", key);
	if (find_place(text, key, section_len, &at, err) < 0)
		return -1;
	/* the first line of a file may have to be the new one */
	if (value && !at.last && at.section && !at.after)
		add_new(out, key, section_len, value, &at);
	while ((kind = config_read_line(&r, err)) > CONFIG_LINE_END) {
		bool same = kind == CONFIG_LINE_PAIR && !strcmp(r.key, key);

		if (!same)
			strbuf_add(out, r.line, r.len);
		else if (value && r.number == at.last)
			add_pair(out, r.section[0] ? key + strlen(r.section) + 1 : key,
				 value);
		if (value && !at.last && at.section && r.number == at.after)
			add_new(out, key, section_len, value, &at);
	}
	if (value && !at.last && !at.section)
		add_new(out, key, section_len, value, &at);
	if (strbuf_failed(out))
		return err_set(err, ERR_LIMIT, "the file would be too long");
	*ret_found = at.last != 0;
	return 0;
}
