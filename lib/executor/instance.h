#ifndef FAAS_EXECUTOR_INSTANCE_H
#define FAAS_EXECUTOR_INSTANCE_H

/*
 * Instances
 * =========
 *
 * An instance is a sandbox that lives on. Its program is a run like any other, which
 * nobody waits for; its files are a layer of its own that is written to again at each
 * start; commands in it are runs that have its sandbox instead of their own.
 *
 * What is to be is in the database before it is done, so an executor that dies leaves
 * an instance in a state that the next one can tell and go on from. Monitors keep the
 * sandboxes meanwhile; who keeps times to live is the executor, which therefore does not
 * leave as idle while an instance runs.
 *
 *	instance.c		who there are, and what is noted of them
 *	instance-state.c	which state follows on which
 *	instance-create.c	new ones, and what may be said of one
 *	instance-start.c	start, restart; the program's part in that
 *	instance-end.c		stop, pause, resume, terminate
 *	instance-exec.c		commands in them
 *	instance-snapshot.c	their files, kept
 *	instance-connect.c	sockets to their ports
 *	instance-time.c		times to live, idleness, restarts that wait
 *	instance-query.c	list, show, wait, events, logs, update
 *	instance-recover.c	after a death
 */

#include "lib/executor/executor.h"
#include "lib/executor/instance-state.h"
#include "lib/spawner/message.h"
#include "lib/store/instance.h"

/* A request that is answered when the instance is in one of some states. */
struct instance_waiter {
	struct instance_waiter *next;
	struct session *session;
	json_int_t request;
	unsigned int states;		/* 1 << enum instance_state */
	bool starts;			/* an end before that is an error */
};

struct live_instance {
	struct live_instance *next, **prev;
	struct executor *x;
	struct instance rec;
	struct run *run;		/* its program, until it has ended; or NULL */
	unsigned int n_guests;		/* commands in it that have not ended */
	bool fresh;			/* it was never running: what cannot start goes again */
	bool noted;			/* the database has it */
	bool stale;			/* the database could not be told */
	bool again;			/* it is to start when it has stopped */
	bool freezing;			/* as far as is known, it is frozen */
	int64_t restart_at;		/* in boot_ms(), or 0 */
	struct error why;		/* its program could not be started */
	struct instance_waiter *waiters;
	struct instance_connect *connects;	/* that were not answered yet */
};

/* ---- instance.c ---- */

/* By id, name, @last or 4 and more first characters, of those not terminated. */
struct live_instance *instance_find(struct executor *x, const char *what, struct error *err);
struct live_instance *instance_add(struct executor *x);
void instance_forget(struct live_instance *i);
enum instance_state instance_state(const struct live_instance *i);
void instance_set_state(struct live_instance *i, enum instance_state state);
/* "web", or the id of one without a name. */
const char *instance_name(const struct live_instance *i);
/* Row and event in one transaction; detail, which is taken, may be NULL. */
int instance_note(struct live_instance *i, const char *event, json_t *detail, struct error *err);
/* The same where nobody can be told that it failed: it is tried again later. */
void instance_note_later(struct live_instance *i, const char *event, json_t *detail);
/* Is what was asked for legal? ERR_CONFLICT, with what to type instead. */
int instance_check(const struct live_instance *i, enum instance_verb verb, struct error *err);
/*
 * The request is answered when the instance is in one of those states: by the next
 * instance_answer(). starts: if it stops instead, that is an error.
 */
int instance_wait_for(struct live_instance *i, struct session *s, json_int_t request,
		      unsigned int states, bool starts, struct error *err);
void instance_unwait(struct live_instance *i, const struct session *s, json_int_t request);
void instance_answer(struct live_instance *i);
void instance_session_gone(struct session *s);
json_t *instance_report(const struct live_instance *i);
struct sandbox *instance_sandbox(const struct live_instance *i);
/* Layers that are theirs, for who removes what is nobody's. */
void instance_note_layers(const struct executor *x, json_t *rows);
int instance_check_environment(struct executor *x, const char *name, struct error *err);

/* ---- instance-start.c ---- */

int instance_launch(struct live_instance *i, struct error *err);
/* Hooks of run.c: its program, which has started, and has ended. */
void instance_program_started(struct run *run);
void instance_program_ended(struct run *run);
/* How its program ended: stopped, terminated, or to be started again. */
void instance_ended(struct live_instance *i, const struct execution *e);

/* ---- instance-create.c ---- */

/* What a client may say of one. */
int instance_set_name(struct live_instance *i, const char *name, struct error *err);
int instance_set_ways(struct live_instance *i, const json_t *params, struct error *err);
int instance_set_labels(struct live_instance *i, const json_t *changes, struct error *err);

/* ---- instance-end.c ---- */

/* Asks its program to end; the hook above does the rest. */
void instance_cancel(struct live_instance *i, uint64_t grace_ms);
/* It has stopped: its files go, and it with them. */
void instance_finish_terminate(struct live_instance *i, const char *reason);
void instance_thaw(struct live_instance *i);
int instance_stop_now(struct live_instance *i, const char *reason, uint64_t grace_ms, struct error *err);
int instance_terminate_now(struct live_instance *i, const char *reason, uint64_t grace_ms,
			   struct error *err);

/* ---- instance-exec.c: hooks of run.c and sandbox.c ---- */

void instance_guest_message(struct sandbox *s, struct message *m);
void instance_guest_adopted(struct sandbox *s, const struct msg_state *st, int pty);
void instance_guest_ended(struct run *run);
/* No command outlives the program. */
void instance_guests_lost(struct live_instance *i);

/* ---- instance-snapshot.c ---- */

/* Of one that has stopped: fills what is not set of *made, which is in the store then. */
int instance_become_snapshot(struct live_instance *i, struct snapshot *made,
			     struct error *err);

/* ---- instance-connect.c ---- */

void instance_connected(struct live_instance *i, struct message *m);
/* Nobody answers, or nobody waits (of a session only). */
void instance_connects_lost(struct live_instance *i, const struct session *s);

/* ---- instance-time.c ---- */

int64_t boot_ms(void);		/* CLOCK_BOOTTIME: nobody sets it, and it counts in sleep */
const char *boot_id(void);
/* When it expires, ttl_ms from now, or never (0). */
void instance_set_ttl(struct instance *rec, int64_t ttl_ms);
/* It is in use now. */
void instance_used(struct instance *rec);
/* An earlier boot's times by this one's clock. */
void instance_rebase(struct instance *rec);
/* How long until it expires or is idle too long, in ms; -1: never. */
int64_t instance_ttl_left(const struct instance *rec);
int64_t instance_idle_left(const struct instance *rec);
void instances_tend(struct executor *x);
/* At most how long the loop may wait, in ms; -1: for ever. */
int instances_timeout(const struct executor *x);

/* ---- instance-recover.c ---- */

/* At start, after the journal was read. */
int instances_recover(struct executor *x, struct error *err);
/* Its program's monitor answers. */
void instance_adopted(struct live_instance *i);

/* ---- pause.c ---- */

/* Its processes are on their way out for a moment. */
enum { PAUSE_SWEEPS = 50, PAUSE_SWEEP_MS = 40 };

/*
 * Freezes or thaws all that is in the sandbox whose pid 1 is init. ERR_UNSUPPORTED, and
 * what is missing; ERR_BUSY when a process does not stop.
 */
int pause_set(struct executor *x, pid_t init, const char *id, bool frozen, struct error *err);
/*
 * What was made to freeze sandboxes goes, as far as they have ended; how many groups
 * are left that are in use.
 */
int pause_sweep(const struct executor *x);

/* ---- handlers; see operation.c ---- */

#define INSTANCE_HANDLERS(X)						\
	X(create) X(list) X(get) X(update) X(start) X(stop) X(restart) X(pause) X(resume) \
	X(terminate) X(wait) X(logs) X(events) X(exec) X(connect)
#define X(verb)								\
	int instance_##verb(struct session *s, json_int_t id, const json_t *params, \
			    struct error *err);
INSTANCE_HANDLERS(X)
#undef X

#endif
