#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/fault.h"
#include "lib/base/memory.h"
#include "lib/executor/instance.h"

static const char *text_of(const json_t *params, const char *key)
{
	return json_string_value(json_object_get(params, key));
}

/*
 * Its end is written to the journal that its beginning is in, or to a later one. What
 * began before is in the database first, because its own journal may go then.
 */
static int same_journal(struct executor *x, struct sandbox *box, struct error *err)
{
	if (box->journal == x->journal)
		return 0;
	run_note_all(x);
	return run_flush(x, err) < 0 ? -1 : sandbox_journal_now(box, err);
}

static int begin(struct session *s, const json_t *params, struct live_instance *i, struct run *run,
		 struct error *err)
{
	struct sandbox *box = instance_sandbox(i);
	struct executor *x = s->x;
	struct slot *slot = slot_get(x, i->rec.environment, err);

	if (!slot)
		return -1;
	if (!box || box->state != SANDBOX_RUNNING) {
		(void)err_set(err, ERR_BUSY, "instance '%s' is not reached yet", instance_name(i));
		return err_hint(err, "try again in a moment");
	}
	run->rec.network = memory_copy(i->run->rec.network);
	run->rec.limits = memory_copy(i->run->rec.limits);
	run->rec.instance = memory_copy(i->rec.id);
	if (request_read_exec(x, params, run, slot, err) < 0 ||
	    run_take_fds(s, params, run, err) < 0 || run_open_log(run, err) < 0 ||
	    same_journal(x, box, err) < 0 || journal_begin(x, &run->rec, err) < 0)
		return -1;
	run->rec.pid = i->run->rec.pid;
	if (sandbox_send(box, &run->msg, sizeof(run->msg), run->body, run->body_len, run->fds,
			 run->n_fds, err) < 0)
		return -1;
	(void)fault("instance.exec");
	return 0;
}

int instance_exec(struct session *s, json_int_t id, const json_t *params, struct error *err)
{
	struct executor *x = s->x;
	struct live_instance *i = run_allowed(x, err) < 0 ? NULL
		: instance_find(x, text_of(params, "instance"), err);
	struct run *run;

	if (!i || instance_check(i, VERB_EXEC, err) < 0)
		return -1;
	run = run_new(x);
	run->guest_of = i;
	if (begin(s, params, i, run, err) < 0) {
		run_free(run);
		return -1;
	}
	run->sent = true;
	x->n_running++;
	x->n_runs++;
	i->n_guests++;
	run_attach(run, s, id);
	run_handed_over(run);
	return 0;
}

static struct run *guest(struct sandbox *s, const char *id)
{
	for (struct run *run = s->x->runs; run; run = run->next)
		if (!run->finished && run->guest_of && !strcmp(run->rec.id, id))
			return run;
	return NULL;
}

void instance_guest_message(struct sandbox *s, struct message *m)
{
	const struct msg_exec *begun = (const void *)m->h;
	const struct msg_ended *over = (const void *)m->h;
	bool ended = m->h->type == MSG_EXEC_ENDED;
	struct run *run = guest(s, ended ? over->id : begun->id);
	struct msg_started started = { 0 };

	if (!run)
		return;
	if (ended) {
		run_ended(run, over);
		return;
	}
	started.pid = (uint32_t)run->rec.pid;
	started.setup_us = begun->setup_us;
	started.started_ms = begun->started_ms;
	run_started(run, &started, msg_take_fd(m, 0));
}

void instance_guest_adopted(struct sandbox *s, const struct msg_state *st, int pty)
{
	struct run *run = guest(s, st->id);

	if (run && st->running) {
		run->orphan_until_us = 0;
		run->rec.pid = (int)st->pid;
		if (st->started_ms)
			run->rec.started_ms = (int64_t)st->started_ms;
		if (run->pty < 0) {
			run->pty = pty;
			pty = -1;
		}
	}
	if (pty >= 0)
		(void)close(pty);
}

void instance_guest_ended(struct run *run)
{
	struct live_instance *i = run->guest_of;

	if (i->n_guests)
		i->n_guests--;
	instance_used(&i->rec);
	i->stale = true;
	run->guest_of = NULL;
}

void instance_guests_lost(struct live_instance *i)
{
	bool any = false;

	for (struct run *run = i->x->runs; run; run = run->next)
		any |= run->guest_of == i && !run->finished;
	/* its monitor may have written how they ended, and told nobody */
	if (any)
		recover_ends(i->x);
	for (struct run *run = i->x->runs; run; run = run->next) {
		struct msg_status st = { .code = ERR_CONFLICT };

		if (run->guest_of != i || run->finished)
			continue;
		(void)snprintf(st.text, sizeof(st.text), "follow the command: its instance ended");
		run_failed(run, &st);
	}
}
