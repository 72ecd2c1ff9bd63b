#include "lib/spawner/spawner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The body of MSG_RUN, whose form protocol.h gives, into vectors. */

struct reader {
	char *p, *end;
	bool bad;
};

static char *word(struct reader *r)
{
	char *s = r->p;
	size_t len = r->bad ? 0 : strnlen(s, (size_t)(r->end - s));

	if (r->bad || s + len >= r->end) {
		r->bad = true;
		return (char *)"";
	}
	r->p += len + 1;
	return s;
}

static size_t count(struct reader *r)
{
	uint64_t n = number_in(word(r), NULL);

	if (n > MSG_BODY_MAX) {
		r->bad = true;
		n = 0;
	}
	return (size_t)n;
}

static char **words(struct reader *r)
{
	size_t n = count(r);
	char **v = calloc(n + 1, sizeof(*v));

	if (!v)
		r->bad = true;
	for (size_t i = 0; v && i < n && !r->bad; i++)
		v[i] = word(r);
	return v;
}

void body_release(struct run_body *run)
{
	for (int i = 0; run->steps && i < run->n_steps; i++) {
		for (char ***a = run->steps[i]; a && *a; a++)
			free(*a);
		free(run->steps[i]);
	}
	free(run->steps);
	free(run->env);
	free(run->text);
	*run = (struct run_body){ 0 };
}

int body_read(const struct message *m, unsigned int n_steps, struct run_body *ret,
	      struct msg_status *st)
{
	char *copy = malloc(m->h->body + 1);
	struct reader r = { copy, copy ? copy + m->h->body : NULL, !copy };

	if (copy)
		memcpy(copy, m->body, m->h->body);
	ret->text = copy;
	ret->workdir = word(&r);
	ret->user = word(&r);
	ret->env = words(&r);
	ret->steps = calloc(n_steps + 1, sizeof(*ret->steps));
	ret->n_steps = (int)n_steps;
	for (unsigned int i = 0; ret->steps && i < n_steps && !r.bad; i++) {
		size_t n = count(&r);

		ret->steps[i] = calloc(n + 1, sizeof(**ret->steps));
		for (size_t a = 0; ret->steps[i] && a < n && !r.bad; a++) {
			ret->steps[i][a] = words(&r);
			r.bad |= !ret->steps[i][a] || !ret->steps[i][a][0];
		}
		if (!n || !ret->steps[i])
			r.bad = true;
	}
	if (r.bad || !n_steps) {
		errno = EPROTO;
		return fail(st, "read the run");
	}
	return 0;
}
