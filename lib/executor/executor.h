#ifndef FAAS_EXECUTOR_EXECUTOR_H
#define FAAS_EXECUTOR_EXECUTOR_H

/*
 * The executor
 * ============
 *
 * One single-threaded process per user and state folder: it listens on a Unix
 * socket, keeps the database, and owns pools of sandboxes that are made ahead.
 * It never forks a sandbox itself: the spawner does (lib/spawner).
 *
 *	executor.c	start, lock, main loop, stop
 *	event.c		descriptors and timers of the loop
 *	clock.c		what time it is at least
 *	session.c	one connected client
 *	lock.c		one executor for each state folder; the socket of a unit
 *	door.c		those that come with their request
 *	operation.c	requests to handlers, by the table of lib/api
 *	forget.c	executions that are over, forgotten
 *	run.c		an execution from its sandbox to its record
 *	run-begin.c	its beginning; run-flush.c writes the record
 *	instance.c	sandboxes that live on: who they are
 *	instance-*.c	their states, starts, ends, times, and what is run in them
 *	pause.c		all processes of one frozen
 *	request.c	the parameters of an execution, checked
 *	sandbox.c	one monitor and what it says
 *	pool.c		sandboxes made ahead, and how many
 *	slot.c		environments as the spawner knows them
 *	spawner.c	starts the static program, talks to it
 *	snapshot.c	files that runs left, and that others begin with
 *	snapshot-live.c	of what runs, and goes on
 *	snapshot-*.c	made without a run, listed, deleted, made safe, exported
 *	layer.c		the folders that they are in
 *	compact.c	long stacks of layers made short
 *	work.c		what a helper does meanwhile
 *	branch.c	named lines of them
 *	environment.c	environments, made from folders and archives
 *	image.c		environments from images
 *	export.c	environments as archives and images
 *	update.c	changes of their defaults
 *	result.c	what steps of chains became; result-kept.c lets go of it
 *	built.c		environments whose files are a snapshot's
 *	merge.c		two of them made one; history.c finds where they parted
 *	network.c	slirp4netns for --network nat
 *	journal.c	what survives kill -9; recover.c reads it
 *	reserve.c	room to delete with, when the disk is full
 *	cgroup.c	finds or makes the folders that leaves go into
 *	unified.c	the one in the tree of version 2
 *	report.c	records as JSON
 *	filter.c	the seccomp programs
 *
 * State that matters is never only in this process's memory: a run is in the
 * journal before it starts, its end is there before anybody is told.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/error.h"
#include "lib/spawner/protocol.h"
#include "lib/store/store.h"
#include "lib/wire/wire.h"

struct executor;

/* ---- event.c ---- */

struct source {
	int fd;
	uint32_t events;	/* EPOLLIN, EPOLLOUT */
	void (*ready)(struct source *s, uint32_t events);
};

int event_add(struct executor *x, struct source *s, uint32_t events, struct error *err);
void event_change(struct executor *x, struct source *s, uint32_t events);
void event_remove(struct executor *x, struct source *s);
/* Waits at most timeout_ms (-1 for ever) and calls what is ready. */
int event_wait(struct executor *x, int timeout_ms, struct error *err);
uint64_t clock_us(void);	/* CLOCK_MONOTONIC */
uint64_t clock_unix_ms(void);

/* ---- clock.c: Unix time that has come, whatever the wall's clock is set to ---- */
/* False: the machine has been started since the last executor, as far as is known. */
bool clock_begin(struct executor *x);
int64_t clock_surely_ms(void);

/* ---- configuration, from the command line and the environment ---- */

struct executor_config {
	const char *state_dir;
	uint64_t idle_ms;		/* exit after that long with nothing to do; 0 never */
	uint64_t pool_max;		/* sandboxes made ahead, in all */
	uint64_t runs_max;		/* programs at once, in all */
	bool foreground;		/* started by a person: say so on stderr */
	int ready_fd;			/* written to when requests are taken, or -1 */
};

/* Runs until it is told to stop or is idle. */
int executor_main(const struct executor_config *config, struct error *err);

/* ---- the spawner ---- */

/* As root, uid N of a sandbox is UID_BASE + N here, in every store and sandbox. */
enum { UID_BASE = 0x7f000000, UID_COUNT = 65536 };

struct spawner_link {
	struct source source;
	pid_t pid;
	bool up;
	unsigned int generation;	/* how often one was started */
	uint32_t lacks;			/* enum lacks_flags */
	bool rootless;
	uint32_t cgroups;		/* what can be limited: 1 << enum cgroup_kind */
};

int spawner_start(struct executor *x, struct error *err);
void spawner_stop(struct executor *x);
int spawner_create(struct executor *x, const char *id, int sock, struct error *err);
int spawner_layers(struct executor *x, unsigned int number, bool host, bool idmap,
		   const char *const *paths, unsigned int count, struct error *err);
void spawner_forget_layers(struct executor *x, unsigned int number);

/*
 * Descriptors of the folders for leaves, -1 where there are none. The kinds are what can be
 * limited in them: in v2, the controllers that there are, too.
 */
int cgroups_open(const char *name, int dirs[CGROUP__MAX], uint32_t *ret_kinds,
		struct error *err);
/*
 * v1: nothing in any leaf stays frozen, whoever froze it and died; how many there were.
 * In v2 what is frozen can at least be killed, and it dies with its monitor.
 */
int cgroups_thaw(int freezer);
/* Leaves that no process is in any more; how many were removed. Only when none is frozen. */
int cgroups_sweep(const int dirs[CGROUP__MAX]);

/* ---- environments as the spawner knows them ---- */

struct pool {
	struct sandbox *first;		/* ready or being made, oldest first */
	unsigned int count, target;
	uint64_t hits, misses, made;
	uint64_t used_us, grown_us;	/* when last taken from, when target last grew */
	uint64_t failed_us;		/* when one could not be made; 0: no one */
};

struct slot {
	struct slot *next;
	char name[STORE_NAME];
	unsigned int number;		/* for the spawner */
	unsigned int layers;		/* 0: host */
	bool ready;			/* the spawner has mounted it */
	bool failed;
	char why[MSG_TEXT];
	unsigned int users;		/* sandboxes that have it mounted */
	bool removed;
	struct pool warm;
	struct environment env;		/* as stored; empty for host */
};

/* The environment of that name; ERR_NOT_FOUND. */
struct slot *slot_get(struct executor *x, const char *name, struct error *err);
void slot_remove(struct executor *x, const char *name);
void slot_layers_done(struct executor *x, const struct msg_status *st);
/* The spawner died, and what it had mounted is out of the next one's reach. */
void slots_lost(struct executor *x);
/* /path/of/root on this machine, to look for programs in it; "/" for host */
const char *slot_root(const struct slot *slot);

/* ---- sandboxes ---- */

enum sandbox_state { SANDBOX_BLANK, SANDBOX_BUILDING, SANDBOX_READY, SANDBOX_RUNNING,
		     SANDBOX_ENDED };

struct sandbox {
	struct source source;		/* the monitor's socket */
	struct executor *x;
	struct sandbox *next;		/* in its pool */
	struct sandbox *all_next, **all_prev;
	char id[MSG_ID];
	enum sandbox_state state;
	struct slot *slot;		/* NULL while blank */
	struct pool *pool;		/* that it waits in, or NULL */
	struct run *run;
	struct journal *journal;
	unsigned int generation;	/* of the spawner that made it; 0: of another executor's */
	bool renewing;			/* is to be blank again */
	pid_t init;			/* its pid 1, as seen from here, once built */
	pid_t helper;			/* slirp4netns, or 0 */
};

struct sandbox *sandbox_create(struct executor *x, struct error *err);
/* An orphan's socket, found at start; the run is adopted. */
struct sandbox *sandbox_adopt(struct executor *x, int fd, struct run *run,
			      struct error *err);
/* Without root: is it another user than root, for whom there are ids? */
bool sandbox_needs_users(const struct executor *x, const char *user);
int sandbox_build(struct sandbox *s, struct slot *slot, uint32_t network,
		  const struct limits *limits, struct error *err);
int sandbox_send(struct sandbox *s, void *msg, size_t size, const void *body, size_t len,
		 const int *fds, int n, struct error *err);
/* Its journal is the newest one, which it writes to when it has a run. */
void sandbox_journal(struct sandbox *s);
/* The same of an instance's, whose commands come and go while its program runs. */
int sandbox_journal_now(struct sandbox *s, struct error *err);
/*
 * Reads what monitors said that answer their clients themselves: who comes after such an
 * answer finds what it was about, in whatever order epoll(7) names descriptors.
 */
void sandbox_catch_up(struct executor *x);
/* What it had of its last run. */
void sandbox_forget(struct sandbox *s);
void sandbox_free(struct sandbox *s);

/* A sandbox to run in: from the warm pool (a hit), or a blank one to be built. */
struct sandbox *pool_take(struct executor *x, struct slot *slot, bool cached,
			  bool *ret_hit, struct error *err);
void pool_remove(struct sandbox *s);
/* It could not be made ahead: nobody takes it, and the next one is made in a while. */
void pool_failed(struct sandbox *s);
/* Its run has ended: asks for it as a blank one when one is missing. */
void pool_renew(struct sandbox *s);
/* It is blank again. */
void pool_renewed(struct sandbox *s);
/* None is there, but one will be before a new one could be. */
bool pool_worth_waiting(const struct executor *x, const struct slot *slot, bool cached);
/* Makes what is missing, lets go of what nobody asks for. */
void pool_tend(struct executor *x);
/* Is there something to make, when the moment has come? */
bool pool_hungry(const struct executor *x);
void pool_drop(struct executor *x, struct pool *pool);
void default_limits(struct executor *x, struct limits *ret);
/* The same, with the space of the environment: what warm sandboxes are built with. */
void slot_limits(struct executor *x, const struct slot *slot, struct limits *ret);
bool environment_is_aggressive(const struct environment *e);

/* ---- the journal ---- */

struct journal {
	struct journal *next;
	int fd;
	unsigned int number;
	unsigned int users;		/* sandboxes that may still write to it */
	uint64_t size;
};

int journal_open(struct executor *x, struct error *err);
int journal_begin(struct executor *x, const struct execution *e, struct error *err);
/* The end of a run that failed here, of which no monitor will write. */
void journal_failed(struct executor *x, const struct execution *e);
/* After a commit: drops what is in the database. */
void journal_tidy(struct executor *x);
/* Calls back for every record of every journal on disk, oldest first. */
int journal_replay(struct executor *x,
		   void (*begin)(struct executor *x, json_t *execution),
		   void (*end)(struct executor *x, const struct msg_ended *e),
		   struct error *err);
void journal_close(struct executor *x);

/* ---- reserve.c: room on a full disk to note what was deleted ---- */
void reserve_make(struct executor *x);
/* Gives it up; false when it was given up before. */
bool reserve_release(struct executor *x);

/* ---- runs ---- */

struct session;

struct waiter {
	struct waiter *next;
	struct session *session;
	json_int_t request;
};

struct live_instance;

struct run {
	struct run *next, **prev;
	struct executor *x;
	struct execution rec;
	struct sandbox *sandbox;
	struct slot *slot;		/* that it waits for, or waits in, or NULL */
	bool cached;
	bool ahead;			/* nobody asked for it: a warm-up */
	bool queued;			/* for a sandbox that is being renewed */
	struct session *session;	/* that it is attached to, or NULL */
	json_int_t request;
	struct waiter *waiters;
	struct msg_run msg;
	struct msg_build build;
	char *stack;			/* of build: names of layers */
	size_t stack_len;
	char *parent_environment;
	char *dropped;			/* a layer that is to be removed */
	bool noted;			/* in the database, before its end */
	bool on_success;		/* its layer is, unless it exits with 0 */
	char *body;			/* of msg, until it is sent */
	size_t body_len;
	int fds[MSG_FDS];
	int n_fds;
	bool hit, dirty, sent, finished;
	bool brief;			/* its client wants the exit status only */
	bool lent, answered;		/* and is told by the monitor, has been */
	int errnum;			/* of a failure of ours */
	int pty;			/* master, for attach, or -1 */
	uint64_t orphan_until_us;	/* recovery: lost when not adopted by then */
	struct live_instance *instance;		/* whose program it is, or NULL */
	struct live_instance *guest_of; /* that it is a further command in, or NULL */
};

/* session NULL: nobody waits for it, and "detach" is set. */
int execution_start(struct executor *x, struct session *session, json_int_t id,
		    const json_t *params, struct error *err);
void run_started(struct run *run, const struct msg_started *m, int pty);
void run_ended(struct run *run, const struct msg_ended *m);
void run_failed(struct run *run, const struct msg_status *st);
/* Takes a sandbox and starts, now that the slot is ready. */
int run_dispatch(struct run *run, struct slot *slot, struct error *err);
/* Dispatches the runs that wait for a sandbox, as far as there are any or none will come. */
void run_serve(struct executor *x);
/* The sandbox is built and its network is there: hand it the run. */
void run_ready(struct run *run);
void run_cancel(struct run *run, uint64_t grace_ms);
int run_signal(struct run *run, int sig, struct error *err);
/* Its monitor has it, and with it what it was given. */
void run_handed_over(struct run *run);
void run_session_gone(struct session *session);
struct run *run_find(struct executor *x, const char *what);
struct run *run_new(struct executor *x);
void run_free(struct run *run);
void run_set_end(struct execution *rec, const struct msg_ended *m);
/* A run is written when it ends: whoever looks at all of them now sees those that run, too. */
void run_note_all(struct executor *x);
/* run-flush.c: it changed; and what changed is written to the database. */
void run_mark(struct run *run);
int run_flush(struct executor *x, struct error *err);

/* run-begin.c */
/* A handler. */
int execution_create(struct session *s, json_int_t id, const json_t *params, struct error *err);
/* ERR_UNAVAILABLE when nothing begins any more. */
int run_allowed(const struct executor *x, struct error *err);
/* Whose answer its end is. */
void run_attach(struct run *run, struct session *s, json_int_t request);
/* The client's descriptors into run->fds. */
int run_take_fds(struct session *s, const json_t *params, struct run *run, struct error *err);
int run_open_log(struct run *run, struct error *err);
/* A descriptor of the folder of an execution's log. */
int run_log_folder(struct executor *x, const char *id, bool make, struct error *err);

/* Of a further command in an instance, which has no limits and no files of its own. */
int request_read_exec(struct executor *x, const json_t *params, struct run *run,
		      struct slot *slot, struct error *err);
/* Fills run->rec, ->msg, ->build and ->body from the parameters. */
int request_read(struct executor *x, const json_t *params, struct run *run,
		 struct slot **ret_slot, bool *ret_cached, struct error *err);

/* ---- recovery ---- */
int recover(struct executor *x, struct error *err);
void recover_tend(struct executor *x);
/* Takes in the ends that monitors wrote and could not tell. */
void recover_ends(struct executor *x);

/* ---- network ---- */
/* Starts slirp4netns for a built sandbox; its network is up when this returns. */
int network_start(struct sandbox *s, pid_t init, struct error *err);
bool network_available(void);

/* ---- sessions and operations ---- */

struct session {
	struct source source;
	struct executor *x;
	struct session *next, **prev;
	struct wire wire;
	bool greeted, closing;
	pid_t pid;
	int life;			/* pidfd of the client, or -1 */
	unsigned int runs;		/* attached ones */
	char held[STORE_ID];		/* a step's result, which the client is about to use */
	struct run *lent;		/* its monitor writes here when it ends, or NULL */
	bool answers;			/* something was written to it */
};

void session_accept(struct executor *x, int fd);
/* Tells whoever has connected that, and no more. */
void session_refuse(int fd, const char *why);
/* lock.c: one executor a folder */
int lock_take(struct executor *x, struct error *err);
/* The socket that systemd listens on for us, or -1. */
int lock_inherited(void);

/* door.c: sessions whose first request comes with them */
int door_open(struct executor *x, struct error *err);
void door_close(struct executor *x);
/* As session_accept(), and what is there to be read is read. */
void session_admit(struct executor *x, int fd);
void session_close(struct session *s);
/* Both take the json; fds stay the caller's. */
void session_result(struct session *s, json_int_t id, json_t *result, const int *fds, int n);
void session_event(struct session *s, json_int_t id, const char *event, json_t *data,
		   const int *fds, int n);
void session_error(struct session *s, json_int_t id, const struct error *err);

/* Handles one request; the answer may come later. */
void operation_run(struct session *s, json_int_t id, const char *op, json_t *params);
/* One that runs, *ret_run, or one on record, *ret. ERR_NOT_FOUND, ERR_CONFLICT. */
int execution_find(struct executor *x, const char *what, struct run **ret_run,
		   struct execution *ret, struct error *err);

/* forget.c: handlers */
int forget_execution(struct session *s, json_int_t id, const json_t *params, struct error *err);
int forget_executions(struct session *s, json_int_t id, const json_t *params, struct error *err);

json_t *report_execution(const struct execution *e);
json_t *report_end(const struct execution *e);	/* how it ended, and no more */
json_t *report_snapshot(const struct snapshot *s);
struct instance;
json_t *report_instance(const struct instance *i);
json_t *report_branch(const struct branch *b);
json_t *report_environment(const struct environment *e);
json_t *report_status(struct executor *x);

/* ---- all of it ---- */

enum stopping { STOP_NO, STOP_DRAIN, STOP_NOW };

struct executor {
	struct executor_config config;
	int epoll;
	int state_dir, run_dir, lock;
	int spare;			/* a descriptor for when there is none left */
	char state_path[4096];
	struct source listener, door, signals;
	struct spawner_link spawner;
	int cgroups[CGROUP__MAX];
	struct store *store;
	struct journal *journals, *journal;
	struct session *sessions;
	unsigned int n_sessions;
	struct run *runs;
	unsigned int n_running, n_dirty;
	unsigned int n_live;		/* runs that are not finished, begun or not */
	unsigned int n_lent;		/* runs whose monitor answers their client */
	struct sandbox *sandboxes;
	unsigned int n_sandboxes;
	struct slot *slots;
	unsigned int next_slot;
	struct pool blanks;
	unsigned int n_renewing, n_queued;
	uint64_t busy_us, flush_us, started_ms;
	uint64_t quiet_until_us;	/* no sandboxes are made before */
	uint64_t rested_runs;		/* n_runs when memory was last given back */
	uint64_t n_runs, n_recovered, n_lost;
	uint64_t memory_total;
	struct {
		json_t *ids;		/* of snapshots that may have long stacks */
		char making[MSG_ID];	/* the layer that is being made, or "" */
		uint64_t after_us;	/* not before */
	} compact;
	struct live_instance *instances; /* those that are not terminated: instance.h */
	int64_t pause_sweep_at;
	int pause_sweeps;		/* so often: look for groups that froze one */
	unsigned int n_kept;		/* running programs of theirs, which nobody waits for */
	struct importing *imports;	/* snapshots that are being unpacked */
	struct work *works;		/* helpers that have not ended: work.h */
	struct merging *merges;		/* that have not ended: merge.c */
	struct live *lives;		/* of sandboxes that go on: snapshot-live.c */
	bool layers_left;		/* folders without a row, to be removed */
	uint64_t swept_us;
	bool unsynced, syncing;		/* snapshots that are not known to be on the disk */
	uint64_t noted_us;		/* since when */
	int64_t expire_ms;		/* when the next snapshot is over, or 0 */
	uint64_t expired_us;		/* when they were last looked at */
	enum stopping stopping;
	bool own_socket;		/* not systemd's */
	bool store_failed;
	struct error store_error;
};

#endif
