#include "lib/client/metric.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int metric_compile(struct metric_pattern *ret, const char *name, const char *regex,
		   struct error *err)
{
	struct metric_pattern p = { .compiled = true };
	char why[200];
	int r;

	(void)snprintf(p.name, sizeof(p.name), "%s", name);
	r = regcomp(&p.regex, regex, REG_EXTENDED);
	if (r) {
		(void)regerror(r, &p.regex, why, sizeof(why));
		return err_set(err, ERR_USAGE, "the pattern '%.128s' is wrong: %s", regex, why);
	}
	if (p.regex.re_nsub != 1) {
		(void)err_set(err, ERR_USAGE, "the pattern '%.128s' has %zu groups, not one", regex,
			      p.regex.re_nsub);
		regfree(&p.regex);
		return err_hint(err, "put parentheses around the value: 'score: ([0-9.]+)'");
	}
	*ret = p;
	return 0;
}

static bool is_name(const char *s, size_t len)
{
	if (!len || len >= METRIC_NAME || !isalpha((unsigned char)*s))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)s[i]) && s[i] != '_' && s[i] != '-')
			return false;
	return true;
}

int metric_parse(struct metric_pattern *ret, const char *text, struct error *err)
{
	const char *eq = strchr(text, '=');
	char name[METRIC_NAME];

	if (!eq || !is_name(text, (size_t)(eq - text))) {
		(void)err_set(err, ERR_USAGE, "'%.128s' is not NAME=REGEX", text);
		return err_hint(err, "such as --metric 'score=score: ([0-9.]+)'");
	}
	(void)snprintf(name, sizeof(name), "%.*s", (int)(eq - text), text);
	return metric_compile(ret, name, eq + 1, err);
}

void metric_pattern_release(struct metric_pattern *p)
{
	if (p->compiled)
		regfree(&p->regex);
	p->compiled = false;
}

/* m->line[len] is there to be set. */
static void look(struct metric *m)
{
	const char *at = m->line;
	regmatch_t match[2];
	int flags = 0;

	m->line[m->len] = '\0';
	while (!regexec(&m->pattern->regex, at, 2, match, flags)) {
		if (match[1].rm_so >= 0) {
			(void)snprintf(m->value, sizeof(m->value), "%.*s",
				       (int)(match[1].rm_eo - match[1].rm_so),
				       at + match[1].rm_so);
			m->found = true;
		}
		at += match[0].rm_eo;
		if (match[0].rm_eo == match[0].rm_so && *at)
			at++;
		if (!*at)
			break;
		flags = REG_NOTBOL;
	}
	m->len = 0;
}

void metric_feed(struct metric *m, const char *data, size_t size)
{
	if (!m->line && !m->failed) {
		m->line = malloc(METRIC_LINE + 1);
		m->failed = !m->line;
	}
	while (size && !m->failed) {
		const char *end = memchr(data, '\n', size);
		size_t n = end ? (size_t)(end - data) : size, room = METRIC_LINE - m->len;

		for (size_t i = 0; i < n && i < room; i++)
			/* a NUL would end the line for the matcher */
			m->line[m->len++] = data[i] ? data[i] : ' ';
		n += end != NULL;
		data += n;
		size -= n;
		if (end)
			look(m);
	}
}

void metric_end(struct metric *m)
{
	if (m->line && m->len)
		look(m);
	free(m->line);
	m->line = NULL;
}

bool metric_number(const char *value, double *ret)
{
	char *end;
	double n;

	if (!*value || isspace((unsigned char)*value))
		return false;
	n = strtod(value, &end);
	if (*end || !isfinite(n))
		return false;
	*ret = n;
	return true;
}
