#ifndef FAAS_SPAWNER_MONITOR_H
#define FAAS_SPAWNER_MONITOR_H

/*
 * The one sandbox that this process owns.
 *
 *	monitor.c	the loop: what comes from the executor, from init, from time
 *	shell.c		cgroups, network and namespaces: from blank to built
 *	untouched.c	was anything sent in the network?
 *	execs.c		further commands besides the program
 *	freeze.c	all of it stands still while its files are copied
 *	orphan.c	when the executor has died, until another one comes
 *	answer.c	the end, told to the client
 *	drain.c		what the program writes, into its log
 */

#include "lib/spawner/drain.h"
#include "lib/spawner/spawner.h"

enum frozen { FROZEN_NOT, FROZEN_ASKED, FROZEN_CGROUP, FROZEN_FREEZER, FROZEN_SIGNAL };

struct monitor {
	char id[MSG_ID];	/* of the run; names the socket of an orphan */
	int executor;		/* -1: it died */
	int listener;		/* -1: it lives */
	int journal;
	int init_sock;
	int init_pidfd;
	pid_t init;
	int life;		/* pidfd of the client, or -1 */
	int hold;			/* open until all is over, or -1 */
	int answer;			/* the client's socket, or -1 */
	int64_t request;		/* to be answered there */
	struct leaf leaf;
	struct untouched net;
	struct output out;
	bool built;
	uint32_t users;		/* it was built with so many */
	bool running, ended;
	bool renew, hurry;		/* the executor wants a blank one, and somebody waits */
	uint32_t end_flags;
	uint32_t pid_seen;
	enum frozen frozen;
	bool still;			/* it was never thawed since it was frozen */
	uint64_t frozen_us;
	uint64_t deadline_us, kill_us, grace_ms;
	uint64_t asked_us, started_ms, setup_us;
	struct usage usage;
};

extern struct monitor mon;

/* To the executor, if there is one; and to init. */
void tell(unsigned int type, void *msg, size_t size, const int *fds, int n);
void tell_init(unsigned int type, int signal);
/* What must outlive the executor. */
void monitor_journal(const struct msg_ended *e);
/* Kills what is left, removes the cgroups, exits. */
_noreturn_ void leave(void);
/* A failure of ours: say it and leave. */
_noreturn_ void give_up(struct msg_status *st);
/* One message of the sandbox's first process. */
void from_init(void);

/* shell.c */
void shell_prepare(struct msg_status *st);
void shell_write_maps(struct msg_status *st);
void shell_build(const struct message *m);
/*
 * From ended to blank again, with the cgroups and the network that the run did not
 * touch and a first process that it never saw. False: it left traces; leave().
 */
bool shell_renew(void);

/* What a run has of its own for its time. */
void monitor_forget(void);

/* freeze.c */
/* The executor asks: init is asked first, because it may be frozen, too. */
void freeze_begin(void);
/* Its answer: everything stops, or the executor is told why not. */
void freeze_upper(struct message *m);
/* The executor is done with it. */
void freeze_end(void);
/* Everything goes on, whoever asked for what: nothing stays frozen. */
void freeze_undo(void);

/* orphan.c */
void orphan_begin(void);
void orphan_adopted(void);
/* The state folder was removed: no executor will ever ask for us. */
bool orphan_abandoned(void);
/* Nobody can adopt any more. */
void orphan_end(void);
void orphan_send_state(void);

/* answer.c */
enum { ANSWER_MAX = 256 };
/* What the client is to be told of a plain end; its length, or 0: not by us. */
size_t answer_make(const struct msg_ended *e, char frame[ANSWER_MAX]);
void answer_client(const char *frame, size_t len);
/* Not ours to answer any more: when nobody else has it open, the client sees an end. */
void answer_leave(void);

#endif
