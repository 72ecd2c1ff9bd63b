#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/executor/result.h"

/*
 * A slot is an environment that the spawner has mounted, or is about to: runs
 * that come before it is ready wait for it.
 */

/* The spawner has the machine's own folders once, for whatever is built over them. */
static bool is_borrowed(const struct slot *s)
{
	return s->env.snapshot && !s->env.path;
}

static int borrow_host(struct executor *x, struct slot *s, struct error *err)
{
	const struct slot *host = slot_get(x, "host", err);

	if (!host)
		return -1;
	s->number = host->number;
	s->layers = host->layers;
	s->ready = host->ready;
	s->failed = false;
	return 0;
}

static int mount_layers(struct executor *x, struct slot *s, struct error *err)
{
	const char *path = s->env.path;
	bool host = !path;

	if (is_borrowed(s))
		return borrow_host(x, s, err);
	s->failed = false;
	s->ready = false;
	s->number = ++x->next_slot;
	s->layers = host ? 0 : 1;
	/* roots in our own store have shifted owners already */
	return spawner_layers(x, s->number, host, false, host ? NULL : (const char *const *)&path, s->layers, err);
}

static struct slot *slot_new(struct executor *x, const char *name, struct error *err)
{
	struct slot *s = calloc(1, sizeof(*s));

	if (!s) {
		(void)err_sys(err, ENOMEM, "remember environment '%s'", name);
		return NULL;
	}
	(void)snprintf(s->name, sizeof(s->name), "%s", name);
	if (strcmp(name, "host") &&
	    (store_environment_get(x->store, name, &s->env, err) < 0 ||
	     built_root(x, &s->env, err) < 0)) {
		environment_release(&s->env);
		free(s);
		return NULL;
	}
	s->next = x->slots;
	x->slots = s;
	return s;
}

struct slot *slot_get(struct executor *x, const char *name, struct error *err)
{
	struct slot *s = x->slots;

	while (s && (s->removed || strcmp(s->name, name)))
		s = s->next;
	if (!s)
		s = slot_new(x, name, err);
	if (!s)
		return NULL;
	if (s->failed) {
		/* what was wrong may have been put right: look again */
		(void)err_set(err, ERR_SYSTEM, "environment '%s': %s", name, s->why);
		if (mount_layers(x, s, err) < 0)
			return NULL;
	} else if (spawner_start(x, err) < 0 ||
		   (!s->number && mount_layers(x, s, err) < 0)) {
		return NULL;
	}
	return s;
}

void slot_remove(struct executor *x, const char *name)
{
	for (struct slot *s = x->slots; s; s = s->next)
		if (!s->removed && !strcmp(s->name, name)) {
			s->removed = true;
			pool_drop(x, &s->warm);
			if (!is_borrowed(s))
				spawner_forget_layers(x, s->number);
		}
}

static void wake(struct executor *x, struct slot *s)
{
	for (struct run *run = x->runs, *next; run; run = next) {
		struct msg_status st = { .errnum = EIO };
		struct error err;

		next = run->next;
		/* one that waits for a sandbox is run_serve()'s */
		if (run->slot != s || run->queued)
			continue;
		run->slot = NULL;
		if (s->failed)
			(void)err_set(&err, ERR_SYSTEM, "environment '%s': %s", s->name, s->why);
		else if (!run_dispatch(run, s, &err))
			continue;
		st.code = (int32_t)err.code;
		st.errnum = err.errnum;
		(void)snprintf(st.text, sizeof(st.text), "%.199s", err.msg);
		run_failed(run, &st);
	}
}

void slot_layers_done(struct executor *x, const struct msg_status *st)
{
	x->spawner.lacks |= st->lacks;
	for (struct slot *s = x->slots; s; s = s->next) {
		if (s->number != st->number)
			continue;
		s->failed = st->errnum;
		s->ready = !st->errnum;
		if (s->failed)
			(void)snprintf(s->why, sizeof(s->why), "%.150s: %s", st->text,
				       strerror(st->errnum));
		wake(x, s);
	}
}

void slots_lost(struct executor *x)
{
	for (struct slot *s = x->slots; s; s = s->next) {
		if (!s->ready) {
			s->failed = true;
			(void)snprintf(s->why, sizeof(s->why), "the spawner died");
			wake(x, s);
		}
		s->number = 0;
		s->ready = false;
	}
}

const char *slot_root(const struct slot *slot)
{
	return slot->env.path ? slot->env.path : "/";
}
