#ifndef FAAS_SPAWNER_SPAWNER_H
#define FAAS_SPAWNER_SPAWNER_H

/*
 * The static program
 * ==================
 *
 *	spawner.c	the spawner: waits for the executor, forks monitors
 *	template.c	its narrow mount namespace, and the layers in it
 *	monitor.c	one per sandbox: deadline, logs, journal, clean-up
 *	shell.c		the monitor's part of building a sandbox
 *	orphan.c	a monitor whose executor has died
 *	leaf.c		the sandbox's cgroups
 *	untouched.c	its network, and whether a run left traces there
 *	log.c		the log files of a run
 *	overlay.c	the root of the sandbox, and what it may write
 *	build.c		init: from clone3 to a finished sandbox
 *	init.c		pid 1: forwards signals, reaps, reports
 *	start.c		pid 1: starts steps, the first one's process ahead
 *	answer.c	the end of a run, told to the client
 *	body.c		the run as the executor packed it
 *	enter.c		further commands in a sandbox that has a program
 *	halt.c		all processes stopped, by pid 1
 *	exec.c		the last steps before the user's program
 *	files.c		files in before a run, artifacts out after it
 *	passwd.c	user names, as the sandbox's own files say
 *
 * It is forked and never re-executed, so a sandbox costs no exec but the
 * user's. Memory is static; what a process does not touch it does not pay for.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "lib/base/error.h"
#include "lib/spawner/message.h"

/*
 * Top-level folders of the host that are overlaid one by one: those on file
 * systems of their own, and all of them without root, where a mount with locked
 * ones below it cannot be a layer. Shared, because monitors are forked before
 * the host environment is asked for.
 */
enum { HOST_PARTS_MAX = 32, HOST_PART_NAME = 64 };

struct host_parts {
	unsigned int n;
	char name[HOST_PARTS_MAX][HOST_PART_NAME];
};

/* Everything a forked monitor inherits; filled before the first one. */
enum { HIDDEN_MAX = 12 };

struct hidden {
	const char *name;		/* in /proc */
	bool folder;
};

struct spawner {
	int sock;			/* to the executor */
	int run_dir;			/* for sockets of orphans */
	int filter;			/* memfd: the sandbox's seccomp program */
	int cgroups[CGROUP__MAX];	/* folders, or -1 */
	int host_net;			/* network namespace outside */
	int wide, narrow;		/* mount namespaces: the host's, and ours */
	int idmap;			/* a user namespace that maps as sandboxes do, or -1 */
	bool rootless;
	uint32_t uid_base, uid_count;
	uint32_t own_uid, own_gid;
	uint32_t sub_uid, sub_gid, sub_count;
	uint32_t lacks;
	char oom_score[16];		/* oom_score_adj of sandboxes */
	struct host_parts *host;	/* shared */
	int state;			/* a detached mount of the snapshots' layers */
	struct hidden hidden[HIDDEN_MAX];	/* what a sandbox does not see of /proc */
	int n_hidden;
};

extern struct spawner spawner;

/*
 * A failure in the static program: what was being done and why, ready to send.
 * fail() fills *st from errno and returns -1; the executor adds the context.
 */
int fail(struct msg_status *st, const char *fmt, ...) _printf_(2, 3);

/* ids.c */
int enter_own_user_namespace(struct msg_status *st);
/* How many users a sandbox has that is asked for so. */
static inline uint32_t users_of(const struct msg_build *b)
{
	return spawner.rootless && !b->users ? 1 : spawner.uid_count;
}

/* template.c */
/* state: the folder of the snapshots' layers */
int template_make(const char *state, struct msg_status *st);
int template_layers(const struct message *m, struct msg_status *st);

/* monitor.c: never returns */
_noreturn_ void monitor_main(const struct msg_create *create, int sock, int journal);

/* leaf.c */
struct leaf {
	int dir[CGROUP__MAX];		/* -1 where there is none */
	int peak, oom, forks;		/* files of it, kept open */
	char name[MSG_ID];
	struct limits limits;		/* in force */
};
int leaf_make(struct leaf *leaf, const char *name, struct msg_status *st);
int leaf_limits(struct leaf *leaf, const struct limits *want, struct msg_status *st);
/* Puts the calling process, which has one thread, into the leaf of each v1 hierarchy. */
int leaf_enter(const struct leaf *leaf, struct msg_status *st);
/* Adds peak memory, and END_OOM or END_PIDS_LIMIT, to what init reported. */
void leaf_usage(struct leaf *leaf, struct msg_ended *end);
/* Is the leaf as good as new, for another sandbox? Forgets the peak of the last one. */
bool leaf_renew(struct leaf *leaf);
void leaf_remove(struct leaf *leaf);
/* And what leaves were in, when no executor lives that could want it: kill -9. */
void leaf_remove_folders(void);

/* untouched.c */
enum { UNTOUCHED_FILES = 4 };

struct untouched {
	int files[UNTOUCHED_FILES];	/* counters in /proc/self/net */
	uint32_t sums[UNTOUCHED_FILES];
};
/* Notes what the counters of our network namespace are. */
void untouched_begin(struct untouched *u);
/* Are they all what they were? */
bool untouched_still(const struct untouched *u);

/* log.c */
struct log {
	int dir;			/* the run's log folder, or -1 */
	int file;
	uint64_t cap, in_file, total, seq;
	bool cut;
};
/* Appends one record of stream 1 or 2; a full disk drops it and counts it. */
void log_write(struct log *log, int stream, const void *data, size_t len);

/* overlay.c: at /root. stack: build->stack names, newest first, each with its NUL */
int overlay_mount(const struct msg_build *build, const char *stack, struct msg_status *st);
/* Where what is written goes, as long as it has a name; -1 with errno. */
int overlay_open_upper(void);

/* build.c and init.c: run in the child of clone3, never return */
/* As root its user namespace belongs to the user `owner`, who is nobody else. */
_noreturn_ void init_main(int sock, const struct leaf *leaf, uid_t owner);
/* stack: build->stack names, each with its NUL */
int build_sandbox(const struct msg_build *build, const char *stack, struct msg_status *st);
void build_warm(void);
/* Nothing that the monitor or the spawner had open is init's, but the socket. */
void build_close_inherited(int sock);
/*
 * In the new user namespace: what needs no ids in it, and then the rest. Namespace-wide
 * privilege is gone after that; only KILL, SETUID and kin stay.
 */
int build_confine_ahead(const struct msg_build *build, struct msg_status *st);
int build_confine(struct msg_status *st);
extern int build_io_fd;		/* /proc/self/io, opened while it may be */
extern int build_upper_fd;	/* of overlay.c, for copies; nobody but pid 1 has it */

/* halt.c: of pid 1, where no cgroup can freeze; SIGSTOP to all, waits until they stand */
int halt_all(struct msg_status *st);

/* body.c: what MSG_RUN says; the strings point into one copy of its body */
struct run_body {
	char *workdir, *user;
	char **env;
	char ****steps;			/* [step][alternative][word] */
	int n_steps;
	char *text;			/* that they point into */
};
int body_read(const struct message *m, unsigned int n_steps, struct run_body *ret,
	      struct msg_status *st);
/* Of one that was read, or could not be; of a zeroed one nothing. */
void body_release(struct run_body *run);

/* exec.c */
struct exec_plan {
	char *const *const *alternatives;	/* NULL-ended list of argv */
	char *const *env;
	const char *path;		/* PATH from env */
	const char *workdir;
	int fd[3];
	bool tty;
	uid_t uid;
	gid_t gid;
	const gid_t *groups;
	int n_groups;
	bool no_cgroup;			/* rlimits stand in */
	const struct limits *limits;
	/*
	 * When set, the process is started ahead and calls this before it becomes the
	 * program: the rest of the plan is filled then, by it, in our memory and with our
	 * descriptors. False: it ends, and nothing was started. We wait, and do nothing else.
	 */
	bool (*wait)(struct exec_plan *plan);
	/* written by the child, which shares our memory until it execs */
	volatile int errnum;
	volatile int code;		/* enum err_code, when errnum does not tell; or 0 */
	const char *volatile what;
	const char *volatile which;
};
/*
 * Whatever signals our parent ignored, nothing in a sandbox shall. Once, in the
 * spawner; what that ignores itself, exec_start() gives back.
 */
void exec_forget_signals(void);
/* Starts it; returns its pid, or -1 with plan->errnum and ->what set. */
pid_t exec_start(struct exec_plan *plan);

/* files.c */
/* Makes the folder, and those above it, the user's; that it is there already will do. */
int files_folder(const char *path, uid_t uid, gid_t gid, struct msg_status *st);
int files_in(int channel, uid_t uid, gid_t gid, const char *workdir,
	     struct msg_status *st);
void files_out(int channel, const char *workdir);
/* What files_in() was asked for, and files_out() sends. */
enum { FILES_WANTS = 64 };
struct files_wants {
	int n;
	char path[FILES_WANTS][4096];
};
/* Instead of memory of its own: these. */
void files_use(struct files_wants *wants);

/* passwd.c */
struct account {
	uid_t uid;
	gid_t gid;
	gid_t groups[32];
	int n_groups;
	char name[64], home[256];
};
/*
 * From "", "name", "uid", "uid:gid" or "name:group", as etc/passwd and etc/group
 * below the folder root ("": our own root) say; 0, or -1 with *st set.
 */
int account_find(const char *root, const char *spec, struct account *ret,
		 struct msg_status *st);

/* Small helpers of the whole program. */
uint64_t now_us(void);			/* CLOCK_MONOTONIC */
uint64_t now_unix_ms(void);
ssize_t read_file_at(int dir, const char *name, char *buf, size_t size);
int write_file_at(int dir, const char *name, const char *text);
uint64_t number_in(const char *text, const char *key);	/* "key 17" or first number */

#endif
